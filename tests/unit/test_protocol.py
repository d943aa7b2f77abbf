"""The decisions of the protocol, one by one: what was seen, and what comes next."""

from itertools import product
from typing import Literal

import pytest

from multigit.apply import protocol
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
    Record,
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

Intent = Literal["resume", "abort"]
A, B, KEPT = RepoName("api"), RepoName("web"), RepoName("docs")
VIEWS = (RepoView(A, lands=True, tagged=True), RepoView(B, lands=True, tagged=True))
WITH_KEPT = (*VIEWS, RepoView(KEPT, lands=False, tagged=True))
LANDED = (Saw(A, Tip.NEW, Fence.LANDED), Saw(B, Tip.NEW, Fence.LANDED))
STAGED = (Staged(A), Staged(B))
CLOSED = (Fence.VOID, Fence.UNDONE, Fence.RESTORED, Fence.DIVERGED, Fence.FOREIGN)
TIPS = tuple(Tip)


def after(state: State, *batches: tuple[Observation, ...]) -> tuple[Action, ...]:
    """What comes after these batches of observations."""
    for seen in batches[:-1]:
        state, _ = protocol.next(state, seen)
    return protocol.next(state, batches[-1] if batches else ())[1]


def begun(*batches: tuple[Observation, ...]) -> tuple[Action, ...]:
    return after(protocol.begin(VIEWS), STAGED, (Wrote("begin"),), *batches)


def found(
    phase: Phase, *seen: Observation, intent: Intent = "resume", views: tuple[RepoView, ...] = VIEWS
) -> tuple[Action, ...]:
    return after(protocol.take_up(views, phase, intent), seen)


def resumed(tip: Tip, fence: Fence) -> tuple[Action, ...]:
    """A resume of an open run whose other repository has landed."""
    return found(Phase.BEGUN, Saw(A, tip, fence), LANDED[1])


def aborted(tip: Tip, fence: Fence, refused: str = "") -> tuple[Action, ...]:
    """Taking back, the other repository being settled."""
    return found(Phase.ABORTING, Saw(A, tip, fence, refused=refused), Saw(B, Tip.OLD, Fence.VOID), intent="abort")


# --- the table: how resume and abort read the world -------------------------------------------------------------


def test_resume_fence_untouched_branch_old_pushes_again() -> None:
    assert resumed(Tip.OLD, Fence.NONE) == (LandIt(A),)


@pytest.mark.parametrize("tip", [Tip.NEW, Tip.BUILT, Tip.OTHER])
def test_resume_fence_untouched_branch_moved_aborts(tip: Tip) -> None:
    assert resumed(tip, Fence.NONE) == (Append("aborting"),)


@pytest.mark.parametrize("tip", TIPS)
def test_resume_landed_goes_on_whatever_the_branch_is_now(tip: Tip) -> None:
    assert resumed(tip, Fence.LANDED) == (Append("landed"),)


@pytest.mark.parametrize(("tip", "fence"), list(product(TIPS, CLOSED)))
def test_resume_of_a_closed_or_foreign_fence_can_only_abort(tip: Tip, fence: Fence) -> None:
    assert resumed(tip, fence) == (Append("aborting"),)


@pytest.mark.parametrize("tip", TIPS)
def test_abort_fence_untouched_is_voided_and_the_branch_left_alone(tip: Tip) -> None:
    assert aborted(tip, Fence.NONE) == (Settle(A, "void"),)


def test_abort_landed_is_rewound() -> None:
    assert aborted(Tip.NEW, Fence.LANDED) == (Settle(A, "undone"),)


@pytest.mark.shows("X6")
@pytest.mark.parametrize("tip", [Tip.BUILT, Tip.OTHER, Tip.OLD])
def test_abort_landed_and_then_moved_by_somebody_is_reported_and_left_alone(tip: Tip) -> None:
    assert aborted(tip, Fence.LANDED) == (Settle(A, "diverged"),)


@pytest.mark.parametrize(("tip", "fence"), list(product(TIPS, CLOSED)))
def test_abort_takes_a_closed_or_foreign_fence_as_it_is(tip: Tip, fence: Fence) -> None:
    assert aborted(tip, fence) == (Append("aborted"),)


def test_a_host_that_refuses_the_rewind_gets_a_restore_commit() -> None:
    start = protocol.take_up(VIEWS, Phase.ABORTING, "abort")
    seen = (Saw(A, Tip.NEW, Fence.LANDED), Saw(B, Tip.OLD, Fence.VOID))
    assert after(start, seen, (Saw(A, Tip.NEW, Fence.LANDED, refused="no rewinds"),)) == (Settle(A, "restored", 1),)


