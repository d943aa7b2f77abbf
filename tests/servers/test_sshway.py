"""git's push and fetch, and the reading after a push, over sessions of a shared connection, without an ssh each."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from multigit.model.names import Oid, RepoName
from multigit.vcs import network, write
from multigit.vcs.lsrefs import expecting, list_refs
from multigit.vcs.mirror import Mirror, fetch, open_mirror, present
from multigit.vcs.run import GitError
from multigit.vcs.ssh import mux, sharing
from multigit.vcs.ssh import refs as sshrefs
from multigit.vcs.ssh.mux import Session
from multigit.vcs.wire import NotUnderstood
from multigit.vcs.write import RefUpdate, push
from tests.support.gitkit import Bare, bare
from tests.support.processes import wait_until
from tests.support.servers import SshGit

pytestmark = pytest.mark.slow
MAIN = "refs/heads/main"


@pytest.fixture
def host(ssh_git: SshGit) -> Bare:
    made = bare(ssh_git.root / "x.git")
    made.commit({"a": "1"})
    return made


@pytest.fixture
def started(ssh_git: SshGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a line for each ssh that is started."""
    log, folder = tmp_path / "started", tmp_path / "spy"
    folder.mkdir()
    spy = folder / "ssh"
    spy.write_text(f'#!/bin/sh\necho started >>{log}\nexec {ssh_git.prefix}/bin/ssh "$@"\n')
    spy.chmod(0o755)
    log.touch()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return log


@pytest.fixture
def mirror(ssh_git: SshGit, host: Bare, started: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """The cached copy of the repository behind an open connection; no ssh was started since."""
    monkeypatch.setattr(sharing, "_masters", {})
    sharing.share([ssh_git.url("x.git")])
    made = open_mirror(RepoName("x"), ssh_git.url("x.git"))
    started.write_text("")
    yield made
    network.share_with()


def child(mirror: Mirror, parent: Oid, message: str) -> Oid:
    who = "x <x@y> 1700000000 +0000"
    tree = write.empty_tree(mirror)
    body = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\n{message}\n"
    return write.write_object(mirror, "commit", body.encode())


def head(host: Bare) -> Oid:
    found = host.head()
    assert found
    return found


def test_what_is_fetched_and_pushed_needs_no_ssh_of_its_own(host: Bare, mirror: Mirror, started: Path) -> None:
    old = head(host)
    fetch(mirror, {"refs/multigit/seen/main": old})
    assert present(mirror, [old]) == {old}
    new = child(mirror, old, "new")
    assert push(mirror, [RefUpdate(ref=MAIN, old=old, new=new)]).done
    assert head(host) == new
    assert started.read_text() == ""


def test_a_lease_that_is_lost_and_a_hook_that_declines_say_so(host: Bare, mirror: Mirror, started: Path) -> None:
    old = head(host)
    fetch(mirror, {"refs/multigit/seen/main": old})
    new = child(mirror, old, "new")
    host.hook("pre-receive", 'echo "GH006: main is frozen" >&2; exit 1')
    declined = push(mirror, [RefUpdate(ref=MAIN, old=old, new=new)])
    assert "GH006: main is frozen" in declined.refused
    host.commit({"a": "2"})
    stale = push(mirror, [RefUpdate(ref=MAIN, old=old, new=new)])
    assert (stale.done, stale.stale) == (False, True)
    assert started.read_text() == ""


def test_a_repository_that_is_not_there_is_missing(ssh_git: SshGit, host: Bare, mirror: Mirror) -> None:
    shutil.rmtree(ssh_git.root / "x.git")
    with pytest.raises(GitError) as failed:
        fetch(mirror, {"refs/multigit/seen/main": Oid("d" * 40)})
    assert failed.value.problem.kind == "missing"


@pytest.mark.parametrize("name", ["c#.git", "c?x=1.git"])
def test_letters_that_mean_something_in_web_addresses_are_letters_of_a_path(
    ssh_git: SshGit, host: Bare, mirror: Mirror, name: str
) -> None:
    """Another repository's name may be the beginning of this one's."""
    wrong = [bare(ssh_git.root / other) for other in ("c", "c.git")]
    for one in wrong:
        one.commit({"wrong": "1"})
    right = bare(ssh_git.root / name)
    old = right.commit({"a": "1"})
    other = open_mirror(RepoName("c"), mirror.url.replace("/x.git", f"/{name}"))
    assert list_refs(other.url, [MAIN])[MAIN].oid == old
    fetch(other, {"refs/multigit/seen/main": old})
    new = child(other, old, "new")
    assert push(other, [RefUpdate(ref=MAIN, old=old, new=new)]).done
    assert right.head() == new
    assert not [one for one in wrong if new in one.refs().values()]


def test_where_no_file_can_be_opened_git_finds_its_own_way(
    host: Bare, mirror: Mirror, started: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    old = head(host)
    monkeypatch.setattr("multigit.vcs.ssh.way.tempfile.TemporaryFile", full)
    assert not network.prepare(mirror.url)
    fetch(mirror, {"refs/multigit/seen/main": old})
    monkeypatch.undo()
    assert present(mirror, [old]) == {old}


def test_a_shared_connection_that_dies_is_no_answer_and_no_refusal(host: Bare, mirror: Mirror) -> None:
    control, command = sshrefs.command_at(mirror.url, "git-upload-pack")
    with Session(control, command, {"GIT_PROTOCOL": "version=2"}) as session:
        assert not session.refused()
        subprocess.run(["ssh", "-O", "exit", "-o", f"ControlPath={control}", "x"], check=True, capture_output=True)
        with pytest.raises(NotUnderstood):
            sshrefs.asked(session, [MAIN], 10.0)
        assert not session.refused()


def test_a_host_that_never_ends_is_not_listened_to_for_ever(
    host: Bare, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mux, "LARGEST", 100)
    with pytest.raises(NotUnderstood, match="does not end"), sshrefs.ahead(mirror.url) as session:
        sshrefs.asked(session, [MAIN], 10.0)


def test_a_host_that_hangs_is_given_up_in_time(host: Bare, mirror: Mirror) -> None:
    old = head(host)
    fetch(mirror, {"refs/multigit/seen/main": old})
    host.hook("pre-receive", "sleep 20")
    report = push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old, "new"))], timeout=1.0)
    assert not report.done
    assert report.problem
    assert report.problem.kind == "timeout"


