"""Servers that notices are sent to: a plain receiver that records, and a fake of Slack that refuses what Slack refuses.

Slack's errors are those of its documentation: https://docs.slack.dev/reference/methods/chat.postMessage (invalid_auth,
channel_not_found, ratelimited), chat.update (message_not_found, cant_update_message), users.lookupByEmail
(users_not_found), https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (no_text, no_service).
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Reply = tuple[int, dict[str, str], str]


@dataclass(slots=True)
class Got:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Receiver:
    """An HTTP server on this machine. `answer` decides; `delay`: seconds before it does."""

    got: list[Got] = field(default_factory=list)
    answer: Callable[[Got], Reply] = lambda got: (200, {}, "ok")
    delay: float = 0.0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[Receiver]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            got = Got(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            receiver.got.append(got)
            time.sleep(receiver.delay)
            status, headers, text = receiver.answer(got)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked had no time left
                super().handle()

    return Handler


@dataclass(slots=True)
class Message:
    """A message as it stands now; `edits`: how often it was changed."""

    channel: str
    text: str
    thread: str = ""
    edits: int = 0


@dataclass(slots=True)
class FakeSlack:
    """Slack, with state. `people`: user id by mail address; `wait`: Retry-After of the next calls, one each."""

    token: str = "xoxb-fake-token-000"
    channels: dict[str, str] = field(default_factory=lambda: {"#releases": "C0RELEASES"})
    people: dict[str, str] = field(default_factory=lambda: {"person@example.invalid": "U0PERSON01"})
    messages: dict[str, Message] = field(default_factory=dict)
    wait: list[int] = field(default_factory=list)
    locked: bool = False
    """No message may be changed any more."""
    calls: list[str] = field(default_factory=list)

    def shown(self, channel: str, *, thread: bool = False) -> list[str]:
        return [m.text for m in self.messages.values() if m.channel == channel and bool(m.thread) == thread]

    def answer(self, got: Got) -> Reply:
        method = urlsplit(got.path).path.rpartition("/")[2]
        self.calls.append(method)
        if self.wait:
            return 429, {"Retry-After": str(self.wait.pop(0))}, json.dumps({"ok": False, "error": "ratelimited"})
        if got.headers.get("authorization") != f"Bearer {self.token}":
            return 200, {}, json.dumps({"ok": False, "error": "invalid_auth"})
        query = {name: values[0] for name, values in parse_qs(urlsplit(got.path).query).items()}
        said = got.json if got.body.startswith(b"{") else {n: v[0] for n, v in parse_qs(got.body.decode()).items()}
        does = {"chat.postMessage": self._post, "chat.update": self._update, "users.lookupByEmail": self._who}
        return 200, {}, json.dumps(does[method]({**query, **said}) if method in does else _no("unknown_method"))

    def _place(self, name: str) -> str:
        known = {*self.channels.values(), *self.people.values()}
        return self.channels.get(name) or (name if name in known else "")

    def _post(self, said: dict[str, Any]) -> dict[str, Any]:
        channel = self._place(str(said.get("channel", "")))
        if not channel:
            return _no("channel_not_found")
        if not said.get("text"):
            return _no("no_text")
        thread = str(said.get("thread_ts", ""))
        if thread and thread not in self.messages:
            return _no("thread_not_found")
        ts = f"1700000000.{len(self.messages):06d}"
        self.messages[ts] = Message(channel, str(said["text"]), thread)
        return {"ok": True, "channel": channel, "ts": ts}

    def _update(self, said: dict[str, Any]) -> dict[str, Any]:
        found = self.messages.get(str(said.get("ts")))
        if found is None or found.channel != said.get("channel"):  # an id is wanted here, no name
            return _no("message_not_found")
        if self.locked:
            return _no("cant_update_message")
        found.text, found.edits = str(said["text"]), found.edits + 1
        return {"ok": True, "channel": found.channel, "ts": said["ts"]}

    def _who(self, said: dict[str, Any]) -> dict[str, Any]:
        found = self.people.get(str(said.get("email")))
        return {"ok": True, "user": {"id": found}} if found else _no("users_not_found")


def free_port() -> int:
    """A port that nobody listens at: aiosmtpd looks itself up at the port it was given, so 0 does not do."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def incoming_webhook(got: Got) -> Reply:
    """Slack's incoming webhook: it takes JSON with a text, and answers with plain words."""
    if urlsplit(got.path).path != "/services/T000/B000/kanari":
        return 404, {"Content-Type": "text/html"}, "no_service"
    try:
        return (200, {}, "ok") if got.json.get("text") else (400, {}, "no_text")
    except ValueError:
        return 400, {}, "invalid_payload"


def _no(error: str) -> dict[str, Any]:
    return {"ok": False, "error": error}
