"""The engine: asks the protocol what comes now, does it side by side, writes down intent and result, asks again.

It never decides. Losing this process at any moment loses nothing: `take_up` starts from the ledger and the remotes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import Event as Flag
from uuid import uuid4

from multigit.apply import protocol
from multigit.apply.effects import Hands
from multigit.apply.objects import parcels
from multigit.apply.vocabulary import (
    Action,
    Append,
    Beaten,
    Done,
    End,
    LandIt,
    Look,
    Observation,
    Phase,
    PutTag,
    Record,
    RepoView,
    Settle,
    Stage,
    State,
    Wrote,
)
from multigit.apply.wording import came_of, told
from multigit.errors import MultigitError
from multigit.lanes import each
from multigit.ledger.journal import Journal, JournalError
from multigit.ledger.shared import Ledger
from multigit.model.actor import Actor
from multigit.model.events import History, Run
from multigit.model.names import RepoName
from multigit.model.plain import plain
from multigit.model.plan import Plan
from multigit.model.record import Event
from multigit.vcs import network
from multigit.vcs.mirror import Mirror
from multigit.vcs.signing import SigningError

READY = 5
"""Pushes that hosts get ready for at once: the others find the hosts' ten sessions used."""
PAUSES: tuple[float, ...] = (0.0, 1.0, 3.0)
"""Seconds before the first, second and third attempt at a push."""


@dataclass(slots=True)
class Work:
    """All that a run needs besides the plan."""

    plan: Plan
    mirrors: Mapping[RepoName, Mirror]
    ledger: Ledger
    journal: Journal
    actor: Actor
    now: Callable[[], datetime]
    jobs: int = 8
    progress: Callable[[str, str], None] = lambda repo, what: None
    consent: Mapping[str, object] = field(default_factory=dict)
    """Answers, overrides and approvals, as the ledger keeps them."""
    signatures: Mapping[RepoName, str] = field(default_factory=dict)
    """Of the release tags, by repository; none where they are not signed."""
    cancel: Flag = field(default_factory=Flag)
    """Set by the first Ctrl-C: stop while nothing is visible yet, otherwise settle the whole run."""
    stop: Flag = field(default_factory=Flag)
    """Set by the second one, SIGTERM or SIGHUP: finish what is under way, then leave the run open."""
    owner: str = field(default_factory=lambda: uuid4().hex)

    def hands(self) -> dict[RepoName, Hands]:
        """Hands for every repository of the plan."""
        found = parcels(self.plan, self.signatures)
        return {repo: Hands(parcel, self.mirrors[repo]) for repo, parcel in found.items()}


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended, and what is known of every repository."""

    done: Done
    state: State
    moved: tuple[str, ...] = ()
    """Of sources that went on after the plan was made."""


def start(work: Work) -> Result:
    """Apply a confirmed plan."""
    work.journal.note("planned", work.plan.run, work.plan.verb, data={"plan": plain(work.plan)})
    return _drive(work, protocol.begin(_views(work.plan)))


def take_up(work: Work, run: Run, intent: str) -> Result:
    """Go on with a run that was left open, or take it back. The caller has written `take` to the ledger."""
    phase = {"begun": Phase.BEGUN, "aborting": Phase.ABORTING, "landed": Phase.LANDED}[run.phase]
    work.journal.note("planned", run.id, intent, data={"plan": dict(run.plan)})
    return _drive(work, protocol.take_up(_views(work.plan), phase, "abort" if intent == "abort" else "resume"))


def take(work: Work) -> Beaten | None:
    """Become the owner of an open run: its former owner's next record is refused from here on."""
    head = work.ledger.history.base
    refused = work.ledger.append(_event(work, "take"), may_follow=lambda history: history.base == head)
    return Beaten("take", why=refused.why) if refused else None


def _views(plan: Plan) -> tuple[RepoView, ...]:
    tagged = plan.tag is not None
    lands = {step.repo for step in plan.lands}
    return tuple(RepoView(repo, repo in lands, tagged) for repo in plan.commits() if tagged or repo in lands)


def _drive(work: Work, state: State) -> Result:
    hands = work.hands()
    state, actions = protocol.next(state)
    while not isinstance(actions[0], Done):
        if stopped := _stopped(work, state):
            return _ended(work, Result(stopped, state), hands)
        if isinstance(actions[0], Append):
            _prepare(work, actions[0].record)
        try:
            seen = each(partial(_perform, work, hands, state), actions, work.jobs)
        except (MultigitError, OSError) as broken:
            return _ended(work, Result(_broken_off(state, actions, broken), state), hands)
        state, actions = protocol.next(state, tuple(seen))
    done = actions[0]
    assert isinstance(done, Done)
    return _ended(work, Result(done, state), hands)


def _prepare(work: Work, record: Record) -> None:
    """Let hosts get ready for the pushes that come after `record`, while that is under way."""
    if record == "aborting":
        network.forget()  # what comes now are other pushes
    if record in ("begin", "landed"):
        pushed = [work.mirrors[view.repo].url for view in _views(work.plan) if view.lands or record == "landed"]
        # The home repository first: when it is done, its host gets ready for the next record.
        for url in sorted(pushed, key=lambda url: url != work.ledger.home.url)[:READY]:
            network.prepare(url)


def _stopped(work: Work, state: State) -> Done | None:
    """Whether the operator wants to stop, and what that means now."""
    if state.phase is Phase.PLANNED and (work.cancel.is_set() or work.stop.is_set()):
        return Done(End.REFUSED, "stopped on request, before anything was changed")
    return Done(End.OPEN, "stopped on request") if work.stop.is_set() else None


