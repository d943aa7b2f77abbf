"""Programs of the team, run without a shell: bounded in time, and nothing of them stays behind.

Their environment holds the few variables in `KEPT` and what is given by name, so that no token of the caller reaches
them by chance.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    import subprocess
    import threading

KEPT: Final = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ")
_BYTES: Final = 16_384
"""How much of the output's end is kept."""
_LINE: Final = 4_096
"""Bytes of a line from which on it is told in pieces."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    status: int | None
    """Its exit status, negative for a signal; None: it was ended, because it took too long."""
    output: bytes
    """The end of what it wrote to stdout and stderr."""

    def lines(self, most: int) -> tuple[str, ...]:
        """The last lines of the output, as written."""
        text = self.output.decode("utf-8", "replace").rstrip()
        return tuple(text.split("\n")[-most:]) if text else ()

    def told(self, limit: str) -> str:
        """How it ended, in words. `limit`: how long it was given."""
        if self.status is None:
            return f"was ended after {limit}"
        return f"ended by signal {-self.status}" if self.status < 0 else f"exit status {self.status}"


def check_words(words: Sequence[str], named: str = "run") -> None:
    """ValueError where `words` cannot be a program and its arguments."""
    if not words or not words[0]:
        raise ValueError(f"{named} needs a program")
    if any("\0" in word for word in words):
        raise ValueError(f"{named} must not hold NUL characters")


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """What a program gets to know."""
    import os

    return {name: os.environ[name] for name in KEPT if name in os.environ} | dict(more)


def run(
    words: Sequence[str], *, folder: str, env: Mapping[str, str], limit: float, stdin: bytes = b"",
    heard: Callable[[bytes], None] | None = None,
) -> Ended:  # fmt: skip
    """Run a program in `folder` for at most `limit` seconds; OSError where it cannot be run.

    A program named with a slash lies relative to `folder`. `heard` is told every line while it runs, in another thread.
    """
    import subprocess
    import tempfile
    import threading

    tail = bytearray()
    with tempfile.TemporaryFile() as given:  # a file, not a pipe: the program need not read it
        given.write(stdin)
        given.seek(0)
        child = subprocess.Popen(
            words, cwd=folder, env=environment(env), stdin=given, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        assert child.stdout is not None
        reader = threading.Thread(target=_listen, args=(child.stdout, tail, heard), daemon=True)
        reader.start()
        try:
            status: int | None = child.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:  # also on Ctrl-C, which a session of its own does not hear
            _end(child, reader)
    return Ended(status, bytes(tail))


def _end(child: subprocess.Popen[bytes], reader: threading.Thread) -> None:
    """Leave nothing behind: end the process group where the program, or a child of it, is still there."""
    import os
    import signal

    reader.join(1 if child.poll() is not None else 0)
    if reader.is_alive() or child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    reader.join(1)  # bounded: a grandchild in a session of its own may hold the pipe for ever


def _listen(stream: IO[bytes], tail: bytearray, heard: Callable[[bytes], None] | None) -> None:
    open_ = b""
    with stream:
        while chunk := stream.read1(_BYTES):  # type: ignore[attr-defined]  # a BufferedReader
            tail += chunk
            del tail[:-_BYTES]
            if heard:
                *whole, open_ = _lines(open_ + chunk)
                _tell(heard, whole)
    if heard and open_:
        _tell(heard, [open_])


def _lines(text: bytes) -> Iterator[bytes]:
    """Lines, the last of them unfinished; what is too long for one comes in pieces."""
    *whole, rest = text.split(b"\n")
    yield from whole
    while len(rest) > _LINE:
        yield rest[:_LINE]
        rest = rest[_LINE:]
    yield rest


def _tell(heard: Callable[[bytes], None], lines: Sequence[bytes]) -> None:
    for line in lines:
        with contextlib.suppress(Exception):  # the program goes on, whoever listens to it
            heard(line)
