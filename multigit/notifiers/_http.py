"""One POST of JSON: https, or http on this machine; bounded, without redirects, its address in no error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from multigit import __version__
from multigit.notifiers import NotSent

_MOST: Final = 16_384
"""Bytes of an answer that are read."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
BUSY: Final = 30.0
"""Seconds for which a server is left alone that is asked too often and does not say for how long."""
_PASSING: Final = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str


def body(value: Any) -> bytes:
    """`value` as the JSON that is sent, and signed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def checked(url: str) -> str:
    """`url` where a notice may be sent to; NotSent, which does not repeat it, otherwise."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise NotSent("the address is no URL", lasting=True) from None
    if parts.scheme not in ("https", "http") or not host or any(c.isspace() for c in url):
        raise NotSent("the address is no https URL", lasting=True)
    if parts.username or parts.password:
        raise NotSent("the address has a user name or password in it: use a token in its path", lasting=True)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise NotSent("the address is http: notices are sent over https, except on this machine", lasting=True)
    return url


def post(url: str, data: bytes, seconds: float, headers: Mapping[str, str] | None = None) -> Answer:
    """Send `data` and answer what came back with a status of 2xx; NotSent otherwise."""
    import http.client
    from urllib.error import HTTPError, URLError
    from urllib.request import Request

    named = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"multigit/{__version__}"}
    request = Request(checked(url), data=data, headers={**named, **(headers or {})}, method="POST")  # noqa: S310
    try:
        with _opener().open(request, timeout=seconds) as reply:
            return Answer(reply.status, _lower(reply.headers), reply.read(_MOST).decode("utf-8", "replace"))
    except HTTPError as refused:
        with refused:
            raise _refusal(refused.code, _lower(refused.headers), refused.read(_MOST)) from None
    except URLError as failed:
        raise NotSent(reason(failed.reason, seconds)) from None
    except TimeoutError:
        raise NotSent(reason(TimeoutError(), seconds)) from None
    except (OSError, http.client.HTTPException) as failed:
        raise NotSent(reason(failed, seconds)) from None


def _opener() -> Any:
    """Without a handler for redirects: they would carry the notice, and its signature, to another place."""
    import ssl
    from urllib.request import (
        HTTPDefaultErrorHandler,
        HTTPErrorProcessor,
        HTTPHandler,
        HTTPSHandler,
        OpenerDirector,
        ProxyHandler,
    )

    opener = OpenerDirector()
    secure = HTTPSHandler(context=ssl.create_default_context())
    for handler in (ProxyHandler(), HTTPHandler(), secure, HTTPDefaultErrorHandler(), HTTPErrorProcessor()):
        opener.add_handler(handler)
    return opener


def _refusal(status: int, headers: Mapping[str, str], said: bytes) -> NotSent:
    if 300 <= status < 400:
        return NotSent(f"it answered {status}: redirects are not followed, write the final address", lasting=True)
    words = said.decode("utf-8", "replace").strip()
    why = f"it answered {status}{': ' + words if words and not words.startswith('<') else ''}"
    wait = seconds_of(headers) or (BUSY if status == 429 else 0.0)
    return NotSent(why, lasting=status < 500 and status not in _PASSING, retry_after=wait)


def seconds_of(headers: Mapping[str, str]) -> float:
    """The Retry-After of an answer (RFC 9110, 10.2.3), at most an hour; 0 where it has none, or a date."""
    text = headers.get("retry-after", "").strip()
    return float(min(int(text), 3600)) if text.isdecimal() and len(text) < 9 else 0.0


def _lower(headers: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}


def reason(failed: object, seconds: float) -> str:
    """Why a connection failed, in words that hold no address."""
    import socket
    import ssl

    if isinstance(failed, TimeoutError):
        return f"no answer within {seconds:.0f} s"
    if isinstance(failed, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {failed.verify_message}"
    if isinstance(failed, socket.gaierror):
        return "its host name is not known"
    if isinstance(failed, OSError):
        return f"it cannot be reached: {failed.strerror or type(failed).__name__}"
    return f"it cannot be reached: {type(failed).__name__}"
