"""All or nothing over N repositories: the decisions, as one pure function.

`next(state, seen)` folds what was just observed into the state and answers which actions come now; the
actions of one answer are independent of each other and may run side by side. No I/O, no clock, no chance:
an explorer drives this very code through every interleaving (tests/unit/test_explorer.py).
The protocol and the facts it rests on are told in docs/protocol.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from multigit.apply.vocabulary import (
    Action,
    Append,
    Beaten,
    Done,
    End,
    Fence,
    LandIt,
    Look,
    Observation,
    Phase,
    PutTag,
    RepoView,
    Saw,
    Settle,
    Stage,
    Staged,
    State,
    TagState,
    Tip,
    Unseen,
    Wrote,
)
from multigit.model.names import RepoName

TRIES = 3
"""How often one push is tried in one process before the answer is "cannot" (an unknown result counts)."""


def begin(repos: tuple[RepoView, ...]) -> State:
    """A fresh run: the plan says where every repository is, the leases will prove it."""
    return State(Phase.PLANNED, tuple(replace(view, known=True, tip=Tip.OLD, fence=Fence.NONE) for view in repos))


def take_up(repos: tuple[RepoView, ...], phase: Phase, intent: Literal["resume", "abort"]) -> State:
    """A run found open: nothing is believed, everything is looked at."""
    return State(phase, repos, intent)


def next(state: State, seen: tuple[Observation, ...] = ()) -> tuple[State, tuple[Action, ...]]:
    """Fold `seen` into `state`; answer the new state and the actions that come now."""
    for observation in seen:
        state = _fold(state, observation)
    return state, _decide(state)


def _fold(state: State, seen: Observation) -> State:
    match seen:
        case Staged(repo, why):
            return _with(state, replace(state.view(repo), staged=not why, refused=why))
        case Saw(repo, tip, fence, tag, refused):
            view = state.view(repo)
            was_known, moved = view.known, (view.tip, view.fence, view.tag) != (tip, fence, tag)
            view = replace(view, known=True, tip=tip, fence=fence, tag=tag, refused=refused, unseen="")
            # A look after an unknown result is no try of its own: the result counted when it did not come.
            return _with(state, replace(view, tries=0 if moved else view.tries + was_known))
        case Unseen(repo, why):
            view = state.view(repo)
            return _with(state, replace(view, known=False, tries=view.tries + 1, unseen=why))
        case Wrote(record):
            reason = state.reason or (cannot(state) if record == "aborting" else "")
            return replace(_forget_tries(state), phase=_AFTER.get(record, state.phase), reason=reason)
        case Beaten():
            return _beaten(state, seen)


_AFTER = {
    "begin": Phase.BEGUN,
    "aborting": Phase.ABORTING,
    "landed": Phase.LANDED,
    "released": Phase.RELEASED,
    "aborted": Phase.ABORTED,
}


def _beaten(state: State, seen: Beaten) -> State:
    if seen.taken:
        return replace(state, end=Done(End.LOST, seen.why))
    if seen.record == "begin" and not seen.unknown:
        return replace(state, end=Done(End.REFUSED if seen.refused else End.RACE, seen.why))
    if seen.phase is not None and seen.phase is not state.phase:
        return replace(_forget_tries(state), phase=seen.phase)
    return replace(state, end=Done(End.OPEN, seen.why))


def _with(state: State, view: RepoView) -> State:
    return replace(state, repos=tuple(view if old.repo == view.repo else old for old in state.repos))


def _forget_tries(state: State) -> State:
    return replace(state, repos=tuple(replace(view, tries=0, refused="", unseen="") for view in state.repos))


def _decide(state: State) -> tuple[Action, ...]:
    if state.end:
        return (state.end,)
    match state.phase:
        case Phase.PLANNED:
            return _stage(state)
        case Phase.BEGUN:
            return (Append("aborting"),) if state.intent == "abort" else _land(state)
        case Phase.ABORTING:
            return _compensate(state)
        case Phase.LANDED:
            return _tag(state)
        case Phase.RELEASED:
            return (Done(End.RELEASED),)
        case Phase.ABORTED:
            return (Done(End.ABORTED, state.reason),)


def _stage(state: State) -> tuple[Action, ...]:
    refusals = [f"{view.repo}: {view.refused}" for view in state.repos if view.refused]
    if refusals:
        return (Done(End.REFUSED, "; ".join(refusals)),)
    return tuple(Stage(view.repo) for view in state.repos if not view.staged) or (Append("begin"),)


def _land(state: State) -> tuple[Action, ...]:
    landing = [view for view in state.repos if view.lands]
    if any(_cannot_land(view) for view in landing):
        return (Append("aborting"),)
    due = tuple(_land_one(view) for view in landing if not _is_landed(view))
    return due or (Append("landed"),)


def _is_landed(view: RepoView) -> bool:
    return view.known and view.fence is Fence.LANDED


def _land_one(view: RepoView) -> Action:
    return LandIt(view.repo, view.tries) if view.known else Look(view.repo)


def _cannot_land(view: RepoView) -> bool:
    """The rows of the table from which only abort leads on, and pushes that were tried often enough."""
    if view.known and (view.fence in _CLOSED or (view.fence is Fence.NONE and view.tip is not Tip.OLD)):
        return True
    return not _is_landed(view) and bool(view.refused or view.tries >= TRIES)


def _compensate(state: State) -> tuple[Action, ...]:
    landing = [view for view in state.repos if view.lands]
    stuck = [view for view in landing if not _settled(view) and view.tries >= TRIES]
    due = tuple(_settle_one(view) for view in landing if not _settled(view) and view not in stuck)
    if due:
        return due
    if stuck:
        return (Done(End.OPEN, "; ".join(f"{v.repo}: {v.unseen or v.refused or 'not settled'}" for v in stuck)),)
    return (Append("aborted"),)


_CLOSED = (Fence.VOID, Fence.UNDONE, Fence.RESTORED, Fence.DIVERGED, Fence.FOREIGN)


def _settled(view: RepoView) -> bool:
    return view.known and view.fence in _CLOSED


def _settle_one(view: RepoView) -> Action:
    match view.fence, view.tip:
        case _ if not view.known:
            return Look(view.repo)
        case Fence.NONE, _:
            return Settle(view.repo, "void", view.tries)
        case _, Tip.NEW:
            return Settle(view.repo, "restored" if view.refused else "undone", view.tries)
        case _:
            return Settle(view.repo, "diverged", view.tries)


def _tag(state: State) -> tuple[Action, ...]:
    tagged = [view for view in state.repos if view.tagged and view.tag is not TagState.OURS]
    stuck = [view for view in tagged if view.tag is TagState.OTHER or view.refused or view.tries >= TRIES]
    due = tuple(PutTag(view.repo, view.tries) for view in tagged if view not in stuck)
    if due:
        return due
    if stuck:
        return (Done(End.OPEN, "; ".join(f"{v.repo}: {_why_no_tag(v)}" for v in stuck)),)
    return (Append("released"),)


def _why_no_tag(view: RepoView) -> str:
    if view.tag is TagState.OTHER:
        return "the tag exists there and stands for something else"
    return view.refused or view.unseen or "the tag could not be pushed"


def cannot(state: State) -> str:
    """Which repositories could not land, and why; '' if none is known."""
    return "; ".join(f"{view.repo}: {_why_not(view)}" for view in state.repos if view.lands and _why_not(view))


def _why_not(view: RepoView) -> str:
    if view.known and view.fence is Fence.FOREIGN:
        return view.refused or "another run has its fence"
    if view.known and view.fence is Fence.NONE and view.tip is not Tip.OLD:
        return view.refused or "the branch was moved by somebody else"
    if view.known and view.fence in _CLOSED:
        return "the run was being taken back there already"
    return view.refused or view.unseen or ("the push got no answer" if view.tries >= TRIES else "")


def statuses(state: State) -> dict[RepoName, str]:
    """What became of each repository whose branch was to move, for the closing record."""
    return {view.repo: _status(view, state.phase) for view in state.repos if view.lands}


def _status(view: RepoView, phase: Phase) -> str:
    if phase in (Phase.LANDED, Phase.RELEASED):
        return "landed"  # past the point of no return, whatever happened there since
    if view.fence is Fence.FOREIGN:
        # Another run took the fence, perhaps after we had landed: then NEW is still there and must be told.
        return "diverged" if view.tip in (Tip.NEW, Tip.BUILT) else "untouched"
    return view.fence.value if view.fence in _SPOKEN else "untouched"


_SPOKEN = (Fence.LANDED, Fence.VOID, Fence.UNDONE, Fence.RESTORED, Fence.DIVERGED)


def drifted(state: State) -> tuple[RepoName, ...]:
    """Repositories that had landed and from which somebody took the commits away again: reported, not repaired."""
    return tuple(v.repo for v in state.repos if v.fence is Fence.LANDED and v.tip in _GONE)


_GONE = (Tip.OLD, Tip.OTHER)
