"""The ledger's records of deployments, folded: what follows what, what counts for nothing, what runs now."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigit.ledger import records
from multigit.ledger.records import LedgerError
from multigit.model.deployments import Deployment, open_one, released, serving
from multigit.model.events import fold, out_of_place
from multigit.model.names import Oid
from multigit.model.plain import plain
from multigit.model.record import Event
from tests.support.deploykit import (
    API,
    NEW,
    OLD,
    PROD,
    RUN,
    STG,
    TAG,
    WEB,
    began,
    ended,
    plan,
    record,
    step,
    stood,
)

ONE, TWO = plan(step(API), step(WEB, wave=2), run=RUN), plan(step(API), minute=1)


def only(*events: Event) -> Deployment:
    (found,) = fold(events).deployments.values()
    return found


def test_a_deployment_is_what_its_records_say() -> None:
    known = only(began(ONE), stood(ONE, api={"state": "begun", "before": {"commit": OLD}}),
                 stood(ONE, api={"state": "ok", "why": "up", "artefact": {"commit": NEW}}))  # fmt: skip
    assert (known.open, known.tag, known.run, known.env) == (True, TAG, RUN, "stg")
    state = known.steps["api/deploy"]
    assert (state.state, state.before, state.artefact) == ("ok", {"commit": OLD}, {"commit": NEW})


def test_what_ran_before_a_step_is_what_was_seen_first() -> None:
    known = only(began(ONE), stood(ONE, api={"state": "begun", "before": {"commit": OLD}}),
                 stood(ONE, api={"state": "begun", "before": {"commit": "half of it"}}))  # fmt: skip
    assert known.steps["api/deploy"].before == {"commit": OLD}


def test_an_environment_has_one_open_deployment() -> None:
    history = fold([began(ONE), began(TWO, "other")])
    assert list(history.deployments) == [ONE.id]
    assert [why for _, why in out_of_place(history.events)] == [f"{ONE.id} of the same environment is open"]
    other = plan(step(), env=PROD, minute=2)
    assert len(fold([began(ONE), began(other)]).deployments) == 2


def test_a_later_one_takes_its_place_where_it_says_so() -> None:
    known = fold([began(ONE), began(TWO, supersedes=ONE.id), ended(ONE)]).deployments
    assert (known[ONE.id].outcome, known[TWO.id].open) == ("superseded", True)


def test_what_is_over_stays_as_it_ended() -> None:
    known = fold([began(ONE), ended(ONE), began(TWO, supersedes=ONE.id), ended(ONE, "failed")]).deployments
    assert known[ONE.id].outcome == "well"


def test_nobody_takes_the_place_of_a_deployment_elsewhere() -> None:
    elsewhere = plan(step(), env=PROD, minute=2)
    known = fold([began(elsewhere), began(TWO, supersedes=elsewhere.id)]).deployments
    assert known[elsewhere.id].open
    assert known[TWO.id].open


def test_whoever_lost_it_writes_nothing_that_counts() -> None:
    history = fold(
        [began(ONE), record("following", ONE.id, "you"), stood(ONE, "me", api="ok"), ended(ONE, "well", "me")]
    )
    found = history.deployments[ONE.id]
    assert found.open
    assert not found.steps
    assert [why for _, why in out_of_place(history.events)] == ["another took its deployment over"] * 2
    assert not fold([*history.events, ended(ONE, "well", "you")]).deployments[ONE.id].open


def test_records_of_no_deployment_change_nothing() -> None:
    history = fold([stood(ONE, api="ok"), ended(ONE), record("returning", ONE.id)])
    assert not history.deployments
    assert {why for _, why in out_of_place(history.events)} == {"its deployment never began"}


# --- what runs ---------------------------------------------------------------------------------------------------


def test_a_later_deployment_of_some_leaves_the_record_of_the_others() -> None:
    some = plan(step(API), minute=1)
    first = [
        began(ONE),
        stood(ONE, api={"state": "ok", "artefact": {"a": 1}}, web={"state": "ok", "artefact": {"w": 1}}),
        ended(ONE),
    ]
    known = fold([*first, began(some), stood(some, api={"state": "ok", "artefact": {"a": 2}}), ended(some)])
    found = released(known.deployments.values(), "stg", TAG)
    assert {repo: one.artefact for repo, one in found.items()} == {API: {"a": 2}, WEB: {"w": 1}}


def test_what_a_failed_deployment_brought_all_the_same_runs_now_and_is_no_release() -> None:
    bad = plan(step(API, commit=NEW, before_commit=OLD), step(WEB, wave=2, before_commit=OLD), minute=1)
    known = fold(
        [began(bad), stood(bad, api={"state": "ok", "artefact": {"a": 2}}, web="failed"), ended(bad, "failed")]
    )
    found = released(known.deployments.values(), "stg")
    assert found[API].commit == NEW
    assert WEB not in found
    assert released(known.deployments.values(), "stg", TAG) == {}


def test_what_was_taken_back_runs_as_it_did_before() -> None:
    bad = plan(step(API, commit=NEW, before_commit=OLD), minute=1)
    told = [began(bad), stood(bad, api={"state": "ok", "before": {"a": 1}}), record("returning", bad.id),
            stood(bad, backs={"api/deploy": {"state": "ok", "artefact": {"a": 1}}}),
            ended(bad, "returned")]  # fmt: skip
    found = released(fold(told).deployments.values(), "stg")
    assert (found[API].commit, found[API].artefact) == (OLD, {"a": 1})


@pytest.mark.parametrize(("outcome", "serves"), [("well", NEW), ("returned", OLD), ("failed", Oid("c" * 40))])
def test_the_commit_that_should_serve_is_what_the_last_deployment_left(outcome: str, serves: Oid) -> None:
    head = Oid("c" * 40)
    made = plan(step(API, before_commit=OLD), commits={API: NEW}, heads={API: head})
    known = fold([began(made), stood(made, api="ok"), ended(made, outcome)]).deployments.values()
    assert serving(known, "stg", {API: head}) == {API: serves}
    moved = Oid("d" * 40)
    assert serving(known, "stg", {API: moved, WEB: None}) == {API: moved, WEB: None}


# --- records written by hand -------------------------------------------------------------------------------------


def read(event: Event) -> Event:
    body = records.message(replace(event, data={})).partition("\n\n")[2]
    message = "by hand\n\n" + json.dumps({**json.loads(body), "data": plain(event.data)})
    (found,) = records.events([(Oid("e" * 40), message)])
    return found


def test_what_is_written_is_read() -> None:
    for event in (began(ONE), stood(ONE, api={"state": "failed", "why": "빨강", "details": ["x"]}),
                  record("following", ONE.id), record("returning", ONE.id), ended(ONE)):  # fmt: skip
        assert replace(read(event), oid=None) == json_twin(event)


def json_twin(event: Event) -> Event:
    return replace(event, data=json.loads(json.dumps(plain(event.data))))


def without(made: Any, *path: Any) -> Any:
    """The plan's JSON without one key."""
    found = json.loads(json.dumps(plain(made)))
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return found


