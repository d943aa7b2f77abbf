"""Options that every verb understands, and what does not count as consent (X1, X3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit


@pytest.fixture
def kit(tmp_path: Path) -> FleetKit:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    return kit


@pytest.mark.shows("X3")
@pytest.mark.fault("environment-consents", "piped-yes")
def test_the_environment_consents_to_nothing(kit: FleetKit) -> None:
    before = kit.refs(ledger=True, inner=True)
    names = ("YES", "CONFIRM", "PROMOTE_YES", "PROMOTE_CONFIRM", "PUSH_YES", "NO_INPUT", "ASSUME_YES", "FORCE")
    env = {f"MULTIGIT_{name}": "1" for name in names} | {"MULTIGIT_PROMOTE_CONFIRM": "shop main", "CI": "true"}
    assert "needs a yes" in kit.run("promote", "dev", "stg", env=env, stdin="y\n").exits(3).text
    kit.run("backmerge", "stg", "dev", env=env).ok()
    assert kit.refs(ledger=True, inner=True) == before


@pytest.mark.shows("X3")
@pytest.mark.fault("piped-yes")
def test_yes_does_not_cover_production_and_the_commands_that_do_are_printed(kit: FleetKit) -> None:
    kit.promote().ok()
    before = kit.refs(ledger=True, inner=True)
    for words, code in (((), "MG-310"), (("--yes",), "MG-311"), (("--confirm", "shop main"), "MG-310")):
        refused = kit.run("promote", "stg", "main", *words, stdin="y\nshop main\n").exits(3)
        assert f"error[{code}]" in refused.err
        assert "multigit plan stg prod --out plan.json" in refused.err
        assert "--plan plan.json --confirm 'shop main'" in refused.err
    assert kit.refs(ledger=True, inner=True) == before


@pytest.mark.shows("X3")
def test_a_saved_plan_that_was_edited_or_is_old_is_no_plan(kit: FleetKit) -> None:
    kit.promote().ok()
    path = kit.root / "plan.json"
    kit.call("plan", "stg", "main", "--out", str(path)).ok()
    document = json.loads(path.read_text())
    before = kit.refs(ledger=True, inner=True)
    for change in ({"reason": "other"}, {"created": "2020-01-01T00:00:00+00:00"}, {"digest": "0" * 64}):
        path.write_text(json.dumps({**document, **change}))
        kit.call("promote", "stg", "main", "--plan", str(path), "--confirm", "shop main").exits(3)
    assert kit.refs(ledger=True, inner=True) == before


def test_global_options_stand_before_or_after_the_verb(kit: FleetKit) -> None:
    shown = [
        kit.call("--json", "-r", "api", "plan", "dev", "stg").ok().json(),
        kit.call("plan", "dev", "stg", "--json", "-r", "api").ok().json(),
        kit.call("-x", "root", "plan", "--json", "dev", "stg").ok().json(),
    ]
    for plan in shown:
        assert [step["repo"] for step in plan["steps"] if step["kind"] == "land"] == ["api"]
        assert [step["why"] for step in plan["steps"] if step["repo"] == "root"] == ["not selected"]
    kit.call("hold", "--json", "list").ok().json()
    kit.call("--json", "hold", "list").ok().json()
    kit.call("-f", str(kit.work / "repos.yaml"), "status").ok()


@pytest.mark.shows("X1")
def test_json_is_the_only_thing_on_stdout_and_text_goes_to_stderr(kit: FleetKit) -> None:
    done = kit.run("promote", "dev", "stg", "--yes", "--json").ok()
    assert done.json()["schema"] == "multigit.run/1"
    assert "RELEASED" in done.err
    failed = kit.run("promote", "dev", "nowhere", "--json").exits(2)
    assert failed.json()["schema"] == "multigit.error/1"
    assert failed.json()["exit_code"] == 2


@pytest.mark.shows("X1")
@pytest.mark.fault("no-color")
def test_colours_are_for_terminals_unless_asked_for(kit: FleetKit) -> None:
    assert "\x1b" not in kit.run("status", env={"FORCE_COLOR": "1"}).out
    assert "\x1b" in kit.run("status", "--color", "always", env={"NO_COLOR": "1"}).out
    assert "\x1b" not in kit.run("status", "--color", "never").out


@pytest.mark.shows("X8")
def test_verbose_prints_each_git_command_and_quiet_what_matters(kit: FleetKit) -> None:
    assert "git " in kit.run("plan", "dev", "stg", "-v").ok().err
    silent = kit.run("promote", "dev", "stg", "--yes", "-q").ok()
    assert "RELEASED" in silent.out
    assert silent.err == ""


def test_events_are_appended_one_object_a_line(kit: FleetKit) -> None:
    file = kit.root / "events.ndjson"
    for _ in range(2):
        kit.run("promote", "dev", "stg", "--yes", "--events", str(file)).ok()
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert any(event.get("repo") == "api" for event in events)
    assert len(events) > 4


@pytest.mark.shows("X1")
@pytest.mark.fault("ascii-stdout", "cp949-stdout")
@pytest.mark.parametrize("encoding", ["ascii", "cp949"])
def test_a_terminal_that_cannot_carry_it_gets_what_it_can(kit: FleetKit, encoding: str) -> None:
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: 결제 → é 🚀")
    done = kit.run("log", "stg..dev", "--lang", "ko", env={"PYTHONIOENCODING": f"{encoding}:strict", "PYTHONUTF8": "0"})
    assert done.code == 0, done.err
