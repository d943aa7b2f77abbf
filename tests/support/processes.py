"""Programs the tests start beside git: found, awaited with a bound, ended by process id so that nothing stays."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_MARK = "MULTIGIT_TEST_SERVER"


def find_program(name: str) -> Path | None:
    """Where a program is; the system folders count too, which an ordinary user's PATH leaves out."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_FOLDERS}")
    return Path(found) if found else None


def program(name: str) -> Path:
    """Where a program is, or FileNotFoundError."""
    found = find_program(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed: scripts/servers-install, run as root, installs it")
    return found


def wait_until(reached: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return as soon as `reached()` is true; TimeoutError naming `what` after that many seconds."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)


def free_port() -> int:
    """A loopback TCP port nobody listens on now; another process may still be quicker, so starting is tried again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(address: str | tuple[str, int]) -> bool:
    """Whether something accepts a connection: at a path (unix socket) or at (host, port)."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(1)
        return client.connect_ex(address) == 0


class Family:
    """Processes started for one server, with everything they start in turn.

    A server's grandchildren leave its process group (sshd gives every command a session of its own) and lose their
    parent when a connection breaks. So all carry `mark` in their environment, and /proc finds them again: Linux only.
    """

    def __init__(self) -> None:
        self.mark = (_MARK, uuid.uuid4().hex)
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, argv: list[str], *, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        """Start one program in a session of its own, its output appended to `log`."""
        marked = {**environment, self.mark[0]: self.mark[1]}
        with log.open("ab") as sink:
            child = subprocess.Popen(
                argv, env=marked, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
        self._started.append(child)
        return child

    def listen(self, begin: Callable[[int], subprocess.Popen[bytes]], ready: Callable[[int], bool], log: Path) -> int:
        """Let `begin` start a server on a free port and return that port once it is `ready`; RuntimeError if not."""
        for _ in range(3):
            port = free_port()
            child = begin(port)
            wait_until(partial(_settled, child, partial(ready, port)), seconds=10, what=f"ready: {child.args!r}")
            if child.poll() is None:
                return port
            if "Address already in use" not in log.read_text(errors="replace"):
                break
        raise RuntimeError(f"{child.args!r} ended: {log.read_text(errors='replace')}")

    def pids(self) -> set[int]:
        """The ids of all living members: those started here, those with the mark, and their descendants."""
        roots = {child.pid for child in self._started if child.poll() is None}
        parents = dict(_living())
        members = {pid for pid in parents if pid in roots or self._marked(pid)}
        while more := {pid for pid, parent in parents.items() if parent in members} - members:
            members |= more
        return members

    def stop(self, *, seconds: float = 2) -> None:
        """End all members: asked first, forced after that many seconds; TimeoutError if one outlives even that."""
        try:
            self._signal_all(signal.SIGTERM, seconds)
        except TimeoutError:
            self._signal_all(signal.SIGKILL, seconds)

    def kill(self, *, seconds: float = 10) -> None:
        """End all members at once, as when the power fails; those too that were just being started."""
        end = time.monotonic() + seconds
        while pids := self.pids():
            if time.monotonic() > end:
                raise TimeoutError(f"still there after SIGKILL: {pids}")
            for pid in pids:
                _signal(pid, signal.SIGKILL)
            time.sleep(0.005)
        for child in self._started:
            child.wait(seconds)

    def _signal_all(self, number: signal.Signals, seconds: float) -> None:
        for pid in self.pids():
            _signal(pid, number)
        wait_until(lambda: not self.pids(), seconds=seconds, what=f"processes gone after {number.name}")
        for child in self._started:
            child.wait(seconds)

    def _marked(self, pid: int) -> bool:
        wanted = "=".join(self.mark).encode()
        try:
            return wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:  # ended meanwhile, or another user's
            return False


def _settled(child: subprocess.Popen[bytes], ready: Callable[[], bool]) -> bool:
    return child.poll() is not None or ready()


def _living() -> Iterator[tuple[int, int]]:
    """(pid, parent's pid) of every process that has not ended; the layout of stat is described in proc(5)."""
    for pid in [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            continue
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state not in "ZX":
            yield pid, int(parent)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