@pytest.mark.parametrize("intent", ["resume", "abort"])
def test_a_recorded_abort_is_final(intent: Intent) -> None:
    actions = found(Phase.ABORTING, *LANDED, intent=intent)
    assert actions == (Settle(A, "undone"), Settle(B, "undone"))


@pytest.mark.parametrize("intent", ["resume", "abort"])
def test_a_recorded_landing_only_goes_forward(intent: Intent) -> None:
    assert found(Phase.LANDED, intent=intent) == (PutTag(A), PutTag(B))


def test_an_abort_says_so_in_the_ledger_before_it_touches_anything() -> None:
    assert found(Phase.BEGUN, intent="abort") == (Append("aborting"),)


# --- a run from end to end ---------------------------------------------------------------------------------------


@pytest.mark.shows("G6")
def test_nothing_lands_before_everything_is_staged_and_begin_is_in_the_ledger() -> None:
    start = protocol.begin(VIEWS)
    assert after(start) == (Stage(A), Stage(B))
    assert after(start, (Staged(A),)) == (Stage(B),)
    assert after(start, STAGED) == (Append("begin"),)
    assert after(start, STAGED, (Wrote("begin"),)) == (LandIt(A), LandIt(B))


@pytest.mark.shows("G5")
def test_no_tag_before_landed_is_in_the_ledger_then_one_everywhere() -> None:
    start = protocol.begin(WITH_KEPT)
    batches = ((*STAGED, Staged(KEPT)), (Wrote("begin"),), LANDED)
    assert after(start, *batches) == (Append("landed"),)
    assert after(start, *batches, (Wrote("landed"),)) == (PutTag(A), PutTag(B), PutTag(KEPT))


def test_released_is_written_when_every_tag_was_read_back() -> None:
    tagged = tuple(Saw(repo, Tip.NEW, Fence.LANDED, TagState.OURS) for repo in (A, B))
    assert begun(LANDED, (Wrote("landed"),), tagged) == (Append("released"),)


def test_released_is_the_end() -> None:
    assert after(protocol.take_up(VIEWS, Phase.LANDED, "resume"), (Wrote("released"),)) == (Done(End.RELEASED),)


def test_a_run_without_a_tag_is_released_once_it_landed() -> None:
    assert found(Phase.LANDED, views=(RepoView(A, lands=True, tagged=False),)) == (Append("released"),)


def test_one_repository_that_cannot_land_takes_all_of_them_back() -> None:
    refused = (LANDED[0], Saw(B, Tip.OLD, Fence.NONE, refused="protected branch"))
    assert begun(refused) == (Append("aborting"),)
    assert begun(refused, (Wrote("aborting"),)) == (Settle(A, "undone"), Settle(B, "void"))


def test_the_end_of_an_abort_tells_why() -> None:
    refused = (LANDED[0], Saw(B, Tip.OLD, Fence.NONE, refused="protected branch"))
    settled = (Saw(A, Tip.OLD, Fence.UNDONE), Saw(B, Tip.OLD, Fence.VOID))
    actions = begun(refused, (Wrote("aborting"),), settled, (Wrote("aborted"),))
    assert actions == (Done(End.ABORTED, "web: protected branch"),)


def test_a_refusal_while_staging_ends_the_run_before_it_began() -> None:
    actions = after(protocol.begin(VIEWS), (Staged(A), Staged(B, "file too large")))
    assert actions == (Done(End.REFUSED, "web: file too large"),)


# --- unknown results and tries -----------------------------------------------------------------------------------


def test_an_unknown_result_is_looked_at_before_anything_else_is_tried() -> None:
    assert begun((LANDED[0], Unseen(B, "timeout"))) == (Look(B),)


def test_a_push_that_landed_although_it_seemed_lost_is_not_repeated() -> None:
    assert begun((LANDED[0], Unseen(B, "timeout")), (LANDED[1],)) == (Append("landed"),)


def test_a_push_without_effect_is_tried_three_times() -> None:
    nothing = (Saw(B, Tip.OLD, Fence.NONE),)
    assert begun((LANDED[0], *nothing)) == (LandIt(B, 1),)
    assert begun((LANDED[0], *nothing), nothing) == (LandIt(B, 2),)
    assert begun((LANDED[0], *nothing), nothing, nothing) == (Append("aborting"),)


