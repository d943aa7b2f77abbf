"""Connections to web hosts that stay open, and answers that end in time."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from multigit.vcs.web.straight import trusting
from multigit.vcs.wire import NotUnderstood

LARGEST: Final = 64 << 20
"""Bytes of an answer that are read; a million refs are git's business."""


_one_loads: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Place:
    """A web host, and the file of the authorities that may vouch for it ('' = the system's)."""

    scheme: str
    host: str
    port: int
    authorities: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host said; `headers` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes


class Pool:
    """Open connections by place. Safe for threads; lives as long as the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Place, list[socket.socket]] = {}
        self._levels: dict[Place, int] = {}

    def post(self, place: Place, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        """The answer to a request that may be made twice; TimeoutError after `timeout` seconds."""
        until = time.monotonic() + timeout
        request = _request(place, path, body, headers)
        while True:
            line, level = self._take(place)
            used = line is not None
            try:
                line = line or _connect(place, level, until)
                answer, open_still = _exchange(line, request, until)
            except ssl.SSLCertVerificationError:
                with self._lock:
                    self._levels[place] = max(self._levels.get(place, 0), level + 1)
            except (OSError, http.client.HTTPException) as broken:
                _close(line)
                if isinstance(broken, TimeoutError):
                    raise
                if not used:  # else the host closed a connection that was idle
                    raise NotUnderstood(str(broken)) from broken
            except BaseException:
                _close(line)
                raise
            else:
                self._give(place, line) if open_still else line.close()
                return answer

    def _take(self, place: Place) -> tuple[socket.socket | None, int]:
        """A connection that was used before, if there is one; on which level certificates are judged (trusting)."""
        with self._lock:
            idle = self._idle.setdefault(place, [])
            return (idle.pop() if idle else None), self._levels.get(place, 0)

    def _give(self, place: Place, line: socket.socket) -> None:
        with self._lock:
            self._idle.setdefault(place, []).append(line)

    def forget(self) -> None:
        """Close every connection."""
        with self._lock:
            for line in [one for idle in self._idle.values() for one in idle]:
                line.close()
            self._idle.clear()
            self._levels.clear()


def _close(line: socket.socket | None) -> None:
    if line:
        line.close()


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


def _request(place: Place, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """All of it in one piece: each write costs a system call, and over https a record."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    known = {"https": 443, "http": 80}[place.scheme] == place.port
    lines = {"Host": host if known else f"{host}:{place.port}", "Accept-Encoding": "identity", **headers}
    lines["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _exchange(line: socket.socket, request: bytes, until: float) -> tuple[Answer, bool]:
    """The answer, and whether the connection is open still."""
    line.settimeout(_left(until))
    line.sendall(request)
    response = http.client.HTTPResponse(_Reading(line, until), method="POST")  # type: ignore[arg-type]
    with response:
        response.begin()
        parts: list[bytes] = []
        size = 0
        while part := response.read1(1 << 16):
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                raise NotUnderstood("too many refs")
        response.read()  # read1 does not notice an end that comes too early
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, b"".join(parts)), not response.will_close


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@dataclass(frozen=True, slots=True)
class _Reading:
    """A connection as http.client wants it: it only makes a file of it, to read from."""

    line: socket.socket
    until: float

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_InTime(self.line, self.until))


class _InTime(io.RawIOBase):
    """A socket that is read until a moment, however slowly its drops arrive."""

    def __init__(self, line: socket.socket, until: float) -> None:
        self._line, self._until = line, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._line.settimeout(_left(self._until))
        return self._line.recv_into(buffer)
