"""Programs of the team, run without a shell: bounded in time, and nothing of them stays behind.

Their environment holds the few variables in `KEPT` and what is given by name, so that no token of the caller reaches
them by chance.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    import subprocess
    import threading

KEPT: Final = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ")
_BYTES: Final = 16_384
"""How much of the output's end is kept."""
_LINE: Final = 65_536
"""Bytes of a line that are told; the rest of it is left out."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    status: int | None
    """Its exit status, negative for a signal; None: it was ended, because it took too long."""
    output: bytes
    """The end of what it wrote to stdout and stderr."""

    def lines(self, most: int) -> tuple[str, ...]:
        """The last lines of the output, as written; not one whose beginning is lost, unless it is the only one."""
        lines = self.output.decode("utf-8", "replace").rstrip().split("\n")
        if len(self.output) >= _BYTES and len(lines) > 1:
            del lines[0]
        return tuple(lines[-most:]) if any(lines) else ()

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
    line, told = b"", False
    with stream:
        while chunk := stream.read1(_BYTES):  # type: ignore[attr-defined]  # a BufferedReader
            tail += chunk
            del tail[:-_BYTES]
            if heard:
                line, told = _tell(heard, line + chunk, told)
    if heard and line:
        _tell(heard, line + b"\n", told)


def _tell(heard: Callable[[bytes], None], text: bytes, told: bool) -> tuple[bytes, bool]:
    """Tell whole lines, and of one that is too long its beginning. What is open then, and whether it was told."""
    *whole, line = text.split(b"\n")
    begun = len(line) > _LINE and not (told and not whole)
    for one in [*whole[told:], *([line[:_LINE]] if begun else [])]:
        with contextlib.suppress(Exception):  # the program goes on, whoever listens to it
            heard(one)
    told = begun or (told and not whole)
    return b"" if told else line, told
