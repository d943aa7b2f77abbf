"""Refs read without a git process: the same as git reads (test_fallbacks.py has the hosts that need something else)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from multigit.vcs import run
from multigit.vcs.lsrefs import list_refs
from multigit.vcs.run import GitError
from multigit.vcs.ssh import sharing
from multigit.vcs.ssh.sharing import share
from multigit.vcs.web import door
from tests.support.gitkit import Bare, bare
from tests.support.processes import wait_until
from tests.support.servers import HttpGit, SshGit

pytestmark = pytest.mark.slow
PATTERNS = ("refs/heads/main", "refs/tags/deploy-*", "refs/multigit/")
Ran = list[tuple[str, ...]]


@pytest.fixture
def host(tmp_path: Path) -> Bare:
    made = bare(tmp_path / "served" / "api.git")
    head = made.commit({"a": "1"})
    made.git("update-ref", "refs/multigit/fence", head)
    made.git("update-ref", "refs/heads/mainly", head)
    made.git("tag", "-a", "-m", "release", "deploy-1", "main")
    made.git("tag", "deploy-2", "main")
    return made


@pytest.fixture
def ran() -> Iterator[Ran]:
    """The git commands that were run."""
    found: Ran = []
    run.listen(lambda argv, seconds: found.append(argv))
    yield found
    run.listen(None)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Settings and logins of another test's home are not this one's."""
    door.forget()
    yield
    door.forget()


def by_git(ran: Ran) -> bool:
    return any("ls-remote" in argv for argv in ran)


def gitconfig(key: str, value: str) -> None:
    subprocess.run(["git", "config", "--global", key, value], check=True, timeout=30)


def test_over_http_no_git_runs_and_one_connection_serves_many_readings(host: Bare, http_git: HttpGit, ran: Ran) -> None:
    expected = list_refs(host.url, PATTERNS)
    ran.clear()
    for _ in range(5):
        assert list_refs(http_git.url("api.git"), PATTERNS) == expected
    assert not by_git(ran)
    assert set(expected) == {"refs/heads/main", "refs/tags/deploy-1", "refs/tags/deploy-2", "refs/multigit/fence"}
    wait_until(lambda: len(http_git.requests()) >= 5, seconds=5, what="the host wrote its log")
    assert [line.split()[0] for line in http_git.requests()] == ["POST"] * 5


def test_over_a_shared_ssh_connection_no_git_runs(
    host: Bare, ssh_git: SshGit, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = list_refs(host.url, PATTERNS)
    url = ssh_git.url("api.git")
    monkeypatch.setenv("PATH", ssh_git.path)
    monkeypatch.setattr(sharing, "_masters", {})
    share([url])
    ran.clear()
    assert list_refs(url, PATTERNS) == expected
    assert not by_git(ran)
    with pytest.raises(GitError) as missing:
        list_refs(ssh_git.url("nowhere.git"), PATTERNS)
    assert missing.value.problem.kind == "missing"


def test_odd_repositories_over_a_shared_connection_are_read_as_git_reads_them(
    host: Bare, ssh_git: SshGit, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = host.path.parent
    bare(root / "wide.git", sha="sha256").commit({"a": "1"})
    bare(root / "empty.git")
    host.git("symbolic-ref", "HEAD", "refs/heads/nowhere")
    monkeypatch.setenv("PATH", ssh_git.path)
    monkeypatch.setattr(sharing, "_masters", {})
    share([ssh_git.url("api.git")])
    for name in ("api.git", "wide.git", "empty.git"):
        assert list_refs(ssh_git.url(name), PATTERNS) == list_refs(str(root / name), PATTERNS), name


def test_a_login_comes_from_gits_helper_once_and_is_confirmed_to_it(host: Bare, tmp_path: Path, ran: Ran) -> None:
    log = tmp_path / "asked"
    helper = tmp_path / "helper"
    helper.write_text(
        f"#!/bin/sh\necho $1 >>{log}\n[ $1 = get ] && printf 'username=kim\\npassword=secret\\n'\ncat >>{log}.in\n"
    )
    helper.chmod(0o755)
    gitconfig("credential.helper", str(helper))
    with HttpGit(tmp_path / "served", login=("kim", "secret")) as server:
        expected = list_refs(host.url, PATTERNS)
        ran.clear()
        for _ in range(3):
            assert list_refs(server.url("api.git"), PATTERNS) == expected
        assert not by_git(ran)
        wait_until(lambda: len(server.requests()) >= 4, seconds=5, what="the host wrote its log")
        statuses = [line.split()[-1] for line in server.requests()]
        assert statuses == ["401", "200", "200", "200"], server.requests()
    assert log.read_text().split() == ["get", "store"]
