"""git's push and fetch over a session of the shared ssh connection, without an ssh for each (git-remote-fd(1))."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import IO, Final

from multigit.vcs.ssh.mux import Session
from multigit.vcs.wire import NotUnderstood

_SERVICES: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "push": ("git-receive-pack", {}),
    "fetch": ("git-upload-pack", {"GIT_PROTOCOL": "version=2"}),
}

_MOST: Final = 1 << 16
"""Characters of what a host says on the side that are heard, the last ones."""


class Way:
    """An open way to one repository."""

    def __init__(self, session: Session, errors: IO[bytes]) -> None:
        self._session, self._errors = session, errors
        self.end = session.end

    def instead(self, args: Sequence[str], url: str) -> list[str]:
        """`args` of git with the way in the place of `url`."""
        return [f"fd::{self.end}" if arg == url else arg for arg in args]

    def said(self) -> str:
        """What the host's program, or its ssh, said on the side."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _MOST))
        return self._errors.read(_MOST).decode("utf-8", "backslashreplace")

    def hear(self, whole: Callable[[bytearray], bool], limit: float) -> bytes:
        """What the host's program says unasked (mux.py)."""
        return self._session.hear(whole, limit)

    def ask(self, words: bytes, limit: float) -> bytes:
        """Say `words`, and everything that comes after (mux.py)."""
        return self._session.ask(words, limit)

    def alive(self) -> bool:
        """Whether the host is still there, as far as can be seen from here."""
        return self._session.alive()

    def wait_until_over(self) -> None:
        """Until there is room for another one."""
        self._session.wait_until_over()

    def close(self) -> None:
        """The end, whatever it does."""
        self._session.close()
        self._errors.close()

    def taken(self) -> bool:
        """False where the host surely never took the session, so that nothing whatever happened there."""
        return not self._session.refused()


_prepared: Final[dict[str, list[Way]]] = {}
_lock: Final = Lock()


def prepare(url: str) -> bool:
    """Open a way for a push that will come soon, so that the host's program is there by then; False: no room for one.

    What stood there when it was opened decides nothing: a push names what it replaces, and the host compares.
    """
    from multigit.vcs.ssh.refs import kept

    way = _made(lambda errors: kept(url, *_SERVICES["push"], errors))
    if way is None:
        return False
    with _lock:
        _prepared.setdefault(url, []).append(way)
    return True


def forget() -> None:
    """Close what was prepared and never used."""
    with _lock:
        left = [way for ways in _prepared.values() for way in ways]
        _prepared.clear()
    for way in left:
        way.close()


@contextmanager
def prepared(url: str) -> Iterator[Way | None]:
    """The way that was prepared for a push to `url`, with its place at the host; None where none is left."""
    with _lock:
        ways = _prepared.get(url)
        way = ways.pop(0) if ways else None
    with _until_over(way):
        yield way if way and way.alive() else None


@contextmanager
def way_to(url: str, verb: str) -> Iterator[Way | None]:
    """The way for `git push` or `git fetch` of `url`; None where there is none and git finds its own."""
    way = _opened(url, verb) if verb in _SERVICES else None
    with _until_over(way):
        yield way


@contextmanager
def _until_over(way: Way | None) -> Iterator[None]:
    try:
        yield
        if way:
            way.wait_until_over()
    finally:
        if way:
            way.close()


def _opened(url: str, verb: str) -> Way | None:
    from multigit.vcs.ssh.refs import command_at

    service, environ = _SERVICES[verb]
    return _made(lambda errors: Session(*command_at(url, service), environ, errors))


def _made(session: Callable[[int], Session]) -> Way | None:
    """Whatever stands in the way of one (no session left, no room for a file): git goes without."""
    try:
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the way
    except OSError:
        return None
    try:
        return Way(session(errors.fileno()), errors)
    except (NotUnderstood, OSError):
        errors.close()
        return None
