"""ssh against a real sshd: one connection for many commands, an honest answer where there is none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from multigit import lanes
from multigit.model.names import Branch, RepoName
from multigit.vcs import network, run
from multigit.vcs.lsrefs import list_refs, survey
from multigit.vcs.mirror import fetch, open_mirror, present
from multigit.vcs.ssh import sharing
from tests.support.gitkit import Bare, bare
from tests.support.servers import SshGit

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing that one test shares is seen by the next."""
    monkeypatch.setattr(sharing, "_masters", {})
    yield
    network.share_with()


@pytest.fixture
def url(ssh_git: SshGit, monkeypatch: pytest.MonkeyPatch) -> str:
    bare(ssh_git.root / "x.git").commit({"a": "1"})
    monkeypatch.setenv("PATH", ssh_git.path)
    return ssh_git.url("x.git")


def logins(server: SshGit) -> int:
    return server.log().count("Accepted publickey")


def test_many_commands_share_one_login(ssh_git: SshGit, url: str) -> None:
    sharing.share([url, url, "/a/local/path", "https://host/x"])
    found = lanes.each(lambda _: list_refs(url, ["refs/heads/main"]), range(10))
    assert all("refs/heads/main" in refs for refs in found)
    assert logins(ssh_git) == 1
    sharing.share([url])
    assert logins(ssh_git) == 1


def test_a_second_multigit_uses_the_connection_of_the_first(
    ssh_git: SshGit, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing.share([url])
    monkeypatch.setattr(sharing, "_masters", {})
    sharing.share([url])
    assert list_refs(url, ["refs/heads/main"])
    assert logins(ssh_git) == 1


def test_without_a_shared_connection_it_still_works(ssh_git: SshGit, url: str) -> None:
    found = lanes.each(lambda _: list_refs(url, ["refs/heads/main"]), range(12), jobs=12)
    assert all("refs/heads/main" in refs for refs in found)
    assert logins(ssh_git) == 12


def test_a_commit_that_is_no_branch_s_tip_any_more_is_fetched_over_a_shared_connection(
    ssh_git: SshGit, url: str
) -> None:
    planned = bare(ssh_git.root / "y.git").commit({"a": "1"})
    Bare(ssh_git.root / "y.git").commit({"a": "2"})
    sharing.share([url])
    mirror = open_mirror(RepoName("y"), ssh_git.url("y.git"))
    fetch(mirror, {"refs/multigit/seen/planned": planned})  # protocol version 2 alone gives it (gitprotocol-v2(5))
    assert present(mirror, [planned])


def test_a_person_s_own_ssh_command_is_left_alone(ssh_git: SshGit, url: str, hermetic: Path) -> None:
    (hermetic / ".gitconfig").write_text(f"[core]\n\tsshCommand = {ssh_git.ssh_command}\n")
    run._personal.cache_clear()
    sharing.share([url])
    assert sharing.options_for(url) is None
    assert list_refs(url, ["refs/heads/main"])


@pytest.mark.fault("ssh-batch-mode")
def test_an_unknown_host_key_is_a_problem_and_never_a_question(ssh_git: SshGit, url: str) -> None:
    (ssh_git.prefix / "known_hosts").write_text("")
    start = time.monotonic()
    sharing.share([url])
    problem = survey(RepoName("x"), url, [Branch("main")]).problem
    assert problem
    assert problem.kind == "auth"
    assert "Host key" in problem.why
    assert problem.hint.startswith("ssh -p ")
    assert time.monotonic() - start < 20


def test_a_refused_key_is_a_problem_with_a_command(ssh_git: SshGit, url: str) -> None:
    (ssh_git.prefix / "authorized_keys").write_text("")
    problem = survey(RepoName("x"), url, [Branch("main")]).problem
    assert problem
    assert (problem.kind, "Permission denied" in problem.why) == ("auth", True)


def test_the_socket_lies_in_a_private_folder(ssh_git: SshGit, url: str) -> None:
    sharing.share([url])
    command = sharing.options_for(url)
    assert command
    socket = Path(command.rpartition("ControlPath=")[2])
    assert socket.is_socket()
    assert socket.parent.stat().st_mode & 0o077 == 0
    assert len(str(socket)) < 100
    assert "ControlMaster=no" in command
    assert "StrictHostKeyChecking" not in command
