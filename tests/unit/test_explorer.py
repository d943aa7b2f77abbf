"""The protocol holds in every state that can be reached, and each naive variant of it is seen to break."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from multigit.apply import protocol
from multigit.apply.vocabulary import (
    Action,
    Append,
    Fence,
    Observation,
    Phase,
    PutTag,
    Saw,
    Settle,
    State,
    TagState,
    Tip,
)
from tests.support.explorer import POLICIES, Explorer, Found, fleets
from tests.support.modelled import NEW, OLD, Deed, Edge, Policy, Remote, Update, connect, receive
from tests.support.rules import Decide, Model
from tests.support.worlds import Budget

CALM = Budget(mishaps=0)


Note = Callable[[str, object], None]
"""pytest's record_property: what is told at the end of the test run (tests/support/explored.py)."""


def explored(
    budget: Budget, policies: tuple[Policy, ...] = ("plain",), edge: Edge | None = None, decide: Decide = protocol.next
) -> Found:
    explorer = Explorer(Model(edge or Edge(), decide))
    return explorer.explore(fleets(explorer.model, 2, budget, policies))


def holds(found: Found, note: Note) -> None:
    note("states", found.worlds)
    if found.wrong:
        note("violation", found.wrong)
    assert (found.wrong, found.way) == ("", ())


def is_caught(mutant: str, found: Found, invariant: str, note: Note) -> None:
    note("mutant", (mutant, invariant in found.wrong))
    assert invariant in found.wrong
    assert found.way


@pytest.mark.slow
@pytest.mark.shows("G6", "X5", "X6")
def test_all_invariants_hold_after_one_mishap_at_hosts_of_every_kind(record_property: Note) -> None:
    model = Model()
    mixes: list[tuple[Policy, ...]] = [("no rewinds", "rejects"), *(("plain", policy) for policy in POLICIES)]
    found = Explorer(model).explore(model.start(mix, Budget(mishaps=1)) for mix in mixes)
    holds(found, record_property)
    assert found.worlds > 40_000


@pytest.mark.slow
@pytest.mark.shows("G6", "X5", "X6")
def test_all_invariants_hold_after_two_mishaps_at_plain_hosts(record_property: Note) -> None:
    found = explored(Budget(mishaps=2, colleague=1, unread=0, squatter=0, rival=0))
    holds(found, record_property)
    assert found.worlds > 50_000


@pytest.mark.shows("G6", "X5")
def test_with_every_read_apart_from_its_push(record_property: Note) -> None:
    model = Model(slow_reads=True)
    holds(Explorer(model).explore(fleets(model, 2, CALM, ("plain", "no rewinds"))), record_property)


def test_every_end_is_reached(record_property: Note) -> None:
    found = explored(Budget(mishaps=1))
    holds(found, record_property)
    assert {end.value for end in found.told} == {"released", "aborted", "race", "lost", "open"}


# --- naive variants ----------------------------------------------------------------------------------------------


class NoFenceInThePush(Edge):
    """The fence is moved by a push of its own, after the branch."""

    def pushes(self, deed: Deed, remote: Remote) -> tuple[tuple[Update, ...], ...]:
        pushes = super().pushes(deed, remote)
        return pushes if isinstance(deed, PutTag | Settle) else tuple((update,) for update in pushes[0])


class LeaseOnTheBranchAlone(Edge):
    """The fence is pushed along, whatever it was before."""

    def landing(self) -> tuple[Update, ...]:
        return tuple(
            update._replace(expect=update.expect if update.ref == "branch" else None) for update in super().landing()
        )


class OneFenceValueForAllTries(Edge):
    """Every try writes the same `landed`: where it is there already, git leaves it out and sends the branch alone."""

    def landing(self) -> tuple[Update, ...]:
        return tuple(update._replace(unique=False) for update in super().landing())


