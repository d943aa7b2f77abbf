"""Asks whether what is promoted has been in an earlier environment long enough, unchanged (M10).

    soak: {kind: soak, env: staging, for: 24h}

The time runs from the release that brought a repository's commit to the environment; of several repositories the
youngest counts. A commit that no recorded release brought there has not begun to soak.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from multigit.model.config import STRICT, seconds
from multigit.model.events import Run
from multigit.model.names import EnvName, Oid, RepoName
from multigit.model.verdict import Subject, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this gate."""

    __pydantic_config__ = STRICT
    env: EnvName
    """Environment in which the release must have been, by id or alias."""
    for_: str
    """How long, for example `24h`."""

    def __post_init__(self) -> None:
        seconds(self.for_)


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass once the youngest of the promoted commits is old enough; wait until then."""
    env = subject.config.environment(settings.env)
    if env is None:
        return Verdict(state="fail", why=f"repos.yaml has no environment {settings.env!r} to soak in")
    heads = {land.repo: land.source or land.new for land in subject.plan.lands}
    if not heads:
        return Verdict(state="pass", why="nothing is promoted")
    runs = [run for run in subject.fleet.history.runs.values() if run.phase == "released" and run.target == env.name]
    since = {repo: _since(repo, head, runs) for repo, head in heads.items()}
    never = tuple(
        f"{repo}: {heads[repo].short} was not released to {env.name}" for repo in since if since[repo] is None
    )
    if never:
        return Verdict(
            state="fail",
            why=f"{len(never)} of {len(heads)} repositories stand at a commit that no release brought to {env.name}",
            details=(*never, f"multigit history {env.name}"),
        )
    return _aged(settings, env.name, max(moment for moment in since.values() if moment), subject.now)


def _aged(settings: Settings, env: EnvName, since: datetime, now: datetime) -> Verdict:
    ready = since + timedelta(seconds=seconds(settings.for_))
    left = (ready - now).total_seconds()
    told = f"on {env} since {since.astimezone(now.tzinfo):%Y-%m-%d %H:%M %Z}"
    if left <= 0:
        return Verdict(state="pass", why=f"{told}, at least {settings.for_}")
    until = f"{ready.astimezone(now.tzinfo):%Y-%m-%d %H:%M %Z}"
    return Verdict(state="wait", why=f"{told}; {settings.for_} are over at {until}", retry_after=left)


def _since(repo: RepoName, head: Oid, runs: Sequence[Run]) -> datetime | None:
    """When `head` came to the environment to stay: the first of the newest releases that all had it there."""
    first: datetime | None = None
    for run in reversed(runs):
        commit = _commits(run.plan).get(repo)
        if commit is not None and commit != head:
            break
        if commit == head:
            first = run.ended or run.started
    return first


def _commits(plan: Mapping[str, Any]) -> dict[str, str]:
    """Plan.commits() of a stored plan, from its JSON document."""
    steps = (step for step in plan.get("steps", ()) if step.get("kind") in ("land", "keep"))
    return {str(step["repo"]): str(step["new"] if step["kind"] == "land" else step["at"]) for step in steps}
