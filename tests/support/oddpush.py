"""Web hosts that go wrong in the middle of a push: servers in front of a real one (oddweb.py)."""

from __future__ import annotations

import socket
import time
from typing import ClassVar

from tests.support.oddweb import Passing


class Refuses(Passing):
    """Answers what is `meant` with `status`, as often as `left` says."""

    meant: ClassVar[str] = "POST"
    status: ClassVar[int] = 503
    left: ClassVar[list[int]]

    def refused(self) -> int:
        if self.command != self.meant or not self.left:
            return 0
        self.left.pop()
        return self.status

    @classmethod
    def make(cls, status: int, *, meant: str = "POST", times: int = 99) -> type[Refuses]:
        return type("Refusing", (cls,), {"status": status, "meant": meant, "left": [0] * times})


class HangsUpBetween(Passing):
    """Closes the connection right behind the answer to a GET, without having said that it will."""

    def do_GET(self) -> None:
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # so that both come at once
        super().do_POST()
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.close_connection = True


class LosesTheAnswer(Passing):
    """Does what it is asked, and hangs up without a word after a POST."""

    def do_POST(self) -> None:
        if "receive-pack" not in self.path:
            return super().do_POST()
        self.seen.append(f"{self.command} {self.path}")
        question = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._ask(question, {"Content-Type": self.headers["Content-Type"]})
        self.close_connection = True
        return None


class NeverHears(Passing):
    """Takes a POST and hangs up before anything is done."""

    def do_POST(self) -> None:
        self.seen.append(f"{self.command} {self.path}")
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.close_connection = True


class CutsTheVerdict(Passing):
    """The answer to a push ends in its middle: as if it were whole (`announced`), or so that one sees it."""

    announced: ClassVar[bool] = True

    def do_POST(self) -> None:
        self.seen.append(f"{self.command} {self.path}")
        question = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, kind, body = self._ask(question, {"Content-Type": self.headers["Content-Type"]})
        half = body[: len(body) // 2]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(half if self.announced else body)))
        self.end_headers()
        self.wfile.write(half)
        self.close_connection = not self.announced


class CutsTheVerdictShort(CutsTheVerdict):
    """So that one sees it."""

    announced = False


class Renames(Passing):
    """A gateway that calls what the host says to a push something else."""

    def send_header(self, keyword: str, value: str) -> None:
        more = "; charset=utf-8" if value.endswith("receive-pack-result") else ""
        super().send_header(keyword, value + more)


class Counts(Passing):
    """Writes down every connection as well."""

    def setup(self) -> None:
        super().setup()
        self.seen.append("connection")


class Impatient(Counts):
    """Closes connections that are idle for a moment."""

    timeout = 0.2


class Says(Passing):
    """Does nothing, and says `lines` of every push; what its hooks "print" is `aside`."""

    lines: ClassVar[tuple[bytes, ...]] = ()
    aside: ClassVar[bytes] = b""

    def do_POST(self) -> None:
        self.seen.append(f"{self.command} {self.path}")
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        report = b"".join(_packet(line + b"\n") for line in self.lines) + b"0000"
        body = (_packet(b"\2" + self.aside) if self.aside else b"") + _packet(b"\1" + report) + b"0000"
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-receive-pack-result")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @classmethod
    def make(cls, *lines: bytes, aside: bytes = b"") -> type[Says]:
        return type("Saying", (cls,), {"lines": lines, "aside": aside})


def _packet(data: bytes) -> bytes:
    return b"%04x" % (len(data) + 4) + data


class Processes(Passing):
    """Says of every push but the first that it is at work, and only then what came of it."""

    def do_POST(self) -> None:
        if "receive-pack" in self.path and any(line.startswith("POST") for line in self.seen):
            self.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            self.wfile.flush()
            time.sleep(0.5)
        super().do_POST()