def _broken_off(state: State, actions: tuple[Action, ...], broken: Exception) -> Done:
    """What it leaves when this machine cannot go on, because its journal or its disk fails."""
    why = f"{broken}: {broken.why}" if isinstance(broken, MultigitError) and broken.why else str(broken)
    # A record that could not be signed was not sent.
    sent = any(isinstance(action, Append) for action in actions) and not isinstance(broken, SigningError)
    before = state.phase is Phase.PLANNED and not sent
    return Done(End.REFUSED if before else End.OPEN, f"this machine cannot go on: {why}")


def _ended(work: Work, result: Result, hands: Mapping[RepoName, Hands]) -> Result:
    network.forget()
    # The tag's push drops the stage ref; where no tag was pushed, it is dropped now.
    untagged = result.done.end is End.RELEASED and work.plan.tag is None
    begun = work.plan.run in work.ledger.history.runs  # the same plan applied twice at once: the winner needs its stage
    if untagged or result.done.end is End.ABORTED or (result.done.end in (End.REFUSED, End.RACE) and not begun):
        each(_forget, hands.values(), work.jobs)
    with suppress(JournalError):  # how it ended is in the ledger and on the screen
        work.journal.note("ended", work.plan.run, result.done.end.value, data={"why": result.done.why})
    moved = [(one.parcel, name, oid) for one in hands.values() for name, oid in one.moved.items()]
    went_on = (
        f"{of.repo}: {name} went on to {oid.short}, {of.sources[name].short} was promoted" for of, name, oid in moved
    )
    return replace(result, moved=tuple(went_on))


def _forget(hands: Hands) -> None:
    try:
        hands.forget()
    except MultigitError:
        return  # a stage ref that stays behind is visible to nobody and harms nothing


def _perform(work: Work, hands: Mapping[RepoName, Hands], state: State, action: Action) -> Observation:
    text, repo = told(action)
    work.journal.note("intent", work.plan.run, text, repo=repo)
    work.progress(repo, text)
    match action:
        case Append(record):
            seen: Observation = _append(work, record, state)
        case LandIt(attempt=attempt) | PutTag(attempt=attempt) | Settle(attempt=attempt):
            time.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
            seen = hands[action.repo].do(action)
        case Stage() | Look():
            seen = hands[action.repo].do(action)
        case Done():
            raise AssertionError("an end is no effect")
    work.journal.note("result", work.plan.run, came_of(seen), repo=repo)
    if repo == work.ledger.home.repo:
        network.prepare(work.ledger.home.url)  # for the record that comes next
    return seen


def _append(work: Work, record: Record, state: State) -> Observation:
    event = _event(work, record, state)
    may = partial(_still_free, work) if record == "begin" else partial(_mine, work, state=state)
    refused = work.ledger.append(event, may_follow=may)
    if refused is None:
        return Wrote(record)
    if refused.history is None:
        return Beaten(record, why=refused.why, unknown=refused.unknown)
    run = refused.history.runs.get(work.plan.run)
    if record == "begin" and refused.unknown:
        return Beaten(record, why=refused.why, unknown=True)
    if record == "begin":
        holder = refused.history.open_run
        why = _named(holder) if holder else _came_first(work, refused.history) if refused.moved else refused.why
        return Beaten(record, why=why, refused=not (holder or refused.moved))
    taken = run is not None and run.owner != work.owner
    return Beaten(record, taken=taken, phase=_phase(run), why=_named(run) if taken and run else refused.why)


def _came_first(work: Work, history: History) -> str:
    """Who was faster since the plan was made: the last run that began, if one did."""
    known = next((n for n, event in enumerate(history.events, 1) if event.oid == work.plan.ledger), 0)
    began = [history.runs[event.run] for event in history.events[known:] if event.kind == "begin" and event.run]
    who = _named(began[-1]) if began else "another record"
    return f"the ledger moved: {who} came first, make the plan again"


def _still_free(work: Work, history: History) -> bool:
    """Whether nothing came that the plan depends on: records of deployments may."""
    return history.base == work.plan.ledger and history.open_run is None


def _mine(work: Work, history: History, state: State) -> bool:
    """Whether only harmless records (a hold, say) came in between."""
    run = history.runs.get(work.plan.run)
    return run is not None and run.owner == work.owner and _phase(run) is state.phase


def _phase(run: Run | None) -> Phase | None:
    return Phase(run.phase) if run and run.phase != "failed" else None


def _named(run: Run) -> str:
    who = run.taken_by or run.by
    return f"run {run.id} of {who.user}@{who.host} ({run.phase}, since {run.started:%Y-%m-%d %H:%M:%S %Z})"


def _event(work: Work, record: Record, state: State | None = None) -> Event:
    data: dict[str, object] = {}
    reason = ""
    if record == "begin":
        data = {"plan": plain(work.plan), **work.consent}
        data |= {"signatures": dict(work.signatures)} if work.signatures else {}
        reason = work.plan.reason
    if record == "aborting" and state:
        reason = protocol.cannot(state) or "aborted by the operator"
    if record in ("released", "aborted") and state:
        data = {"statuses": protocol.statuses(state), "drifted": list(protocol.drifted(state))}
    if record == "released":
        data |= {"quarantine": plain(work.plan.quarantine), "lifts": list(work.plan.lifts)}
    return Event(
        kind=record, run=work.plan.run, at=work.now(), by=work.actor, owner=work.owner, reason=reason, data=data
    )


def fail_record(work: Work, why: str) -> None:
    """Tell the ledger of a consented run that ended before `begin` (G7: failures are told, too)."""
    event = replace(_event(work, "failed"), reason=why, data={"plan": plain(work.plan)})
    if work.plan.run not in work.ledger.history.runs:
        # Another process may apply the very same plan; its run must not be called failed.
        work.ledger.append(event, may_follow=lambda history: work.plan.run not in history.runs)