@pytest.mark.parametrize("data", [
    {}, {"plan": None}, {"plan": []}, {"plan": {}}, {"plan": without(ONE, "env")}, {"plan": without(ONE, "steps")},
    {"plan": without(ONE, "commits")}, {"plan": without(ONE, "steps", 0, "id")},
    {"plan": {**plain(ONE), "schema": "multigit.deployplan/2"}}, {"plan": {**plain(ONE), "commits": {"api": "x"}}},
    {"plan": {**plain(ONE), "created": "2026-02-12T07:00:00"}}, {"plan": {**plain(ONE), "tag": "a..b"}},
    {"plan": {**plain(ONE), "steps": [{**plain(ONE.steps[0]), "repo": None}]}},
    {"plan": {**plain(ONE), "steps": [plain(ONE.steps[0]), plain(ONE.steps[0])]}},
])  # fmt: skip
def test_a_beginning_written_by_hand_is_refused_as_such(data: dict[str, Any]) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        read(record("deploying", ONE.id, **data))


@pytest.mark.parametrize("data", [
    {"steps": []}, {"steps": {"api/deploy": None}}, {"steps": {"api/deploy": {}}}, {"steps": {"a": {"state": "good"}}},
    {"steps": {"a": {"state": "ok", "artefact": 3}}}, {"backs": {"a": {"state": ["ok"]}}}, {"steps": None},
    {"steps": {"a": {"state": "begun", "ticket": "x"}}}, {"steps": {"a": {"state": "failed", "details": 3}}},
    {"steps": {"a": {"state": "failed", "details": "text"}}}, {"steps": {"a": {"state": "begun", "ticket": []}}},
])  # fmt: skip
def test_a_step_written_by_hand_is_refused_as_such(data: dict[str, Any]) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        read(record("step", ONE.id, **data))


