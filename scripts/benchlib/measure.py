"""One command, timed; and the processes and memory it needs, counted in a run that is not timed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

LIMIT = 900.0
"""Seconds after which a command is ended and the benchmark fails."""
COUNTED = ("git", "ssh")
_SHIM = """\
#!/bin/sh
echo {name} >>{log}
exec {program} "$@"
"""
_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Took:
    """Wall-clock seconds; CPU seconds of the command and every process it waited for."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Processes started, by program, and the most bytes that one, and all of them at one time, had in memory."""

    started: Mapping[str, int] = field(default_factory=dict)
    largest: int = 0
    together: int = 0


def timed(argv: Sequence[str], at: Path, environment: Mapping[str, str]) -> Took:
    """Run a command to its end; RuntimeError with what it said if it fails."""
    return _run(argv, at, environment)


def counted(
    argv: Sequence[str], at: Path, environment: Mapping[str, str], *, every: float = 0.02
) -> tuple[Took, Counts]:
    """How often the command, or what it starts, runs git and ssh; git's own helper processes do not count.

    Memory is looked at `every` so many seconds. Counting takes about a millisecond per process from the times.
    """
    with tempfile.TemporaryDirectory(prefix="mg-count-") as name:
        folder, log = Path(name), Path(name) / "log"
        log.touch()
        for program in COUNTED:
            place = shutil.which(program, path=environment["PATH"])
            if place:
                file = folder / program
                file.write_text(_SHIM.format(name=program, log=shlex.quote(str(log)), program=shlex.quote(place)))
                file.chmod(0o755)
        memory = _Memory(every)
        took = _run(argv, at, {**environment, "PATH": f"{folder}:{environment['PATH']}"}, memory)
        lines = log.read_text().split()
    return took, Counts({program: lines.count(program) for program in COUNTED}, memory.largest, memory.together)


def _run(argv: Sequence[str], at: Path, environment: Mapping[str, str], memory: _Memory | None = None) -> Took:
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        child = subprocess.Popen(
            argv, cwd=at, env=dict(environment), stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        with _bounded(child), memory.watching(child.pid) if memory else nullcontext():
            _, status, used = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - began
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            text = said.read().decode(errors="replace")
            raise RuntimeError(f"{shlex.join(argv)[:200]} ended with {child.returncode}:\n{text[-4000:]}")
    return Took(seconds, used.ru_utime + used.ru_stime)  # ru_maxrss would begin with our own size


@contextmanager
def _bounded(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """End it after the limit, and when we are ended ourselves."""
    alarm = threading.Timer(LIMIT, child.kill)
    alarm.daemon = True
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()
        child.kill()  # nothing, where it has ended


class _Memory:
    """Looks at a process and its descendants now and then; memory they share counts for each of them."""

    def __init__(self, every: float) -> None:
        self._every = every
        self.largest = self.together = 0
        self._over = threading.Event()

    @contextmanager
    def watching(self, pid: int) -> Iterator[None]:
        thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _look(self, pid: int) -> None:
        while not self._over.wait(self._every):
            found = _resident(pid)
            self.largest = max(self.largest, *found, 0)
            self.together = max(self.together, sum(found))


def _resident(pid: int) -> list[int]:
    """Bytes in memory of a process and of each descendant (/proc/…/stat, proc(5)); none where there is no /proc."""
    children: dict[int, list[int]] = {}
    resident: dict[int, int] = {}
    for folder in _PROC.iterdir() if _PROC.is_dir() else ():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        one = int(folder.name)
        children.setdefault(int(words[1]), []).append(one)
        resident[one] = int(words[21]) * _PAGE
    found, waiting = list[int](), [pid]
    while waiting:
        one = waiting.pop()
        found.append(resident.get(one, 0))
        waiting += children.get(one, [])
    return found
