"""status --no-fetch: what was seen the last time, with its age, although no host can be reached any more."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from multigit.app.session import Session
from multigit.vcs.run import listen
from tests.support.fleetkit import FleetKit

NEW = {"new.txt": "1\n"}


def away(kit: FleetKit) -> None:
    """No host answers any more."""
    (kit.root / "hosts").rename(kit.root / "gone")


@pytest.mark.slow
def test_it_tells_what_status_told_without_host_or_git(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    kit.commit("api", "dev", NEW)
    kit.promote().ok()
    kit.commit("web", "dev", NEW)
    kit.call("hold", "set", "stg", "--reason", "freeze").ok()
    told = kit.call("status", "--json").ok().json()
    away(kit)
    again = kit.run("status", "--no-fetch", "--json", env={"PATH": "/nowhere"}).ok().json()
    assert told["as_of"] is None
    assert again["as_of"] <= told["at"] <= again["at"]
    assert again["next"] == ["multigit status"]
    for word in ("rows", "holds", "open_run", "totals", "exit_code"):
        assert again[word] == told[word], word
    assert again["holds"]
    assert [gap["ahead"] for gap in again["rows"][2]["distances"]] == [1, 0]
    text = kit.call("status", "--no-fetch").ok().text
    assert f"as of {again['as_of'][:4]}" in text
    assert "s ago; nobody was asked" in text
    kit.call("status").exits(1)


def test_where_nothing_was_seen_it_names_status(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    assert "fix multigit status" in kit.call("status", "--no-fetch").exits(1).text
    kit.call("status", "-r", "root").ok()  # looks at all of them
    kit.call("status", "--no-fetch").ok()
    longer = kit.config.replace("  api: {}\n", "  api: {}\n  late: {}\n")
    (kit.work / "repos.yaml").write_text(longer)
    shown = kit.call("status", "--no-fetch").exits(1).text
    assert "late" in shown
    assert "never looked at from here: multigit status" in shown
    kit.call("status", "--no-fetch", "-r", "api").ok()


def test_an_open_run_and_its_way_out_are_told(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", NEW)
    kit.hosts["api"].hook("pre-receive", "grep -q refs/tags && exit 1; exit 0")
    kit.promote().exits(4)
    told = kit.call("status", "--json").exits(4).json()
    away(kit)
    again = kit.call("status", "--no-fetch", "--json").exits(4).json()
    for word in ("open_run", "open_phase", "open_by", "rows"):
        assert again[word] == told[word], word
    assert again["next"][0] == "multigit status"
    assert again["next"][1:] == [f"multigit {verb} {told['open_run']}" for verb in ("resume", "abort")]


def test_what_other_verbs_saw_is_told_too_and_measured_from_what_is_here(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.call("status").ok()
    kit.commit("api", "dev", NEW)
    kit.call("plan", "dev", "stg").ok()
    away(kit)
    git: list[tuple[str, ...]] = []
    listen(lambda argv, _: git.append(argv))
    try:
        first = kit.call("status", "--no-fetch", "--json").ok().json()
        assert git
        git.clear()
        kit.call("status", "--no-fetch").ok()
        assert not git  # known by now
    finally:
        listen(None)
    assert first["rows"][1]["distances"][0]["ahead"] == 1


def test_a_repository_that_was_seen_long_before_the_others_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.call("status").ok()
    (kit.root / "hosts/api.git").rename(kit.root / "api.git")
    real = Session.now
    monkeypatch.setattr(Session, "now", lambda self: real(self) + timedelta(hours=2))
    kit.call("status").exits(1)
    shown = kit.call("status", "--no-fetch").ok().text
    assert "2 h ago; nobody was asked" in shown
    assert "seen 2 h ago" in shown


@pytest.mark.parametrize("garbage", ["file", "row"])
def test_what_was_kept_may_be_garbage(tmp_path: Path, hermetic: Path, garbage: str) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    kit.call("status").ok()
    kept = hermetic / ".cache/multigit/seen.sqlite3"
    assert kept.stat().st_mode & 0o077 == 0
    if garbage == "file":
        kept.write_bytes(b"x" * 5000)
    else:
        with sqlite3.connect(kept) as db:
            db.execute("update seen set what = '[]'")
    kit.call("status", "--no-fetch").exits(1)
    kit.call("status").ok()
    kit.call("status").ok()
    kit.call("status", "--no-fetch").ok()


@pytest.mark.slow
def test_what_was_just_released_does_not_wait(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", NEW)
    kit.call("status").ok()
    kit.promote().ok()
    again = kit.call("status", "--no-fetch", "--json").ok().json()
    told = kit.call("status", "--json").ok().json()
    assert again["rows"] == told["rows"]
    assert [gap["ahead"] for gap in again["rows"][1]["distances"]] == [0, 1]


@pytest.mark.slow
def test_a_host_that_was_away_for_a_look_makes_no_partial_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.call("status").ok()
    monkeypatch.setattr(Session, "now", lambda self, was=Session.now: was(self) + timedelta(minutes=5))
    for name in ("root", "api"):
        kit.hosts[name].git("tag", "-a", "-m", "t", "deploy-20990101-000000", "main")
    (kit.root / "hosts/api.git").rename(kit.root / "api-away")
    kit.call("status").exits(1)
    told = kit.call("status", "--no-fetch").ok().text
    assert "partial" not in told
    assert "seen 5 min ago" in told


@pytest.mark.slow
def test_a_damaged_file_gives_way(tmp_path: Path, hermetic: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.call("status").ok()
    (sights,) = (hermetic / ".cache/multigit").glob("seen*.sqlite3")
    raw = sights.read_bytes()
    sights.write_bytes(raw[:100] + b"x" * (len(raw) - 100))
    kit.call("status", "--no-fetch").exits(1)
    kit.call("status").ok()
    kit.call("status", "--no-fetch").ok()