@pytest.mark.parametrize("data", [{}, {"outcome": ""}, {"outcome": "fine"}, {"outcome": None}, {"outcome": ["well"]}])
def test_an_end_written_by_hand_is_refused_as_such(data: dict[str, Any]) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        read(record("deployed", ONE.id, **data))


@pytest.mark.parametrize("word", ["tag", "run", "heads", "skips", "back", "reason", "branch", "schema"])
def test_what_a_plan_may_leave_out_stops_no_reader(word: str) -> None:
    told = [record("deploying", ONE.id, plan=without(ONE, word)), stood(ONE, api="ok", web="ok"), ended(ONE)]
    known = fold(read(event) for event in told).deployments
    readers(known[ONE.id])


@pytest.mark.parametrize("word", ["before_commit", "commit", "before", "target", "settings", "was"])
def test_what_a_step_may_leave_out_stops_no_reader(word: str) -> None:
    told = [
        record("deploying", ONE.id, plan=without(ONE, "steps", 0, word)),
        stood(ONE, api="ok"),
        ended(ONE, "returned"),
    ]
    known = fold(read(event) for event in told).deployments
    readers(known[ONE.id])


def readers(found: Deployment) -> None:
    """Everyone who reads a deployment."""
    from zoneinfo import ZoneInfo

    from multigit.ledger.deployment_log import _deployed
    from multigit.model import deployreport
    from multigit.ui.deployments import report_text

    serving([found], str(found.env), {API: NEW})
    released([found], str(found.env))
    list(_deployed(ended(ONE), found))
    report_text(deployreport.of(found), ZoneInfo("Asia/Seoul"), found.started)


# --- any sequence ------------------------------------------------------------------------------------------------

PLANS = tuple(plan(step(API), step(WEB, wave=2), env=env, minute=n) for n in range(3) for env in (STG, PROD))
IDS = st.sampled_from([made.id for made in PLANS])
OWNERS = st.sampled_from(["me", "you"])
STATE = st.sampled_from([{"state": "begun"}, {"state": "ok"}, {"state": "failed", "why": "x"}])
STATES = st.dictionaries(st.sampled_from(["api/deploy", "web/deploy", "?"]), STATE)
EVENTS = st.one_of(
    st.builds(began, st.sampled_from(PLANS), OWNERS),
    st.builds(lambda made, owner, other: began(made, owner, supersedes=other), st.sampled_from(PLANS), OWNERS, IDS),
    st.builds(lambda made, owner, steps, backs: record("step", made, owner, steps=steps, backs=backs),
              IDS, OWNERS, STATES, STATES),
    st.builds(lambda made, owner: record("following", made, owner), IDS, OWNERS),
    st.builds(lambda made, owner: record("returning", made, owner), IDS, OWNERS),
    st.builds(lambda made, owner, end: record("deployed", made, owner, outcome=end), IDS, OWNERS,
              st.sampled_from(["well", "failed", "returned", "superseded"])),
)  # fmt: skip


@given(st.lists(EVENTS, max_size=25))
def test_whatever_is_recorded_one_is_open_and_what_is_over_stays_over(told: list[Event]) -> None:
    before: dict[Any, Deployment] = {}
    for count in range(1, len(told) + 1):
        known = dict(fold(told[:count]).deployments)
        newest = told[count - 1]
        for env in ("stg", "prod"):
            assert sum(one.open and one.env == env for one in known.values()) <= 1
        for id, was in before.items():
            now = known[id]
            assert was.open or now == was
            assert now.owner == was.owner or newest.kind == "following"
            assert now.returning or not was.returning
        before = known
    for one in before.values():
        readers(one)
    assert open_one(before.values(), "stg") in (None, *before.values())
