"""Asks GitHub whether every check and status of a commit is green, those of other services included.

    ci: {kind: ci-green, token: "${env:GITHUB_TOKEN}", required: [build, test]}

Under `gates:` it is asked of every commit that the plan would bring, under `health:` of the one that should be serving.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from multigit.checks._web import Page, Unwell, fetched
from multigit.lanes import each
from multigit.model.config import STRICT, seconds
from multigit.model.names import Oid, RepoName
from multigit.model.references import Reference
from multigit.model.serving import Serving
from multigit.model.verdict import Verdict
from multigit.secrets import resolved, without

ASKS: Final = "serving"
TEMPLATES: Final = ("repository",)
_GREEN: Final = ("success", "neutral", "skipped")
_PAGE, _PAGES, _MOST, _LANES = 100, 10, 4 * 1024 * 1024, 8
_AGAIN: Final = 30.0
"""Seconds after which a build may have got on."""
_PLACE: Final = re.compile(
    r"(?:(?:https?|ssh)://)?(?:[^@/]+@)?(?P<host>[^:/]+)(?::\d+)?[:/]/*(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this check: `kind: ci-green`."""

    __pydantic_config__ = STRICT
    required: tuple[str, ...] = ()
    """Names of checks and statuses that must be there and green; then others do not count. All when left out."""
    repos: tuple[RepoName, ...] = ()
    """As a gate: which repositories of the plan are asked about; all when left out."""
    repository: str = ""
    """`owner/name` on GitHub; from the repository's address when left out. A template."""
    token: Reference | None = None
    """`${env:NAME}` of a token that may read checks and statuses; none is needed for public repositories."""
    base_url: str = "https://api.github.com"
    """Where the API is: `https://HOST/api/v3` for GitHub Enterprise Server."""
    timeout: str = "20s"
    """How long one answer may take."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
            raise ValueError("base_url must begin with https://")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("base_url must hold neither a login nor anything behind its path")
        if self.repository and "{" not in self.repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository):
            raise ValueError("repository is written owner/name")
        if seconds(self.timeout) > 300:
            raise ValueError("timeout must be at most 5m")


class _No(Exception):
    """GitHub does not say how it stands; the text says why. `again`: seconds after which it may."""

    def __init__(self, why: str, again: float | None = None) -> None:
        super().__init__(why)
        self.again = again


def evaluate(settings: Settings, subject: Serving, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where all is green, wait where something still runs; what is red is named, with its address."""
    asked = _asked(settings, subject)
    if not asked:
        if subject.commits or subject.repo is None:
            return Verdict(state="pass", why="no commit of this plan is asked about")
        return Verdict(state="fail", why=f"it is not known which commit of {subject.repo} should be serving")
    if settings.repository and len(asked) > 1:
        return Verdict(
            state="fail", why=f"repository is one, and {len(asked)} are asked about", details=("name repos",)
        )
    token = resolved(settings.token) if settings.token else ""
    said = each(lambda one: _commit(settings, subject, token, *one), asked, _LANES)
    return said[0] if len(said) == 1 else _all(said)


def _asked(settings: Settings, subject: Serving) -> list[tuple[RepoName, Oid]]:
    """Repositories and their commits."""
    if subject.repo is not None:
        return [(subject.repo, subject.commit)] if subject.commit else []
    return [pair for pair in subject.commits.items() if not settings.repos or pair[0] in settings.repos]


def _all(said: Sequence[Verdict]) -> Verdict:
    bad = [one for one in said if one.state != "pass"]
    if not bad:
        return Verdict(state="pass", why=f"{len(said)} commits are green: {'; '.join(one.why for one in said)}")
    worst = next((one for one in bad if one.state == "fail"), bad[0])
    details = tuple(line for one in bad for line in (one.why, *(f"  {line}" for line in one.details)))
    why = f"{len(bad)} of {len(said)} commits are not green: {worst.why}"
    again = max((one.retry_after for one in bad if one.retry_after), default=None)
    return Verdict(state=worst.state, why=why, details=details, retry_after=again if worst.state == "wait" else None)


def _commit(settings: Settings, subject: Serving, token: str, repo: RepoName, commit: Oid) -> Verdict:
    """The answer about one commit."""
    name = settings.repository
    try:
        name = name or _name(settings, subject, repo)
        found = list(_results(settings, subject, token, name, commit))
    except _No as no:
        why = f"{name or repo} {commit[:8]}: {without(str(no), token)}"
        return Verdict(state="fail" if no.again is None else "wait", why=why, retry_after=no.again)
    return _judged(settings, f"{name} {commit[:8]}", found)


def _name(settings: Settings, subject: Serving, repo: RepoName) -> str:
    place = _PLACE.fullmatch(subject.config.url(subject.config.repos[repo]))
    if place is None:
        raise _No("its address names no owner and name: write repository")
    at_home = place["host"] in ("github.com", "ssh.github.com")
    if not at_home and urlsplit(settings.base_url).hostname == "api.github.com":
        raise _No(f"it is kept at {place['host']}: base_url says where the API of that is")
    return place["name"]


