"""The matrix of environments that `status` shows, as data. Pure; the screens only lay it out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from multigit.errors import DONE, FAILED, PARTLY
from multigit.model.config import Config
from multigit.model.events import History, Hold, Run
from multigit.model.fleet import Distance, Fleet, RepoState
from multigit.model.names import Branch, DeploymentId, EnvName, Oid, RepoName, Tag
from multigit.model.owing import Owed, owed

Mark = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """One repository of `status`."""

    repo: RepoName
    mark: Mark
    distances: tuple[Distance, ...]
    """One for each pair of neighbouring environments."""
    heads: Mapping[EnvName, Oid]
    live: Oid | None
    """Head of the last environment's branch."""
    tag: Tag | None
    """Newest release tag of the last environment in this repository."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDeployment:
    """A deployment that goes on, or that somebody has to go on with."""

    id: DeploymentId
    env: EnvName
    by: str
    since: datetime
    steps: int
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ringing:
    """An alarm that is in ALARM."""

    name: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """What CloudWatch says of the alarms that an environment's health names."""

    env: EnvName
    state: Literal["quiet", "unsure", "ringing", "unknown"]
    """unsure: some have too little data, and none rings. unknown: `why` says what was in the way."""
    of: int = 0
    """How many there are."""
    ringing: tuple[Ringing, ...] = ()
    unsure: int = 0
    """How many have too little data to tell."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`multigit status`, schema `multigit.status/1`."""

    schema: Literal["multigit.status/1"] = "multigit.status/1"
    title: str
    at: datetime
    as_of: datetime | None = None
    """`--no-fetch`: when the oldest of what is told here was seen; None: now."""
    environments: tuple[EnvName, ...]
    branches: Mapping[EnvName, Branch]
    rows: tuple[StatusRow, ...]
    open_run: str | None = None
    open_phase: str = ""
    open_by: str = ""
    deploying: tuple[OpenDeployment, ...] = ()
    """Deployments that are open."""
    undeployed: tuple[Owed, ...] = ()
    """Releases that were never deployed, or whose branches did not go back with what runs."""
    holds: tuple[Hold, ...] = ()
    alarms: tuple[Alarms, ...] = ()
    """By environment; only those whose health names alarms, and none of them with `--no-fetch`."""
    totals: str = ""
    next: tuple[str, ...] = ()
    exit_code: int = DONE


def status(
    config: Config,
    fleet: Fleet,
    distances: Mapping[RepoName, Sequence[Distance]],
    newest: Mapping[RepoName, Tag],
    at: datetime,
    only: Collection[RepoName] | None = None,
    older: Collection[RepoName] = (),
) -> Status:
    """The matrix of environments with debts, partial releases, holds and open runs.

    `newest`: the newest release tag by repository; `only`: the repositories to show, None for all; `older`: those that
    were seen before the others, so that a tag they lack says nothing.
    """
    environments = tuple(env for env in config.environments.values() if env.branch)
    latest = _latest_tag(newest.values())
    shown = [repo.name for repo in config.fleet if only is None or repo.name in only]
    rows = tuple(
        _row(
            config, fleet.state(name), tuple(distances.get(name, ())), newest.get(name),
            None if name in older else latest,
        )
        for name in shown
    )  # fmt: skip
    run = fleet.history.open_run
    owing = owed(config, fleet.history)
    return Status(
        title=config.title,
        at=at,
        environments=tuple(env.name for env in environments),
        branches={env.name: env.branch for env in environments if env.branch},
        rows=rows,
        open_run=run.id if run else None,
        open_phase=run.phase if run else "",
        open_by=f"{(run.taken_by or run.by).user}@{(run.taken_by or run.by).host}" if run else "",
        deploying=_deploying(fleet.history),
        undeployed=owing,
        holds=fleet.history.holds,
        totals=_totals(config, rows),
        next=(
            *_next_commands(config, rows, run),
            *(f"multigit watch {one.env}" for one in _deploying(fleet.history)),
            *(one.command for one in owing),
        ),
        exit_code=PARTLY if run else FAILED if any(fleet.state(name).problem for name in shown) else DONE,
    )


