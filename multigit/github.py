"""GitHub's REST API: one question at a time, its refusals in words, and nothing asked twice that did not change.

https://docs.github.com/en/rest/using-the-rest-api: rate limits, conditional requests, pagination. An answer that was
given before is asked for by its ETag; GitHub counts no 304 against the limit of those who name themselves.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from multigit.fetching import MOVED, Page, Unwell, fetched, once
from multigit.model.urls import hide_secrets
from multigit.secrets import without

PUBLIC: Final = "https://api.github.com"
AGAIN: Final = 30.0
"""Seconds after which something may have got on."""
_PAGE, _PAGES, _MOST = 100, 10, 4 * 1024 * 1024
_MANY: Final = 64
"""How many answers are kept to be asked about by their ETag."""
_PLACE: Final = re.compile(
    r"(?:(?:https?|ssh)://)?(?:[^@/]+@)?(?P<host>[^:/]+)(?::\d+)?[:/]/*(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_kept: OrderedDict[tuple[str, int], tuple[str, Any]] = OrderedDict()
_lock = threading.Lock()
_SSO: Final = re.compile(r"required(?:; url=(?P<url>https://[^\s;,]+))?")


class No(Exception):
    """GitHub does not answer as it should; the text says why. `again`: seconds after which it may.

    `status`: 0 where there was no answer. `asked`: whether the question may have arrived all the same. `said`: GitHub's
    own words, without the token.
    """

    def __init__(
        self, why: str, again: float | None = None, *, status: int = 0, asked: bool = True, said: str = ""
    ) -> None:
        super().__init__(why)
        self.again, self.status, self.asked, self.said = again, status, asked, said


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Where the API is, and who asks."""

    base: str = PUBLIC
    token: str = field(default="", repr=False)
    timeout: float = 20.0
    """Seconds that one answer may take."""
    needs: str = "read this repository"
    """What the token must be allowed: `read checks and commit statuses`."""
    tries: int = 1
    """How often a question is asked that was not answered; what is posted is posted once."""
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    measured: dict[str, float] = field(default_factory=dict, repr=False, compare=False)

    def get(self, path: str) -> Any:
        """The JSON at `path`, which begins with `/repos/`; No."""
        url = self.base.rstrip("/") + path
        for turn in range(self.tries):
            try:
                return self._got(url)
            except No as no:
                if turn + 1 == self.tries or no.status not in (0, 500, 502, 503, 504):
                    raise
                self.pause(0.5 * 2**turn)
        raise AssertionError("tries is at least 1")

    def pages(self, path: str, key: str) -> Iterator[Mapping[str, Any]]:
        """Every entry of the list `key`, over all pages; No."""
        seen, separator = 0, "&" if "?" in path else "?"
        for number in range(1, _PAGES + 1):
            said = self.get(f"{path}{separator}per_page={_PAGE}&page={number}")
            entries, total = (said.get(key), said.get("total_count")) if isinstance(said, Mapping) else (None, None)
            if not isinstance(entries, list) or not isinstance(total, int):
                raise strange()
            yield from (entry for entry in entries if isinstance(entry, Mapping))
            seen += len(entries)
            if seen >= total or not entries:
                return
        raise No(f"more than {_PAGE * _PAGES} {key.replace('_', ' ')}", status=200)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What GitHub says to `body`, None where it says nothing. Never sent twice; No.asked: it may have happened."""
        headers = {**self._headers(), "Content-Type": "application/json"}
        page = self._page(self.base.rstrip("/") + path, headers, json.dumps(body).encode())
        if page.status not in (200, 201, 202, 204):
            raise self._refused(page)
        with suppress(No):  # it was done, whatever is said about it
            return _read(page)
        return None

    def tail(self, path: str, most: int) -> tuple[str, bool]:
        """The last `most` bytes of the text that `path` leads to, and whether that is not all of it; No.

        It is kept elsewhere, behind a signed address that is shown nowhere and is not given our token.
        """
        page = self._page(self.base.rstrip("/") + path, self._headers())
        where = urljoin(page.url, page.headers.get("location", ""))
        if page.status not in MOVED or not page.headers.get("location"):
            raise self._refused(page)
        if urlsplit(where).scheme != "https" and urlsplit(where).hostname not in _LOOPBACK:
            raise No("it leads to an address without https")
        try:
            page = once(where, 3 * self.timeout, most=most, end=True)
        except Unwell:
            raise No("where it is kept does not give it, or not to its end") from None  # nor where
        if page.status != 200:
            raise No(f"where it is kept answers {page.status}", status=page.status)
        return page.body.decode("utf-8", "replace"), page.cut

    def ahead(self) -> float:
        """Seconds by which GitHub's clock was ahead of this machine's when it last answered."""
        return self.measured.get("ahead", 0.0)

    def _got(self, url: str) -> Any:
        key, headers = (url, hash(self.token)), self._headers()
        with _lock:
            etag, before = _kept.get(key, ("", None))
        page = self._page(url, {**headers, "If-None-Match": etag} if etag else headers, follow=True)
        if page.status == 304 and etag:
            return before
        if page.status != 200:
            raise self._refused(page)
        value = _read(page)
        if page.headers.get("etag"):
            _keep(key, page.headers["etag"], value)
        return value

    def _headers(self) -> dict[str, str]:
        named = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", **named}

    def _page(self, url: str, headers: Mapping[str, str], body: bytes | None = None, *, follow: bool = False) -> Page:
        from email.utils import parsedate_to_datetime

        try:
            if follow:  # where a repository was renamed
                page = fetched(url, self.timeout, headers=headers, most=_MOST)
            else:
                page = once(url, self.timeout, headers=headers, most=_MOST, body=body)
        except Unwell as no:
            how = "GitHub did not answer" if no.asked and body is not None else "GitHub was not asked"
            raise No(f"{how}: {no}", asked=no.asked) from None
        with suppress(KeyError, ValueError):
            self.measured["ahead"] = parsedate_to_datetime(page.headers["date"]).timestamp() - self.clock()
        return page

    def _refused(self, page: Page) -> No:
        """Why GitHub does not answer. 403 and 429 are also what it says to those who ask too often."""
        if page.status in (403, 429) and (often := self._too_often(page)):
            return often
        if page.status >= 500 or page.status == 429:
            return No(f"GitHub answers {page.status}", AGAIN, status=page.status)
        if page.status == 403 and (sso := _SSO.search(page.headers.get("x-github-sso", ""))):
            where = f": {sso['url']}" if sso["url"] else ""
            return No(f"the token must be authorised for the organisation's single sign-on (403){where}", status=403)
        hidden = "the token may not see it" if self.token else "it needs a token"
        unknown = "GitHub does not know the token (401): it is wrong, or has expired"
        words = {
            401: unknown if self.token else "it wants a token (401)",
            403: f"the token may not (403): it needs to {self.needs}",
            404: f"there is no such repository, or {hidden} (404)",
            422: "GitHub does not know the commit (422): is it pushed?",
            **(dict.fromkeys(MOVED, "it was moved: write its new owner and name in repository")),
        }
        return No(words.get(page.status, f"GitHub answers {page.status}"), status=page.status, said=self._message(page))

    def _too_often(self, page: Page) -> No | None:
        reset = page.headers.get("x-ratelimit-reset", "")
        if page.headers.get("retry-after", "").isdecimal():
            return No("GitHub asks for less", float(page.headers["retry-after"]), status=page.status)
        if page.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
            more = "" if self.token else ": without a token it is 60 questions an hour"
            again = max(1.0, float(reset) - self.clock())
            return No(f"GitHub's limit is used up{more}", again, status=page.status)
        if "rate limit" in self._message(page):  # the secondary one: a minute at least
            return No("GitHub asks for less", 60.0, status=page.status)
        return None

    def _message(self, page: Page) -> str:
        """What GitHub says in words, on one line and without our token."""
        try:
            said = json.loads(page.body)
        except ValueError:
            return ""
        text = said.get("message") if isinstance(said, Mapping) else ""
        return hide_secrets(without(" ".join(str(text or "").split()), self.token))[:300]


def name_of(url: str, base: str = PUBLIC) -> str:
    """`owner/name` of a repository's address; No where it has none, or is kept where `base` is not the API of."""
    place = _PLACE.fullmatch(url)
    if place is None:
        raise No("its address names no owner and name: write repository")
    if place["host"] not in ("github.com", "ssh.github.com") and urlsplit(base).hostname == "api.github.com":
        raise No(f"it is kept at {place['host']}: base_url says where the API of that is")
    return place["name"]


def check_base(url: str) -> None:
    """ValueError where `url` cannot be the address of an API that is given a token."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
        raise ValueError("base_url must begin with https://")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("base_url must hold neither a login nor anything behind its path")


def check_repository(name: str) -> None:
    """ValueError where `name` is neither `owner/name` nor a template."""
    if name and "{" not in name and not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ValueError("repository is written owner/name")


def forget() -> None:
    """Ask for everything anew; for tests."""
    with _lock:
        _kept.clear()


def _keep(key: tuple[str, int], etag: str, value: Any) -> None:
    with _lock:
        _kept[key] = (etag, value)
        _kept.move_to_end(key)
        while len(_kept) > _MANY:
            _kept.popitem(last=False)


def _read(page: Page) -> Any:
    try:
        return json.loads(page.body)
    except ValueError:
        raise strange() from None


def strange() -> No:
    """For an answer that cannot be understood."""
    return No("the answer is none that GitHub's API gives", status=200)
