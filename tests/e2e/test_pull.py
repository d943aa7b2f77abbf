"""pull and clone: every clone brought up to date or left exactly as it is, and said by name (G2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit
from tests.support.gitkit import plain_git
from tests.support.snapshots import changed, snapshot

LEFT = ("dirty", "split", "bare-name", "foreign", "broken")
NAMES = ("moved", "elsewhere", "same", "missing", "mine", "linked", *LEFT)


def work_in(clone: Path, name: str) -> None:
    (clone / name).write_text("mine\n")
    plain_git("add", "--all", at=clone)
    plain_git("commit", "--quiet", "-m", "wip", at=clone)


@pytest.fixture
def kit(tmp_path: Path) -> FleetKit:
    """One repository for each thing that can happen, called after it."""
    kit = FleetKit.make(tmp_path, NAMES)
    for name in set(NAMES) - {"missing", "foreign", "broken", "linked"}:
        kit.clone(name, "dev")
    plain_git("switch", "--quiet", "-c", "feature", at=kit.work / "elsewhere")
    (kit.work / "elsewhere/app.txt").write_text("other work\n")
    for name in ("dirty", "split", "moved", "elsewhere"):
        kit.commit(name, "dev", {"theirs.txt": "1\n"}, "feat: theirs")
    (kit.work / "dirty/app.txt").write_text("changed\n")
    work_in(kit.work / "split", "ours.txt")
    work_in(kit.work / "mine", "ours.txt")
    kit.hosts["bare-name"].git("branch", "-m", "dev", "feature/dev")
    (kit.work / "foreign").mkdir()
    (kit.work / "foreign/precious.txt").write_text("not a clone\n")
    kit.hosts["broken"].path.rename(tmp_path / "away")
    main_clone = tmp_path / "elsewhere-clone"
    plain_git("clone", "--quiet", "--branch", "stg", kit.hosts["linked"].url, str(main_clone), at=tmp_path)
    plain_git("worktree", "add", "--quiet", str(kit.work / "linked"), "dev", at=main_clone)
    kit.commit("linked", "dev", {"theirs.txt": "1\n"}, "feat: theirs")
    (kit.work / "linked/uncommitted.txt").write_text("precious\n")
    (kit.work / "linked/app.txt").write_text("precious\n")
    return kit


def verdicts(kit: FleetKit, *words: str) -> dict[str, str]:
    return {row["repo"]: row["verdict"] for row in kit.call(*words, "--json").json()["results"]}


@pytest.mark.slow
@pytest.mark.shows("G2")
def test_each_verdict_and_nobody_s_work_is_touched(kit: FleetKit) -> None:
    left = [kit.work / name for name in (*LEFT, "same", "mine", "linked") if (kit.work / name).exists()]
    before = snapshot(*left)
    elsewhere = (kit.work / "elsewhere/app.txt").read_text()
    pulled = kit.run("pull", "dev").exits(1)
    assert changed(before, snapshot(*left)) == []
    said = {line.split()[1]: " ".join(line.split()[2:]) for line in pulled.out.splitlines() if line[:1] in "+=x!"}
    for name, words in {
        "moved": "updated", "elsewhere": "updated", "same": "up to date", "missing": "cloned", "mine": "ahead",
        "linked": "dirty", "dirty": "dirty", "split": "diverged", "bare-name": "no such branch", "foreign": "failed",
        "broken": "failed",
    }.items():  # fmt: skip
        assert said[name].startswith(words), (name, said[name])
    assert f"{kit.hosts['moved'].git('rev-parse', '--short=7', 'dev^')}.." in said["moved"]
    assert "it is not a git repository" in said["foreign"]
    assert all(name in pulled.out.rpartition("left  ")[2] for name in (*LEFT, "linked"))
    for name in ("moved", "missing"):
        assert plain_git("rev-parse", "HEAD", at=kit.work / name) == kit.head(name, "dev")
        assert plain_git("status", "--porcelain", at=kit.work / name) == ""
    assert plain_git("rev-parse", "dev", at=kit.work / "elsewhere") == kit.head("elsewhere", "dev")
    assert (kit.work / "elsewhere/app.txt").read_text() == elsewhere
    assert plain_git("branch", "--show-current", at=kit.work / "elsewhere") == "feature"


@pytest.mark.shows("G2", "X4")
def test_twice_is_once_and_all_is_well_with_exit_0(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.call("pull", "dev").ok()
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    assert verdicts(kit, "pull", "dev") == {"root": "up to date", "api": "updated"}
    before = snapshot(kit.work)
    assert verdicts(kit, "pull", "dev") == {"root": "up to date", "api": "up to date"}
    assert verdicts(kit, "clone") == {"root": "up to date", "api": "up to date"}
    assert changed(before, snapshot(kit.work)) == []


@pytest.mark.shows("X2", "G2")
def test_a_dry_run_touches_no_clone(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api", "web"))
    kit.clone("api", "dev")
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    (kit.work / "web").mkdir()
    before = snapshot(kit.work)
    shown = kit.call("pull", "dev", "-n").exits(1)
    assert "it is not a git repository" in shown.text
    kit.call("clone", "-n", "-r", "root").ok()
    assert changed(before, snapshot(kit.work)) == []


@pytest.mark.shows("G1")
def test_the_root_repository_is_the_folder_that_holds_the_others(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"), repos="  root: {path: .}\n  api: {}\n")
    kit.commit("root", "dev", {"repos.yaml": kit.config, ".gitignore": "/api/\n"}, "chore: repos")
    work = tmp_path / "mine"
    plain_git("clone", "--quiet", "--branch", "dev", kit.hosts["root"].url, str(work), at=tmp_path)
    (kit.work / "repos.yaml").unlink()
    kit.work.rmdir()
    work.rename(kit.work)
    kit.commit("root", "dev", {"script.txt": "1\n"}, "feat: script")
    assert verdicts(kit, "pull", "dev") == {"root": "updated", "api": "cloned"}
    assert (kit.work / "script.txt").exists()
    assert plain_git("status", "--porcelain", at=kit.work) == ""


@pytest.mark.shows("G2")
def test_clone_makes_what_is_missing_and_only_that(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    kit.clone("api", "dev")
    (kit.work / "api/app.txt").write_text("mine\n")
    before = snapshot(kit.work / "api")
    assert verdicts(kit, "clone", "-x", "web") == {"root": "cloned", "api": "up to date"}
    assert changed(before, snapshot(kit.work / "api")) == []
    assert plain_git("branch", "--show-current", at=kit.work / "root") == "main"
    assert not (kit.work / "web").exists()


def test_any_branch_may_be_pulled_and_nonsense_is_named(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.clone("api", "dev")
    kit.hosts["api"].git("branch", "feature/x", "dev")
    kit.hosts["root"].git("branch", "feature/x", "dev")
    assert verdicts(kit, "pull", "feature/x") == {"root": "cloned", "api": "updated"}
    assert plain_git("branch", "--show-current", at=kit.work / "api") == "dev"
    assert plain_git("rev-parse", "feature/x", at=kit.work / "api") == kit.head("api", "dev")
    assert "no environment" in kit.call("pull", "--", "-x").exits(2).text


@pytest.mark.shows("G2", "X6")
def test_a_host_that_was_rewound_is_not_followed(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    clone = kit.clone("api", "dev")
    first = kit.head("api", "dev")
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    kit.call("pull", "dev", "-r", "api").ok()
    kit.hosts["api"].git("update-ref", "refs/heads/dev", first)
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: rewritten")
    before = snapshot(clone)
    kit.call("pull", "dev", "-r", "api").exits(1)
    assert (clone / "f.txt").exists()
    assert [p for p in changed(before, snapshot(clone)) if "/.git/" not in p and not p.endswith(".git")] == []
