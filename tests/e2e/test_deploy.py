"""Deployments: waves, failures, the way back, resume; on real repositories, with a shelf as the place of releases."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from multigit.apply import bringing, keeping
from tests.support.fleetkit import ENVIRONMENTS, FleetKit

PHRASE = "shop main"


def repos(shelf: Path) -> str:
    place = f'deploy: {{default: {{tests.support.shelf: {{place: "{shelf}/{{env}}"}}}}}}'
    return f"  root: {{}}\n  api: {{{place}}}\n  web: {{after: [api], {place}}}\n"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(bringing, "_SHORTEST_PAUSE", 0.01)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for env in ("stg", "prod"):
        (tmp_path / "shelf" / env).mkdir(parents=True)
    return tmp_path / "shelf"


@pytest.fixture
def kit(tmp_path: Path, shelf: Path) -> FleetKit:
    return FleetKit.make(tmp_path, repos=repos(shelf), environments=ENVIRONMENTS)


def there(shelf: Path, repo: str, env: str = "stg") -> str:
    file = shelf / env / f"{repo}.json"
    return str(json.loads(file.read_text())["commit"]) if file.exists() else ""


def acts(shelf: Path, env: str = "stg") -> list[str]:
    file = shelf / env / "acts"
    return [" ".join(line.split()[:2]) for line in file.read_text().splitlines()] if file.exists() else []


def test_what_is_promoted_is_deployed_wave_by_wave(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    ran = kit.promote("dev", "stg").exits(0)
    assert "deployed, and well" in ran.out
    assert acts(shelf) == ["put api", "put web"]
    assert there(shelf, "api") == kit.hosts["api"].head("stg")
    again = kit.call("deploy", "stg", "--yes").exits(0)
    assert "nothing to do: commit" in again.out
    assert acts(shelf) == ["put api", "put web"]


def test_a_failing_wave_stops_the_next_and_says_what_failed(kit: FleetKit, shelf: Path) -> None:
    bad = released_bad(kit, shelf)
    ran = kit.call("deploy", "stg", "--yes").exits(5)
    assert "api/deploy: it fell off" in ran.out
    assert "deploy failed: it fell off" in ran.out
    assert "비밀 없음" in ran.out
    assert there(shelf, "web") == ""
    assert bad in (shelf / "stg" / "bad").read_text()
    assert "x deployment failed" not in kit.call("history", "stg").out  # this deployment was none of a release's own
    again = kit.call("resume", "--yes").exits(0)
    assert "no run is open" in again.out


def test_the_plan_says_what_runs_now_and_changes_nothing(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    before = kit.hosts["root"].git("for-each-ref")
    head = kit.hosts["api"].head("stg") or ""
    ran = kit.call("deploy", "stg", "--dry-run", "--exit-code").exits(10)
    assert f"commit {head[:7]}" in ran.out
    assert kit.hosts["root"].git("for-each-ref") == before


def test_a_plan_says_what_would_follow(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    assert "then    deploy stg: api, web by tests.support.shelf" in kit.call("plan", "dev", "stg").exits(0).out


def test_without_deploy_only_the_branches_move(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    kit.promote("dev", "stg", "--no-deploy").exits(0)
    assert acts(shelf) == []


def test_a_place_that_cannot_be_asked_is_found_before_anything_moves(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    head = kit.hosts["api"].head("stg")
    kit.config = kit.config.replace("tests.support.shelf", "tests.support.shelf_locked")
    (kit.work / "repos.yaml").write_text(kit.config)
    ran = kit.promote("dev", "stg").exits(1)
    assert "what follows in stg cannot be done" in ran.err
    assert "--no-deploy" in ran.err
    assert kit.hosts["api"].head("stg") == head


def test_production_wants_its_phrase(kit: FleetKit, shelf: Path) -> None:
    refused = kit.call("deploy", "prod", "--yes").exits(3)
    assert PHRASE in refused.err
    kit.call("deploy", "prod", "--confirm", "shop prod").exits(3)
    assert acts(shelf, "prod") == []
    kit.call("deploy", "prod", "--confirm", PHRASE).exits(0)
    assert acts(shelf, "prod") == ["put api", "put web"]


def test_what_failed_is_taken_back_at_once_where_repos_yaml_says_so(kit: FleetKit, shelf: Path) -> None:
    always(kit)
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    first = there(shelf, "api")
    tree = kit.hosts["api"].git("rev-parse", "stg^{tree}")
    changed(kit, "worse\n")
    falls_next(kit, shelf)
    ran = kit.promote("dev", "stg").exits(5)
    assert "FAILED, and taken back" in ran.out
    assert "the branches were taken back" in ran.out
    assert kit.hosts["api"].git("rev-parse", "stg^{tree}") == tree
    assert there(shelf, "api") == first
    history = kit.call("history", "stg").out
    assert "rolled back" in history
    again = kit.promote("dev", "stg").exits(3)
    assert "taken back" in again.err + again.out


def test_what_a_build_brought_before_its_wave_goes_back_as_well(tmp_path: Path, shelf: Path) -> None:
    build = tmp_path / "build.sh"
    build.write_text(f'echo "{{\\"commit\\": \\"$MULTIGIT_COMMIT\\", \\"left\\": 0}}" >{shelf}/stg/web.json\n')
    place = f'tests.support.shelf: {{place: "{shelf}/{{env}}"}}'
    fleet = (f"  root: {{}}\n  api: {{deploy: {{default: {{{place}}}}}}}\n  web: {{after: [api], deploy: "
             f"{{default: {{build: {{command: {{run: [sh, {build}]}}}}, {place}}}}}}}\n")  # fmt: skip
    kit = FleetKit.make(tmp_path / "fleet", repos=fleet, environments=ENVIRONMENTS)
    always(kit)
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    first = there(shelf, "web")
    assert first == kit.head("web", "stg")
    assert acts(shelf) == ["put api"], "the build has brought web"
    changed(kit, "worse\n")
    falls_next(kit, shelf)
    ran = kit.promote("dev", "stg").exits(5)
    assert "web deploy not begun; back: up" in ran.text
    assert f"put web {first}" in (shelf / "stg" / "acts").read_text()


def test_a_rollback_brings_back_what_ran_first_and_then_the_branches(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    first, tag = there(shelf, "api"), kit.tags("stg-deploy-")[-1]
    changed(kit, "newer\n")
    kit.promote("dev", "stg").exits(0)
    assert there(shelf, "api") != first
    ran = kit.call("rollback", tag, "--yes").exits(0)
    assert there(shelf, "api") == first
    lines = [line for line in ran.err.splitlines() if "api deploy: ok" in line or "ledger landed" in line]
    assert "api deploy" in lines[0]
    assert "ledger landed" in lines[1]
    kit.call("verify", "stg").exits(0)


def test_everybody_can_watch_and_see_what_was_deployed(kit: FleetKit, shelf: Path, monkeypatch: Any) -> None:
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    run = json.loads(kit.call("history", "stg", "--json").out)["releases"][0]["run"]
    elsewhere(kit, monkeypatch)
    watched = json.loads(kit.call("watch", "stg", "--json").exits(0).out)
    assert [(step["id"], step["state"]) for step in watched["steps"]] == [("api/deploy", "ok"), ("web/deploy", "ok")]
    shown = kit.call("show", run).exits(0).out
    assert "deployed, and well" in shown
    log = (kit.work / "deployment.log").read_text()
    assert "DEPLOY" in log
    assert log.count("result=ok") >= 2


# --- broken off --------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is no more."""


