"""hotfix: the emergency path from the clones past staging, and the debt it leaves behind (G8)."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import jsonschema
import pytest

from tests.support.fleetkit import FleetKit, Ran
from tests.support.gitkit import plain_git
from tests.support.snapshots import changed, snapshot

SCHEMAS = Path(__file__).parents[2] / "multigit" / "schemas"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def kit(tmp_path: Path) -> FleetKit:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.clone("api")
    return kit


def fix(kit: FleetKit, *more: str) -> Ran:
    """Look, save the plan, consent to exactly it."""
    plan = str(kit.root / "hotfix.json")
    shown = kit.run("hotfix", "--push", "main", *more, "--dry-run", "--out", plan)
    if shown.code:
        return shown
    return kit.run("hotfix", "--push", "main", *more, "--plan", plan, "--confirm", "shop main")


def commit(clone: Path, name: str = "hot.txt", text: str = "hot\n", message: str = "fix: hot") -> str:
    (clone / name).write_text(text)
    plain_git("add", "--all", at=clone)
    plain_git("commit", "--quiet", "-m", message, at=clone)
    return plain_git("rev-parse", "HEAD", at=clone)


def status(clone: Path) -> str:
    return plain_git("status", "--porcelain=v2", "--branch", at=clone)


@pytest.mark.shows("G8", "X4")
def test_what_the_clones_are_ahead_by_is_published_tagged_and_logged(kit: FleetKit) -> None:
    tip = commit(kit.work / "api")
    assert "fix: hot" in kit.call("hotfix", "main", "--push", "--dry-run").ok().text
    fix(kit).ok()
    assert kit.head("api") == tip
    (tag,) = kit.tags("deploy-")
    assert kit.tags("deploy-", "api") == [tag]
    assert "EMERGENCY" in kit.hosts["root"].git("for-each-ref", "--format=%(contents:subject)", f"refs/tags/{tag}")
    assert "EMERGENCY" in kit.log()
    again = kit.run("hotfix", "--push", "main").ok()
    assert "NOTHING TO DO" in again.text
    kit.fsck()


@pytest.mark.shows("G8")
def test_a_message_commits_the_tracked_changes_and_the_clone_follows(kit: FleetKit) -> None:
    clone = kit.work / "api"
    (clone / "app.txt").write_text("one\nTWO\nthree\n")
    (clone / "notes.txt").write_text("mine\n")
    shown = kit.call("hotfix", "--push", "main", "-m", "fix: two", "--dry-run").ok()
    assert "app.txt +1 -1" in shown.text
    assert "1 untracked file stay" in shown.text
    ended = fix(kit, "-m", "fix: two").ok()
    assert "multigit backmerge prod stg" in ended.text
    assert kit.file("api", "main", "app.txt") == "one\nTWO\nthree"
    assert kit.file("api", "main", "notes.txt") is None
    assert kit.hosts["api"].git("log", "-1", "--format=%s by %an", "main") == "fix: two by Test Person"
    assert plain_git("rev-parse", "HEAD", at=clone) == kit.head("api")
    assert "# branch.ab +0 -0" in status(clone)
    assert [line for line in status(clone).splitlines() if not line.startswith("#")] == ["? notes.txt"]


@pytest.mark.shows("G8")
def test_changes_stay_where_they_are_without_a_message(kit: FleetKit) -> None:
    clone = kit.work / "api"
    tip = commit(clone)
    (clone / "app.txt").write_text("half done\n")
    before = snapshot(clone)
    shown = kit.call("hotfix", "--push", "main", "--dry-run").ok()
    assert "1 changed files are not committed and not pushed (-m commits them)" in shown.text
    assert changed(before, snapshot(clone)) == []
    fix(kit).ok()
    assert kit.head("api") == tip
    assert (clone / "app.txt").read_text() == "half done\n"


@pytest.mark.shows("G8")
@pytest.mark.parametrize(("name", "text"), [(".env.local", "PASSWORD=1\n"), ("notes.txt", KEY)])
def test_a_secret_in_a_commit_that_was_made_before_is_not_published_either(kit: FleetKit, name: str, text: str) -> None:
    commit(kit.work / "api", name, text)
    before = kit.refs(ledger=True)
    refused = fix(kit).exits(3)
    assert name in refused.text
    assert kit.refs(ledger=True) == before


@pytest.mark.shows("G8", "X8")
@pytest.mark.fault("canary-key")
@pytest.mark.parametrize(("name", "text"), [(".env", "A=1\n"), ("conf/server.pem", "x\n"), ("id.txt", KEY)])
def test_what_looks_like_a_secret_is_refused_by_name(kit: FleetKit, name: str, text: str) -> None:
    file = kit.work / "api" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    plain_git("add", "--force", name, at=kit.work / "api")
    before = kit.refs(ledger=True, inner=True)
    refused = fix(kit, "-m", "fix: all").exits(3)
    assert name in refused.text
    assert "must not be published" in refused.text
    assert "AAAA" not in refused.out + refused.err
    assert kit.refs(ledger=True, inner=True) == before


@pytest.mark.shows("G8")
@pytest.mark.parametrize("state", ["diverged", "behind and changed"])
def test_a_clone_that_lacks_the_remote_s_commits_is_refused(kit: FleetKit, state: str) -> None:
    clone = kit.work / "api"
    theirs = kit.commit("api", "main", {"theirs.txt": "1\n"}, "fix: colleague")
    if state == "diverged":
        commit(clone)
    else:
        (clone / "app.txt").write_text("changed\n")
    refused = fix(kit, "-m", "fix: mine").exits(3)
    assert "api" in refused.text
    assert "does not contain the remote's main" in refused.text
    assert kit.head("api") == theirs


def test_a_clone_that_is_only_behind_or_missing_has_nothing_to_push(kit: FleetKit) -> None:
    kit.commit("api", "main", {"theirs.txt": "1\n"}, "fix: colleague")
    shown = kit.run("hotfix", "--push", "main").ok()
    assert "NOTHING TO DO" in shown.text
    assert not kit.tags("deploy-")


def test_a_branch_that_is_not_checked_out_is_published_as_it_is(kit: FleetKit) -> None:
    clone = kit.work / "api"
    tip = commit(clone)
    plain_git("switch", "--quiet", "-c", "feature", at=clone)
    (clone / "app.txt").write_text("other work\n")
    fix(kit, "-m", "fix: never this").ok()
    assert kit.head("api") == tip
    assert (clone / "app.txt").read_text() == "other work\n"
    assert plain_git("branch", "--show-current", at=clone) == "feature"


@pytest.mark.shows("G8")
@pytest.mark.fault("own-pre-push-hook")
def test_the_person_s_own_pre_push_hook_is_asked(kit: FleetKit) -> None:
    clone = kit.work / "api"
    commit(clone)
    hook = clone / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\nread a b c d\necho "no: $a to $c" >&2\nexit 1\n')
    hook.chmod(0o755)
    before = kit.refs(inner=True)
    refused = fix(kit).exits(3)
    assert "pre-push hook" in refused.text
    assert "no: refs/heads/main to refs/heads/main" in refused.text
    assert kit.refs(inner=True) == before


@pytest.mark.shows("X3")
def test_without_a_terminal_it_takes_the_plan_and_the_phrase_and_says_how(kit: FleetKit) -> None:
    commit(kit.work / "api", message="fix: it's hot")
    before = kit.refs(ledger=True, inner=True)
    for consent in ((), ("--yes",), ("--confirm", "shop main")):
        refused = kit.run("hotfix", "--push", "main", *consent, stdin="y\nyes\nshop main\n").exits(3)
    assert kit.refs(ledger=True, inner=True) == before
    commands = [
        line.strip().removeprefix("fix").strip() for line in refused.err.splitlines() if "multigit hotfix" in line
    ]
    assert len(commands) == 2
    for command in commands:
        kit.run(*shlex.split(command)[1:]).ok()
    assert kit.file("api", "main", "hot.txt") == "hot"


@pytest.mark.shows("X3")
def test_consent_does_not_cover_what_was_committed_after_the_plan(kit: FleetKit) -> None:
    clone = kit.work / "api"
    commit(clone)
    plan = str(kit.root / "p.json")
    kit.call("hotfix", "--push", "main", "-n", "--out", plan).ok()
    commit(clone, "later.txt")
    stale = kit.call("hotfix", "--push", "main", "--plan", plan, "--confirm", "shop main").exits(3)
    assert "out of date" in stale.text
    assert kit.file("api", "main", "hot.txt") is None


def test_it_is_said_where_no_hotfix_is_allowed_and_that_push_is_needed(kit: FleetKit) -> None:
    assert "hotfix.allow: stg, prod" in kit.call("hotfix", "--push", "dev").exits(2).text
    assert "multigit hotfix --push main" in kit.call("hotfix", "main").exits(2).text


@pytest.mark.slow
@pytest.mark.shows("G8", "G9")
def test_the_debt_is_shown_refused_and_paid(kit: FleetKit) -> None:
    commit(kit.work / "api")
    fix(kit).ok()
    kit.commit("api", "dev", {"feature.txt": "1\n"}, "feat: f")
    kit.promote().ok()
    shown = kit.call("status").ok()
    assert "1 on main, not in stg" in shown.text
    assert "1 to merge back" in shown.text
    refused = kit.promote("stg", "main").exits(3)
    assert "no-backlog" in refused.text
    assert "fix: hot" in refused.text
    for road in (("main", "stg"), ("stg", "dev")):
        kit.call("backmerge", *road, "--yes").ok()
    assert kit.file("api", "dev", "hot.txt") == "hot"
    kit.promote("stg", "main").ok()
    assert kit.file("api", "main", "feature.txt") == "1"
    assert "to merge back" not in kit.call("status").ok().text


@pytest.mark.slow
@pytest.mark.shows("G8")
def test_backmerge_pays_it_in_the_same_command(kit: FleetKit) -> None:
    tip = commit(kit.work / "api")
    fix(kit, "--backmerge").ok()
    for branch in ("stg", "dev"):
        assert kit.hosts["api"].git("merge-base", "--is-ancestor", tip, branch) == ""
    assert "everything is where it should be" in kit.call("status").ok().text


@pytest.mark.shows("X3")
def test_a_back_merge_is_not_consented_to_by_a_hotfix_that_had_nothing_to_push(kit: FleetKit) -> None:
    kit.commit("api", "main", {"hot.txt": "hot\n"}, "fix: hot")
    plain_git("pull", "--quiet", "origin", "main", at=kit.work / "api")
    before = kit.refs(ledger=True)
    kit.run("hotfix", "--push", "main", "--backmerge").exits(4)
    assert kit.refs(ledger=True) == before


@pytest.mark.shows("X1", "G8")
def test_with_json_a_hotfix_and_its_back_merges_are_one_document(kit: FleetKit) -> None:
    commit(kit.work / "api")
    kit.run("-x", "root", "hotfix", "--push", "main", "--dry-run", "--out", str(kit.root / "p.json")).ok()
    ran = kit.run(
        "-x", "root", "hotfix", "--push", "main", "--backmerge", "--json", "--plan", str(kit.root / "p.json"),
        "--confirm", "shop main",
    ).ok()  # fmt: skip
    told = ran.json()
    jsonschema.validate(told, json.loads((SCHEMAS / "runs.1.json").read_text()))
    assert [run["plan"]["verb"] for run in told["runs"]] == ["hotfix", "backmerge", "backmerge"]
    assert kit.file("api", "dev", "hot.txt") == "hot"


@pytest.mark.shows("X9")
def test_what_fails_after_the_hotfix_was_published_is_exit_4_and_named(kit: FleetKit) -> None:
    commit(kit.work / "api", "app.txt", "hot\ntwo\nthree\n")
    kit.commit("api", "stg", {"app.txt": "cold\ntwo\nthree\n"}, "feat: cold")
    plan = str(kit.root / "p.json")
    kit.run("hotfix", "--push", "main", "--dry-run", "--out", plan).ok()
    ran = kit.run("hotfix", "--push", "main", "--backmerge", "--plan", plan, "--confirm", "shop main").exits(4)
    assert "backmerge prod stg is not" in ran.text
    assert kit.file("api", "main", "app.txt") == "hot\ntwo\nthree"


@pytest.mark.shows("G8")
def test_a_secret_that_was_taken_away_again_is_still_in_what_would_be_published(kit: FleetKit) -> None:
    clone = kit.work / "api"
    commit(clone, ".env.prod", "KEY=1\n")
    plain_git("rm", "--quiet", ".env.prod", at=clone)
    plain_git("commit", "--quiet", "-m", "oops", at=clone)
    assert ".env.prod" in fix(kit).exits(3).text


@pytest.mark.shows("X7")
def test_a_locked_index_in_the_clone_is_a_warning_because_the_release_is_out(kit: FleetKit) -> None:
    clone = kit.work / "api"
    (clone / "app.txt").write_text("hot\n")
    plan = str(kit.root / "p.json")
    kit.run("hotfix", "--push", "main", "-m", "fix", "--dry-run", "--out", plan).ok()
    (clone / ".git" / "index.lock").write_text("")
    ran = kit.run("hotfix", "--push", "main", "-m", "fix", "--plan", plan, "--confirm", "shop main").ok()
    assert "RELEASED" in ran.text
    assert "clone" in ran.text
    assert "EMERGENCY" in kit.log()


@pytest.mark.shows("X2")
def test_a_dry_run_adds_no_object_to_the_clone(kit: FleetKit) -> None:
    clone = kit.work / "api"
    (clone / "app.txt").write_text("hot\n")
    before = sorted((clone / ".git" / "objects").rglob("*"))
    kit.run("hotfix", "--push", "main", "-m", "fix", "--dry-run").ok()
    assert sorted((clone / ".git" / "objects").rglob("*")) == before


@pytest.mark.fault("unborn-branch")
def test_changes_on_another_branch_are_named_and_an_unborn_branch_is_no_crash(kit: FleetKit) -> None:
    clone = kit.work / "api"
    plain_git("switch", "--quiet", "--create", "other", at=clone)
    (clone / "app.txt").write_text("hot\n")
    shown = kit.run("hotfix", "--push", "main", "-m", "fix", "-n").ok()
    assert "its changes stay, because it is on other" in shown.text
    plain_git("branch", "--quiet", "-D", "main", at=clone)
    plain_git("checkout", "--quiet", "--orphan", "main", at=clone)
    assert "no commit on main" in kit.run("hotfix", "--push", "main", "-m", "fix", "-n").exits(3).text
