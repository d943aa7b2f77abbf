"""One command, timed; and the processes and connections it needs, counted in a run that is not timed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT = 600.0
"""Seconds after which a command is ended and the benchmark fails."""
COUNTED = ("git", "ssh")
_SHIM = """\
#!/bin/sh
echo {name} >>{log}
exec {program} "$@"
"""


@dataclass(frozen=True, slots=True)
class Took:
    """Wall-clock seconds and CPU seconds, the latter of the command and every process it waited for."""

    seconds: float
    cpu: float


def timed(argv: Sequence[str], at: Path, environment: Mapping[str, str]) -> Took:
    """Run a command to its end; RuntimeError with what it said if it fails."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        child = subprocess.Popen(
            argv, cwd=at, env=dict(environment), stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        alarm = threading.Timer(LIMIT, child.kill)
        alarm.start()
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        alarm.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            text = said.read().decode(errors="replace")
            raise RuntimeError(f"{shlex.join(argv)[:200]} ended with {child.returncode}:\n{text}")
    return Took(seconds, used.ru_utime + used.ru_stime)


def counted(argv: Sequence[str], at: Path, environment: Mapping[str, str]) -> dict[str, int]:
    """How often the command, or what it starts, runs git and ssh; git's own helper processes do not count."""
    with tempfile.TemporaryDirectory(prefix="mg-count-") as name:
        folder, log = Path(name), Path(name) / "log"
        log.touch()
        for program in COUNTED:
            place = shutil.which(program, path=environment["PATH"])
            if place:
                file = folder / program
                file.write_text(_SHIM.format(name=program, log=shlex.quote(str(log)), program=shlex.quote(place)))
                file.chmod(0o755)
        timed(argv, at, {**environment, "PATH": f"{folder}:{environment['PATH']}"})
        lines = log.read_text().split()
    return {program: lines.count(program) for program in COUNTED}
