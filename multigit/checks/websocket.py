"""Asks a WebSocket server for a real upgrade (RFC 6455: 101) and waits for the answer to a ping.

health: "wss://{pre}ws.example.com"
health: {kind: websocket, url: "wss://ws.example.com/live", subprotocol: chat.v2}
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from multigit.model.config import STRICT, seconds
from multigit.model.serving import Serving
from multigit.model.verdict import Verdict

ASKS: Final = "serving"
TEMPLATES: Final = ("url", "origin")
_LARGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this check: `kind: websocket`."""

    __pydantic_config__ = STRICT
    url: str
    """Address, `wss://` or `ws://`; a template."""
    origin: str = ""
    """Origin to come from, where the server asks for one; a template."""
    subprotocol: str = ""
    """Subprotocol that the server must agree to."""
    timeout: str = "10s"
    """How long the handshake and the answer to the ping may take together."""

    def __post_init__(self) -> None:
        if not self.url.lower().startswith(("wss://", "ws://")):
            raise ValueError("url must begin with wss:// or ws://")
        if "@" in self.url.split("/")[2]:
            raise ValueError("url must not hold a login")
        if seconds(self.timeout) > 300:
            raise ValueError("timeout must be at most 5m")


def evaluate(settings: Settings, subject: Serving, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where the upgrade is granted and a ping answered."""
    from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException

    try:
        took, agreed = _shaken(settings)
    except InvalidStatus as no:
        return _no(settings, f"no upgrade: it answers {no.response.status_code}, not 101")
    except TimeoutError:
        return _no(settings, "no answer in time")
    except (InvalidHandshake, InvalidURI, WebSocketException) as no:
        return _no(settings, f"no upgrade: {no}")
    except OSError as no:
        return _no(settings, f"no connection: {no.strerror or no}")
    if settings.subprotocol and agreed != settings.subprotocol:
        return _no(settings, f"it speaks {agreed or 'no subprotocol'}, not {settings.subprotocol}")
    return Verdict(state="pass", why=f"{settings.url}: 101 and a pong in {took * 1000:.0f} ms")


def _shaken(settings: Settings) -> tuple[float, str]:
    """Seconds until the pong came, and the subprotocol that was agreed on."""
    from websockets.sync.client import connect
    from websockets.typing import Origin, Subprotocol

    start = time.monotonic()
    limit = float(seconds(settings.timeout))
    wanted = [Subprotocol(settings.subprotocol)] if settings.subprotocol else None
    origin = Origin(settings.origin) if settings.origin else None
    with connect(settings.url, open_timeout=limit, close_timeout=2, max_size=_LARGEST, compression=None,
                 subprotocols=wanted, origin=origin, ping_interval=None) as line:  # fmt: skip
        pong = line.ping()
        if not pong.wait(max(0.05, limit - (time.monotonic() - start))):
            raise TimeoutError
        return time.monotonic() - start, line.subprotocol or ""


def _no(settings: Settings, why: str) -> Verdict:
    return Verdict(state="fail", why=f"{settings.url}: {why}")
