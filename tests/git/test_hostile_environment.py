"""What is inherited, or lies around, has no say in what git does: only multigit's own options and environment."""

from __future__ import annotations

import ast
import importlib.metadata
import os
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import multigit
from multigit.vcs import run
from tests.support.fleetkit import FleetKit
from tests.support.gitkit import bare, plain_git
from tests.support.gitspy import GitSpy
from tests.support.snapshots import changed, snapshot

OURS = {
    "GIT_TERMINAL_PROMPT", "GIT_NO_REPLACE_OBJECTS", "GIT_OPTIONAL_LOCKS", "GIT_ASKPASS", "GIT_EDITOR", "GIT_PAGER",
    "GIT_NO_LAZY_FETCH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_ATTR_NOSYSTEM",
    "GIT_DEFAULT_REF_FORMAT", "GIT_ALLOW_PROTOCOL",
    "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_DIR", "GIT_WORK_TREE", "GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE",
}  # fmt: skip
"""All that multigit ever sets; a value of these that was inherited would still be seen by its content."""
ALWAYS = {
    "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false", "push.followTags=false", "submodule.recurse=false",
    "fetch.recurseSubmodules=false", "push.recurseSubmodules=no", "fetch.fsckObjects=true",
}  # fmt: skip


def script(file: Path, mark: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho {file.name} >> {mark}\n")
    file.chmod(0o755)
    return file


def hostile(folder: Path, mark: Path) -> dict[str, str]:
    """An environment in which every door that git has leads to a script that leaves a mark."""
    evil, other = script(folder / "evil", mark), bare(folder / "other.git")
    other.commit({"a": "1"})
    for name in ("git", "git-upload-pack", "git-receive-pack", "git-remote-https", "git-ls-remote", "git-fetch"):
        script(folder / "exec" / name, mark)
    for name in ("reference-transaction", "post-checkout", "pre-push", "update", "pre-receive"):
        script(folder / "template/hooks" / name, mark)
    (folder / "config").write_text(
        f"[core]\n\thooksPath = {folder}/template/hooks\n\tfsmonitor = {evil}\n\tsshCommand = {evil}\n"
        f'[alias]\n\tx = !{evil}\n[url "ext::{evil} "]\n\tinsteadOf = /\n[init]\n\ttemplateDir = {folder}/template\n'
    )
    programs = "SSH SSH_COMMAND ASKPASS PROXY_COMMAND EXTERNAL_DIFF EDITOR PAGER SEQUENCE_EDITOR PYTHON_GIT_EXECUTABLE"
    return {
        **{f"GIT_{name}": str(evil) for name in programs.split()},
        **{f"GIT_{name}": str(other.path) for name in ("DIR", "WORK_TREE", "COMMON_DIR")},
        **{f"GIT_CONFIG_{name}": str(folder / "config") for name in ("GLOBAL", "SYSTEM")},
        "GIT_INDEX_FILE": str(folder / "index"), "GIT_OBJECT_DIRECTORY": str(other.path / "objects"),
        "GIT_EXEC_PATH": str(folder / "exec"), "GIT_TEMPLATE_DIR": str(folder / "template"), "GIT_NAMESPACE": "x",
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": f"{folder}/template/hooks",
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor={evil}'", "GIT_ALLOW_PROTOCOL": "ext:file", "GIT_TRACE": str(mark),
        "GIT_TERMINAL_PROMPT": "1",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.fault("env-git-dir", "env-git-config-count", "env-git-ssh-command", "env-git-exec-path")
@pytest.mark.fault("environment-allow-list", "terminal-prompt-off", "allow-protocol-per-url", "hooks-path-off")
@pytest.mark.fault("fsmonitor-off", "gc-auto-off", "follow-tags-off", "submodule-recursion-off", "fsck-objects")
@pytest.mark.fault("http-low-speed", "urls-not-remotes")
def test_a_release_in_a_hostile_environment_is_the_same_release(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    clone = kit.clone("api")
    kit.commit("api", "stg", {"s.txt": "1\n"}, "fix: so that there is something to merge")
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    (clone / "hot.txt").write_text("1\n")
    plain_git("add", "--all", at=clone)
    plain_git("commit", "--quiet", "-m", "fix: hot", at=clone)
    mark, trap, spy = tmp_path / "mark", tmp_path / "trap", GitSpy.make(tmp_path / "spy")
    environment = hostile(trap, mark) | {"PATH": spy.path}
    before = snapshot(trap)
    kit.run("promote", "dev", "stg", "--yes", env=environment).ok()
    kit.run("pull", "main", env=environment).ok()
    kit.run("plan", "stg", "main", "--exit-code", env=environment).exits(10)
    kit.run("hotfix", "--push", "main", "-n", env=environment).ok()
    assert kit.file("api", "stg", "f.txt") == "1"
    assert not mark.exists(), mark.read_text()
    assert changed(before, snapshot(trap)) == []
    seen = spy.started()
    assert {"push", "fetch", "clone", "ls-remote", "merge-tree", "status"} <= {one.verb for one in seen}
    for one in seen:
        assert not [value for value in one.environment.values() if str(trap) in value], one.words
        if one.words == ("version",):  # asked before the door is open
            continue
        assert not {name for name in one.environment if name.startswith("GIT_")} - OURS, one.words
        assert one.environment["GIT_TERMINAL_PROMPT"] == "0"
        assert one.options >= ALWAYS | {"core.hooksPath=/dev/null"}, one.words
        if one.verb in ("push", "fetch", "clone", "ls-remote"):
            assert one.environment["GIT_ALLOW_PROTOCOL"] == "file"
            assert {"http.lowSpeedLimit=1", "http.lowSpeedTime=60"} <= one.options
            assert [word for word in one.words if word.startswith(str(tmp_path / "hosts"))], one.words
            assert "origin" not in one.words


@pytest.mark.fault("env-git-ssh-command")
def test_an_inherited_ssh_command_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "mark"
    for name in ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS"):
        monkeypatch.setenv(name, str(script(tmp_path / "evil", mark)))
    url = "ssh://127.0.0.1:1/x.git"
    assert run.git("ls-remote", url, network=True, url=url, check=False).status
    assert not mark.exists()


@pytest.mark.fault("argv-lists")
def test_no_shell_ever_reads_a_path_or_a_name(tmp_path: Path) -> None:
    root = tmp_path / "a b; touch m1 $(touch m2) `touch m3` 'q' && touch m4 #"
    kit = FleetKit.make(root, ("root", "api"))
    name = "f;touch${IFS}m5.txt"
    kit.commit("api", "dev", {name: "1\n"}, "feat: $(touch m6)")
    kit.promote().ok()
    kit.call("pull", "dev").ok()
    assert kit.file("api", "stg", name) == "1"
    assert (kit.work / "api" / name).read_text() == "1\n"
    left = {path.name for folder, _, files in os.walk(tmp_path) for path in map(Path(folder).joinpath, files)}
    assert not left & {f"m{n}" for n in range(1, 7)}


@pytest.mark.fault("urls-not-remotes", "follow-tags-off")
def test_what_a_person_configured_for_a_remote_redirects_no_push(tmp_path: Path, hermetic: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    other = bare(tmp_path / "other.git")
    with (hermetic / ".gitconfig").open("a") as file:
        file.write(f'[remote "origin"]\n\tpushurl = {other.path}\n\tpush = +refs/heads/*:refs/heads/stolen/*\n')
        file.write("[remote]\n\tpushDefault = origin\n[push]\n\tdefault = matching\n\tfollowTags = true\n")
    clone = kit.clone("api")
    plain_git("config", "remote.origin.pushurl", str(other.path), at=clone)
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    kit.promote().ok()
    kit.call("pull", "main").ok()
    assert kit.file("api", "stg", "f.txt") == "1"
    assert not other.refs()
    assert not [ref for ref in kit.refs()["api"] if "stolen" in ref]


@pytest.mark.fault("gitpython-floor")
def test_a_gitpython_with_known_holes_is_not_installed_with_multigit() -> None:
    needs = [Requirement(line) for line in importlib.metadata.requires("multigit-release") or ()]
    (floor,) = [one.specifier for one in needs if one.name.lower() == "gitpython"]
    assert "3.2.0" not in floor
    assert importlib.metadata.version("GitPython") in floor


@pytest.mark.fault("no-index-commit")
def test_of_gitpython_only_the_door_is_used() -> None:
    used = set()
    for file in Path(multigit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "git":
                used |= {(file.name, alias.name) for alias in node.names}
            if isinstance(node, ast.Import):
                used |= {(file.name, alias.name) for alias in node.names if alias.name.partition(".")[0] == "git"}
    assert used == {("run.py", "Git")}