@dataclass(frozen=True, slots=True)
class _Result:
    """One check run or status. `state`: GitHub's word for how it ended; '' while it has not."""

    name: str
    state: str
    url: str


def _judged(settings: Settings, place: str, found: Sequence[_Result]) -> Verdict:
    counted = [one for one in found if not settings.required or one.name in settings.required]
    missing = [name for name in settings.required if name not in {one.name for one in counted}]
    red = [one for one in counted if one.state and one.state not in _GREEN]
    open_ = [one.name for one in counted if not one.state]
    if red:
        why = f"{place}: {', '.join(f'{one.name} is {one.state}' for one in red[:5])}"
        return Verdict(state="fail", why=why + (f" and {len(red) - 5} more" if len(red) > 5 else ""),
                       details=tuple(f"{one.name}: {one.state}  {one.url}" for one in red))  # fmt: skip
    if open_:
        return Verdict(state="wait", why=f"{place}: not done yet: {', '.join(open_[:5])}", retry_after=_AGAIN)
    if missing or not counted:
        nothing = f"nothing is said yet of {', '.join(missing)}" if missing else "no check has said anything yet"
        return Verdict(state="wait", why=f"{place}: {nothing}", retry_after=_AGAIN)
    return Verdict(state="pass", why=f"{place}: {len(counted)} checks are green")


def _results(settings: Settings, subject: Serving, token: str, name: str, commit: Oid) -> Iterator[_Result]:
    """Every check run (of Actions and of apps) and every status (of services that set one)."""
    base = f"{settings.base_url.rstrip('/')}/repos/{quote(name)}/commits/{commit}"
    for run in _pages(settings, subject, token, f"{base}/check-runs?filter=latest", "check_runs"):
        ended = run.get("status") == "completed"
        yield _result(
            token, run.get("name"), (run.get("conclusion") or "unknown") if ended else "", run.get("html_url")
        )
    for status in _pages(settings, subject, token, f"{base}/status?", "statuses"):
        state = "" if status.get("state") == "pending" else status.get("state")
        yield _result(token, status.get("context"), state, status.get("target_url"))


def _result(token: str, *values: object) -> _Result:
    """Of what others wrote: each on one line, and without the token, should it be quoted."""
    return _Result(*(without(" ".join(str(value or "").split()), token) for value in values))


def _pages(settings: Settings, subject: Serving, token: str, url: str, key: str) -> Iterator[Mapping[str, Any]]:
    seen = 0
    for number in range(1, _PAGES + 1):
        separator = "" if url.endswith("?") else "&"
        said = _said(settings, subject, token, f"{url}{separator}per_page={_PAGE}&page={number}")
        entries, total = said.get(key), said.get("total_count")
        if not isinstance(entries, list) or not isinstance(total, int):
            raise _No("the answer is none that GitHub's API gives")
        yield from (entry for entry in entries if isinstance(entry, Mapping))
        seen += len(entries)
        if seen >= total or not entries:
            return
    raise _No(f"more than {_PAGE * _PAGES} checks: name those that count in required")


def _said(settings: Settings, subject: Serving, token: str, url: str) -> Mapping[str, Any]:
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        page = fetched(url, seconds(settings.timeout), headers=headers, most=_MOST)
    except Unwell as no:
        raise _No(f"GitHub was not asked: {no}") from None
    if page.status != 200:
        raise _refused(page, bool(token), subject.now.timestamp())
    try:
        said = json.loads(page.body)
    except ValueError:
        said = None
    if not isinstance(said, Mapping):
        raise _No("the answer is none that GitHub's API gives")
    return said


def _refused(page: Page, named: bool, now: float) -> _No:
    """Why GitHub does not answer. 403 and 429 are also what it says to those who ask too often."""
    if page.status in (403, 429):
        if page.headers.get("retry-after", "").isdecimal():
            return _No("GitHub asks for less", float(page.headers["retry-after"]))
        if page.headers.get("x-ratelimit-remaining") == "0" and page.headers.get("x-ratelimit-reset", "").isdecimal():
            more = "" if named else ": without a token it is 60 questions an hour"
            return _No(f"GitHub's limit is used up{more}", max(1.0, float(page.headers["x-ratelimit-reset"]) - now))
    if page.status >= 500 or page.status == 429:
        return _No(f"GitHub answers {page.status}", _AGAIN)
    hidden = "the token may not see it" if named else "it needs a token"
    words = {
        401: "GitHub does not know the token (401): it is wrong, or has expired" if named else "it wants a token (401)",
        403: "the token may not read it (403): it needs to read checks and commit statuses",
        404: f"there is no such repository, or {hidden} (404)",
        422: "GitHub does not know the commit (422): is it pushed?",
    }
    return _No(words.get(page.status, f"GitHub answers {page.status}"))
