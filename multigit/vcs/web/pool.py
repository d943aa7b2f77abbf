"""Connections to web hosts that stay open, and answers that end in time."""

from __future__ import annotations

import contextlib
import http.client
import io
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from multigit.vcs.web.trust import trusting
from multigit.vcs.wire import NotUnderstood, Unheard

LARGEST: Final = 64 << 20
"""Bytes of an answer that are read; a million refs are git's business."""


_FRESH: Final = 30.0
"""Seconds after which an idle connection is not used any more: what lies between may have forgotten it silently."""
_PATIENCE: Final = 10.0
"""Seconds for a connection that was begun ahead."""

_PROVISIONAL: Final = 64
"""How often a host may say that it is at it."""

_one_loads: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Place:
    """A web host, and the file of the authorities that may vouch for it ('' = the system's)."""

    scheme: str
    host: str
    port: int
    authorities: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a host; `method`: GET or POST."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host said; `headers` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes


class Pool:
    """Open connections by place. Safe for threads; lives as long as the process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._idle: dict[Place, list[tuple[socket.socket, float]]] = {}
        """With the moment since when nothing went over it."""
        self._levels: dict[Place, int] = {}
        self._coming: dict[Place, int] = {}

    def begin(self, place: Place, count: int) -> None:
        """Open `count` connections that will be wanted; whoever asks meanwhile waits for one of them."""
        for _ in range(count):
            with self._changed:
                self._coming[place] = self._coming.get(place, 0) + 1
            try:
                threading.Thread(target=self._arrive, args=(place,), daemon=True).start()
            except RuntimeError:  # no thread is left
                self._arrived(place, None)

    def _arrive(self, place: Place) -> None:
        line = None
        try:
            with contextlib.suppress(OSError, ValueError, NotUnderstood):  # who asks for it finds out why
                line = _connect(place, 0, time.monotonic() + _PATIENCE)
        finally:
            self._arrived(place, line)

    def _arrived(self, place: Place, line: socket.socket | None) -> None:
        with self._changed:
            if self._coming.get(place):
                self._coming[place] -= 1
            if line:
                self._idle.setdefault(place, []).append((line, time.monotonic()))
            self._changed.notify_all()

    def ask(self, place: Place, question: Question, timeout: float, *, again: bool = True) -> Answer:
        """The answer, TimeoutError after `timeout` seconds; NotUnderstood where the host was not reached.

        Unheard instead where not `again`, and the question may have come through.
        """
        until = time.monotonic() + timeout
        request = _request(place, question)
        while True:
            line, used = self._line(place, until)
            try:
                answer, open_still = _exchange(line, question.method, request, until)
            except (OSError, http.client.HTTPException, NotUnderstood) as broken:
                line.close()
                if isinstance(broken, TimeoutError):
                    raise
                if not again:
                    raise Unheard(f"fatal: the remote end hung up: {broken}") from broken
                if isinstance(broken, NotUnderstood):
                    raise
                if not used:  # else the host closed a connection that was idle
                    raise NotUnderstood(str(broken)) from broken
            except BaseException:
                line.close()
                raise
            else:
                self._give(place, line) if open_still else line.close()
                return answer

    def _line(self, place: Place, until: float) -> tuple[socket.socket, bool]:
        """A connection, and whether it was used before. `until` a moment of time.monotonic()."""
        if line := self._waiting(place, until):
            return line, True
        while True:
            level = self._levels.get(place, 0)
            try:
                return _connect(place, level, until), False
            except ssl.SSLCertVerificationError:
                with self._changed:
                    self._levels[place] = max(self._levels.get(place, 0), level + 1)
            except TimeoutError:
                raise
            except (OSError, ValueError) as unreached:  # ValueError: a name that cannot be looked up
                raise NotUnderstood(str(unreached)) from unreached

    def _waiting(self, place: Place, until: float) -> socket.socket | None:
        """A connection that was used before, or was begun; None where there is none."""
        with self._changed:
            while True:
                idle = self._idle.setdefault(place, [])
                while idle:
                    line, since = idle.pop()
                    if time.monotonic() - since < _FRESH and _alive(line):
                        return line
                    line.close()
                if not self._coming.get(place):
                    return None
                self._changed.wait(_left(until))

    def _give(self, place: Place, line: socket.socket) -> None:
        with self._changed:
            self._idle.setdefault(place, []).append((line, time.monotonic()))
            self._changed.notify_all()

    def forget(self) -> None:
        """Close every connection."""
        with self._changed:
            for line, _ in [one for idle in self._idle.values() for one in idle]:
                line.close()
            self._idle.clear()
            self._levels.clear()
            self._coming.clear()


def _alive(line: socket.socket) -> bool:
    """False where the host said good-bye; what it says first in TLS 1.3 are tickets, which are no words."""
    if not select.select([line], [], [], 0)[0]:
        return True
    line.settimeout(0)
    try:
        line.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        pass
    return False


def _connect(place: Place, level: int, until: float) -> socket.socket:
    with _one_loads:  # the others wait for its certificates instead of loading them as well
        context = trusting(place.authorities, level) if place.scheme == "https" else None
    line = socket.create_connection((place.host, place.port), timeout=_left(until))
    try:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(line, server_hostname=place.host) if context else line
    except BaseException:
        line.close()
        raise


def _request(place: Place, question: Question) -> bytes:
    """All of it in one piece: each write costs a system call, and over https a record."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    known = {"https": 443, "http": 80}[place.scheme] == place.port
    lines = {"Host": host if known else f"{host}:{place.port}", "Accept-Encoding": "identity", **question.headers}
    if question.method == "POST":
        lines["Content-Length"] = str(len(question.body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{question.method} {question.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + question.body


def _exchange(line: socket.socket, method: str, request: bytes, until: float) -> tuple[Answer, bool]:
    """The answer, and whether the connection is open still."""
    line.settimeout(_left(until))
    line.sendall(request)
    reading = _Reading(line, until)
    for _ in range(_PROVISIONAL):
        response = http.client.HTTPResponse(reading, method=method)  # type: ignore[arg-type]
        response.begin()
        if response.status >= http.client.OK:  # else "I am at it" (RFC 9110, 15.2): the answer comes yet
            answer = _whole(response)
            return answer, not response.will_close and reading.empty()
    raise NotUnderstood("an answer without end")


def _whole(response: http.client.HTTPResponse) -> Answer:
    parts: list[bytes] = []
    size = 0
    while part := response.read1(1 << 16):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise NotUnderstood("an answer without end")
    response.read()  # read1 does not notice an end that comes too early
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, found, b"".join(parts))


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Reading:
    """A connection as http.client wants it: it only makes a file of it, to read from; one for all that is said."""

    def __init__(self, line: socket.socket, until: float) -> None:
        self._raw = _InTime(line, until)
        self._file = _Kept(self._raw)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self._file

    def empty(self) -> bool:
        """Whether nothing was read that belongs to no answer. To be asked last."""
        self._raw.over = True
        return not self._file.read()


class _Kept(io.BufferedReader):
    """A file that whoever read an answer to its end cannot close."""

    def close(self) -> None:
        pass


class _InTime(io.RawIOBase):
    """A socket that is read until a moment, however slowly its drops arrive."""

    def __init__(self, line: socket.socket, until: float) -> None:
        self._line, self._until = line, until
        self.over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.over:
            return 0
        self._line.settimeout(_left(self._until))
        return self._line.recv_into(buffer)


POOL: Final = Pool()
"""Of this process."""
