"""rollback, planned: three ways back, what is taken back, and what is said about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings

from multigit.model import plan as plans
from multigit.model.config import Config, Gate, Repo, Rollback
from multigit.model.fleet import Clean, Fleet
from multigit.model.names import Tag
from multigit.model.plan import Keep, Plan, Request
from multigit.planners import rollback
from tests.unit import strategies as s
from tests.unit.strategies import API, CONFIG, FIRST, MAIN, NOON, PROD, WEB, asks, fleet, oid, restore, state


def planned(*known: object, config: Config = CONFIG, **more: Any) -> Plan:
    plan = rollback.plan(config, fleet(*known), asks("rollback", **more), NOON)
    s.nobody_is_dropped(plan)
    return plan


@pytest.mark.shows("R1")
def test_a_restore_commit_has_the_tags_tree_and_one_parent() -> None:
    plan = planned(restore(), message="500s since noon")
    land = s.land_of(plan)
    assert land.commit
    assert (land.commit.tree, land.commit.parents) == (oid(61), (oid(3),))
    assert (land.old, land.new, land.how, land.forced) == (oid(3), land.commit.oid, "restore", False)
    assert (land.source, land.commits, land.files) == (oid(91), 2, 1)
    assert land.commit.message == (
        f"Roll main back to {FIRST}\n\n500s since noon\n\n"
        f"Multigit-Restores: {FIRST}\nMultigit-Takes-Back: {oid(2)}"
    )  # fmt: skip
    assert plan.tag == "deploy-20260212-120000"
    assert (plan.mode, plan.to) == ("restore", FIRST)
    assert f"Multigit-Rollback-To: {FIRST}" in plan.release_record()


@pytest.mark.shows("R5")
def test_reset_moves_the_branch_itself_and_says_so() -> None:
    land = s.land_of(planned(restore(), mode="reset"))
    assert (land.new, land.how, land.forced, land.commit) == (oid(91), "reset", True, None)


@pytest.mark.shows("R5")
def test_revert_has_the_tree_that_reverting_gives() -> None:
    land = s.land_of(planned(restore(reverted=Clean(tree=oid(70), changed=("bad.txt",))), mode="revert"))
    assert land.commit
    assert (land.commit.tree, land.how) == (oid(70), "revert")


def test_revert_that_would_change_nothing_keeps_the_branch() -> None:
    step = s.step_of(planned(restore(reverted=Clean(tree=oid(60), changed=())), mode="revert"))
    assert isinstance(step, Keep)
    assert "nothing to revert" in step.why


@pytest.mark.shows("G11")
def test_a_repository_without_the_tag_names_the_one_it_goes_to() -> None:
    older = Tag("deploy-20260209-000000")
    land = s.land_of(planned(restore(exact=False, tag=older)))
    assert land.notes == (f"has no such tag: its state then is {older}",)
    assert land.commit
    assert f"Multigit-Restores: {older}" in land.commit.message


@pytest.mark.parametrize(
    ("known", "more", "why"),
    [
        ((restore(moved=False),), {}, "already there"),
        ((restore(moved=False),), {"mode": "reset"}, "already there"),
        ((restore(),), {"repos": frozenset({WEB})}, "not selected"),
        ((restore(tag=None, commit=None, tree=None),), {"repos": frozenset({WEB})}, "not selected"),
    ],
)
def test_reasons_to_stay(known: tuple[object, ...], more: dict[str, Any], why: str) -> None:
    step = s.step_of(planned(*known, **more))
    assert isinstance(step, Keep)
    assert (step.at, step.branch, step.why) == (oid(3), MAIN, why)


def test_a_repository_that_only_goes_forward_stays() -> None:
    repos = dict(CONFIG.repos) | {API: Repo(name=API, rollback="never")}
    plan = planned(restore(), restore(WEB), config=s.config(repos=repos))
    step = s.step_of(plan)
    assert isinstance(step, Keep)
    assert step.why == "rollback: never"
    assert API in plan.tags()
    assert API not in plan.quarantine[0].sources


@pytest.mark.parametrize(
    ("known", "more", "code"),
    [
        ((state(problem=s.GONE),), {}, "unreachable"),
        ((state(without="main"), restore(head=None)), {}, "missing-branch"),
        ((state(without="main"), restore(head=None)), {"repos": frozenset({WEB})}, "missing-branch"),
        ((restore(tag=None, commit=None, tree=None),), {}, "no-tag"),
        ((restore(reverted=s.CONFLICT),), {"mode": "revert"}, "conflict"),
        ((restore(reverted=None),), {"mode": "revert"}, "conflict"),
    ],
)
def test_each_reason_to_refuse(known: tuple[object, ...], more: dict[str, Any], code: str) -> None:
    other = restore(WEB, reverted=Clean(tree=oid(70), changed=()))
    refusal = s.the_refusal(planned(*known, other, **more))
    assert (refusal.repo, refusal.code) == (API, code)
    assert refusal.hint
    if more.get("mode") == "revert":
        assert "--mode restore" in refusal.hint
    if code == "no-tag":
        assert f"{FIRST} -x api" in refusal.hint


@pytest.mark.shows("R2")
def test_what_is_taken_back_is_quarantined_by_its_source_heads() -> None:
    plan = planned(restore(releases=(oid(2), oid(4))), restore(WEB, releases=()), message="500s")
    (mark,) = plan.quarantine
    assert mark.sources == {API: (oid(2), oid(4))}
    assert (mark.env, mark.reason, mark.hold) == (PROD, "500s", f"q-{plan.tag}")
    assert planned(restore()).quarantine[0].reason == f"rolled back to {FIRST}"


@pytest.mark.parametrize(
    "plan",
    [
        planned(restore(), config=s.config(rollback=Rollback(hold=False))),
        planned(restore(releases=())),
        planned(restore(moved=False)),
    ],
)
def test_no_quarantine_where_none_is_wanted_or_nothing_is_taken_back(plan: Plan) -> None:
    assert plan.quarantine == ()


@pytest.mark.shows("R6")
def test_the_notes_name_hotfixes_and_migrations_that_a_rollback_loses() -> None:
    watched = s.config(
        gates={"db": Gate(name="db", kind="paths", settings={"paths": {"api": ["**/migrations/*.sql"]}})}
    )
    changed = ("migrations/1.sql", "db/migrations/2.sql", "src/a.py")
    back = restore(hotfixes=(s.line(5, "fix: hot"),), changed=changed, reverted=Clean(tree=oid(70), changed=()))
    hot, stay = planned(back, config=watched).notes
    assert hot == 'api: a hotfix would be undone: 0505050 kim "fix: hot"'
    assert stay.startswith("api: 2 migrations since the tag stay in the database")
    assert not any("hotfix" in note for note in planned(back, config=watched, mode="revert").notes)
    assert planned(restore(moved=False, hotfixes=(s.line(5),))).notes == ()


@settings(max_examples=60, deadline=None)
@given(s.fleets("rollback"), s.requests("rollback"), s.moments)
def test_every_plan(seen: Fleet, request: Request, now: datetime) -> None:
    plan = rollback.plan(CONFIG, seen, request, now)
    s.nobody_is_dropped(plan)
    assert rollback.plan(CONFIG, seen, request, now).digest == plan.digest
    assert plans.from_json(plans.to_json(plan)) == plan
    for land in plan.lands:
        assert land.forced == (request.mode == "reset")
        assert land.commit is None or land.commit.parents == (land.old,)
        if request.mode == "restore":
            assert land.commit
            assert land.commit.tree == seen.restores[land.repo].tree
    assert all(set(mark.sources) <= {land.repo for land in plan.lands} for mark in plan.quarantine)
