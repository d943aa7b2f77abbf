"""What people and programs are told: rows made of fleets, histories and runs. Pure; the screens only lay them out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from itertools import accumulate
from typing import Any, Literal

from multigit.errors import DONE, FAILED, PARTLY, REFUSED
from multigit.model.config import Config
from multigit.model.events import History, Hold, Run
from multigit.model.fleet import Distance, Fleet, RepoState
from multigit.model.names import Branch, EnvName, Oid, RepoName, Tag
from multigit.model.plan import Plan

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
    holds: tuple[Hold, ...] = ()
    totals: str = ""
    next: tuple[str, ...] = ()
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """One line of `history`: tagged, changed and live are three different facts."""

    tag: Tag | None
    run: str
    verb: str
    env: str
    when: datetime
    by: str
    changed: int
    tagged: int
    of: int
    took: float | None
    """Seconds from begin to the end; None where only the tags tell of it."""
    result: Literal["live", "ok", "partial", "rolled back", "tags only", "aborted", "failed", "open"]
    note: str = ""
    emergency: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How a run ended, schema `multigit.run/1`."""

    schema: Literal["multigit.run/1"] = "multigit.run/1"
    run: str
    plan: Plan
    outcome: Literal["released", "aborted", "refused", "race", "lost", "open", "nothing"]
    statuses: Mapping[RepoName, str]
    why: str = ""
    warnings: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    took: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether everything is as it was before the run."""
        return self.outcome == "aborted" and "diverged" not in self.statuses.values()

    @property
    def exit_code(self) -> int:
        """0 released or nothing to do; 3 refused or taken back (nothing changed); 4 open, or somebody built on it."""
        if self.outcome in ("released", "nothing"):
            return DONE
        return REFUSED if self.clean or self.outcome in ("refused", "race") else PARTLY


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
    return Status(
        title=config.title,
        at=at,
        environments=tuple(env.name for env in environments),
        branches={env.name: env.branch for env in environments if env.branch},
        rows=rows,
        open_run=run.id if run else None,
        open_phase=run.phase if run else "",
        open_by=f"{(run.taken_by or run.by).user}@{(run.taken_by or run.by).host}" if run else "",
        holds=fleet.history.holds,
        totals=_totals(config, rows),
        next=_next_commands(config, rows, run),
        exit_code=PARTLY if run else FAILED if any(fleet.state(name).problem for name in shown) else DONE,
    )


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


def releases(
    history: History,
    tags: Mapping[RepoName, Collection[Tag]],
    env: EnvName | None,
    size: int,
    prefixes: Mapping[str, str],
    zone: tzinfo = UTC,
) -> list[ReleaseRow]:
    """Runs of the ledger, newest first; then tags that no run tells of (made before multigit, or by hand).

    `tags`: release tags per repository; `size`: repositories in the fleet; `prefixes`: how
    an environment's tags begin; `zone`: that of the times in their names.
    """
    runs = [run for run in history.runs.values() if run.plan and env in (None, run.target)]
    known = [_release(run, tags, size, history) for run in runs]
    told = {row.tag for row in known if row.result not in ("aborted", "failed")}
    untold = ((row.when, row) for row in _tags_only(tags, size, prefixes, env, zone) if row.tag not in told)
    latest = accumulate((row.when for row in known), max)  # the ledger's order, whatever its writers' clocks said
    placed = [*zip(latest, known, strict=True), *untold]
    rows = [row for _, row in sorted(placed, key=lambda pair: pair[0])]
    newest_live: dict[str, int] = {row.env: i for i, row in enumerate(rows) if row.result == "ok" and row.tag}
    for position in newest_live.values():
        rows[position] = replace(rows[position], result="live")
    return rows[::-1]


def _tags_only(
    tags: Mapping[RepoName, Collection[Tag]], size: int, prefixes: Mapping[str, str], env: EnvName | None, zone: tzinfo
) -> list[ReleaseRow]:
    """Releases that only their tags tell of; the time stands in the tag's name, or they come first."""
    rows = []
    for tag in sorted({tag for found in tags.values() for tag in found}):
        of = next((name for prefix, name in prefixes.items() if tag.startswith(prefix)), "")
        if env in (None, of):
            held = sum(tag in found for found in tags.values())
            rows.append(
                ReleaseRow(tag=tag, run="", verb="", env=of, when=_time_in(tag, zone), by="", changed=0, tagged=held,
                           of=size, took=None, result="tags only" if held == size else "partial")
            )  # fmt: skip
    return rows


def _time_in(tag: Tag, zone: tzinfo) -> datetime:
    digits = "".join(c for c in tag if c.isdigit())
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _release(run: Run, tags: Mapping[RepoName, Collection[Tag]], size: int, history: History) -> ReleaseRow:
    tagged = sum(run.tag in found for found in tags.values()) if run.tag else 0
    runs = list(history.runs.values())
    back = next((later for later in runs[runs.index(run) + 1 :] if _takes_back(later, run)), None)
    changed = sum(step.get("kind") == "land" for step in run.plan.get("steps", ()))
    return ReleaseRow(
        tag=run.tag,
        run=run.id,
        verb=str(run.plan.get("verb", "")),
        env=run.target,
        when=run.started,
        by=run.by.name,
        changed=changed,
        tagged=tagged,
        of=size,
        took=(run.ended - run.started).total_seconds() if run.ended else None,
        result=_result(run, tagged, size, taken_back=back is not None),
        note=f"by {back.tag}" if back and back.tag else run.reason,
        emergency=bool(run.plan.get("emergency")),
    )


def _takes_back(later: Run, run: Run) -> bool:
    """Whether `later`, which the ledger has after `run`, is a released rollback to a tag older than `run`'s."""
    if later.phase != "released" or later.plan.get("verb") != "rollback" or later.target != run.target:
        return False
    to: Any = later.plan.get("to")
    return bool(run.tag and to and to < run.tag)


def _result(
    run: Run, tagged: int, size: int, *, taken_back: bool
) -> Literal["ok", "partial", "rolled back", "aborted", "failed", "open"]:
    if run.open:
        return "open"
    if run.phase in ("aborted", "failed"):
        return "aborted" if run.phase == "aborted" else "failed"
    if run.tag and tagged < size:
        return "partial"
    return "rolled back" if taken_back else "ok"
