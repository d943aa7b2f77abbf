"""Web hosts that want something else first: a server in front of a real one, over http or https."""

from __future__ import annotations

import http.client
import http.server
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Passing(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the server at `upstream`, as a proxy would, too; subclasses are odd in one way each."""

    protocol_version = "HTTP/1.1"
    upstream = 0
    seen: list[str]
    speaks: str | None = None
    """The git protocol that the real host is asked for, instead of the one that was asked for."""

    def refused(self) -> int:
        """The status to answer with instead, or 0."""
        return 0

    def changed(self, answer: bytes) -> bytes:
        """What is said of the real `answer`."""
        return answer

    def do_POST(self) -> None:
        self.seen.append(f"{self.command} {self.path}")
        size = int(self.headers.get("Content-Length") or 0)
        question = self.rfile.read(size) if size else None
        if status := self.refused():
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        dropped = ("host", "connection", "git-protocol", "accept-encoding", "proxy-connection")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
        headers["Git-Protocol"] = self.headers.get("Git-Protocol", "") if self.speaks is None else self.speaks
        status, kind, body = self._ask(question, headers)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(self.changed(body) if status == 200 else body)

    do_GET = do_POST  # noqa: N815 - the name that http.server looks for

    def _ask(self, question: bytes | None, headers: dict[str, str]) -> tuple[int, str, bytes]:
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=30)
        try:
            upstream.request(self.command, self.path, question, headers)
            answer = upstream.getresponse()
            return answer.status, str(answer.getheader("Content-Type")), answer.read()
        finally:
            upstream.close()

    def log_message(self, *_: object) -> None:
        pass


class OldFirst(Passing):
    """Speaks version 1 only."""

    speaks = "version=1"


class Oldest(Passing):
    """Knows of no versions."""

    speaks = ""


class WantsHeader(Passing):
    """Serves those with the right X-Team header only."""

    def refused(self) -> int:
        return 0 if self.headers.get("X-Team") == "shop" else 403


class WantsCookie(Passing):
    """Serves those with the right cookie only."""

    def refused(self) -> int:
        return 0 if "door=open" in self.headers.get("Cookie", "") else 403


class CutsShort(Passing):
    """Announces the whole answer and sends half of it."""

    def changed(self, answer: bytes) -> bytes:
        self.close_connection = True
        return answer[: len(answer) // 2]


class Mumbles(Passing):
    """Says something that is not git's."""

    def changed(self, answer: bytes) -> bytes:
        return b"\0" * len(answer)


class Drips(Passing):
    """Sends its headers a letter now and then, without end."""

    def do_POST(self) -> None:
        try:
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100:
                self.wfile.write(bytes([letter]))
                time.sleep(0.1)
        except OSError:
            self.close_connection = True

    do_GET = do_POST  # noqa: N815


@contextmanager
def served(
    handler: type[Passing], upstream: int, context: ssl.SSLContext | None = None
) -> Iterator[tuple[int, list[str]]]:
    """The port of such a server, and the requests it has seen; over https with `context`."""
    seen: list[str] = []
    made = type("Handler", (handler,), {"upstream": upstream, "seen": seen})
    server = _Quiet(("127.0.0.1", 0), made)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no error here."""


class Certificates:
    """A certificate that nobody vouches for but itself, of 127.0.0.1, and one for a client; made by openssl(1)."""

    def __init__(self, folder: Path) -> None:
        self.key, self.file = self._make(folder, "server")
        self.client_key, self.client_file = self._make(folder, "client")

    def server(self, *, wants_client: bool = False) -> ssl.SSLContext:
        """What a server needs to speak https; `wants_client`: with those alone who have the client's certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        if wants_client:
            context.maximum_version = ssl.TLSVersion.TLSv1_2  # later ones refuse only after the handshake
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.client_file)
        return context

    @staticmethod
    def _make(folder: Path, name: str) -> tuple[Path, Path]:
        key, file = folder / f"{name}-key.pem", folder / f"{name}.pem"
        argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        argv += ["-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run([*argv, "-keyout", key, "-out", file], check=True, capture_output=True, timeout=60)
        return key, file
