"""The ledger's events folded into a history: phases, owners, holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigit.model.events import History, fold, out_of_place
from multigit.model.names import RunId
from multigit.model.record import Event, Kind
from tests.unit.strategies import API, KIM, LEE, NOON, PROD, RUN, STG, oid

OTHER = RunId("r-ba9876543210")
PLAN = {"tag": "deploy-20260212-120000", "target": "prod", "verb": "promote"}


def event(kind: Kind, run: RunId | None = RUN, *, after: int = 0, **more: Any) -> Event:
    given: dict[str, Any] = {"by": KIM, "owner": "first", **more}
    return Event(kind=kind, at=NOON + timedelta(seconds=after), run=run, **given)


BEGIN = event("begin", data={"plan": PLAN}, reason="sprint 12")
MARK = {"hold": "q-1", "env": "prod", "reason": "500s", "sources": {"api": [oid(2)]}}


@pytest.mark.parametrize(
    ("kinds", "phase", "is_open"),
    [
        (["begin"], "begun", True),
        (["begin", "take"], "begun", True),
        (["begin", "landed"], "landed", True),
        (["begin", "landed", "released"], "released", False),
        (["begin", "aborting"], "aborting", True),
        (["begin", "take", "aborting", "aborted"], "aborted", False),
        (["failed"], "failed", False),
    ],
)
def test_the_phase_of_a_run(kinds: list[Kind], phase: str, is_open: bool) -> None:
    history = fold([BEGIN if kind == "begin" else event(kind, after=n) for n, kind in enumerate(kinds)])
    run = history.runs[RUN]
    assert (run.phase, run.open) == (phase, is_open)
    assert (history.open_run is run) == is_open
    assert (run.ended is None) == is_open


def test_what_is_kept_of_a_run() -> None:
    statuses = {"statuses": {"api": "landed"}}
    run = fold([BEGIN, event("landed"), event("released", after=9, data=statuses)]).runs[RUN]
    assert (run.tag, run.target, run.reason, run.by, run.owner) == (PLAN["tag"], "prod", "sprint 12", KIM, "first")
    assert (run.started, run.ended) == (NOON, NOON + timedelta(seconds=9))
    assert run.statuses == {API: "landed"}
    assert run.taken_by is None


def test_whoever_takes_a_run_owns_it() -> None:
    run = fold([BEGIN, event("take", by=LEE, owner="second")]).runs[RUN]
    assert (run.owner, run.taken_by, run.by) == ("second", LEE, KIM)


def test_why_it_was_taken_back_replaces_why_it_was_begun() -> None:
    assert fold([BEGIN, event("aborting", reason="host said no")]).runs[RUN].reason == "host said no"
    assert fold([BEGIN, event("landed")]).runs[RUN].reason == "sprint 12"


@pytest.mark.shows("R2")
def test_a_released_rollback_sets_a_quarantine_and_an_aborted_one_does_not() -> None:
    released = fold([BEGIN, event("landed"), event("released", data={"quarantine": [MARK]})])
    (hold,) = released.holds
    assert (hold.id, hold.env, hold.reason, hold.run, hold.quarantine) == ("q-1", PROD, "500s", RUN, True)
    assert hold.sources == {API: (oid(2),)}
    assert fold([BEGIN, event("aborted", data={"quarantine": [MARK]})]).holds == ()


def test_a_hold_of_a_person_is_no_quarantine_and_ends_with_its_lift() -> None:
    freeze = event("hold", None, reason="Lunar New Year", data={"hold": "h-1", "env": "stg"})
    (hold,) = fold([freeze]).holds
    assert (hold.env, hold.reason, hold.quarantine) == (STG, "Lunar New Year", False)
    assert fold([freeze, event("lift", None, data={"hold": "h-1"})]).holds == ()
    assert fold([freeze, event("lift", None, data={"hold": "h-2"})]).holds == (hold,)


@pytest.mark.shows("R2")
def test_a_release_that_reapplies_lifts_the_quarantine() -> None:
    held = [BEGIN, event("landed"), event("released", data={"quarantine": [MARK]})]
    begin = event("begin", OTHER, data={"plan": PLAN})
    again = [begin, event("landed", OTHER), event("released", OTHER, data={"lifts": ["q-1"]})]
    assert fold([*held, *again[:2]]).holds
    assert fold([*held, *again]).holds == ()


FORGED = {
    "a second beginning": [BEGIN, event("landed"), event("released"), event("begin", data={"plan": {}})],
    "a release that did not land": [BEGIN, event("released")],
    "a release of what was taken back": [BEGIN, event("aborting"), event("aborted"), event("released")],
    "an abort of what was released": [BEGIN, event("landed"), event("released"), event("aborted")],
    "a landing of what is taken back": [BEGIN, event("aborting"), event("landed")],
    "a run that never began": [event("released")],
    "a closed run taken over": [BEGIN, event("aborting"), event("aborted"), event("take", by=LEE)],
}


@pytest.mark.parametrize("records", FORGED.values(), ids=FORGED)
def test_a_record_that_cannot_follow_changes_nothing_and_is_named(records: list[Event]) -> None:
    """Whoever can push can write records; what no multigit writes must not count."""
    assert fold(records).runs == fold(records[:-1]).runs
    assert [found for found, _ in out_of_place(records)] == records[-1:]


def test_a_hold_ends_by_its_own_lift_alone() -> None:
    freeze = event("hold", None, reason="stop", data={"hold": "h-1", "env": "prod"})
    again = event("hold", None, data={"hold": "h-1", "env": "stg"})
    begin = event("begin", OTHER, data={"plan": {**PLAN, "target": "stg"}})
    assert fold([freeze, again]).holds == fold([freeze]).holds
    lifts = {"lifts": ["h-1"]}
    for last in (event("take", OTHER, data=lifts), event("landed", OTHER, data=lifts)):
        assert fold([freeze, begin, last]).holds == fold([freeze]).holds
    other_env = [freeze, begin, event("landed", OTHER), event("released", OTHER, data=lifts)]
    assert fold(other_env).holds == fold([freeze]).holds


@st.composite
def ledgers(draw: st.DrawFn) -> list[Event]:
    """Records as runs write them: one run after the other, holds in between."""
    told: list[Event] = []
    for number in range(draw(st.integers(0, 4))):
        run = RunId(f"r-{number:012x}")
        ways: list[list[Kind]] = [
            ["begin", "landed", "released"], ["begin", "aborting", "aborted"], ["begin", "take", "landed", "released"],
            ["failed"],
        ]  # fmt: skip
        kinds = draw(st.sampled_from(ways))
        data: dict[Kind, dict[str, Any]] = {
            "begin": {"plan": PLAN}, "failed": {"plan": PLAN},
            "released": {"quarantine": draw(st.sampled_from([[], [{**MARK, "hold": f"q-{number}"}]])), "lifts": []},
        }  # fmt: skip
        told += [event(kind, run, data=data.get(kind, {}), after=len(told) + n) for n, kind in enumerate(kinds)]
        if draw(st.booleans()):
            told.append(event("hold", None, data={"hold": f"h-{number}", "env": "prod"}))
        if draw(st.booleans()):
            told.append(event("lift", None, data={"hold": f"q-{draw(st.integers(0, number))}"}))
    return told[: draw(st.integers(0, len(told)))]


@given(ledgers())
def test_whatever_the_ledger_says(told: list[Event]) -> None:
    history = fold(told, oid(1))
    assert history == fold(iter(told), oid(1)) == fold(history.events, oid(1))
    assert list(history.runs) == list(dict.fromkeys(one.run for one in told if one.run))
    assert sum(run.open for run in history.runs.values()) <= 1
    open_run = history.open_run
    assert open_run is None or open_run.id == [one.run for one in told if one.run][-1]
    lifted = [one.data["hold"] for one in told if one.kind == "lift"]
    for hold in history.holds:
        assert hold.id not in lifted or hold.id.startswith("h-")
    assert len({hold.id for hold in history.holds}) == len(history.holds)


@given(ledgers(), st.integers(0, 8))
def test_reading_on_gives_what_reading_whole_gives(told: list[Event], cut: int) -> None:
    """The ledger keeps the events it has read: appending to them is reading again."""
    first = fold(told[:cut])
    assert fold((*first.events, *told[cut:])) == replace(fold(told), head=None)


def test_nothing_is_a_history() -> None:
    assert fold([]) == History()
    assert History().open_run is None
