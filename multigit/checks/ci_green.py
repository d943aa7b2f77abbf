"""Asks GitHub whether every check and status of a commit is green, those of other services included.

    ci: {kind: ci-green, token: "${env:GITHUB_TOKEN}", required: [build, test]}

Under `gates:` it is asked of every commit that the plan would bring, under `health:` of the one that should be serving.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from multigit import github
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
_LANES: Final = 8


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
    base_url: str = github.PUBLIC
    """Where the API is: `https://HOST/api/v3` for GitHub Enterprise Server."""
    timeout: str = "20s"
    """How long one answer may take."""

    def __post_init__(self) -> None:
        github.check_base(self.base_url)
        github.check_repository(self.repository)
        if seconds(self.timeout) > 300:
            raise ValueError("timeout must be at most 5m")


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
        name = name or github.name_of(subject.config.url(subject.config.repos[repo]), settings.base_url)
        found = list(_results(_api(settings, subject, token), name, commit))
    except github.No as no:
        why = f"{name or repo} {commit[:8]}: {without(str(no), token)}"
        return Verdict(state="fail" if no.again is None else "wait", why=why, retry_after=no.again)
    return _judged(settings, f"{name} {commit[:8]}", found)


def _api(settings: Settings, subject: Serving, token: str) -> github.Api:
    return github.Api(
        base=settings.base_url, token=token, timeout=seconds(settings.timeout), clock=subject.now.timestamp,
        needs="read checks and commit statuses",
    )  # fmt: skip


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
        return Verdict(state="wait", why=f"{place}: not done yet: {', '.join(open_[:5])}", retry_after=github.AGAIN)
    if missing or not counted:
        nothing = f"nothing is said yet of {', '.join(missing)}" if missing else "no check has said anything yet"
        return Verdict(state="wait", why=f"{place}: {nothing}", retry_after=github.AGAIN)
    return Verdict(state="pass", why=f"{place}: {len(counted)} checks are green")


def _results(api: github.Api, name: str, commit: Oid) -> Iterator[_Result]:
    """Every check run (of Actions and of apps) and every status (of services that set one)."""
    base = f"/repos/{quote(name)}/commits/{commit}"
    for run in api.pages(f"{base}/check-runs?filter=latest", "check_runs"):
        ended = run.get("status") == "completed"
        state = (run.get("conclusion") or "unknown") if ended else ""
        yield _result(api.token, run.get("name"), state, run.get("html_url"))
    for status in api.pages(f"{base}/status", "statuses"):
        state = "" if status.get("state") == "pending" else status.get("state")
        yield _result(api.token, status.get("context"), state, status.get("target_url"))


def _result(token: str, *values: object) -> _Result:
    """Of what others wrote: each on one line, and without the token, should it be quoted."""
    return _Result(*(without(" ".join(str(value or "").split()), token) for value in values))
