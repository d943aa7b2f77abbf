"""Runs of a GitHub Actions workflow: the one that a push or a dispatch started, its jobs, and who has to approve it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from multigit.github import Api, No, strange
from multigit.model.urls import hide_secrets
from multigit.secrets import without

SKEW: Final = 5.0
"""Seconds by which two clocks that were compared may still differ."""
_RECENT: Final = 50
ENDED: Final = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How the run is known. Every value is JSON: it is kept in the ticket."""

    repository: str
    workflow: str
    event: str
    """GitHub's word: `push` or `workflow_dispatch`."""
    sha: str
    ref: str
    """Branch or tag it runs on; '' = any."""
    mark: str = ""
    """What its title holds."""
    since: float = 0.0
    """When the deployment began, in seconds since 1970 by this machine's clock."""
    after: int = 0
    """Number of a run that had failed before it."""

    @classmethod
    def of(cls, ticket: Mapping[str, Any]) -> Wanted:
        """The one that a ticket was made of."""
        return cls(**{name: ticket[name] for name in cls.__dataclass_fields__})

    def ticket(self, **more: Any) -> dict[str, Any]:
        """As JSON, with what else is to be kept."""
        return {**asdict(self), **more}

    @property
    def base(self) -> str:
        """Path of the repository's Actions in the API."""
        return f"/repos/{quote(self.repository)}/actions"

    @property
    def path(self) -> str:
        """Path of the workflow in the API."""
        return f"{self.base}/workflows/{quote(self.workflow, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as of its latest attempt."""

    id: int
    number: int
    attempt: int
    status: str
    conclusion: str
    """'' while it runs."""
    event: str
    sha: str
    ref: str
    title: str
    url: str
    made: float
    """Seconds since 1970, by GitHub's clock; `started`: of the latest attempt."""
    started: float

    @property
    def going(self) -> bool:
        """Whether it may still end well by itself, or by somebody's approval."""
        return self.status != ENDED or self.conclusion == "action_required"

    @property
    def artefact(self) -> dict[str, Any]:
        """What is recorded of one that ended well."""
        return {"run": self.id, "attempt": self.attempt, "url": self.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job. `steps`: name and conclusion of each, '' while it has none, and its status."""

    id: int
    name: str
    status: str
    conclusion: str
    url: str
    ended: str
    steps: tuple[tuple[str, str, str], ...]


def newest(api: Api, wanted: Wanted) -> Run | None:
    """The latest run that is wanted. No where GitHub does not say."""
    recent = _listed(api, wanted, "")
    found = [run for run in recent if _fits(api, wanted, run)]
    if not found and len(recent) >= _RECENT:
        found = [run for run in _listed(api, wanted, f"&head_sha={wanted.sha}") if _fits(api, wanted, run)]
    latest = max(found, key=lambda run: run.number, default=None)
    return None if latest and _followed_by_another(api, wanted, latest, recent) else latest


def _followed_by_another(api: Api, wanted: Wanted, run: Run, recent: list[Run]) -> bool:
    """Whether a push of another commit ran after it, and all that before the deployment: it says nothing of now."""
    began, nothing = _began(api, wanted), ("cancelled", "skipped", "startup_failure", "stale")
    return wanted.event == "push" and any(
        other.event == "push" and other.ref == run.ref and other.number > run.number and other.sha != run.sha
        and other.made < began and other.conclusion not in nothing
        for other in recent
    )  # fmt: skip


def one(api: Api, wanted: Wanted, number: int) -> Run:
    """The run with this id."""
    return _run(api, api.get(f"{wanted.base}/runs/{number}?exclude_pull_requests=true"))


def jobs(api: Api, wanted: Wanted, run: Run) -> list[Job]:
    """Every job of it, each as of its latest attempt."""
    return [_job(api, entry) for entry in api.pages(f"{wanted.base}/runs/{run.id}/jobs?filter=latest", "jobs")]


def approvers(api: Api, wanted: Wanted, run: Run) -> tuple[str, ...]:
    """`production: ana, team ops`: which environments hold it back, and who may let it go on."""
    said = api.get(f"{wanted.base}/runs/{run.id}/pending_deployments")
    return tuple(_pending(api, entry) for entry in said if isinstance(entry, Mapping)) if isinstance(said, list) else ()


def state(api: Api, wanted: Wanted) -> str:
    """GitHub's word for the workflow's state, such as `active`; '' where there is no such workflow."""
    try:
        said = api.get(wanted.path)
    except No as no:
        if no.status != 404:
            raise
        return ""
    return str(said.get("state")) if isinstance(said, Mapping) else ""


def _listed(api: Api, wanted: Wanted, narrow: str) -> list[Run]:
    """The latest runs of the workflow, of every branch.

    Not filtered by GitHub: filters are answered from an index that may lack a run for three quarters of an hour
    (github.com/osac-project/osac/pull/1041, github.com/cli/cli/issues/7341). `narrow` is for those of long ago.
    """
    try:
        said = api.get(f"{wanted.path}/runs?per_page={_RECENT}&exclude_pull_requests=true{narrow}")
    except No as no:
        if no.status != 404:
            raise
        api.get(f"/repos/{quote(wanted.repository)}")  # No, where it is the repository that cannot be seen
        return []  # a workflow that was never run and is not on the default branch
    entries = said.get("workflow_runs") if isinstance(said, Mapping) else None
    if not isinstance(entries, list):
        raise strange()
    return [_run(api, entry) for entry in entries]


def _began(api: Api, wanted: Wanted) -> float:
    """When the deployment began, by GitHub's clock."""
    return wanted.since + api.ahead() - SKEW


def _fits(api: Api, wanted: Wanted, run: Run) -> bool:
    if (run.event, run.sha) != (wanted.event, wanted.sha) or wanted.ref not in ("", run.ref):
        return False
    if run.number <= wanted.after:
        return False
    if wanted.mark:
        return wanted.mark in run.title
    return wanted.event == "push" or run.made >= _began(api, wanted)


def _run(api: Api, entry: Any) -> Run:
    try:
        return Run(
            id=int(entry["id"]), number=int(entry["run_number"]), attempt=int(entry.get("run_attempt") or 1),
            status=str(entry["status"]), conclusion=str(entry["conclusion"] or ""), event=str(entry["event"]),
            sha=str(entry["head_sha"]), ref=str(entry["head_branch"] or ""),
            title=clean(api, entry.get("display_title")), url=_link(api, entry["html_url"]),
            made=_moment(entry["created_at"]), started=_moment(entry.get("run_started_at") or entry["created_at"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError):
        raise strange() from None


def _job(api: Api, entry: Any) -> Job:
    try:
        return Job(
            id=int(entry["id"]), name=clean(api, entry["name"]), status=str(entry["status"]),
            conclusion=str(entry["conclusion"] or ""), url=_link(api, entry["html_url"]),
            ended=str(entry["completed_at"] or ""), steps=tuple(_steps(api, entry)),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        raise strange() from None


def _steps(api: Api, entry: Any) -> Iterator[tuple[str, str, str]]:
    for step in entry.get("steps") or ():
        yield clean(api, step["name"]), str(step["conclusion"] or ""), str(step["status"])


def _pending(api: Api, entry: Mapping[str, Any]) -> str:
    name = clean(api, (entry.get("environment") or {}).get("name"))
    people = [one.get("reviewer") or {} for one in entry.get("reviewers") or ()]
    named = [clean(api, one.get("login") or f"team {one.get('name')}") for one in people]
    return f"{name}: {', '.join(named)}" if named else f"{name}: no reviewer is named, it may be its wait timer"


def clean(api: Api, text: object) -> str:
    """What others wrote, on one line, and without anything that must not be kept."""
    return hide_secrets(without(" ".join(str(text or "").split()), api.token))[:300]


def _link(api: Api, url: object) -> str:
    text = clean(api, url)
    return text if text.startswith(("https://", "http://")) else ""


def _moment(text: object) -> float:
    return datetime.fromisoformat(str(text)).timestamp()
