"""push: the day's work of all clones, committed and published together, and promoted at once if asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit
from tests.support.gitkit import plain_git
from tests.support.snapshots import changed, snapshot


@pytest.fixture
def kit(tmp_path: Path) -> FleetKit:
    """Clones on dev: `api` with a changed and an untracked file, `web` with a commit, `root` with nothing."""
    kit = FleetKit.make(tmp_path)
    for name in kit.names:
        kit.clone(name, "dev")
    (kit.work / "api/app.txt").write_text("one\ntwo\nthree\nfour\n")
    (kit.work / "api/scratch.txt").write_text("mine\n")
    (kit.work / "web/new.txt").write_text("new\n")
    plain_git("add", "new.txt", at=kit.work / "web")
    plain_git("commit", "--quiet", "-m", "feat: new", at=kit.work / "web")
    return kit


@pytest.mark.shows("X4")
def test_all_clones_are_committed_and_published_together(kit: FleetKit) -> None:
    root = snapshot(kit.work / "root")
    kit.call("push", "dev", "-m", "feat: four", "--yes").ok()
    assert kit.file("api", "dev", "app.txt") == "one\ntwo\nthree\nfour"
    assert kit.file("api", "dev", "scratch.txt") is None
    assert kit.file("web", "dev", "new.txt") == "new"
    assert kit.hosts["web"].git("log", "-1", "--format=%s", "dev") == "feat: new"
    for name in ("api", "web"):
        assert plain_git("rev-parse", "HEAD", at=kit.work / name) == kit.head(name, "dev")
    assert plain_git("status", "--porcelain", at=kit.work / "api") == "?? scratch.txt"
    assert changed(root, snapshot(kit.work / "root")) == []
    assert not kit.tags()
    before = kit.refs(ledger=True, inner=True)
    assert "NOTHING TO DO" in kit.call("push", "dev", "-m", "feat: four", "--yes").ok().text
    assert kit.refs(ledger=True, inner=True) == before


@pytest.mark.slow
def test_then_promotes_it(kit: FleetKit) -> None:
    kit.call("push", "dev", "-m", "feat: four", "--then", "stg", "--yes").ok()
    assert kit.file("api", "stg", "app.txt") == "one\ntwo\nthree\nfour"
    assert len(kit.tags("stg-deploy-")) == 1


@pytest.mark.shows("G6")
def test_one_clone_that_is_refused_stops_all(kit: FleetKit) -> None:
    (kit.work / "api/.env").write_text("TOKEN=1\n")
    plain_git("add", "--force", ".env", at=kit.work / "api")
    before = kit.refs(ledger=False, inner=True)
    refused = kit.call("push", "dev", "-m", "feat: four", "--yes").exits(3)
    assert ".env" in refused.text
    assert kit.refs(ledger=False, inner=True) == before


@pytest.mark.shows("X3")
def test_production_is_not_for_push_and_a_message_is_needed(kit: FleetKit) -> None:
    assert "multigit hotfix --push main" in kit.call("push", "main", "-m", "x", "--yes").exits(2).text
    assert "--message" in kit.call("push", "dev").exits(2).text
    assert "this needs a yes" in kit.call("push", "dev", "-m", "x").exits(3).text
