"""pull and clone, planned: one verdict for each repository, and never a loss."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multigit.model import plan as plans
from multigit.model.config import Repo
from multigit.model.fleet import Fleet
from multigit.model.names import Branch
from multigit.model.plan import Forward, Leave, MakeClone, Plan, Request
from multigit.planners import pull
from tests.unit import strategies as s
from tests.unit.strategies import API, CONFIG, MAIN, NOON, WEB, asks, clone, fleet, oid, state

DEV = Branch("dev")


def planned(*known: object, verb: Any = "pull", **more: Any) -> Plan:
    return pull.plan(CONFIG, fleet(*known), asks(verb, **more), NOON)


@pytest.mark.parametrize(
    ("known", "verdict", "why"),
    [
        ((clone(relation="same"),), "up to date", ""),
        ((clone(relation="ahead"),), "ahead", "1 commits are not pushed yet"),
        ((clone(relation="diverged"),), "diverged", "both moved"),
        ((clone(relation="behind", dirty=("a",)),), "dirty", "1 changed files"),
        ((clone(relation="behind", busy="a rebase is under way"),), "dirty", "a rebase is under way"),
        ((clone(relation="diverged", dirty=("a",)),), "dirty", "1 changed files"),
        ((clone(relation="same", dirty=("a",)),), "up to date", ""),
        ((state(without="main"), clone(relation="unknown")), "no such branch", "no branch main"),
        ((state(without="main"), clone(exists=False)), "no such branch", "no branch main"),
        ((clone(foreign="is a clone of something else"),), "failed", "something else"),
        ((state(problem=s.GONE), clone()), "failed", "no answer"),
    ],
)
@pytest.mark.shows("G2")
def test_what_is_left_alone_and_why(known: tuple[object, ...], verdict: str, why: str) -> None:
    step = s.step_of(planned(*known))
    assert isinstance(step, Leave)
    assert step.verdict == verdict
    assert why in step.why


@pytest.mark.parametrize("current", [MAIN, DEV, None])
@pytest.mark.shows("G2")
def test_a_clone_that_is_behind_is_forwarded_from_the_value_seen(current: Branch | None) -> None:
    step = s.step_of(planned(clone(relation="behind", current=current)))
    assert isinstance(step, Forward)
    assert (step.branch, step.old, step.new, step.checked_out) == (MAIN, oid(7), oid(3), current == MAIN)
    assert step.path == "/srv/api"


def test_changes_on_another_branch_do_not_hinder() -> None:
    step = s.step_of(planned(clone(relation="behind", current=DEV, dirty=("a",), busy="a merge is under way")))
    assert isinstance(step, Forward)
    assert not step.checked_out


@pytest.mark.fault("no-such-branch")
def test_a_branch_that_is_not_here_yet_is_made() -> None:
    step = s.step_of(planned(clone(relation="absent", current=DEV, heads={DEV: oid(1)})))
    assert isinstance(step, Forward)
    assert step.old is None


@pytest.mark.parametrize(
    ("verb", "more", "branch"),
    [("pull", {}, MAIN), ("pull", {"target": None, "branch": DEV}, DEV), ("clone", {"target": None}, None)],
)
def test_what_is_missing_is_cloned(verb: str, more: dict[str, Any], branch: Branch | None) -> None:
    repos = dict(CONFIG.repos) | {API: Repo(name=API, url="https://host/api.git")}
    seen = fleet(clone(exists=False, heads={}))
    step = s.step_of(pull.plan(s.config(repos=repos), seen, asks(verb, **more), NOON))  # type: ignore[arg-type]
    assert isinstance(step, MakeClone)
    assert (step.url, step.path, step.branch) == ("https://host/api.git", "/srv/api", branch)


def test_clone_touches_no_clone_that_is_there() -> None:
    step = s.step_of(planned(clone(relation="behind"), verb="clone", target=None))
    assert isinstance(step, Leave)
    assert step.verdict == "up to date"


def test_only_what_is_selected() -> None:
    assert [step.repo for step in planned(repos=frozenset({WEB})).steps] == [WEB]


@settings(max_examples=60, deadline=None)
@given(s.fleets("pull"), s.selections, st.sampled_from(["pull", "clone"]), s.moments)
def test_every_plan(seen: Fleet, repos: Any, verb: Any, now: datetime) -> None:
    request: Request = asks(verb, repos=repos)
    plan = pull.plan(CONFIG, seen, request, now)
    assert [step.repo for step in plan.steps] == [name for name in s.NAMES if request.selects(name)]
    assert plans.from_json(plans.to_json(plan)) == plan
    for step in plan.steps:
        found = seen.clones[step.repo]
        assert isinstance(step, Forward | Leave | MakeClone)
        if isinstance(step, Forward):
            assert found.relation in ("behind", "absent", "unknown")
            assert not (step.checked_out and (found.dirty or found.busy))
            assert step.old == found.heads.get(MAIN)
        if isinstance(step, MakeClone):
            assert not found.exists
            assert not found.foreign