class TagInTheLandingPush(Edge):
    """The tag goes out together with the branch."""

    def landing(self) -> tuple[Update, ...]:
        return (*super().landing(), Update("tag", TagState.ABSENT.value, TagState.OURS.value))


class NoReadBack(Edge):
    """A push's own answer is believed."""

    def believed(self, deed: Deed, *, ok: bool) -> Observation | None:
        if isinstance(deed, Settle):
            return None
        tag = TagState.OURS if isinstance(deed, PutTag) else TagState.ABSENT
        return Saw(deed.repo, Tip.NEW, Fence.LANDED, tag) if ok else Saw(deed.repo, Tip.OLD, Fence.NONE)


class LedgerNotReadBack(Edge):
    """A record is believed to be written when the host says so."""

    believes_the_ledger = True


def reversible(state: State, seen: tuple[Observation, ...]) -> tuple[State, tuple[Action, ...]]:
    """`aborting` is not final: a resume that finds everything landed goes on."""
    state, actions = protocol.next(state, seen)
    if state.phase is Phase.ABORTING and state.intent == "resume" and not state.end:
        _, forward = protocol.next(replace(state, phase=Phase.BEGUN))
        return state, actions if forward == (Append("aborting"),) else forward
    return state, actions


@pytest.mark.parametrize(
    ("mutant", "edge", "budget", "invariant"),
    [
        ("no fence", NoFenceInThePush(), Budget(mishaps=1), "I4"),
        ("lease on the branch alone", LeaseOnTheBranchAlone(), CALM, "I4"),
        ("tag in the landing push", TagInTheLandingPush(), CALM, "I5"),
        ("no read-back", NoReadBack(), Budget(mishaps=1), "I3"),
        ("ledger not read back", LedgerNotReadBack(), Budget(mishaps=1), "I2"),
    ],
)
def test_a_naive_edge_is_caught(mutant: str, edge: Edge, budget: Budget, invariant: str, record_property: Note) -> None:
    is_caught(mutant, explored(budget, edge=edge), invariant, record_property)


ONE_COLLEAGUE_ONE_LATE = Budget(mishaps=2, lied=0, unread=0, colleague=1, other_run=0, squatter=0, rival=0)


@pytest.mark.slow
def test_a_fence_value_that_repeats_is_caught(record_property: Note) -> None:
    mutant, model = Model(OneFenceValueForAllTries()), Model()
    found = Explorer(mutant).explore([mutant.start(("plain", "rejects"), ONE_COLLEAGUE_ONE_LATE)])
    is_caught("one fence value for all tries", found, "I4", record_property)
    holds(Explorer(model).explore([model.start(("plain", "rejects"), ONE_COLLEAGUE_ONE_LATE)]), record_property)


def test_an_abort_that_can_be_taken_back_is_caught(record_property: Note) -> None:
    found = explored(CALM._replace(operators=2), decide=reversible)
    is_caught("reversible abort", found, "I3", record_property)


# --- the modelled remotes behave like git ------------------------------------------------------------------------

LANDING = Edge().landing()


def test_a_late_push_is_refused_once_the_fence_moved() -> None:
    sent = connect(Remote(), LANDING)
    assert sent and receive(Remote(fence="void"), sent) is None


def test_a_ref_that_is_up_to_date_is_exempt_from_its_lease() -> None:
    sent = connect(Remote(fence="landed"), OneFenceValueForAllTries().landing())
    assert sent and [command.ref for command in sent] == ["branch"]


def test_a_fence_value_of_its_own_is_never_exempt() -> None:
    assert connect(Remote(fence="landed"), LANDING) is None


def test_a_stale_lease_sends_nothing() -> None:
    assert connect(Remote(branch="ox"), LANDING) is None


def test_dropping_a_colleagues_commit_is_noticed() -> None:
    sent = connect(Remote(branch=NEW + "x"), (Update("branch", None, OLD),))
    after = receive(Remote(branch=NEW + "x"), sent or ())
    assert after and after.robbed
