"""Asks a program of the team. It gets the plan and answers with its exit status: 0 pass, 75 wait, anything else fail.

    e2e: {kind: command, run: [scripts/e2e-passed, --env, staging], timeout: 5m}

It runs without a shell in the folder of repos.yaml. Its environment holds MULTIGIT_PLAN (id), MULTIGIT_SOURCE,
MULTIGIT_TARGET, MULTIGIT_TAG and the few variables in `KEPT`, so no token of the caller reaches it; the plan's JSON
(schema `multigit.plan/1`) is on stdin. It is asked for every plan, dry runs included, and so should only look.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from multigit.model.config import STRICT, seconds
from multigit.model.plan import to_json
from multigit.model.verdict import Subject, Verdict

if TYPE_CHECKING:
    import subprocess
    import threading

KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ")
WAIT = 75
"""EX_TEMPFAIL of sysexits(3)."""
_BYTES, _LINES = 16_384, 10
"""How much of the output's end is kept, and how many lines of it are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this gate."""

    __pydantic_config__ = STRICT
    run: tuple[str, ...]
    """The program and its arguments, one by one; a program named with a slash lies relative to repos.yaml."""
    timeout: str = "5m"
    """How long it may take, for example `5m`; then it and its children are ended."""

    def __post_init__(self) -> None:
        if not self.run or not self.run[0]:
            raise ValueError("run needs a program")
        if any("\0" in word for word in self.run):
            raise ValueError("run must not hold NUL characters")
        seconds(self.timeout)


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Run the program and judge its exit status; the details are the last lines it wrote, as written."""
    program = settings.run[0]
    try:
        status, output = _run(settings, subject)
    except OSError as problem:
        return Verdict(state="fail", why=f"{program} cannot be run: {problem.strerror or problem}")
    lines = tuple(output.decode("utf-8", "replace").rstrip().split("\n")[-_LINES:]) if output.strip() else ()
    if status is None:
        return Verdict(state="fail", why=f"{program} was ended after {settings.timeout}", details=lines)
    if status == 0:
        return Verdict(state="pass", why=lines[-1] if lines else f"{program} agrees")
    if status == WAIT:
        return Verdict(state="wait", why=f"{program} asks to wait", details=lines)
    ended = f"ended by signal {-status}" if status < 0 else f"exit status {status}"
    return Verdict(state="fail", why=f"{program}: {ended}", details=lines)


def _run(settings: Settings, subject: Subject) -> tuple[int | None, bytes]:
    """Exit status (None: out of time) and the end of what was written to stdout and stderr."""
    import subprocess
    import tempfile
    import threading

    tail = bytearray()
    with tempfile.TemporaryFile() as stdin:  # a file, not a pipe: the program need not read it
        stdin.write(to_json(subject.plan).encode())
        stdin.seek(0)
        child = subprocess.Popen(
            settings.run, cwd=subject.folder, env=_environment(subject), stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        assert child.stdout is not None
        reader = threading.Thread(target=_keep_tail, args=(child.stdout, tail), daemon=True)
        reader.start()
        try:
            status: int | None = child.wait(seconds(settings.timeout))
        except subprocess.TimeoutExpired:
            status = None
        finally:  # also on Ctrl-C, which a session of its own does not hear
            _end(child, reader)
    return status, bytes(tail)


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


def _keep_tail(stream: IO[bytes], tail: bytearray) -> None:
    with stream:
        while chunk := stream.read1(_BYTES):  # type: ignore[attr-defined]  # a BufferedReader
            tail += chunk
            del tail[:-_BYTES]


def _environment(subject: Subject) -> dict[str, str]:
    import os

    plan = subject.plan
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {
        "MULTIGIT_PLAN": plan.id,
        "MULTIGIT_SOURCE": plan.source or "",
        "MULTIGIT_TARGET": plan.target or "",
        "MULTIGIT_TAG": plan.tag or "",
    }
