"""Opening the shared ssh connection to a host, by one process at a time, and waiting for it.

Little is imported here: the command line opens what it opened last time before it loads anything else (cli/ahead.py).
"""

from __future__ import annotations

import os
import time
from typing import Final

from multigit.caches import ours

Place = tuple[str, str, int]
"""User, host and port; '' and 0 = as ssh's own configuration says."""

SSH: Final = "ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
"""ssh that never asks and never waits for ever. Host keys are checked as the person's own settings say."""
# A session may send only what its master sends: without SendEnv, git speaks its oldest protocol over all of them.
_MASTER: Final = ("-MNf", "-o", "ControlPersist=60", "-o", "SendEnv=GIT_PROTOCOL")
PATIENCE: Final = 20.0
"""Seconds for a connection to open, another multigit's included."""
_BEAT: Final = 0.004

_started: Final[dict[Place, tuple[int, int]]] = {}
"""The ssh processes that are still at it: their pid, and the lock that is held meanwhile."""


def opened(place: Place, folder: str) -> str | None:
    """The socket of the connection to `place`, in `folder`: one that is open, or opened now. None: there is none."""
    socket = _socket(place, folder)
    if place not in _started:
        lock = _locked(socket, PATIENCE)
        if lock is None:
            return None
        if _answers(socket):
            os.close(lock)
            return socket
        _start(place, socket, lock)
    return socket if _finished(place) and os.path.exists(socket) else None  # noqa: PTH110 - pathlib is not loaded yet


def begin(place: Place, folder: str) -> None:
    """Start opening a connection to `place`, if nobody has one or is at it; `opened` waits for it."""
    socket = _socket(place, folder)
    if place in _started or os.path.exists(socket):  # noqa: PTH110
        return
    lock = _locked(socket, 0)
    if lock is None:
        return
    if os.path.exists(socket):  # noqa: PTH110 - somebody was faster
        os.close(lock)
    else:
        _start(place, socket, lock)


def drop() -> None:
    """End what is still being opened: the command is over and nobody needs it."""
    for place in list(_started):
        _end(place)


def runtime_folder() -> str | None:
    """A private folder with a short path (a socket's has about 100 characters: unix(7)); None if there is none."""
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    root = base if base and len(base) < 60 and os.path.isdir(base) else "/tmp"  # noqa: S108, PTH112 - checked below
    folder = f"{root}/multigit-{os.getuid()}"
    try:
        os.mkdir(folder, 0o700)  # noqa: PTH102
    except FileExistsError:
        pass
    except OSError:
        return None
    return folder if ours(folder, 0o040000) else None


def words(place: Place) -> list[str]:
    """The end of an ssh command line that says where to."""
    user, host, port = place
    return [*(("-p", str(port)) if port else ()), *(("-l", user) if user else ()), "--", host]


def _socket(place: Place, folder: str) -> str:
    import hashlib

    return f"{folder}/{hashlib.sha256(repr(place).encode()).hexdigest()[:16]}"


def _locked(socket: str, patience: float) -> int | None:
    """Alone with the socket. Two that bind it at once would leave one connection open that nobody can use or end."""
    import fcntl

    try:
        lock = os.open(f"{socket}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= end:
                os.close(lock)
                return None
            time.sleep(_BEAT)
        else:
            return lock


def _answers(path: str) -> bool:
    """Whether somebody listens there; what a killed ssh left behind is taken away, for it would be in the way."""
    import socket

    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        try:
            client.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)  # noqa: PTH108
            return False
        except OSError:
            return False
    return True


def _start(place: Place, socket: str, lock: int) -> None:
    argv = [*SSH.split(), "-o", f"ControlPath={socket}", *_MASTER, *words(place)]
    # No pipes: the connection outlives us and would hold them open. No variables of git's: they are not meant for it.
    # SIGPIPE, which Python ignores, is as usual again.
    silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        pid = os.posix_spawnp("ssh", argv, environment, file_actions=silent, setsid=True, setsigdef=(13,))
    except (OSError, NotImplementedError):
        os.close(lock)
    else:
        _started[place] = (pid, lock)


def _finished(place: Place) -> bool:
    """Wait for the ssh of `place`, which goes to the background when it is through; whether it is."""
    if (started := _started.get(place)) is None:  # another thread has waited for it, or `drop` has ended it
        return False
    pid, lock = started
    end = time.monotonic() + PATIENCE
    status = 1
    try:
        while (done := os.waitpid(pid, os.WNOHANG))[0] == 0:
            if time.monotonic() >= end:
                _end(place)
                return False
            time.sleep(_BEAT)
        status = done[1]
    except ChildProcessError:  # `drop` has ended it
        pass
    _forget(place, lock)
    return status == 0


def _end(place: Place) -> None:
    if (started := _started.get(place)) is None:
        return
    pid, lock = started
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == 0:
            os.killpg(pid, 15)
            os.waitpid(pid, 0)
    except OSError:  # somebody who waits for it has seen its end
        pass
    _forget(place, lock)


def _forget(place: Place, lock: int) -> None:
    if _started.pop(place, None):
        os.close(lock)
