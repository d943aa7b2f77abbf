"""Gates: what each check asks, and what it answers."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, Literal

import pytest
from pydantic import TypeAdapter

from multigit import checks
from multigit.checks import backmerged, hold, paths
from multigit.errors import UsageError
from multigit.model.building import built, with_numbers
from multigit.model.config import Gate
from multigit.model.events import Hold, Run
from multigit.model.fleet import CommitLine, Conflicted, Pair
from multigit.model.names import Branch, EnvName, RepoName, RunId
from multigit.model.plain import plain
from multigit.model.plan import Keep, Plan, Step
from multigit.model.verdict import GateResult, Verdict
from multigit.plugins import load
from tests.support.subjects import API, KIM, MAIN, NOON, PROD, STG, WEB, asked, land, oid, pair, plan_of, subject

# --- the frame ---


def test_a_word_that_is_no_check_fails_and_names_the_nearest() -> None:
    result = asked("chekclist", {}, subject())
    assert result.blocks
    assert any("checklist" in line for line in result.verdict.details)


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        ("window", {"allow": ["mon 25:00-26:00"]}, "allow|hours"),
        ("window", {"allow": [600]}, "allow.0"),
        ("window", {"holidays": "FR"}, "holidays"),
        ("soak", {"env": "stg", "for": "one day"}, "no duration"),
        ("soak", {"env": "stg"}, "for: Field required"),
        ("checklist", {"items": []}, "needs items"),
        ("checklist", {"item": ["a"]}, "item: Unexpected"),
        ("command", {"run": "rm -rf /"}, "run"),
        ("command", {"run": []}, "needs a program"),
    ],
)
def test_wrong_settings_are_named_field_by_field(kind: str, values: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as problem:
        checks.settings_of(load("checks", kind), values)
    assert any(word in problem.value.why for word in told.split("|")), problem.value.why
    assert asked(kind, values, subject()).verdict.state == "fail"


def test_a_check_that_breaks_is_a_failed_gate_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ModuleType("broken")
    broken.Settings = hold.Settings  # type: ignore[attr-defined]
    broken.evaluate = lambda *_: 1 // 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "acme.broken", broken)
    monkeypatch.setitem(sys.modules, "acme", ModuleType("acme"))
    result = asked("acme.broken", {}, subject())
    assert result.blocks
    assert result.verdict.why == "g: check 'acme.broken' broke: ZeroDivisionError: integer division or modulo by zero"
    broken.evaluate = lambda *_: True  # type: ignore[attr-defined]
    assert asked("acme.broken", {}, subject()).blocks


def test_only_an_unanswered_failing_blocking_gate_blocks() -> None:
    block, warn = Gate(name="g", kind="x"), Gate(name="g", kind="x", level="warn")
    question = Verdict(state="ask", why="2 items", questions=("a?", "b?"))
    fail, wait = Verdict(state="fail", why="no"), Verdict(state="wait", why="later")
    assert GateResult(gate=block, verdict=fail).blocks
    assert GateResult(gate=block, verdict=wait).blocks
    assert not GateResult(gate=block, verdict=Verdict(state="pass", why="")).blocks
    assert not GateResult(gate=warn, verdict=fail).blocks
    assert not GateResult(gate=block, verdict=fail, overridden="fire").blocks
    assert GateResult(gate=block, verdict=question, answered=("a?",)).unanswered == ("b?",)
    assert GateResult(gate=block, verdict=question, answered=("a?",)).blocks
    assert not GateResult(gate=block, verdict=question, answered=("a?", "b?")).blocks
    assert GateResult(gate=block, verdict=Verdict(state="ask", why="sure?")).blocks


# --- checklist, hold ---


@pytest.mark.shows("G4")
def test_a_checklist_asks_item_by_item() -> None:
    result = asked("checklist", {"items": ["롤백 계획이 있는가?", "팀에 알렸는가?"]}, subject())
    assert result.verdict.questions == ("롤백 계획이 있는가?", "팀에 알렸는가?")
    assert result.blocks


def test_a_hold_of_the_environment_stops_and_names_who_and_how_to_end_it() -> None:
    freeze = Hold(id="h", env=PROD, reason="audit", by=KIM, at=datetime(2026, 2, 12, 0, 30, tzinfo=UTC))
    verdict = hold.evaluate(hold.Settings(), subject(holds=(freeze,)))
    assert verdict.state == "fail"
    assert verdict.why == "prod is on hold by kim, 2026-02-12 09:30 KST: audit"
    assert verdict.details == ("multigit hold release prod",)


def test_a_quarantine_or_another_environments_hold_does_not_stop() -> None:
    others = (
        Hold(id="q", env=PROD, reason="bad", by=KIM, at=NOON, run=RunId("r-" + "1" * 12)),
        Hold(id="s", env=STG, reason="load test", by=KIM, at=NOON),
    )
    assert hold.evaluate(hold.Settings(), subject(holds=others)).state == "pass"


# --- soak ---


def run(number: int, hours_ago: float, *steps: Step, phase: Literal["released", "aborted"] = "released") -> Run:
    ended = NOON - timedelta(hours=hours_ago)
    plan = plain(plan_of(*steps, source=EnvName("dev"), target=STG))
    return Run(id=RunId(f"r-{number:012x}"), phase=phase, owner="", by=KIM, started=ended, ended=ended, plan=plan)


def soaked(*runs: Run, plan: Plan | None = None) -> Verdict:
    values = {"env": "staging", "for": "24h"}
    return asked("soak", values, subject(plan, runs={one.id: one for one in runs})).verdict


def keep(repo: RepoName, at: str) -> Keep:
    return Keep(repo=repo, branch=Branch("stg"), at=oid(at))


@pytest.mark.shows("M10")
def test_a_release_that_is_old_enough_passes() -> None:
    assert soaked(run(1, 24, land(new="a"))).state == "pass"
    assert soaked(run(1, 30, land(new="a")), run(2, 1, keep(API, "a"))).state == "pass"


@pytest.mark.shows("M10")
def test_a_young_release_waits_for_the_rest_of_its_time() -> None:
    verdict = soaked(run(1, 20, land(new="a")))
    assert (verdict.state, verdict.retry_after) == ("wait", 4 * 3600)
    assert verdict.why == "on stg since 2026-02-11 16:00 KST; 24h are over at 2026-02-12 16:00 KST"


def test_the_youngest_repository_counts_and_a_return_starts_anew() -> None:
    both = plan_of(land(), land(WEB, source="d"))
    runs = run(1, 50, land(new="a"), keep(WEB, "e")), run(2, 10, land(WEB, new="d"), keep(API, "a"))
    assert soaked(*runs, plan=both).retry_after == 14 * 3600
    back_again = run(1, 90, land(new="a")), run(2, 60, land(new="f")), run(3, 2, land(new="a"))
    assert soaked(*back_again).retry_after == 22 * 3600


def test_what_was_never_released_there_fails() -> None:
    for runs in ((), (run(1, 50, land(new="f")),), (run(1, 50, land(new="a"), phase="aborted"),)):
        verdict = soaked(*runs)
        assert verdict.state == "fail"
        assert verdict.details == ("api: aaaaaaa was not released to stg", "multigit history stg")


def test_nothing_promoted_or_an_unknown_environment() -> None:
    assert soaked(plan=plan_of(keep(API, "a"))).state == "pass"
    assert asked("soak", {"env": "qa", "for": "1h"}, subject()).verdict.state == "fail"


# --- backmerged ---


@pytest.mark.shows("G8")
def test_a_hotfix_that_did_not_come_back_is_named_with_the_command() -> None:
    fix = CommitLine(oid=oid("f"), author="kim", when=NOON, subject="hotfix: \x1b[31mCORS")
    about = subject(pairs={API: pair(API, debts=(fix,)), WEB: pair(WEB)})
    verdict = asked("backmerged", {"from": "prod"}, about).verdict
    assert verdict.state == "fail"
    assert verdict.why == "1 commit of prod not in stg: api"
    assert verdict.details == ('api: fffffff kim "hotfix: \x1b[31mCORS"', "multigit backmerge prod stg -r api")


def test_no_debt_or_nothing_read_passes_but_another_road_cannot_be_judged() -> None:
    settings = backmerged.Settings(from_=PROD)
    assert backmerged.evaluate(settings, subject(pairs={API: pair()})).state == "pass"
    assert backmerged.evaluate(settings, subject()).state == "pass"
    other = subject(plan_of(source=EnvName("dev"), target=STG))
    assert backmerged.evaluate(settings, other).state == "fail"


# --- paths ---

MIGRATIONS = {"paths": {"api": ["**/migrations/*.py"], "web": ["**/*.sql"]}}


@pytest.mark.shows("G4")
def test_migrations_since_the_last_release_are_asked_about() -> None:
    changed = ("shop/migrations/0002_가격.py", "shop/models.py", "migrations/0001.py")
    verdict = asked(
        "paths", {**MIGRATIONS, "ask": "백업했습니까?"}, subject(pairs={API: pair(changed=changed)})
    ).verdict
    assert (verdict.state, verdict.questions) == ("ask", ("백업했습니까?",))
    assert verdict.details == ("api: shop/migrations/0002_가격.py", "api: migrations/0001.py")


def test_without_a_question_such_files_are_closed_out() -> None:
    about = subject(pairs={API: pair(changed=("a/migrations/x.py",))})
    assert asked("paths", MIGRATIONS, about).blocks
    assert not asked("paths", MIGRATIONS, about, level="warn").blocks


def test_files_that_are_not_promoted_are_not_asked_about() -> None:
    changed = pair(changed=("a/migrations/x.py",))
    kept = subject(plan_of(keep(API, "0")), pairs={API: changed})
    assert asked("paths", MIGRATIONS, kept).verdict.state == "pass"
    assert (
        asked("paths", MIGRATIONS, subject(pairs={API: pair(changed=("a.sql", "models.py"))})).verdict.state == "pass"
    )
    conflict = Pair(
        repo=API, source=Branch("stg"), target=MAIN, source_oid=None, target_oid=None, outcome=Conflicted(paths=())
    )
    assert asked("paths", MIGRATIONS, subject(pairs={API: conflict})).verdict.state == "pass"


def test_a_misspelt_repository_does_not_switch_the_gate_off() -> None:
    verdict = asked("paths", {"paths": {"apy": ["**"]}}, subject()).verdict
    assert (verdict.state, verdict.details) == ("fail", ("did you mean api?",))


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("**/*.sql", ["a.sql", "a/b/c.sql", "a\nb.sql"], ["a.sql/x", "a.sqlx", "a.SQL"]),
        ("*.sql", ["a.sql", ".sql"], ["a/b.sql"]),
        ("db/**", ["db/a", "db/a/b"], ["db", "db/", "adb/a"]),
        ("a/**/b", ["a/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("v?.[x]", ["v1.[x]"], ["v1.x", "v/.[x]"]),
        ("**", ["a", "a/b"], [""]),
        ("a**b", ["ab", "axxb"], ["a/b"]),
    ],
)
def test_patterns(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [path for path in yes if not paths.matches(pattern, path)] == []
    assert [path for path in no if paths.matches(pattern, path)] == []


_ODD: tuple[Any, ...] = (
    "", "x", 1, True, None, 1.5, [], ["mon-fri 10:00-11:00"], ["2026-01-01"], [1], {}, {"root": []},
    {"root": ["a/*"]}, {"-": ["a"]}, "stg", "KR", "5m", ["true"], ["a", None],
)  # fmt: skip


@pytest.mark.parametrize("kind", ["window", "soak", "checklist", "command", "paths", "backmerged", "hold"])
def test_settings_are_what_pydantic_makes_of_them_and_never_more(kind: str) -> None:
    module = load("checks", kind)
    words = [field.name.removesuffix("_") for field in dataclasses.fields(module.Settings)]
    asked = [{**dict.fromkeys(words, first), words[-1]: last} for first in _ODD for last in _ODD] if words else []
    asked += [{}, {"x": 1}, *({word: odd} for word in words for odd in _ODD)]
    reader = TypeAdapter(module.Settings)
    fitting = 0
    for values in asked:
        try:
            quick = built(module.Settings, plain(with_numbers(module.Settings, values)))
        except (ValueError, TypeError, KeyError):
            continue
        assert reader.validate_json(json.dumps(values)) == quick
        fitting += 1
    assert fitting
