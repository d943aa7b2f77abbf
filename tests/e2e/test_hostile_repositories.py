"""Repositories that mean harm, or are merely odd: nothing of theirs runs, and each gets what is right or a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit
from tests.support.gitkit import Bare, plain_git
from tests.support.snapshots import changed, snapshot

HOOKS = (
    "applypatch-msg pre-applypatch post-applypatch pre-commit pre-merge-commit prepare-commit-msg commit-msg"
    " post-commit pre-rebase post-checkout post-merge pre-push post-rewrite reference-transaction pre-auto-gc"
    " post-index-change fsmonitor-watchman"
)
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"


def hostile_clone(clone: Path, mark: Path) -> None:
    """A person's clone in which every hook and every command that its configuration can name leaves a mark."""
    evil = clone / ".git/evil"
    for file in (evil, *(clone / ".git/hooks" / name for name in HOOKS.split())):
        file.parent.mkdir(exist_ok=True)
        file.write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >> {mark}\ncat\n')
        file.chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.gitProxy", "core.askPass",
                "diff.external", "diff.evil.textconv", "merge.evil.driver", "uploadpack.packObjectsHook",
                "remote.origin.uploadpack", "remote.origin.receivepack", "gpg.program", "interactive.diffFilter",
                "sequence.editor", "credential.helper"):  # fmt: skip
        plain_git("config", key, str(evil), at=clone)
    for key in ("filter.evil.clean", "filter.evil.smudge", "alias.push", "alias.fetch", "alias.status"):
        plain_git("config", key, f"!{evil}" if key.startswith("alias") else f"{evil} %f", at=clone)
    plain_git("config", "submodule.recurse", "true", at=clone)


def hostile_tree(host: Bare, secret: Path) -> None:
    """Attributes that name filters and drivers, submodules, links that lead out, names alike; on dev."""
    attributes = "*.txt filter=evil diff=evil merge=evil\n*.bin filter=lfs diff=lfs merge=lfs -text\n"
    modules = '[submodule "sub"]\n\tpath = sub\n\turl = https://127.0.0.1:1/sub.git\n\tbranch = --upload-pack=x\n'
    host.commit({".gitattributes": attributes, "evil.txt": "1\n2\n3\n", "big.bin": POINTER}, on="dev")
    host.commit({".gitmodules": modules}, on="dev")
    host.commit({"sub": "1" * 40}, on="dev", mode="160000")
    host.commit({"out": str(secret), "up": "../../../..", "etc": "/etc/passwd"}, on="dev", mode="120000")
    host.commit({"Read.me": "1\n", "read.me": "2\n", "READ.ME": "3\n"}, on="dev")


def listing(host: Bare, branch: str) -> dict[str, str]:
    """Path to mode, type and object."""
    return {path: entry for entry, path in (row.split("\t") for row in host.git("ls-tree", branch).splitlines())}


