"""ls-refs over http and https without a git process: one request per repository, on connections that are kept open.

Only what is plainly the same as git's own way is done here (straight.py). A redirect, an old protocol, a login that
git's helpers do not know: for those the caller asks git (NotUnderstood).
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

from multigit.vcs import hosts
from multigit.vcs.hosts import Refusal
from multigit.vcs.web import straight
from multigit.vcs.web.logins import Login
from multigit.vcs.web.pool import Answer, Place, Pool
from multigit.vcs.wire import NotUnderstood, RefSeen, answer, request

_KIND: Final = "application/x-git-upload-pack-result"
_HEADERS: Final = {
    "Content-Type": "application/x-git-upload-pack-request",
    "Accept": _KIND,
    "Git-Protocol": "version=2",
    "User-Agent": "git/multigit",
}
_AWAY: Final = (502, 503, 504)

_pool: Final = Pool()
_one_login: Final = threading.Lock()


def list_refs(url: str, patterns: Sequence[str], timeout: float) -> dict[str, RefSeen]:
    """The refs at `url`, in one round trip where the connection is open; NotUnderstood where git must be asked."""
    authorities = straight.authorities(url)
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if not url.isascii() or parts.query or parts.fragment or parts.password or not parts.hostname:
        raise NotUnderstood("an odd address")
    place = Place(scheme, parts.hostname, parts.port or {"https": 443, "http": 80}[scheme], authorities)
    login = _login(f"{scheme}://{parts.netloc.rpartition('@')[2]}", unquote(parts.username or ""))
    path, body = f"{parts.path.rstrip('/')}/git-upload-pack", request(patterns)
    host = hosts.host(url)
    assert host

    def ask(header: dict[str, str]) -> Answer:
        return host.ask(lambda: _pool.post(place, path, body, _HEADERS | header, timeout), _refusal, again=True)

    return answer(_logged_in(ask, login), patterns)


def _logged_in(ask: Callable[[dict[str, str]], Answer], login: Login) -> bytes:
    """The body of the answer, with as much of a login as the host wants."""
    header = login.header()
    said = ask(header)
    while said.status == http.client.UNAUTHORIZED:
        if "basic" not in said.headers.get("www-authenticate", "").lower():
            raise NotUnderstood("another kind of login")
        header = login.wanted(header)
        if not header:
            raise NotUnderstood("no login is known")
        said = ask(header)
    if said.status != http.client.OK or said.headers.get("content-type") != _KIND:
        raise NotUnderstood(f"http {said.status}")
    login.proved(header)
    return said.body


def _refusal(said: Answer) -> Refusal | None:
    if said.status != http.client.TOO_MANY_REQUESTS and said.status not in _AWAY:
        return None
    after = _seconds(said.headers.get("retry-after", ""))
    return Refusal(crowded=said.status == http.client.TOO_MANY_REQUESTS or after > 0, after=after)


def _seconds(text: str) -> float:
    """Retry-After: seconds or a date (RFC 9110, 10.2.3); 0 where it is neither."""
    if text.strip().isdigit():
        return float(text)
    import email.utils  # not at the top: hosts seldom give a date

    found = email.utils.parsedate_tz(text)
    return max(0.0, email.utils.mktime_tz(found) - time.time()) if found else 0.0


@lru_cache(maxsize=256)
def _made_login(address: str, user: str) -> Login:
    return Login(address, user)


def _login(address: str, user: str) -> Login:
    with _one_login:
        return _made_login(address, user)


def forget() -> None:
    """Close every connection and forget every login and setting: for tests, which change them."""
    _pool.forget()
    _made_login.cache_clear()
    straight.forget()
    hosts.forget()