def test_looking_after_an_unknown_result_costs_no_try() -> None:
    assert begun((LANDED[0], Unseen(B, "timeout")), (Saw(B, Tip.OLD, Fence.NONE),)) == (LandIt(B, 1),)


def test_a_repository_that_stays_silent_ends_in_an_abort() -> None:
    silent = (Unseen(B, "timeout"),)
    assert begun((LANDED[0], *silent), silent, silent) == (Append("aborting"),)


def test_an_undo_that_cannot_be_seen_leaves_the_run_open_and_names_the_repository() -> None:
    start = protocol.take_up(VIEWS, Phase.ABORTING, "abort")
    silent = (Unseen(B, "timeout"),)
    actions = after(start, (Saw(A, Tip.OLD, Fence.VOID), *silent), silent, silent)
    assert actions == (Done(End.OPEN, "web: timeout"),)


def test_a_tag_that_stands_for_something_else_leaves_the_run_open() -> None:
    other = (Saw(A, Tip.NEW, Fence.LANDED, TagState.OURS), Saw(B, Tip.NEW, Fence.LANDED, TagState.OTHER))
    actions = begun(LANDED, (Wrote("landed"),), other)
    assert actions == (Done(End.OPEN, "web: the tag exists there and stands for something else"),)


def test_a_refused_tag_does_not_keep_the_others_from_being_made() -> None:
    refused = (Saw(B, Tip.NEW, Fence.LANDED, refused="protected tag"),)
    assert begun(LANDED, (Wrote("landed"),), refused) == (PutTag(A),)


# --- the ledger says no ------------------------------------------------------------------------------------------


def test_a_lost_race_for_begin_ends_here() -> None:
    actions = after(protocol.begin(VIEWS), STAGED, (Beaten("begin", why="run r-1 holds the lock"),))
    assert actions == (Done(End.RACE, "run r-1 holds the lock"),)


def test_a_begin_that_the_host_of_the_ledger_refuses_ends_before_anything_changed() -> None:
    actions = after(protocol.begin(VIEWS), STAGED, (Beaten("begin", refused=True, why="protected branch"),))
    assert actions == (Done(End.REFUSED, "protected branch"),)


def test_a_begin_without_an_answer_is_an_open_run_not_a_lost_race() -> None:
    actions = after(protocol.begin(VIEWS), STAGED, (Beaten("begin", unknown=True, why="timeout"),))
    assert actions == (Done(End.OPEN, "timeout"),)


@pytest.mark.parametrize("record", ["aborting", "landed", "released", "aborted"])
def test_a_run_that_somebody_took_over_is_let_go(record: Record) -> None:
    assert begun((Beaten(record, taken=True, why="kim@laptop"),)) == (Done(End.LOST, "kim@laptop"),)


def test_a_ledger_out_of_reach_leaves_the_run_open() -> None:
    actions = begun(LANDED, (Beaten("landed", phase=Phase.BEGUN, why="unreachable"),))
    assert actions == (Done(End.OPEN, "unreachable"),)


def test_a_ledger_that_is_further_on_is_followed() -> None:
    assert begun(LANDED, (Beaten("landed", phase=Phase.LANDED),)) == (PutTag(A), PutTag(B))


# --- shape -------------------------------------------------------------------------------------------------------

STATES = tuple(
    protocol.next(protocol.take_up(VIEWS, phase, intent), (Saw(A, tips[0], fences[0]), Saw(B, tips[1], fences[1])))[0]
    for phase in (Phase.BEGUN, Phase.ABORTING, Phase.LANDED)
    for intent in ("resume", "abort")
    for tips in product(TIPS, TIPS)
    for fences in product(Fence, Fence)
)


def test_a_batch_has_at_most_one_action_per_repository_and_records_stand_alone() -> None:
    for state in STATES:
        _, actions = protocol.next(state)
        repos = [action.repo for action in actions if not isinstance(action, Append | Done)]
        assert actions and len(repos) == len(set(repos))
        assert len(actions) == 1 or len(repos) == len(actions)


def test_asking_again_without_news_gives_the_same_answer() -> None:
    assert all(protocol.next(state) == protocol.next(protocol.next(state)[0]) for state in STATES)


@pytest.mark.parametrize("seen", [LANDED, (Wrote("landed"),), (Unseen(A, "timeout"),)])
def test_the_end_is_final(seen: tuple[Observation, ...]) -> None:
    ended, actions = protocol.next(protocol.begin(VIEWS), (Beaten("begin", why="held"),))
    assert after(ended, seen) == actions == (Done(End.RACE, "held"),)
