"""A command at a host over an ssh connection that is open already, without a process for it.

The socket of a shared connection takes requests for further sessions, with the descriptors to use (OpenSSH's
PROTOCOL.mux, version 4). Whatever is not as described there is NotUnderstood, and ssh itself is started instead.
"""

from __future__ import annotations

import array
import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self

from multigit.vcs.wire import NoRoom, NotUnderstood

_HELLO, _NEW_SESSION, _VERSION = 0x00000001, 0x10000002, 4
_REFUSALS: Final = (struct.pack(">I", 0x80000002), struct.pack(">I", 0x80000003))
"""Permission denied, failure: said instead of "session opened"."""
LARGEST: Final = 1 << 26
"""Bytes of an answer that are read."""
_NO_ESCAPE: Final = 0xFFFFFFFF
_PATIENCE: Final = 10.0
"""Seconds for the shared connection itself, a process on this machine, to answer."""
_LONGEST: Final = 1 << 16
"""Bytes of a message from the shared connection; real ones have some dozen."""


class Session:
    """`command` at the host behind `control`, running; `ask` it once. The host may start it while its caller does
    something else.
    """

    def __init__(self, control: Path, command: str, environ: Mapping[str, str], errors: int | None = None) -> None:
        """`errors`: an open file for what the host's program says on the side."""
        try:
            self._line = socket.socket(socket.AF_UNIX)
            self._end, self._their_end = socket.socketpair()
        except OSError as none_left:
            raise NotUnderstood(f"the shared connection: {none_left}") from none_left
        self._line.settimeout(_PATIENCE)
        self._closed: Callable[[], None] = lambda: None
        try:
            self._line.connect(str(control))
            self._open(command, environ, errors)
        except (OSError, struct.error) as failed:
            self.close()
            raise NotUnderstood(f"the shared connection: {failed}") from failed
        except BaseException:
            self.close()
            raise

    def _open(self, command: str, environ: Mapping[str, str], errors: int | None) -> None:
        self._send(struct.pack(">II", _HELLO, _VERSION))
        if self._receive()[:8] != struct.pack(">II", _HELLO, _VERSION):
            raise NotUnderstood("the shared connection speaks another version")
        no_tty_x11_agent_subsystem = struct.pack(">IIII", 0, 0, 0, 0)
        words = [_text(""), no_tty_x11_agent_subsystem, struct.pack(">I", _NO_ESCAPE), _text(""), _text(command)]
        words += [_text(f"{name}={value}") for name, value in environ.items()]
        aside = os.dup(errors) if errors is not None else os.open(os.devnull, os.O_WRONLY)
        try:
            self._send(struct.pack(">II", _NEW_SESSION, 1) + b"".join(words))
            for end in (self._their_end.fileno(), self._their_end.fileno(), aside):  # its input, output and errors
                self._line.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [end]))])
        finally:
            os.close(aside)
            self._their_end.close()

    @property
    def end(self) -> int:
        """The descriptor to talk with the host, for a program that is started with it."""
        return self._end.fileno()

    def hear(self, whole: Callable[[bytearray], bool], limit: float) -> bytes:
        """What the host says unasked, until that is `whole`; TimeoutError after `limit` seconds."""
        ends = time.monotonic() + limit
        self._end.setblocking(False)
        waiting = select.poll()
        waiting.register(self._end, select.POLLIN)
        heard = bytearray()
        while not whole(heard):
            _happened(waiting, ends - time.monotonic())
            if not self._heard(heard):
                raise NoRoom("no further session") if not heard and self.refused() else NotUnderstood("it hung up")
        return bytes(heard)

    def ask(self, words: bytes, limit: float) -> bytes:
        """Say `words`, and everything that comes until the host closes; TimeoutError after `limit` seconds."""
        ends = time.monotonic() + limit
        self._end.setblocking(False)
        answer, left = bytearray(), memoryview(words)
        waiting = select.poll()
        waiting.register(self._end, select.POLLIN | select.POLLOUT)
        while True:
            happened = _happened(waiting, ends - time.monotonic())
            if happened & select.POLLOUT:
                left = self._say(left, waiting)
            if happened & ~select.POLLOUT and not self._heard(answer):
                if not answer and self.refused():
                    raise NoRoom("the shared connection took no further session")
                self.wait_until_over()
                return bytes(answer)

    def _say(self, left: memoryview, waiting: select.poll) -> memoryview:
        with contextlib.suppress(ConnectionError):  # the host has heard enough: its answer says what it thinks
            left = left[self._end.send(left) :]
            if left:
                return left
            self._end.shutdown(socket.SHUT_WR)
        waiting.modify(self._end, select.POLLIN)
        return left[:0]

    def _heard(self, answer: bytearray) -> bool:
        """Whether more may come."""
        try:
            chunk = self._end.recv(1 << 16)
        except BlockingIOError:
            return True
        except ConnectionError:  # closed with words of ours unread: a session that was refused
            return False
        answer += chunk
        if len(answer) > LARGEST:
            raise NotUnderstood("the answer does not end")
        return bool(chunk)

    def refused(self) -> bool:
        """Whether the session surely never began; to be asked when nothing came from it. Waits until that is known."""
        try:
            return self._receive()[:4] in _REFUSALS
        except (OSError, NotUnderstood):
            return False

    def wait_until_over(self) -> None:
        """Hang up, and wait until the host was told that the session is closed: only then is there room for another."""
        self._end.close()
        with contextlib.suppress(OSError):
            self._line.settimeout(2.0)  # of a process on this machine
            while self._line.recv(1 << 12):
                pass

    def _send(self, body: bytes) -> None:
        self._line.sendall(struct.pack(">I", len(body)) + body)

    def _receive(self) -> bytes:
        (size,) = struct.unpack(">I", self._exactly(4))
        if size > _LONGEST:
            raise NotUnderstood("the shared connection sends something else")
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            if not (more := self._line.recv(size - len(got))):
                raise NotUnderstood("the shared connection was closed")
            got += more
        return got

    def when_closed(self, told: Callable[[], None]) -> None:
        """Call `told` once, at the end."""
        self._closed = told

    def alive(self) -> bool:
        """False where the host has hung up already, as far as can be seen from here."""
        hung_up = select.POLLHUP | getattr(select, "POLLRDHUP", 0)  # beside words of the host that are still unread
        seen = select.poll()
        seen.register(self._end, hung_up)
        return not any(happened & hung_up for _, happened in seen.poll(0))

    def close(self) -> None:
        """End the session, whatever it does; asked or not."""
        self._line.close()
        self._end.close()
        self._their_end.close()
        self._closed, told = (lambda: None), self._closed
        told()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _happened(waiting: select.poll, seconds: float) -> int:
    if seconds <= 0 or not (ready := waiting.poll(seconds * 1000)):
        raise TimeoutError
    return ready[0][1]


def _text(words: str) -> bytes:
    raw = words.encode()
    return struct.pack(">I", len(raw)) + raw
