"""Asks an address over HTTP, as its users would.

    health: "https://{pre}api.example.com/health/"
    health: {kind: http, url: "https://example.com", build: "{sha:8}", contains: "<title>Shop"}

Redirects are followed on the same host only, at most five; of the answer the first 256 KiB are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from multigit.fetching import LARGEST, Page, Unwell, fetched
from multigit.model.config import STRICT, seconds
from multigit.model.serving import Serving
from multigit.model.verdict import Verdict

ASKS: Final = "serving"
TEMPLATES: Final = ("url", "contains", "build")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this check: `kind: http`."""

    __pydantic_config__ = STRICT
    url: str
    """Address, `https://` or `http://`; a template."""
    status: tuple[int, ...] = ()
    """Statuses that are well; any from 200 to 299 when left out."""
    contains: str = ""
    """Text that the answer must hold; a template."""
    build: str = ""
    """What names the build that must be serving, for example `{sha:8}`; a template."""
    header: str = ""
    """Header that names the build; the answer itself when left out."""
    timeout: str = "10s"
    """How long an answer may take, redirects included."""

    def __post_init__(self) -> None:
        if not self.url.lower().startswith(("https://", "http://")):
            raise ValueError("url must begin with https:// or http://")
        if "@" in self.url.split("/")[2]:
            raise ValueError("url must not hold a login")
        if self.header and not self.build:
            raise ValueError("header says where the build is named: build is missing")
        if seconds(self.timeout) > 300:
            raise ValueError("timeout must be at most 5m")


def evaluate(settings: Settings, subject: Serving, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where the address answers as it should, by the build that should; the reason holds what was seen."""
    try:
        page = fetched(settings.url, seconds(settings.timeout))
    except Unwell as no:
        return Verdict(state="fail", why=f"{settings.url}: {no}")
    if wrong := _status(settings, page) or _content(settings, page):
        return Verdict(state="fail", why=f"{settings.url}: {wrong}")
    build = f", build {settings.build}" if settings.build else ""
    return Verdict(state="pass", why=f"{settings.url}: {page.status} in {page.took * 1000:.0f} ms{build}")


def _status(settings: Settings, page: Page) -> str:
    well = page.status in settings.status if settings.status else 200 <= page.status < 300
    return "" if well else f"it answers {page.status}"


def _content(settings: Settings, page: Page) -> str:
    text = page.body.decode("utf-8", "replace")
    rest = f" in the first {LARGEST // 1024} KiB" if page.cut else ""
    if settings.contains and settings.contains not in text:
        return f"the answer lacks {settings.contains!r}{rest}"
    if not settings.build:
        return ""
    if settings.header:
        named = page.headers.get(settings.header.lower())
        return "" if named == settings.build else f"{settings.header} is {named!r}, not {settings.build!r}"
    return "" if settings.build in text else f"build {settings.build!r} is not what serves{rest}"
