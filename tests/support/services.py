"""Real services to ask: an HTTP server whose answers are set, and a WebSocket server that upgrades, or does not."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass
class Answers:
    """What the service says, in turn; the last one for ever. `asked`: the paths that were asked for."""

    turns: list[tuple[int, dict[str, str], bytes]]
    asked: list[str] = field(default_factory=list)
    slow: float = 0.0
    """Seconds between the bytes of an answer."""

    def next(self) -> tuple[int, dict[str, str], bytes]:
        return self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]


@contextmanager
def http_service(*turns: tuple[int, dict[str, str], bytes] | int | str) -> Iterator[tuple[str, Answers]]:
    """Address and answers; a number is a status with an empty page, a text a page."""
    answers = Answers([_turn(one) for one in turns or (200,)])

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answers.asked.append(self.path)
            status, headers, body = answers.next()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self._say(body)

        def _say(self, body: bytes) -> None:
            try:
                for byte in [body] if not answers.slow else [body[i : i + 1] for i in range(len(body))]:
                    self.wfile.write(byte)
                    time.sleep(answers.slow)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", answers
        finally:
            server.shutdown()


def _turn(one: tuple[int, dict[str, str], bytes] | int | str) -> tuple[int, dict[str, str], bytes]:
    if isinstance(one, int):
        return one, {}, b""
    return (200, {}, one.encode()) if isinstance(one, str) else one


@contextmanager
def websocket_service(*, refuse: HTTPStatus | None = None, subprotocol: str = "") -> Iterator[str]:
    """Address of a server that upgrades, or refuses with a status."""
    from websockets.sync.server import ServerConnection, serve
    from websockets.typing import Subprotocol

    def listen(line: ServerConnection) -> None:
        for _ in line:
            pass

    def process(line: ServerConnection, _: Any) -> Any:
        return line.respond(refuse, "no\n") if refuse else None

    agreed = [Subprotocol(subprotocol)] if subprotocol else None
    handle: Callable[[ServerConnection], None] = listen
    with serve(handle, "127.0.0.1", 0, process_request=process, subprotocols=agreed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
