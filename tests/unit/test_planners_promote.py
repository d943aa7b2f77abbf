"""promote and backmerge, planned: what each state of a repository leads to, and what every plan has in common."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings

from multigit.model import plan as plans
from multigit.model.config import Promotion, Repo
from multigit.model.fleet import Clean, Fleet
from multigit.model.names import Branch, EnvName, RepoName, Tag
from multigit.model.plan import Keep, Plan, Request
from multigit.planners import promote
from tests.unit import strategies as s
from tests.unit.strategies import API, CONFIG, NOON, PROD, STG, WEB, asks, fleet, oid, pair, state, tagged


def planned(*known: object, request: Request | None = None, now: datetime = NOON, **more: object) -> Plan:
    plan = promote.plan(CONFIG, fleet(*known, **more), request or asks(), now)  # type: ignore[arg-type]
    s.nobody_is_dropped(plan)
    return plan


def back(*known: object) -> Plan:
    plan = promote.back(CONFIG, fleet(*known), asks("backmerge"), NOON)
    s.nobody_is_dropped(plan)
    return plan


# --- steps ---


@pytest.mark.shows("G3")
def test_a_merge_commit_of_target_and_source_signed_by_the_operator() -> None:
    land = s.land_of(planned(pair(ahead=2), request=asks(message="sprint 12")))
    assert land.commit
    assert land.commit.parents == (oid(3), oid(2))
    assert (land.branch, land.old, land.new, land.how) == (s.MAIN, oid(3), land.commit.oid, "merge")
    assert (land.source, land.commits, land.files, land.forced) == (oid(2), 2, 1, False)
    assert land.commit.message == "Merge stg into main\n\nsprint 12"
    assert land.commit.by.line() == f"김민수 <kim@example.invalid> {int(NOON.timestamp())} +0900"


def test_the_message_is_the_roads_template_with_this_repositorys_branches() -> None:
    road = Promotion(from_=STG, to=PROD, message="배포 {from} -> {to}", phrase="ship it")
    repos = dict(CONFIG.repos) | {API: Repo(name=API, branches={PROD: Branch("master")})}
    plan = promote.plan(
        s.config(repos=repos, promotions=(road,)), fleet(pair(ahead=1, target=Branch("master"))), asks(), NOON
    )
    land = s.land_of(plan)
    assert land.commit
    assert land.commit.message == "배포 stg -> master"
    assert land.branch == "master"
    assert plan.phrase == "ship it"


@pytest.mark.shows("R3")
def test_restore_commits_that_are_absorbed_are_named_in_trailers_and_to_the_reader() -> None:
    land = s.land_of(planned(pair(ahead=1, absorbs=(oid(8), oid(9)))))
    assert land.commit
    assert land.commit.message == f"Merge stg into main\n\nMultigit-Absorbs: {oid(8)}\nMultigit-Absorbs: {oid(9)}"
    assert land.notes == (f"ships again what {oid(8).short} took back", f"ships again what {oid(9).short} took back")


@pytest.mark.fault("already-merged")
@pytest.mark.parametrize(
    ("ahead", "changed", "lands"), [(0, (), False), (1, (), True), (0, ("a",), True), (2, ("a",), True)]
)
def test_a_merge_that_brings_neither_commit_nor_content_is_none(
    ahead: int, changed: tuple[str, ...], lands: bool
) -> None:
    step = s.step_of(planned(pair(ahead=ahead, outcome=Clean(tree=oid(50), changed=changed))))
    assert isinstance(step, Keep) is not lands
    if isinstance(step, Keep):
        assert (step.branch, step.at, step.why) == (s.MAIN, oid(3), "nothing to merge")


@pytest.mark.parametrize(("owed", "changed", "lands"), [(0, (), False), (1, (), True), (0, ("a",), True)])
@pytest.mark.shows("G9")
def test_a_back_merge_counts_what_is_owed(owed: int, changed: tuple[str, ...], lands: bool) -> None:
    lines = tuple(s.line(20 + n) for n in range(owed))
    plan = back(pair(ahead=3, owed=lines, outcome=Clean(tree=oid(50), changed=changed)))
    assert isinstance(s.step_of(plan), Keep) is not lands
    assert plan.tag is None
    if lands:
        land = s.land_of(plan)
        assert land.commit
        assert land.commit.message == "Merge stg back into main"


# --- refusals ---


@pytest.mark.parametrize(
    ("known", "code", "why"),
    [
        (state(problem=s.GONE), "unreachable", "no answer"),
        (pair(ahead=1, outcome=s.CONFLICT), "conflict", "2 files cannot be merged from stg into main"),
        (pair(ahead=1, outcome=s.UNRELATED), "unrelated", "no commit in common"),
        (pair(ahead=1, outcome=s.NO_BRANCH), "missing-branch", "no branch stg"),
        (pair(ahead=1, traps=s.TRAPS), "trap", "silently drop 2 paths of stg"),
        (pair(ahead=0, traps=s.TRAPS[:1]), "trap", "silently drop 1 path of stg"),
    ],
)
@pytest.mark.shows("G6")
def test_each_reason_to_refuse_a_repository(known: object, code: str, why: str) -> None:
    refusal = s.the_refusal(planned(known, pair(WEB, ahead=1)))
    assert (refusal.repo, refusal.code) == (API, code)
    assert why in refusal.why
    assert refusal.hint


@pytest.mark.shows("G10")
def test_a_conflict_names_files_kinds_and_both_sides() -> None:
    refusal = s.the_refusal(planned(pair(ahead=1, outcome=s.CONFLICT)))
    assert refusal.details == (
        "conflict src/a.ts (contents)",
        '  target 0303030 kim "hotfix: CORS"',
        '  source 0202020 kim "feat: 결제"',
        "conflict b.png (binary, rename/delete)",
    )


@pytest.mark.shows("G10")
def test_a_conflict_is_settled_where_nobody_touches_production() -> None:
    forth = s.the_refusal(planned(pair(ahead=1, outcome=s.CONFLICT))).hint
    assert "git switch stg" in forth
    assert "git merge origin/main" in forth
    assert forth.splitlines()[-1] == "multigit resume"
    other = s.the_refusal(
        promote.back(
            CONFIG,
            fleet(pair(outcome=s.CONFLICT, source=s.MAIN, target=Branch("stg"))),
            asks("backmerge", source=PROD, target=STG),
            NOON,
        )
    ).hint
    assert "git switch stg" in other
    assert "git merge origin/main" in other


@pytest.mark.shows("G10", "R3")
def test_the_way_out_of_a_conflict_does_not_merge_a_restore_commit_plainly() -> None:
    """A person who merges main into stg while a restore commit is open would lose what was taken back."""
    hint = s.the_refusal(planned(pair(ahead=1, outcome=s.CONFLICT, absorbs=(oid(8),)))).hint
    before, ours, rest = (
        hint.index(word) for word in (f"git merge {oid(8)}^", "git merge -s ours", "git merge origin")
    )
    assert before < ours < rest
    assert f"Multigit-Absorbs: {oid(8)}" in hint


@pytest.mark.shows("X5")
def test_an_open_run_forbids_the_plan_and_names_its_holder() -> None:
    refusal = s.the_refusal(planned(pair(ahead=1), run=s.open_run()))
    assert (refusal.repo, refusal.code) == (None, "open-run")
    assert "lee@laptop" in refusal.why
    assert refusal.hint == f"multigit resume {s.RUN} | multigit abort {s.RUN}"


# --- selection, tag, waves, what was seen ---


def test_a_repository_that_is_not_selected_keeps_its_place_in_the_release() -> None:
    plan = planned(pair(ahead=1), pair(WEB, ahead=1), request=asks(repos=frozenset({WEB})))
    step = s.step_of(plan)
    assert isinstance(step, Keep)
    assert step.why == "not selected"
    assert set(plan.tags()) == set(s.NAMES)
    assert [land.repo for land in plan.lands] == [WEB]


@pytest.mark.parametrize("repos", [frozenset({WEB}), None])
def test_without_the_target_branch_not_even_the_tag_has_a_place(repos: frozenset[RepoName] | None) -> None:
    lost = (state(without="main"), pair(outcome=s.NO_BRANCH))
    refusal = s.the_refusal(planned(*lost, pair(WEB, ahead=1), request=asks(repos=repos)))
    assert (refusal.repo, refusal.code) == (API, "missing-branch")


@pytest.mark.shows("G5")
def test_one_tag_that_is_free_everywhere_and_none_without_a_change() -> None:
    assert planned().tag is None
    plan = planned(pair(ahead=1))
    assert plan.tag == "deploy-20260212-120000"
    tags = plan.tags()
    assert set(tags) == set(s.NAMES)
    assert tags[API].commit == s.land_of(plan).new
    assert tags[WEB].commit == oid(3)
    assert len({tag.message for tag in tags.values()}) == 1
    taken = planned(pair(ahead=1), state(WEB, tags=tagged("deploy-20260212-120000", "stg-deploy-20270101-000000")))
    assert taken.tag == "deploy-20260212-120001"


def test_a_target_without_a_template_gets_no_tag() -> None:
    plan = promote.plan(
        CONFIG,
        fleet(pair(ahead=1, source=Branch("stg"), target=Branch("dev"))),
        asks(target=EnvName("dev"), source=STG),
        NOON,
    )
    assert plan.tag is None
    assert not plan.tags()


def test_the_frame_of_a_plan() -> None:
    plan = planned(pair(ahead=1), state(fence=oid(77)), request=asks(message="why", reapply=True))
    assert plan.waves == ((s.ROOT,), (API,), (WEB,))
    assert (plan.production, plan.phrase, plan.ledger, plan.config) == (True, "shop main", oid(80), "c0")
    assert (plan.reason, plan.reapply, plan.title) == ("why", True, "Shop")
    seen = {one.repo: one for one in plan.seen}
    assert seen[API].fence == oid(77)
    assert seen[API].heads == {Branch("stg"): oid(2), s.MAIN: oid(3)}
    assert planned(now=NOON.replace(microsecond=5)).created == NOON


@pytest.mark.shows("G5")
def test_the_tags_message_is_the_release_record() -> None:
    plan = planned(pair(ahead=1), request=asks(message="sprint 12"))
    record = plan.release_record()
    assert record.splitlines()[0] == "Shop: promote stg -> prod, 1 of 3 repositories changed"
    assert "\nsprint 12\n" in record
    assert f"Multigit-Plan: sha256:{plan.digest}" in record
    assert f"Multigit-Repo: web {oid(3)}" in record
    assert "Multigit-Operator: 김민수 <kim@example.invalid> (kim@desk)" in record


# --- whatever the fleet looks like ---


@settings(max_examples=60, deadline=None)
@given(s.fleets("promote"), s.requests("promote"), s.moments)
def test_every_plan(seen: Fleet, request: Request, now: datetime) -> None:
    plan = promote.plan(CONFIG, seen, request, now)
    s.nobody_is_dropped(plan)
    assert promote.plan(CONFIG, seen, request, now).digest == plan.digest
    again = plans.from_json(plans.to_json(plan))
    assert again == plan
    assert again.digest == plan.digest
    assert plan.tag is None or (plan.lands and not any(plan.tag in one.tags for one in seen.repos))
    assert bool(plan.tag) == bool(plan.lands)
    assert all(request.selects(land.repo) for land in plan.lands)
    assert bool(seen.history.open_run) == ("open-run" in {one.code for one in plan.refusals})
    assert not (plan.lifts and any(one.code == "quarantine" for one in plan.refusals))


@settings(max_examples=60, deadline=None)
@given(s.fleets("backmerge"), s.requests("backmerge"), s.moments)
def test_every_back_merge(seen: Fleet, request: Request, now: datetime) -> None:
    plan = promote.back(CONFIG, seen, request, now)
    s.nobody_is_dropped(plan)
    assert plans.from_json(plans.to_json(plan)) == plan
    assert plan.tag is None
    assert "quarantine" not in {one.code for one in plan.refusals}


def test_any_difference_makes_another_digest() -> None:
    base = planned(pair(ahead=1))
    others = [
        planned(pair(ahead=2)),
        planned(pair(ahead=1), state(WEB, fence=oid(77))),
        planned(pair(ahead=1), request=asks(message="x")),
        planned(pair(ahead=1), now=NOON.replace(second=1)),
        planned(pair(ahead=1), request=asks(config_digest="c1")),
    ]
    digests = {plan.digest for plan in (base, *others)}
    assert len(digests) == 1 + len(others)
    assert base.run == f"r-{base.digest[:12]}"
    assert base.tag == Tag("deploy-20260212-120000")
