"""One question to a web address: bounded in time and size, and never led elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

LARGEST: Final = 256 * 1024
"""Bytes of an answer that are looked at."""
LONGEST: Final = 32 * 1024 * 1024
"""Bytes of which the last are looked for."""
REDIRECTS: Final = 5
MOVED: Final = (301, 302, 303, 307, 308)
_AGENT: Final = "multigit-health/1"


class Unwell(Exception):
    """The question was not answered as it should be; the text says how."""

    def __init__(self, how: str, *, asked: bool = True) -> None:
        super().__init__(how)
        self.asked = asked
        """Whether it may have arrived: False where there was not even a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was served. `body` is cut at LARGEST bytes, or as many as were asked for; `took` in seconds."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: bool
    took: float
    url: str


def fetched(
    url: str, timeout: float, *, follow: int = REDIRECTS, headers: Mapping[str, str] | None = None, most: int = LARGEST
) -> Page:
    """The page at `url` after at most `follow` redirects on the same host; Unwell where there is none in time.

    `headers` are sent beside our own; `most`: bytes that are looked at.
    """
    start = time.monotonic()
    asked = url
    for _ in range(follow + 1):
        page = once(asked, timeout - (time.monotonic() - start), headers=headers, most=most)
        where = page.headers.get("location")
        if page.status not in MOVED or where is None:
            return replace(page, took=time.monotonic() - start)
        there = urljoin(asked, where)
        if not _same_host(asked, there):
            raise Unwell(f"{page.status}: it leads to another host, {urlsplit(there).hostname or there!r}")
        asked = there
    raise Unwell(f"more than {follow} redirects" if follow else "it redirects")


def _same_host(one: str, other: str) -> bool:
    """Whether the second address may be asked on behalf of the first: the same host, and not in the clear again."""
    here, there = urlsplit(one), urlsplit(other)
    upward = (here.scheme, there.scheme) == ("http", "https")
    same_port = here.port == there.port or (upward and here.port in (None, 80) and there.port in (None, 443))
    return here.hostname == there.hostname and same_port and (here.scheme == there.scheme or upward)


def once(
    url: str,
    timeout: float,
    *,
    headers: Mapping[str, str] | None = None,
    most: int = LARGEST,
    body: bytes | None = None,
    end: bool = False,
) -> Page:
    """What `url` itself answers, redirects included; a POST where there is a `body`. Unwell where nothing came in time.

    `end`: the last `most` bytes instead of the first; what is longer than LONGEST is Unwell.
    """
    import urllib3

    start = time.monotonic()
    left = max(0.05, timeout)
    sent = {"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "identity", "Cache-Control": "no-cache",
            **(headers or {})}  # fmt: skip
    try:
        answer = _pool(url).request("GET" if body is None else "POST", url, body=body, headers=sent, redirect=False,
                                    preload_content=False,
                                    timeout=urllib3.Timeout(connect=min(left, 10.0), read=left))  # fmt: skip
        try:
            read = _last if end else _read
            content, cut = read(answer, start + left, most)
        finally:
            answer.close()
    except urllib3.exceptions.HTTPError as broken:
        raise Unwell(_told(broken), asked=_arrived(broken)) from broken
    except ValueError as odd:  # LocationParseError and such
        raise Unwell(f"{url!r} cannot be asked: {odd}", asked=False) from odd
    found = {name.lower(): value for name, value in answer.headers.items()}
    return Page(status=answer.status, headers=found, body=content, cut=cut, took=time.monotonic() - start, url=url)


def _read(answer: Any, until: float, most: int) -> tuple[bytes, bool]:
    body = bytearray()
    while len(body) < most:
        piece = _piece(answer, until)
        if not piece:
            return bytes(body), False
        body += piece
    return bytes(body[:most]), True


def _last(answer: Any, until: float, most: int) -> tuple[bytes, bool]:
    body, seen = bytearray(), 0
    while seen < LONGEST and (piece := _piece(answer, until)):
        seen += len(piece)
        body += piece
        del body[:-most]
    if seen >= LONGEST:
        raise Unwell(f"it is longer than {LONGEST >> 20} MB")
    return bytes(body), seen > len(body)


def _piece(answer: Any, until: float) -> bytes:
    if time.monotonic() > until:
        raise Unwell("the answer does not end in time")
    return bytes(answer.read1(16 * 1024))


@lru_cache(maxsize=1)
def _pools() -> tuple[Any, dict[str, str]]:
    import urllib.request

    import urllib3

    return urllib3.PoolManager(retries=False, maxsize=8), urllib.request.getproxies()


def _pool(url: str) -> Any:
    """Straight there, or by the proxy that the person's environment names for it."""
    import urllib.request

    pool, proxies = _pools()
    parts = urlsplit(url)
    proxy = proxies.get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return pool
    return _by_proxy(proxy)


@lru_cache(maxsize=4)
def _by_proxy(proxy: str) -> Any:
    import urllib3

    return urllib3.ProxyManager(proxy, retries=False)


def _told(broken: Exception) -> str:
    """In words: what urllib3 wraps says more than its wrapping."""
    import urllib3.exceptions as http

    reason = getattr(broken, "reason", None) or broken
    if isinstance(reason, http.SSLError) or isinstance(broken, http.SSLError):
        return f"the certificate is refused: {_short(reason)}"
    if isinstance(reason, http.NameResolutionError):
        return "its name is not known"
    if isinstance(reason, http.NewConnectionError):
        return f"no connection: {_short(reason)}"
    if isinstance(broken, http.TimeoutError):  # which urllib3 makes of a refused connection as well
        return "no answer in time"
    return f"the answer broke off: {_short(reason)}"


def _arrived(broken: Exception) -> bool:
    """Whether the other side may have got the question."""
    import urllib3.exceptions as http

    reason = getattr(broken, "reason", None) or broken
    before = (http.ConnectTimeoutError, http.ProxyError)
    unproved = "CERTIFICATE_VERIFY_FAILED" in str(broken)
    return not (isinstance(reason, before) or isinstance(broken, before) or unproved)


def _short(error: Exception) -> str:
    text = str(error).rpartition(": ")[2] if "Failed to establish" in str(error) else str(error)
    return text.removeprefix("(").partition("(_ssl.c")[0].strip(" ,()'")
