"""status and history: what each line says, and the sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from multigit.errors import DONE, FAILED, PARTLY, REFUSED
from multigit.model.events import History, Run
from multigit.model.fleet import Distance
from multigit.model.names import EnvName, RepoName, RunId, Tag
from multigit.model.plan import Plan
from multigit.model.releases import ReleaseRow, releases
from multigit.model.runreport import RunReport
from multigit.model.summary import Status, StatusRow, status
from tests.unit import strategies as s
from tests.unit.strategies import (
    API,
    CONFIG,
    DEV,
    FIRST,
    KIM,
    NAMES,
    NOON,
    PROD,
    ROOT,
    SECOND,
    STG,
    WEB,
    fleet,
    oid,
    state,
)


def gap(
    repo: RepoName, source: EnvName, target: EnvName, ahead: int | None = 0, debts: int = 0, **more: Any
) -> Distance:
    lines = tuple(s.line(20 + number) for number in range(debts))
    return Distance(repo=repo, source=source, target=target, ahead=ahead, debts=lines, **more)


def told(
    *known: object, gaps: Sequence[Distance] = (), newest: dict[RepoName, Tag] | None = None, run: Run | None = None
) -> Status:
    distances = {
        name: [
            next((one for one in gaps if (one.repo, one.source) == (name, a)), gap(name, a, b))
            for a, b in ((DEV, STG), (STG, PROD))
        ]
        for name in NAMES
    }
    tags = dict.fromkeys(NAMES, FIRST) if newest is None else newest
    return status(CONFIG, fleet(*known, run=run), distances, tags, NOON)


def row(found: Status, repo: RepoName = API) -> StatusRow:
    return next(one for one in found.rows if one.repo == repo)


def test_all_is_well() -> None:
    found = told()
    assert found.totals == "3 repos: everything is where it should be"
    assert found.exit_code == DONE
    assert found.next == ()
    assert {one.mark for one in found.rows} == {"ok"}
    assert (row(found).live, row(found).tag) == (oid(3), FIRST)
    assert row(found).heads == {DEV: oid(1), STG: oid(2), PROD: oid(3)}
    assert found.environments == (DEV, STG, PROD)


@pytest.mark.parametrize(
    ("known", "gaps", "newest", "mark", "note"),
    [
        ((), [gap(API, STG, PROD, debts=2)], None, "warn", "2 on main, not in stg"),
        ((), [gap(API, STG, PROD, ahead=1, restored=True)], None, "ok", "prod: last release taken back"),
        ((state(without="stg"),), [gap(API, STG, PROD, ahead=None)], None, "warn", "no branch stg"),
        ((), [], {ROOT: SECOND, WEB: SECOND, API: FIRST}, "bad", f"partial: {SECOND} missing"),
        ((), [], {ROOT: SECOND}, "bad", f"partial: {SECOND} missing"),
        ((state(problem=s.GONE),), [], None, "bad", "unreachable: no answer"),
    ],
)
def test_each_note(known: tuple[object, ...], gaps: list[Distance], newest: Any, mark: str, note: str) -> None:
    found = row(told(*known, gaps=gaps, newest=newest))
    assert found.mark == mark
    assert note in found.notes


@pytest.mark.shows("G8")
def test_the_sums_and_the_commands_that_come_next() -> None:
    gaps = [
        gap(API, STG, PROD, ahead=36, debts=1), gap(WEB, STG, PROD, ahead=2), gap(API, DEV, STG, ahead=1, debts=7),
    ]  # fmt: skip
    found = told(gaps=gaps, newest={ROOT: SECOND, WEB: SECOND, API: FIRST})
    assert found.totals == (
        "3 repos: 1 commit in 1 wait for stg, 38 commits in 2 wait for main, 8 to merge back, 1 partial release"
    )
    assert found.next == ("multigit backmerge main stg", "multigit plan stg main", "multigit backmerge stg dev")


def test_what_cannot_be_read_is_a_failure() -> None:
    found = told(state(problem=s.GONE))
    assert found.exit_code == FAILED
    assert found.totals == "3 repos: 1 cannot be read"
    assert row(found).heads == {}


@pytest.mark.shows("X5")
def test_an_open_run_comes_before_everything_else() -> None:
    found = told(gaps=[gap(API, STG, PROD, ahead=1)], run=s.open_run())
    assert (found.exit_code, found.open_run, found.open_phase, found.open_by) == (PARTLY, s.RUN, "begun", "lee@laptop")
    assert found.next == (f"multigit resume {s.RUN}", f"multigit abort {s.RUN}")


# --- history ---


def run(number: int, tag: Tag | None, verb: str = "promote", phase: Any = "released", **more: Any) -> Run:
    plan = {"tag": tag, "verb": verb, "target": "prod", "steps": [{"kind": "land"}, {"kind": "keep"}], **more}
    started = NOON + timedelta(hours=number)
    return Run(
        id=RunId(f"r-{number:012x}"), phase=phase, owner="o", by=KIM, started=started, reason="why",
        ended=None if phase == "landed" else started + timedelta(seconds=5), plan=plan,
    )  # fmt: skip


def rows(*runs: Run, tags: dict[RepoName, list[Tag]] | None = None, env: EnvName | None = PROD) -> list[ReleaseRow]:
    every = [one.tag for one in runs if one.tag]
    held = dict.fromkeys(NAMES, every) if tags is None else tags
    history = History(runs={one.id: one for one in runs})
    return releases(history, held, env, len(NAMES), {"deploy-": "prod", "stg-deploy-": "stg"})


def test_the_newest_whole_release_is_live_and_the_others_are_ok() -> None:
    found = rows(run(1, FIRST), run(2, SECOND))
    assert [(one.tag, one.result) for one in found] == [(SECOND, "live"), (FIRST, "ok")]
    newest = found[0]
    assert (newest.changed, newest.tagged, newest.of, newest.took, newest.by) == (1, 3, 3, 5.0, KIM.name)
    assert (newest.note, newest.env, newest.verb) == ("why", "prod", "promote")


def test_a_release_that_lacks_a_tag_somewhere_is_partial() -> None:
    found = rows(run(1, FIRST), run(2, SECOND), tags={ROOT: [FIRST, SECOND], API: [FIRST], WEB: [FIRST, SECOND]})
    assert [(one.result, one.tagged) for one in found] == [("partial", 2), ("live", 3)]


@pytest.mark.shows("R2")
def test_a_release_is_rolled_back_by_a_later_rollback_to_before_it() -> None:
    third = Tag("deploy-20260212-000000")
    found = rows(run(1, FIRST), run(2, SECOND), run(3, third, "rollback", to=FIRST))
    assert [one.result for one in found] == ["live", "rolled back", "ok"]
    assert found[1].note == f"by {third}"
    undone = rows(run(1, FIRST), run(2, SECOND), run(3, None, "rollback", "aborted", to=FIRST))
    assert [one.result for one in undone] == ["aborted", "live", "ok"]
    elsewhere = rows(run(1, FIRST), run(2, SECOND), run(3, Tag("stg-deploy-1"), "rollback", to=FIRST, target="stg"))
    assert [one.result for one in elsewhere] == ["live", "ok"]


@pytest.mark.parametrize(
    ("phase", "result"), [("landed", "open"), ("aborted", "aborted"), ("failed", "failed"), ("released", "live")]
)
def test_how_a_run_ended(phase: str, result: str) -> None:
    found = rows(run(1, FIRST, phase=phase), tags=dict.fromkeys(NAMES, [FIRST] if phase == "released" else []))
    assert [one.result for one in found] == [result]
    assert (found[0].took is None) == (phase == "landed")


def test_tags_that_no_run_tells_of() -> None:
    mine = rows(run(1, Tag("deploy-20260213-000000")), tags={
        ROOT: [Tag("deploy-20260213-000000"), FIRST, SECOND], API: [Tag("deploy-20260213-000000"), FIRST],
        WEB: [Tag("deploy-20260213-000000"), FIRST],
    })  # fmt: skip
    assert [(one.tag, one.result, one.tagged) for one in mine] == [
        (Tag("deploy-20260213-000000"), "live", 3), (SECOND, "partial", 1), (FIRST, "tags only", 3),
    ]  # fmt: skip
    assert (mine[2].run, mine[2].took) == ("", None)
    assert mine[2].when == datetime(2026, 2, 10, 9, tzinfo=UTC)
    odd = rows(tags={ROOT: [Tag("deploy-monday")], API: [], WEB: []})
    assert odd[0].when.year == 1970


def test_only_the_environment_that_was_asked_for() -> None:
    staging = run(1, Tag("stg-deploy-20260212-000000"), target="stg")
    found = run(2, SECOND)
    assert [one.env for one in rows(staging, found)] == ["prod"]
    assert [one.env for one in rows(staging, found, env=None)] == ["prod", "stg"]
    assert [one.result for one in rows(staging, found, env=None)] == ["live", "live"]


# --- how a run ended ---


@pytest.mark.parametrize(
    ("outcome", "statuses", "code"),
    [
        ("released", {"api": "landed"}, DONE),
        ("nothing", {}, DONE),
        ("aborted", {"api": "undone", "web": "void"}, REFUSED),
        ("aborted", {"api": "diverged"}, PARTLY),
        ("refused", {}, REFUSED),
        ("race", {}, REFUSED),
        ("open", {"api": "landed"}, PARTLY),
        ("lost", {}, PARTLY),
    ],
)
@pytest.mark.shows("G6")
def test_the_exit_code_of_a_run(outcome: Any, statuses: dict[str, str], code: int) -> None:
    plan: Plan = s_plan()
    report = RunReport(run="r", plan=plan, outcome=outcome, statuses={RepoName(k): v for k, v in statuses.items()})
    assert report.exit_code == code
    assert replace(report, warnings=("w",)).exit_code == code


def s_plan() -> Plan:
    from multigit.planners import promote

    return promote.plan(CONFIG, fleet(), s.asks(), NOON)