@pytest.mark.slow
@pytest.mark.fault("deploy-step-killed")
@pytest.mark.shows("X5")
@pytest.mark.parametrize(
    ("intent", "moment"),
    [*(("resume", moment) for moment in range(1, 8)), *(("abort", moment) for moment in (2, 4, 6))],
)
def test_killed_at_any_moment_it_is_gone_on_with_or_taken_back(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch, moment: int, intent: str
) -> None:
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    first = there(shelf, "api")
    changed(kit, "newer\n")
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    with monkeypatch.context() as patch:
        cut_after(patch, moment)
        with pytest.raises(Killed):
            kit.call("deploy", "stg", "--yes")
    elsewhere(kit, monkeypatch)
    assert "is open" in kit.call("status").out
    kit.call("deploy", "stg", "--yes").exits(4)
    kit.call(intent, "--yes").exits(0)
    back = intent == "abort"
    assert there(shelf, "api") == (first if back else kit.hosts["api"].head("stg"))
    assert len(acts(shelf)) in ((2, 4, 6) if back else (4,))  # nothing is put there twice
    assert "is open" not in kit.call("status").out
    kit.call("verify", "stg").exits(0)


def test_whoever_lost_a_deployment_stops(kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    with monkeypatch.context() as patch:
        taken = threading.Event()

        def meanwhile(count: int) -> None:
            if count == 3 and not taken.is_set():
                taken.set()
                patch.setattr(keeping.Keeper, "_append", plain_append)
                kit.call("abort", "--yes")

        plain_append = watched_appends(patch, meanwhile)
        ran = kit.call("deploy", "stg", "--yes")
    assert ran.code == 4
    assert "somebody else goes on with it" in ran.out


# --- helpers -----------------------------------------------------------------------------------------------------


def changed(kit: FleetKit, text: str = "new\n") -> None:
    for repo in ("api", "web"):
        kit.commit(repo, "dev", {"app.txt": text})


def always(kit: FleetKit) -> None:
    kit.config = kit.config.replace("branch: stg,", "branch: stg, auto_rollback: always,")
    (kit.work / "repos.yaml").write_text(kit.config)


def released_bad(kit: FleetKit, shelf: Path) -> str:
    """A release of stg whose api falls off the shelf, not deployed yet."""
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    bad = str(kit.hosts["api"].head("stg"))
    (shelf / "stg" / "bad").write_text(bad)
    return bad


def falls_next(kit: FleetKit, shelf: Path) -> None:
    """Whatever is put on the shelf next falls off, and what is there stays."""
    (shelf / "stg" / "good").write_text("\n".join(there(shelf, repo) for repo in ("api", "web")))


def elsewhere(kit: FleetKit, monkeypatch: Any) -> None:
    """Another machine: nothing is remembered."""
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(kit.root / f"elsewhere-{name}"))


def cut_after(patch: pytest.MonkeyPatch, moment: int) -> None:
    """Die after that many records of the deployment."""

    def cut(count: int) -> None:
        if count == moment:
            raise Killed

    watched_appends(patch, cut)


def watched_appends(patch: pytest.MonkeyPatch, heard: Callable[[int], None]) -> Any:
    count = iter(range(1, 1000))
    plain = keeping.Keeper._append

    def append(self: keeping.Keeper, *args: Any) -> bool:
        heard(next(count))
        return plain(self, *args)

    patch.setattr(keeping.Keeper, "_append", append)
    return plain
