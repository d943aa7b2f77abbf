"""backmerge: what was fixed downstream comes back upstream (G9, G10)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit
from tests.support.gitkit import plain_git


@pytest.mark.shows("G9", "X4")
def test_a_fix_comes_back_station_by_station(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    fix = kit.commit("api", "main", {"hot.txt": "1\n"}, "fix: hot")
    for source, target in (("main", "stg"), ("stg", "dev")):
        kit.call("backmerge", source, target, "--yes").ok()
        host = kit.hosts["api"]
        assert host.git("merge-base", "--is-ancestor", fix, target) == ""
        assert host.git("log", "-1", "--format=%s", target) == f"Merge {source} back into {target}"
    assert not kit.tags()
    assert "BACKMERGE" in kit.log()
    before = kit.refs(ledger=True, inner=True)
    for source, target in (("main", "stg"), ("stg", "dev")):
        assert "NOTHING TO DO" in kit.call("backmerge", source, target, "--yes").ok().text
    assert kit.refs(ledger=True, inner=True) == before
    kit.fsck()


@pytest.mark.shows("G9")
def test_nothing_to_merge_is_no_error_and_asks_nobody(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    kit.release()
    assert "NOTHING TO DO" in kit.run("backmerge", "main", "stg").ok().text
    assert "NOTHING TO DO" in kit.run("backmerge", "stg", "dev", "--json").ok().text


@pytest.mark.slow
@pytest.mark.shows("G9", "G10")
def test_a_conflict_is_found_in_the_plan_and_resume_goes_on_after_it_was_resolved(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    kit.commit("api", "main", {"app.txt": "main\n", "hot.txt": "1\n"}, "fix: on main")
    kit.commit("api", "stg", {"app.txt": "stg\n"}, "feat: on stg")
    kit.commit("web", "main", {"hot.txt": "1\n"}, "fix: hot")
    before = kit.refs(ledger=True, inner=True)
    for more in (("--dry-run",), ("--yes",)):
        refused = kit.run("backmerge", "main", "stg", *more).exits(3)
        for word in ("api", "conflict app.txt", 'Kim Min-su "fix: on main"', 'Kim Min-su "feat: on stg"'):
            assert word in refused.text, word
    assert kit.refs() == {name: {r: o for r, o in refs.items() if "multigit" not in r} for name, refs in before.items()}
    assert "cd api && git switch stg && git pull --ff-only" in refused.text
    clone = kit.clone("api", "stg")
    plain_git("merge", "--quiet", "-X", "ours", "-m", "Merge main", "origin/main", at=clone)
    plain_git("push", "--quiet", "origin", "stg", at=clone)
    kit.run("resume", "--yes").ok()
    assert kit.file("web", "stg", "hot.txt") == "1"
    assert kit.file("api", "stg", "app.txt") == "stg"
    assert "api" not in kit.run("backmerge", "main", "stg").ok().out


@pytest.mark.shows("G9")
def test_a_cherry_picked_fix_is_no_debt(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    for branch in ("main", "stg", "dev"):
        kit.commit("api", branch, {"hot.txt": "1\n"}, "fix: hot")
    assert "everything is where it should be" in kit.call("status").ok().text or "not in" not in kit.call("status").text
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    kit.release()
    assert kit.file("api", "main", "f.txt") == "1"


def test_it_may_skip_a_station_and_select_repositories(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    for name in ("api", "web"):
        kit.commit(name, "main", {"hot.txt": "1\n"}, "fix: hot")
    kit.call("backmerge", "main", "dev", "-r", "api", "--yes").ok()
    assert kit.file("api", "dev", "hot.txt") == "1"
    assert kit.file("web", "dev", "hot.txt") is None
    assert kit.file("api", "stg", "hot.txt") is None


@pytest.mark.shows("X3")
@pytest.mark.fault("piped-yes")
def test_it_asks_and_a_piped_yes_is_no_answer(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "main", {"hot.txt": "1\n"}, "fix: hot")
    before = kit.refs(ledger=True, inner=True)
    assert "multigit backmerge main stg --yes" in kit.run("backmerge", "main", "stg", stdin="y\nyes\n").exits(3).err
    assert kit.refs(ledger=True, inner=True) == before
