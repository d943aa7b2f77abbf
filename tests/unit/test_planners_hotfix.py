"""hotfix and push, planned from the clones as they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings

from multigit.model import plan as plans
from multigit.model.fleet import Fleet
from multigit.model.names import Branch
from multigit.model.plan import Keep, Plan, Request
from multigit.planners import hotfix
from tests.unit import strategies as s
from tests.unit.strategies import API, CONFIG, MAIN, NOON, WEB, asks, clone, fleet, oid, state

DIRTY: dict[str, Any] = {"dirty": ("a.txt",), "work_tree": oid(55), "diffstat": ((1, 2, "a.txt"),)}


def planned(*known: object, verb: Any = "hotfix", **more: Any) -> Plan:
    plan = hotfix.plan(CONFIG, fleet(*known), asks(verb, **more), NOON)
    s.nobody_is_dropped(plan)
    return plan


@pytest.mark.shows("G8")
def test_the_clones_own_commits_are_pushed_as_they_are() -> None:
    plan = planned(clone())
    land = s.land_of(plan)
    assert (land.old, land.new, land.source, land.how) == (oid(3), oid(7), oid(7), "push")
    assert (land.commit, land.commits, land.files, land.from_clone) == (None, 1, 0, "/srv/api")
    assert land.notes == ('0707070 kim "fix: now"',)
    assert plan.emergency
    assert plan.tag == "deploy-20260212-120000"
    assert "EMERGENCY hotfix" in plan.release_record()


def test_push_is_no_emergency_and_has_no_tag() -> None:
    plan = planned(clone(), verb="push")
    assert not plan.emergency
    assert plan.tag is None


@pytest.mark.parametrize("relation", ["ahead", "same"])
@pytest.mark.shows("G8")
def test_with_a_message_the_tracked_changes_are_committed_on_top(relation: str) -> None:
    land = s.land_of(planned(clone(relation=relation, **DIRTY), message="fix: CORS"))
    assert land.commit
    assert (land.commit.tree, land.commit.parents, land.commit.message) == (oid(55), (oid(7),), "fix: CORS")
    assert (land.new, land.source, land.files) == (land.commit.oid, oid(7), 1)
    assert land.commits == (2 if relation == "ahead" else 1)
    assert land.notes[-1] == "a.txt +1 -2"


@pytest.mark.parametrize(
    ("known", "more", "why"),
    [
        (clone(relation="same"), {}, "nothing to push"),
        (clone(relation="behind"), {}, "nothing to push"),
        (clone(relation="absent"), {}, "nothing to push"),
        (clone(relation="same", **DIRTY), {}, "nothing to push"),
        (clone(relation="same", current=Branch("dev"), **DIRTY), {"message": "m"}, "nothing to push"),
        (clone(exists=False), {}, "no clone here"),
        (clone(heads={}), {}, "no clone here"),
        (clone(), {"repos": frozenset({WEB})}, "not selected"),
        (clone(foreign="is a clone of something else"), {"repos": frozenset({WEB})}, "not selected"),
    ],
)
def test_reasons_to_leave_the_remote_as_it_is(known: object, more: dict[str, Any], why: str) -> None:
    step = s.step_of(planned(known, **more))
    assert isinstance(step, Keep)
    assert (step.at, step.why) == (oid(3), why)


@pytest.mark.parametrize(
    ("known", "message", "code"),
    [
        ((state(problem=s.GONE),), "", "unreachable"),
        ((state(without="main"), clone()), "", "missing-branch"),
        ((clone(foreign="is a clone of something else"),), "", "clone"),
        ((clone(relation="diverged"),), "", "diverged"),
        ((clone(relation="unknown"),), "", "diverged"),
        ((clone(relation="behind", **DIRTY),), "m", "diverged"),
        ((clone(relation="same", busy="a rebase is under way", **DIRTY),), "m", "busy"),
        ((clone(relation="same", suspects=((".env", "a secret"),), **DIRTY),), "m", "secret"),
    ],
)
def test_each_reason_to_refuse(known: tuple[object, ...], message: str, code: str) -> None:
    refusal = s.the_refusal(planned(*known, clone(WEB), message=message))
    assert (refusal.repo, refusal.code) == (API, code)
    assert refusal.hint
    if code == "secret":
        assert refusal.details == (".env: a secret",)


def test_a_rebase_under_way_does_not_hinder_what_is_committed_already() -> None:
    assert s.land_of(planned(clone(busy="a rebase is under way"))).new == oid(7)


def test_the_notes_say_what_stays_behind() -> None:
    left = planned(clone(**DIRTY, untracked=("u",)))
    assert left.notes == ("api: 1 changed files are not committed and not pushed (-m commits them)",)
    with_message = planned(clone(**DIRTY, untracked=("u", "v")), message="m")
    assert with_message.notes == ("api: 2 untracked files stay (git add them to include them)",)
    assert planned(clone(**DIRTY), repos=frozenset({WEB})).notes == ()


@settings(max_examples=60, deadline=None)
@given(s.fleets("hotfix"), s.requests("hotfix"), s.moments)
def test_every_plan(seen: Fleet, request: Request, now: datetime) -> None:
    plan = hotfix.plan(CONFIG, seen, request, now)
    s.nobody_is_dropped(plan)
    assert hotfix.plan(CONFIG, seen, request, now).digest == plan.digest
    assert plans.from_json(plans.to_json(plan)) == plan
    for land in plan.lands:
        found = seen.clones[land.repo]
        assert not land.forced
        assert land.branch == MAIN
        assert found.relation == "ahead" or land.commit
        assert land.commit is None or (request.message and found.current == MAIN and not found.suspects)
        assert request.selects(land.repo)