def test_where_no_session_is_left_git_finds_its_own_way_and_pushes_once(
    ssh_git: SshGit, host: Bare, mirror: Mirror, started: Path
) -> None:
    old = head(host)
    fetch(mirror, {"refs/multigit/seen/main": old})
    control, command = sshrefs.command_at(mirror.url, "git-upload-pack")
    with ExitStack() as held:
        for _ in range(10):  # as many as sshd gives one connection
            session = held.enter_context(Session(control, command, {}))
            assert not session.refused()
        new = child(mirror, old, "new")
        assert push(mirror, [RefUpdate(ref=MAIN, old=old, new=new)]).done
        assert started.read_text().split() == ["started"]
    assert head(host) == new


def test_what_is_read_after_a_deed_is_as_of_then(host: Bare, mirror: Mirror, started: Path) -> None:
    with expecting(mirror.url) as refs:
        new = host.commit({"a": "2"})
        assert refs([MAIN])[MAIN].oid == new
        newer = host.commit({"a": "3"})
        assert refs([MAIN])[MAIN].oid == newer
    assert started.read_text() == ""


def test_a_host_that_says_its_refs_at_once_is_asked_again(ssh_git: SshGit, host: Bare, mirror: Mirror) -> None:
    """Protocol v0 greets with the refs: what was said before the deed is not what came of it."""
    gate = ssh_git.prefix / "gate"
    gate.write_text(gate.read_text().replace("\nroot=", "\nunset GIT_PROTOCOL\nroot=", 1))
    with expecting(mirror.url) as refs:
        assert list_refs(mirror.url, [MAIN])[MAIN].oid == head(host)
        new = host.commit({"a": "2"})
        assert refs([MAIN])[MAIN].oid == new


def test_a_push_that_was_prepared_for_replaces_only_what_it_names(host: Bare, mirror: Mirror, started: Path) -> None:
    old = head(host)
    fetch(mirror, {"refs/multigit/seen/main": old})
    new = child(mirror, old, "new")
    assert network.prepare(mirror.url)
    theirs = host.commit({"a": "2"})  # after the host has told us its refs
    stale = push(mirror, [RefUpdate(ref=MAIN, old=old, new=new)])
    assert (stale.done, stale.stale, stale.refused) == (False, True, "")
    assert head(host) == theirs
    fetch(mirror, {"refs/multigit/seen/main": theirs})
    assert network.prepare(mirror.url)
    assert push(mirror, [RefUpdate(ref=MAIN, old=theirs, new=child(mirror, theirs, "newer"))]).done
    assert started.read_text() == ""


def test_a_prepared_push_whose_host_hung_up_goes_another_way(
    ssh_git: SshGit, host: Bare, mirror: Mirror, started: Path
) -> None:
    old = head(host)
    fetch(mirror, {"refs/multigit/seen/main": old})
    assert network.prepare(mirror.url)
    wait_until(lambda: bool(receivers(ssh_git)), seconds=5, what="the host's program has begun")
    for program in receivers(ssh_git):
        os.kill(program, signal.SIGKILL)
    wait_until(lambda: not receivers(ssh_git), seconds=5, what="the host's program has ended")
    time.sleep(0.3)  # until that is known here
    assert push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old, "new"))]).done


def test_what_was_prepared_in_vain_leaves_no_program_behind(ssh_git: SshGit, host: Bare, mirror: Mirror) -> None:
    while network.prepare(mirror.url):
        pass
    wait_until(lambda: len(receivers(ssh_git)) >= 4, seconds=5, what="the host's programs have begun")
    network.forget()
    wait_until(lambda: not receivers(ssh_git), seconds=5, what="the host's programs have ended")
    assert network.prepare(mirror.url)
    network.forget()


def receivers(server: SshGit) -> list[int]:
    """The processes of this server that take a push."""
    mark, found = "=".join(server.mark), []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if b"receive-pack" in (folder / "cmdline").read_bytes() and mark in (folder / "environ").read_text():
                found.append(int(folder.name))
    return found
