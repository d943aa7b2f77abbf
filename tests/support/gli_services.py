"""GLI's services: real HTTP and WebSocket servers that serve the build which runs, and users who ask all the time."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.request import urlopen

Serves = Callable[[str], bytes | None]
"""The page of a host by its name; None where it cannot serve."""


@contextmanager
def pages(serves: Serves) -> Iterator[str]:
    """Address of a server of all hosts; the first folder of a path names the host. 503 where nothing runs."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = serves(self.path.split("/")[1])
            self.send_response(503 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


@contextmanager
def sockets(serves: Serves) -> Iterator[str]:
    """The same for WebSockets: an upgrade where something runs, and its page as the first message."""
    from websockets.sync.server import ServerConnection, serve

    def listen(line: ServerConnection) -> None:
        assert line.request is not None
        with suppress(Exception):  # whoever asked has gone
            line.send((serves(line.request.path.split("/")[1]) or b"").decode())
            for _ in line:
                pass

    def process(line: ServerConnection, request: Any) -> Any:
        up = serves(request.path.split("/")[1]) is not None
        return None if up else line.respond(HTTPStatus.SERVICE_UNAVAILABLE, "no\n")

    with serve(listen, "127.0.0.1", 0, process_request=process) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()


@dataclass
class Users:
    """They ask every address again and again. `seen`: by address, what was served in turn; `bad`: what was not."""

    addresses: dict[str, str]
    """Name to address."""
    seen: dict[str, list[str]] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)
    asked: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def asking(self, every: float = 0.2) -> Iterator[None]:
        thread = threading.Thread(target=self._ask, args=(every,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(10)

    def _ask(self, every: float) -> None:
        while not self._over.wait(every):
            for name, address in self.addresses.items():
                self.asked += 1
                try:
                    text = self.one(address)
                except Exception as error:  # noqa: BLE001  whatever it is, a user was not served
                    self.bad.append(f"{time.monotonic():.1f} {name}: {error}")
                    continue
                turns = self.seen.setdefault(name, [])
                if not turns or turns[-1] != text:
                    turns.append(text)

    def builds(self, name: str) -> list[str]:
        """The pages that were served there, in turn."""
        return self.seen[name]

    @staticmethod
    def one(address: str) -> str:
        """What a person is served at `address`."""
        if address.startswith("ws"):
            from websockets.sync.client import connect

            with connect(address, open_timeout=20) as line:
                return str(line.recv(timeout=20))
        with urlopen(address, timeout=20) as page:
            return str(page.read().decode())