def _deploying(history: History) -> tuple[OpenDeployment, ...]:
    return tuple(
        OpenDeployment(id=one.id, env=one.env, since=one.started, steps=len(one.plan["steps"]),
                       by=f"{(one.taken_by or one.by).user}@{(one.taken_by or one.by).host}",
                       done=sum(state.state == "ok" for state in one.steps.values()))
        for one in history.deployments.values() if one.open
    )  # fmt: skip


def _row(
    config: Config, state: RepoState, distances: tuple[Distance, ...], tag: Tag | None, latest: Tag | None
) -> StatusRow:
    repo = config.repos[state.repo]
    heads: dict[EnvName, Oid] = {}
    notes: list[str] = []
    mark: Mark = "ok"
    for env in config.environments.values():
        branch = config.branch(repo, env)
        if branch and branch in state.heads:
            heads[env.name] = state.heads[branch]
        elif branch and not state.problem:
            notes.append(f"no branch {branch}")
            mark = "warn"
    for gap in distances:
        if gap.debts:
            notes.append(f"{len(gap.debts)} on {_branch(config, gap.target)}, not in {_branch(config, gap.source)}")
            mark = "warn"
        if gap.restored:
            notes.append(f"{gap.target}: last release taken back")
    if latest and tag != latest and not state.problem:
        notes.append(f"partial: {latest} missing")
        mark = "bad"
    if state.problem:
        notes, mark = [f"{state.problem.kind}: {state.problem.why}"], "bad"
    last = next((env for env in reversed(list(config.environments.values())) if env.branch), None)
    live = heads.get(last.name) if last else None
    return StatusRow(
        repo=state.repo, mark=mark, distances=distances, heads=heads, live=live, tag=tag, notes=tuple(notes)
    )


def _latest_tag(tags: Collection[Tag]) -> Tag | None:
    return max(tags, default=None)


def _branch(config: Config, env: EnvName) -> str:
    return config.environments[env].branch or env


def _totals(config: Config, rows: Sequence[StatusRow]) -> str:
    """`8 repos: 38 commits in 2 wait for main, 8 to merge back, 1 partial release`."""
    parts = []
    for gap in rows[0].distances if rows else ():
        waiting = [d for r in rows for d in r.distances if (d.source, d.target) == (gap.source, gap.target) and d.ahead]
        if waiting:
            commits = sum(d.ahead or 0 for d in waiting)
            parts.append(
                f"{commits} commit{'s' * (commits != 1)} in {len(waiting)} wait for {_branch(config, gap.target)}"
            )
    debts = sum(len(d.debts) for r in rows for d in r.distances)
    partial = sum(any(note.startswith("partial") for note in row.notes) for row in rows)
    broken = sum(row.mark == "bad" for row in rows) - partial
    parts += [f"{debts} to merge back"] if debts else []
    parts += [f"{partial} partial release{'s' * (partial != 1)}"] if partial else []
    parts += [f"{broken} cannot be read"] if broken > 0 else []
    return f"{len(rows)} repos: {', '.join(parts) or 'everything is where it should be'}"


def _next_commands(config: Config, rows: Sequence[StatusRow], run: Run | None) -> tuple[str, ...]:
    if run:
        return (f"multigit resume {run.id}", f"multigit abort {run.id}")
    commands = []
    for gap in reversed(rows[0].distances if rows else ()):
        same = [d for r in rows for d in r.distances if (d.source, d.target) == (gap.source, gap.target)]
        source, target = _branch(config, gap.source), _branch(config, gap.target)
        if any(d.debts for d in same):
            commands.append(f"multigit backmerge {target} {source}")
        if any(d.ahead for d in same):
            commands.append(f"multigit plan {source} {target}")
    return tuple(commands[:3])
