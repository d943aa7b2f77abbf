"""After a stop: the way on is printed and works; memory that is broken is refused, never guessed at (G10, X3-X5)."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit, Ran
from tests.support.killer import kinds, records, struck

NAMES = ("root", "api", "web")


@pytest.fixture
def half(kit: FleetKit) -> FleetKit:
    """The same, with a promotion to stg that was killed after it began."""
    assert struck(kit, "result:wrote begin", "after", "kill", "promote", "dev", "stg", "--yes").code == -9
    return kit


def state_folder(home: Path) -> Path:
    return home / ".local/state/multigit"


# --- a conflict --------------------------------------------------------------------------------------------------


@pytest.mark.shows("G10")
def test_the_way_out_of_a_conflict_is_printed_and_resume_goes_on_from_there(kit: FleetKit) -> None:
    kit.commit("api", "dev", {"app.txt": "one\nDEV\nthree\n"}, "feat: dev's line")
    kit.commit("api", "stg", {"app.txt": "one\nSTG\nthree\n"}, "fix: stg's line")
    before = kit.refs()
    ran = kit.run("promote", "dev", "stg", "--yes").exits(3)
    for word in ("app.txt", "feat: dev's line", "fix: stg's line", "git merge origin/stg", "multigit resume"):
        assert word in ran.text, word
    assert kit.refs() == before
    assert kinds(kit) == ["failed"]
    assert "FAILURE" in kit.log()
    resolve(kit, ran)
    kit.run("resume", "--yes").ok()
    assert kit.file("api", "stg", "app.txt") == "one\nboth\nthree"
    assert [kit.file(name, "stg", "feature.txt") for name in NAMES] == ["good"] * 3
    assert kinds(kit) == ["begin", "landed", "released"]
    assert "nothing to do" in kit.run("resume", "--yes").ok().text.lower()


def resolve(kit: FleetKit, ran: Ran) -> None:
    """Type what was printed, up to the conflict; resolve; type the rest."""
    kit.clone("api", "stg")
    lines = ran.err[ran.err.index("cd api") : ran.err.index("multigit resume")].splitlines()
    start, merge, publish = (line.strip() for line in lines[:3])
    assert "CONFLICT" in shell(kit, f"{start}\n{merge}")
    (kit.work / "api/app.txt").write_text("one\nboth\nthree\n")
    shell(kit, f"cd api; {publish.removeprefix('(edit the files) ')}")


def shell(kit: FleetKit, text: str) -> str:
    env = {**os.environ, "GIT_EDITOR": "true"}
    done = subprocess.run(["sh", "-c", text], cwd=kit.work, env=env, capture_output=True, text=True, check=False)
    return done.stdout


# --- which run ---------------------------------------------------------------------------------------------------


@pytest.mark.shows("G10")
def test_a_run_is_named_by_its_beginning_or_not_at_all(half: FleetKit) -> None:
    run = records(half)[0]["run"]
    before = half.refs(ledger=True, inner=True)
    assert run in half.call("resume", "r-000000").exits(2).text
    assert run in half.call("resume", "--dry-run").ok().text
    half.call("resume").exits(3)
    assert half.refs(ledger=True, inner=True) == before
    half.call("resume", run[:6], "--yes").ok()
    assert f"run {run} is released: nothing to do" in half.call("abort", run, "--yes").ok().text


@pytest.mark.slow
@pytest.mark.shows("X3")
@pytest.mark.fault("piped-yes")
def test_a_piped_yes_is_no_consent(half: FleetKit) -> None:
    before = half.refs(ledger=True, inner=True)
    for args in (["resume"], ["abort"], ["promote", "dev", "stg"], ["promote", "stg", "main"]):
        half.run(*args, stdin="yes\ny\nshop main\n", env={"MULTIGIT_YES": "1", "MULTIGIT_RESUME_YES": "1"}).exits(3)
    assert half.refs(ledger=True, inner=True) == before


@pytest.mark.shows("G10")
def test_a_repository_that_left_repos_yaml_stops_the_run_with_its_name(half: FleetKit) -> None:
    path = half.work / "repos.yaml"
    path.write_text(half.config.replace("  web: {}\n", ""))
    ran = half.call("resume", "--yes").exits(2)
    assert "web" in ran.text
    path.write_text(half.config)
    half.call("resume", "--yes").ok()


@pytest.mark.shows("G10")
def test_a_repository_that_does_not_answer_stops_a_resume_before_it_decides(half: FleetKit) -> None:
    place = half.hosts["web"].path
    place.rename(half.root / "gone")
    told = records(half)
    ran = half.call("resume", "--yes").exits(4)
    assert "web" in ran.text
    assert "multigit resume r-" in ran.text
    assert records(half) == told
    (half.root / "gone").rename(place)
    half.call("resume", "--yes").ok()
    assert kinds(half)[-1] == "released"


@pytest.mark.shows("G10")
def test_what_lands_cannot_be_aborted_and_abort_says_so(kit: FleetKit) -> None:
    assert struck(kit, "result:wrote landed", "after", "kill", "promote", "dev", "stg", "--yes").code == -9
    ran = kit.call("abort", "--yes").ok()
    assert "rollback takes it back" in ran.text
    assert kinds(kit)[-1] == "released"


# --- memory ------------------------------------------------------------------------------------------------------


@pytest.mark.shows("X5")
@pytest.mark.fault("journal-deleted")
def test_the_ledger_is_enough(half: FleetKit, hermetic: Path) -> None:
    for path in (state_folder(hermetic) / "journal.sqlite3", half.work / "deployment.log"):
        path.unlink(missing_ok=True)
    half.call("resume", "--yes").ok()
    assert half.log().count("PROMOTE") == 3


@pytest.mark.shows("X5")
@pytest.mark.parametrize("harm", ["garbage", "symlink", "newer", "no folder", "folder"])
@pytest.mark.fault("journal-garbage", "journal-symlink", "journal-newer-schema")
def test_a_journal_that_cannot_be_used_stops_before_anything_is_pushed(
    half: FleetKit, hermetic: Path, harm: str
) -> None:
    path = state_folder(hermetic) / "journal.sqlite3"
    target = harm_journal(path, harm)
    before = half.refs(ledger=True, inner=True)
    for args in (["resume", "--yes"], ["abort", "--yes"]):
        ran = half.call(*args).exits(1)
        assert "journal" in ran.text
        assert "mv " in ran.text
    assert half.refs(ledger=True, inner=True) == before
    half.call("status").exits(4)
    target.rename(target.with_suffix(".old"))
    half.call("resume", "--yes").ok()
    assert kinds(half)[-1] == "released"


def harm_journal(path: Path, harm: str) -> Path:
    """Break the journal; answers what has to be moved away."""
    if harm == "newer":
        with sqlite3.connect(path) as db:
            db.execute("pragma user_version=99")
        db.close()
        return path
    path.rename(path.with_suffix(".saved"))
    if harm == "garbage":
        path.write_bytes(b"garbage " * 1000)
    elif harm == "symlink":
        path.symlink_to(path.with_suffix(".saved"))
    elif harm == "folder":
        path.mkdir()
    else:
        path.parent.rename(path.parent.with_name("saved"))
        path.parent.write_text("a file where the folder was\n")
        return path.parent
    return path


@pytest.mark.shows("X5")
def test_a_record_written_by_hand_is_named_and_nothing_is_done(kit: FleetKit) -> None:
    kit.promote().ok()
    host = kit.hosts["root"]
    good = host.head("multigit-ledger")
    assert good
    bad = host.commit_tree(host.git("rev-parse", f"{good}^{{tree}}"), (good,), "oops", on="multigit-ledger")
    before = kit.refs(ledger=True)
    for args in (["promote", "stg", "main"], ["resume", "--yes"], ["hold", "set", "stg", "-m", "x"], ["history"]):
        ran = kit.call(*args).exits(1)
        assert bad.short in ran.text
        assert "git show" in ran.text
    assert kit.refs(ledger=True) == before
    host.git("update-ref", "refs/heads/multigit-ledger", good)
    kit.call("status").ok()


# --- saved plans -------------------------------------------------------------------------------------------------


def saved(kit: FleetKit) -> Path:
    path = kit.root / "plan.json"
    kit.call("plan", "dev", "stg", "--out", str(path)).ok()
    return path


def with_plan(kit: FleetKit, path: Path) -> Ran:
    return kit.call("promote", "dev", "stg", "--plan", str(path), "--yes")


@pytest.mark.shows("X3", "X4")
def test_a_saved_plan_is_applied_once_and_as_it_was_saved(kit: FleetKit) -> None:
    path = saved(kit)
    run = "r-" + json.loads(path.read_text())["digest"][:12]
    with_plan(kit, path).ok()
    assert records(kit)[-1]["run"] == run
    assert "NOTHING TO DO" in with_plan(kit, path).ok().text


@pytest.mark.shows("X3")
@pytest.mark.parametrize("change", ["a head", "the tag", "old", "another config", "another road", "no plan"])
def test_a_plan_that_is_not_what_was_agreed_to_is_refused(kit: FleetKit, change: str) -> None:
    path, code = saved(kit), 3
    document = json.loads(path.read_text())
    if change == "a head":
        document["steps"][0]["new"] = "1" * 40
    if change == "the tag":
        document["tag"] = "stg-deploy-20300101-000000"
    if change == "old":
        document["created"] = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
        document.pop("digest")
    if change == "another config":
        (kit.work / "repos.yaml").write_text(kit.config + "# a remark\n")
        document.pop("digest")
        document["config"] = "0" * 64
    if change == "another road":
        kit.call("plan", "stg", "main", "--out", str(path)).ok()
        document = json.loads(path.read_text())
    if change == "no plan":
        document, code = {"schema": "something.else/1"}, 2
    path.write_text(json.dumps(document))
    before = kit.refs(ledger=True, inner=True)
    ran = with_plan(kit, path).exits(code)
    assert "multigit plan" in ran.text
    assert kit.refs(ledger=True, inner=True) == before


# --- dry runs ----------------------------------------------------------------------------------------------------


def snapshot(kit: FleetKit, home: Path) -> dict[str, str]:
    """Every file of hosts, workspace and home folder, the cache excepted."""
    files = [str(file) for top in (kit.root / "hosts", kit.work, home) for file in top.rglob("*") if file.is_file()]
    # A clone's store may gain objects that nothing refers to: the tree that a hotfix would commit.
    kept = [file for file in files if "/.cache/" not in file and "/.git/objects/" not in file]
    return {file: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in kept}


@pytest.mark.slow
@pytest.mark.shows("X3", "G2")
def test_a_dry_run_changes_nothing_at_all(kit: FleetKit, hermetic: Path) -> None:
    kit.release()
    kit.commit("api", "main", {"hot.txt": "1\n"}, "fix: hot")
    kit.commit("web", "dev", {"more.txt": "1\n"}, "feat: more")
    for name in NAMES:
        kit.clone(name, "main")
    (kit.work / "api/app.txt").write_text("changed\n")
    before = snapshot(kit, hermetic)
    for args in (
        ["promote", "dev", "stg", "-n", "--yes"], ["plan", "stg", "main"], ["backmerge", "main", "stg", "-n"],
        ["rollback", kit.tags("deploy-")[0], "-n"], ["hold", "set", "stg", "-m", "x", "-n"], ["resume", "-n"],
        ["hold", "release", "stg", "-m", "x", "-n"], ["abort", "-n"], ["hotfix", "--push", "main", "-m", "x", "-n"],
        ["pull", "main", "-n"], ["status"], ["history"], ["diff", "dev", "stg"],
    ):  # fmt: skip
        ran = kit.call(*args)
        assert ran.code in (0, 3), (args, ran)
        assert snapshot(kit, hermetic) == before, args


@pytest.mark.shows("X3")
@pytest.mark.parametrize("consent", [("--yes",), ("-y",), ("-qy",), ("-yq",)])
def test_resume_brings_no_consent_of_the_refused_command_along(kit: FleetKit, consent: tuple[str, ...]) -> None:
    kit.call("hold", "set", "stg", "-m", "wait").ok()
    kit.call("promote", "dev", "stg", *consent).exits(3)
    kit.call("hold", "release", "stg", "-m", "go").ok()
    before = kit.refs()
    kit.call("resume").exits(3)
    assert kit.refs() == before
    kit.call("resume", "--yes").ok()


@pytest.mark.shows("X3")
def test_a_refused_plan_is_not_taken_up_after_the_fleet_went_on(kit: FleetKit) -> None:
    kit.call("hold", "set", "stg", "-m", "wait").ok()
    kit.call("promote", "dev", "stg", "--yes").exits(3)
    kit.call("hold", "release", "stg", "-m", "go").ok()
    kit.promote().ok()
    kit.commit("api", "dev", {"later.txt": "later\n"}, "feat: later")
    before = kit.refs()
    assert "nothing to do" in kit.call("resume", "--yes").ok().text
    assert kit.refs() == before


@pytest.mark.shows("X4")
def test_a_released_plan_says_nothing_to_do_only_on_its_own_road(kit: FleetKit) -> None:
    plan = str(kit.root / "p.json")
    kit.call("plan", "dev", "stg", "--out", plan).ok()
    kit.call("promote", "dev", "stg", "--plan", plan, "--yes").ok()
    assert "NOTHING TO DO" in kit.call("promote", "dev", "stg", "--plan", plan, "--yes").ok().text
    other = kit.call("promote", "stg", "main", "--plan", plan, "--confirm", "shop main").exits(3)
    assert "another move" in other.text
