"""The way to one repository at a web host, for who speaks with it without git: connection, login, turns.

Only what is plainly the same as git's own way is done here (straight.py). A redirect, an old protocol, a login that
git's helpers do not know: for those the caller asks git (NotUnderstood).
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

from multigit.vcs import hosts
from multigit.vcs.hosts import Host, Refusal
from multigit.vcs.urls import check_url
from multigit.vcs.urls import kind as kind_of
from multigit.vcs.web import straight
from multigit.vcs.web.logins import Login
from multigit.vcs.web.pool import POOL, Answer, Place, Question
from multigit.vcs.wire import NotUnderstood

AHEAD: Final = 8
"""Connections that are opened before anybody asks."""
_AWAY: Final = (502, 503, 504)

_one_login: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Door:
    """Where the repository is, and who we are there."""

    place: Place
    path: str
    login: Login
    host: Host

    def ask(self, question: Question, kind: str, timeout: float, *, again: bool = True) -> bytes:
        """The body of the answer, which is of content type `kind`, with as much of a login as the host wants.

        NotUnderstood where git must be asked: the host did not do anything then. `again`, else: Pool.ask.
        """

        def asked(header: dict[str, str]) -> Answer:
            whole = replace(question, path=self.path + question.path, headers={**question.headers, **header})
            return self.host.ask(lambda: POOL.ask(self.place, whole, timeout, again=again), _refusal, again=again)

        header = self.login.header()
        said = asked(header)
        while said.status == http.client.UNAUTHORIZED:
            if "basic" not in said.headers.get("www-authenticate", "").lower():
                raise NotUnderstood("another kind of login")
            header = self.login.wanted(header)
            if not header:
                raise NotUnderstood("no login is known")
            said = asked(header)
        if said.status != http.client.OK or said.headers.get("content-type", "").partition(";")[0].strip() != kind:
            raise Denied(said.status)
        self.login.proved(header)
        return said.body


class Denied(NotUnderstood):
    """Another answer than the one that was hoped for."""

    def __init__(self, status: int) -> None:
        super().__init__(f"http {status}")
        self.status = status


def door(url: str) -> Door:
    """To the repository at `url`; NotUnderstood where git would not go straight there."""
    authorities = straight.authorities(url)
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if not url.isascii() or parts.query or parts.fragment or parts.password or not parts.hostname:
        raise NotUnderstood("an odd address")
    place = Place(scheme, parts.hostname, parts.port or {"https": 443, "http": 80}[scheme], authorities)
    login = _login(f"{scheme}://{parts.netloc.rpartition('@')[2]}", unquote(parts.username or ""))
    host = hosts.host(url)
    assert host
    return Door(place, parts.path.rstrip("/"), login, host)


def places(urls: Iterable[str]) -> dict[Place, int]:
    """Where those of `urls` are to which git would go straight, and how many connections will be used at once."""
    found: dict[Place, int] = {}
    for url in urls:
        if kind_of(url) in ("http", "https") and not check_url(url):
            with suppress(NotUnderstood):
                place = door(url).place
                found[place] = min(found.get(place, 0) + 1, AHEAD)
    return found


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
    POOL.forget()
    _made_login.cache_clear()
    straight.forget()
    hosts.forget()
