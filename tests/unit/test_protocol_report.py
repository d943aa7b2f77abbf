"""What a run says of each repository when it closes, and of what happened to it behind its back."""

import pytest

from multigit.apply import protocol
from multigit.apply.vocabulary import Fence, Observation, Phase, RepoView, Saw, State, Tip
from multigit.model.names import RepoName

A, B = RepoName("api"), RepoName("web")
VIEWS = (RepoView(A, lands=True, tagged=True), RepoView(B, lands=True, tagged=True))


def settled(*seen: Observation, phase: Phase = Phase.ABORTING) -> State:
    return protocol.next(protocol.take_up(VIEWS, phase, "abort"), seen)[0]


@pytest.mark.parametrize("fence", [Fence.VOID, Fence.UNDONE, Fence.RESTORED, Fence.DIVERGED])
def test_the_status_of_a_repository_is_what_its_fence_says(fence: Fence) -> None:
    assert protocol.statuses(settled(Saw(A, Tip.OTHER, fence), Saw(B, Tip.OLD, Fence.VOID)))[A] == fence.value


@pytest.mark.parametrize(
    ("tip", "status"),
    [(Tip.OLD, "untouched"), (Tip.OTHER, "untouched"), (Tip.NEW, "diverged"), (Tip.BUILT, "diverged")],
)
def test_new_under_another_runs_fence_is_called_diverged(tip: Tip, status: str) -> None:
    assert protocol.statuses(settled(Saw(A, tip, Fence.FOREIGN)))[A] == status


def test_past_the_point_of_no_return_every_repository_has_landed() -> None:
    state = settled(Saw(A, Tip.BUILT, Fence.FOREIGN), phase=Phase.LANDED)
    assert protocol.statuses(state) == {A: "landed", B: "landed"}


@pytest.mark.parametrize(("tip", "gone"), [(Tip.OLD, True), (Tip.OTHER, True), (Tip.NEW, False), (Tip.BUILT, False)])
def test_a_landing_that_somebody_took_away_is_reported_as_drift(tip: Tip, gone: bool) -> None:
    assert (A in protocol.drifted(settled(Saw(A, tip, Fence.LANDED)))) == gone