@pytest.mark.slow
@pytest.mark.fault("clone-hooks", "clone-fsmonitor", "clone-filters", "clone-merge-drivers", "own-bare-cache")
def test_a_hostile_clone_has_no_part_in_a_release(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    mark, host = tmp_path / "mark", kit.hosts["api"]
    base = kit.commit("api", "main", {".gitattributes": "* filter=evil merge=evil diff=evil\n", "m.txt": "1\n2\n3\n"})
    for branch in ("dev", "stg"):
        host.git("update-ref", f"refs/heads/{branch}", base)
    clone = kit.clone("api", "stg")
    host.commit({"m.txt": "1\n2\ndev\n"}, on="dev")
    host.commit({"m.txt": "stg\n2\n3\n"}, on="stg")
    hostile_clone(clone, mark)
    before = snapshot(clone)
    kit.promote().ok()
    tag = kit.tags("stg-deploy-")[-1]
    for words in (("status",), ("diff", "stg", "main"), ("log", "main..stg"), ("show", tag), ("history",),
                  ("backmerge", "stg", "dev", "--yes"), ("rollback", tag, "--yes", "-n")):  # fmt: skip
        kit.call(*words).ok()
    assert kit.file("api", "stg", "m.txt") == "stg\n2\ndev"
    assert not mark.exists(), mark.read_text()
    assert changed(before, snapshot(clone)) == []


@pytest.mark.slow
@pytest.mark.fault("clone-hooks", "clone-fsmonitor", "hooks-path-off", "submodule-recursion-off")
def test_pull_and_hotfix_work_in_a_hostile_clone_without_its_hooks(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    mark, clone = tmp_path / "mark", kit.clone("api")
    kit.commit("api", "main", {"theirs.txt": "1\n"})
    hostile_clone(clone, mark)
    (clone / ".git/hooks/pre-push").unlink()  # this one would be asked: it is the person's own
    kit.call("pull", "main").ok()
    assert (clone / "theirs.txt").read_text() == "1\n"
    (clone / "app.txt").write_text("hot\n")
    kit.call("hotfix", "--push", "main", "-m", "fix: hot", "--confirm", "shop main", "-n").ok()
    plan = str(tmp_path / "p.json")
    kit.call("hotfix", "--push", "main", "-m", "fix: hot", "-n", "--out", plan).ok()
    kit.call("hotfix", "--push", "main", "-m", "fix: hot", "--plan", plan, "--confirm", "shop main").ok()
    assert kit.file("api", "main", "app.txt") == "hot"
    assert not mark.exists(), mark.read_text()


@pytest.mark.fault("mirror-hooks", "hooks-path-off", "fsmonitor-off", "clone-merge-drivers")
def test_what_somebody_put_into_our_cache_does_not_run(tmp_path: Path, hermetic: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    mark = tmp_path / "mark"
    kit.call("status").ok()
    for mirror in (hermetic / ".cache/multigit/mirrors").glob("*.git"):
        for name in HOOKS.split():
            file = mirror / "hooks" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"#!/bin/sh\necho {name} >> {mark}\n")
            file.chmod(0o755)
        for key in ("core.hooksPath", "core.fsmonitor", "gpg.program", "core.pager", "core.editor"):
            plain_git("config", key, str(mirror / "hooks"), at=mirror)
    kit.commit("api", "dev", {"f.txt": "1\n"})
    kit.promote().ok()
    assert kit.file("api", "stg", "f.txt") == "1"
    assert not mark.exists(), mark.read_text()


@pytest.mark.slow
@pytest.mark.fault("tree-symlinks", "tree-case-twins", "lfs", "clone-filters", "submodule-pointers", "clone-gitmodules")
def test_a_hostile_tree_is_moved_as_it_is_and_never_followed(tmp_path: Path, hermetic: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    secret, host = tmp_path / "secret", kit.hosts["api"]
    secret.write_text("canary\n")
    hostile_tree(host, secret)
    kit.commit("api", "stg", {"own.txt": "stg\n"})
    with (hermetic / ".gitconfig").open("a") as file:
        file.write("[submodule]\n\trecurse = true\n[push]\n\trecurseSubmodules = check\n")
    kit.release()
    dev = listing(host, "dev")
    for branch in ("stg", "main"):
        there = listing(host, branch)
        assert {path: there[path] for path in dev} == dev
    kit.call("pull", "main").ok()
    clone = kit.work / "api"
    assert (clone / "out").is_symlink()
    assert (clone / "big.bin").read_text() == POINTER
    assert {"Read.me", "read.me", "READ.ME"} <= {path.name for path in clone.iterdir()}
    assert not list((clone / "sub").iterdir())
    (clone / "app.txt").write_text("hot\n")
    kit.call("hotfix", "--push", "main", "-m", "fix: hot", "-n").ok()
    assert secret.read_text() == "canary\n"


@pytest.mark.fault("clone-gitmodules", "fsck-objects")
@pytest.mark.parametrize("setting", ["update = !touch {mark}", "url = --upload-pack=touch {mark}", "path = -x"])
def test_a_gitmodules_that_carries_a_command_is_named_in_the_plan(tmp_path: Path, setting: str) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    mark = tmp_path / "mark"
    module = f'[submodule "a"]\n\tpath = a\n\turl = ./a\n\t{setting.format(mark=mark)}\n'
    kit.commit("api", "dev", {".gitmodules": module}, "feat: a module")
    before = kit.refs(inner=True)
    assert "api: object " in (text := kit.promote().exits(1).text)
    assert "gitmodules" in text
    assert kit.refs(inner=True) == before
    assert not mark.exists()


# --- odd, and not hostile ----------------------------------------------------------------------------------------


def merged(host: Bare, branch: str, *others: str) -> str:
    """Make a merge of `others` into `branch` as git itself does, in a scratch clone, and push it."""
    scratch = host.path.parent / f"scratch-{branch}"
    plain_git("clone", "--quiet", "--branch", branch, host.url, str(scratch), at=host.path.parent)
    plain_git("merge", "--quiet", "--no-edit", "--no-ff", *(f"origin/{o}" for o in others), at=scratch)
    plain_git("push", "--quiet", "origin", branch, at=scratch)
    return plain_git("rev-parse", "HEAD", at=scratch)


def expected(host: Bare) -> str:
    """The tree that `git merge` makes of dev in stg."""
    scratch = host.path.parent / "expected"
    plain_git("clone", "--quiet", "--branch", "stg", host.url, str(scratch), at=host.path.parent)
    plain_git("merge", "--quiet", "--no-edit", "--no-ff", "origin/dev", at=scratch)
    return plain_git("rev-parse", "HEAD^{tree}", at=scratch)


@pytest.mark.fault("criss-cross")
def test_criss_cross_histories_merge_as_git_merges_them(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    host = kit.hosts["api"]
    kit.commit("api", "dev", {"app.txt": "dev\ntwo\nthree\n"})
    kit.commit("api", "stg", {"app.txt": "one\ntwo\nstg\n"})
    before = {name: kit.head("api", name) for name in ("dev", "stg")}
    host.git("branch", "dev-then", before["dev"])
    merged(host, "dev", "stg")
    merged(host, "stg", "dev-then")
    assert len(host.git("merge-base", "--all", "dev", "stg").split()) == 2
    kit.commit("api", "dev", {"f.txt": "1\n"})
    kit.commit("api", "stg", {"g.txt": "1\n"})
    tree = expected(host)
    kit.promote().ok()
    assert kit.tree("api", "stg") == tree


@pytest.mark.fault("octopus")
def test_an_octopus_merge_is_promoted_as_one_commit(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    host = kit.hosts["api"]
    for name in ("one", "two"):
        host.git("branch", name, "dev")
        kit.commit("api", name, {f"{name}.txt": "1\n"}, f"feat: {name}")
    octopus = merged(host, "dev", "one", "two")
    assert len(host.git("rev-list", "--parents", "-1", octopus).split()) > 3
    tree = expected(host)
    plan = kit.call("plan", "dev", "stg", "--json").ok().json()
    assert [step["commits"] for step in plan["steps"] if step["kind"] == "land"] == [2]
    kit.promote().ok()
    assert kit.tree("api", "stg") == tree
    assert host.git("merge-base", "--is-ancestor", octopus, "stg") == ""


@pytest.mark.fault("partial")
def test_a_host_that_is_a_partial_clone_is_named_and_left_alone(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", {"f.txt": "1\n"})
    host, full = kit.hosts["api"], tmp_path / "full.git"
    host.path.rename(full)
    plain_git("config", "uploadpack.allowFilter", "true", at=full)
    source = f"file://{full}"
    plain_git("clone", "-q", "--bare", "--filter=blob:none", source, str(host.path), at=tmp_path)
    full.rename(tmp_path / "gone.git")
    before = kit.refs(inner=True)
    ran = kit.promote()
    assert ran.code in (1, 3), ran
    assert "api" in ran.err
    assert kit.refs(inner=True) == before


@pytest.mark.slow
@pytest.mark.fault("sha-256")
@pytest.mark.parametrize("name", ["root", "api"])
def test_a_fleet_of_both_hashes_is_released_together(tmp_path: Path, name: str) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"), wide=[name])
    kit.commit(name, "dev", {"f.txt": "1\n"}, "feat: f")
    tag = kit.release()
    assert kit.file(name, tag, "f.txt") == "1"
    assert tag in kit.call("history", "prod").ok().out
    kit.fsck()
