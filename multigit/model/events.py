"""What happened: events, and `fold`, which makes them a history. Screens, logs and notices read nothing else.

The ledger keeps the events that everyone must agree on (`Kind`), oldest first; each event of a run names
the run. docs/ledger.md is the public description of this format (schema `multigit.ledger/1`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from multigit.model import deployments
from multigit.model.actor import Actor
from multigit.model.deployments import Deployment
from multigit.model.names import DeploymentId, EnvName, Oid, RepoName, RunId, Tag
from multigit.model.record import Event

Phase = Literal["begun", "aborting", "landed", "released", "aborted", "failed"]
Status = Literal["landed", "void", "undone", "restored", "diverged", "untouched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as far as the ledger tells. `plan` is the plan's JSON document, `objects` the ids made for it."""

    id: RunId
    phase: Phase
    owner: str
    by: Actor
    started: datetime
    ended: datetime | None = None
    taken_by: Actor | None = None
    reason: str = ""
    plan: Mapping[str, Any] = field(default_factory=dict)
    statuses: Mapping[RepoName, Status] = field(default_factory=dict)
    signatures: Mapping[RepoName, str] = field(default_factory=dict)
    """Of its release tags, where they are signed: with the plan they make the very tags again."""

    @property
    def open(self) -> bool:
        """Whether somebody still has to `resume` or `abort` it."""
        return self.phase in ("begun", "aborting", "landed")

    @property
    def tag(self) -> Tag | None:
        """Its release tag."""
        return Tag(self.plan["tag"]) if self.plan.get("tag") else None

    @property
    def target(self) -> str:
        """Id of the environment it changed."""
        return str(self.plan.get("target", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A stop sign. `release`: the quarantine of a release taken back (R2); otherwise a freeze of the environment."""

    id: str
    env: EnvName
    reason: str
    by: Actor
    at: datetime
    run: RunId | None = None
    """The rollback that set it; None where a person did."""
    sources: Mapping[RepoName, tuple[Oid, ...]] = field(default_factory=dict)
    """Quarantine: the source heads that must not be shipped again."""

    @property
    def quarantine(self) -> bool:
        """Whether it holds one release rather than the whole environment."""
        return bool(self.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The ledger, read whole."""

    head: Oid | None = None
    events: tuple[Event, ...] = ()
    runs: Mapping[RunId, Run] = field(default_factory=dict)
    """Oldest first."""
    holds: tuple[Hold, ...] = ()
    """Those still in force."""
    deployments: Mapping[DeploymentId, Deployment] = field(default_factory=dict)
    """Oldest first."""

    @property
    def base(self) -> Oid | None:
        """The last record that plans depend on: those of deployments change nothing that is planned."""
        heeded = (event.oid for event in reversed(self.events) if event.kind not in deployments.KINDS)
        return next(heeded, None) if self.events else self.head

    @property
    def open_run(self) -> Run | None:
        """The run that holds the lock, if any."""
        return next((run for run in self.runs.values() if run.open), None)


def fold(events: Iterable[Event], head: Oid | None = None) -> History:
    """Make a history of events, oldest first. A record that cannot follow those before it changes nothing."""
    runs: dict[RunId, Run] = {}
    holds: dict[str, Hold] = {}
    deployed: dict[DeploymentId, Deployment] = {}
    kept = tuple(events)
    for event in kept:
        if event.kind in deployments.KINDS:
            if not deployments.misplaced(deployed, event):
                deployments.after(deployed, event)
            continue
        if misplaced(runs, event):
            continue
        if event.run is not None and event.kind not in ("hold", "lift"):
            runs[event.run] = _after(runs.get(event.run), event)
        for hold in _holds_set(event):
            holds.setdefault(hold.id, hold)
        for lifted in _lifted(event):
            if lifted in holds and (event.kind == "lift" or holds[lifted].env == _env(runs, event)):
                del holds[lifted]
    return History(head=head, events=kept, runs=runs, holds=tuple(holds.values()), deployments=deployed)


_FOLLOWS: Mapping[str, tuple[str, ...]] = {
    "take": ("begun", "aborting", "landed"),
    "aborting": ("begun",),
    "landed": ("begun",),
    "released": ("landed",),
    "aborted": ("aborting",),
}


def misplaced(runs: Mapping[RunId, Run], event: Event) -> str:
    """Why `event` cannot follow what happened to its run so far, or ''. Nobody's multigit writes such a record (I6)."""
    run = runs.get(event.run) if event.run else None
    if event.kind == "begin" and run and run.phase != "failed":
        return f"the run had begun before and is {run.phase}"
    before = _FOLLOWS.get(event.kind)
    if before is None or event.run is None:
        return ""
    if run is None:
        return "its run never began"
    return "" if run.phase in before else f"its run is {run.phase}"


def out_of_place(events: Iterable[Event]) -> tuple[tuple[Event, str], ...]:
    """The records that `fold` does not heed, and why."""
    found: list[tuple[Event, str]] = []
    runs: dict[RunId, Run] = {}
    deployed: dict[DeploymentId, Deployment] = {}
    for event in events:
        if event.kind in deployments.KINDS:
            if why := deployments.misplaced(deployed, event):
                found.append((event, why))
            else:
                deployments.after(deployed, event)
        elif why := misplaced(runs, event):
            found.append((event, why))
        elif event.run is not None and event.kind not in ("hold", "lift"):
            runs[event.run] = _after(runs.get(event.run), event)
    return tuple(found)


def _lifted(event: Event) -> tuple[str, ...]:
    if event.kind == "lift":
        return (str(event.data["hold"]),)
    return tuple(str(name) for name in event.data.get("lifts", ())) if event.kind == "released" else ()


def _env(runs: Mapping[RunId, Run], event: Event) -> str:
    return runs[event.run].target if event.run and event.run in runs else ""


def _after(run: Run | None, event: Event) -> Run:
    if run is None or event.kind == "begin":
        assert event.run is not None
        phase: Phase = "failed" if event.kind == "failed" else "begun"
        ended = event.at if event.kind == "failed" else None
        signatures = {RepoName(name): str(text) for name, text in event.data.get("signatures", {}).items()}
        return Run(id=event.run, phase=phase, owner=event.owner, by=event.by, started=event.at, ended=ended,
                   reason=event.reason, plan=event.data.get("plan", {}), signatures=signatures)  # fmt: skip
    match event.kind:
        case "take":
            return replace(run, owner=event.owner, taken_by=event.by)
        case "aborting" | "landed":
            return replace(run, phase=event.kind, reason=event.reason or run.reason)
        case "failed" if run.phase != "failed":
            return run  # told before a run begins; one that has begun ends otherwise
        case "released" | "aborted" | "failed":
            statuses = {RepoName(name): status for name, status in event.data.get("statuses", {}).items()}
            return replace(run, phase=event.kind, ended=event.at, reason=event.reason or run.reason, statuses=statuses)
        case _:
            return run


def _holds_set(event: Event) -> tuple[Hold, ...]:
    """The holds an event sets: a person's, or the quarantine that a released rollback carries."""
    if event.kind == "hold":
        return (_hold(event, event.data),)
    return tuple(_hold(event, mark) for mark in event.data.get("quarantine", ())) if event.kind == "released" else ()


def _hold(event: Event, mark: Mapping[str, Any]) -> Hold:
    sources = {RepoName(repo): tuple(Oid(oid) for oid in oids) for repo, oids in mark.get("sources", {}).items()}
    return Hold(
        id=str(mark["hold"]),
        env=EnvName(mark["env"]),
        reason=event.reason or str(mark.get("reason", "")),
        by=event.by,
        at=event.at,
        run=event.run if event.kind == "released" else None,
        sources=sources,
    )
