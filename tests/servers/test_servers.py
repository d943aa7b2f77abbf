"""The servers the other tests rely on: they behave like a host, keep their distance, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support import httpgit, serverfixtures, sshgit
from tests.support.processes import wait_until
from tests.support.servers import DelayProxy, HttpGit, SshGit

pytestmark = pytest.mark.slow

Server: TypeAlias = HttpGit | SshGit
NAME = "group/api.git"


def git(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *argv], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def ok(*argv: str, cwd: Path) -> str:
    done = git(*argv, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(params=["http_git", "ssh_git"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    found: Server = request.getfixturevalue(request.param)
    if isinstance(found, SshGit):
        ok("config", "--global", "core.sshCommand", found.ssh_command, cwd=tmp_path)
    return found


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A bare repository with one commit on main, where both servers look for it; its name has a folder in it."""
    path = tmp_path / "served" / NAME
    path.mkdir(parents=True)
    ok("init", "-q", "--bare", cwd=path)
    tree = ok("hash-object", "-t", "tree", "-w", os.devnull, cwd=path)
    ok("update-ref", "refs/heads/main", ok("commit-tree", "-m", "first", tree, cwd=path), cwd=path)
    return path


@pytest.fixture
def clone(server: Server, bare: Path, tmp_path: Path) -> Path:
    ok("clone", "-q", server.url(NAME), "clone", cwd=tmp_path)
    return tmp_path / "clone"


def hook(bare: Path, name: str, script: str) -> None:
    file = bare / "hooks" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def commit(clone: Path) -> str:
    ok("commit", "-q", "--allow-empty", "-m", "next", cwd=clone)
    return ok("rev-parse", "HEAD", cwd=clone)


def tip(bare: Path, branch: str = "main") -> str:
    return git("rev-parse", "-q", "--verify", f"refs/heads/{branch}", cwd=bare).stdout.strip()


def test_a_clone_pushes_and_the_server_has_it(clone: Path, bare: Path) -> None:
    new = commit(clone)
    ok("push", "-q", "origin", "main", cwd=clone)
    assert tip(bare) == new


def test_an_atomic_push_moves_all_or_nothing(clone: Path, bare: Path) -> None:
    old, new = tip(bare), commit(clone)
    hook(bare, "update", 'test "$1" != refs/heads/closed')
    refused = git("push", "--atomic", "--porcelain", "origin", "main", "main:closed", cwd=clone)
    assert "atomic push failure" in refused.stdout
    assert tip(bare) == old
    ok("push", "-q", "--atomic", "origin", "main", "main:other", cwd=clone)
    assert (tip(bare), tip(bare, "other")) == (new, new)


def test_a_lease_that_no_longer_holds_is_refused(clone: Path, bare: Path) -> None:
    old = tip(bare)
    ok("push", "-q", "origin", f"{commit(clone)}:main", cwd=clone)
    moved = tip(bare)
    stale = git("push", "--porcelain", f"--force-with-lease=main:{old}", "origin", f"{old}:main", cwd=clone)
    assert "stale info" in stale.stdout
    assert tip(bare) == moved
    ok("push", "-q", f"--force-with-lease=main:{moved}", "origin", f"{old}:main", cwd=clone)
    assert tip(bare) == old


def test_what_a_rejecting_hook_says_reaches_the_client(clone: Path, bare: Path) -> None:
    old = tip(bare)
    hook(bare, "pre-receive", 'echo "only on Tuesdays" >&2; exit 1')
    commit(clone)
    refused = git("push", "--porcelain", "origin", "main", cwd=clone)
    assert "remote: only on Tuesdays" in refused.stderr
    assert "pre-receive hook declined" in refused.stdout
    assert tip(bare) == old


def test_a_push_whose_client_was_killed_still_lands(server: Server, clone: Path, bare: Path, tmp_path: Path) -> None:
    # A web server reads on for a client that has gone (more here than pipes hold); sshd closes the pipe, and who then
    # writes to it is ended.
    talk = "seq 24000 >&2" if isinstance(server, HttpGit) else "true"
    hook(bare, "pre-receive", f"touch {tmp_path}/begun; until test -e {tmp_path}/go; do sleep 0.02; done; {talk}")
    new = commit(clone)
    client = subprocess.Popen(["git", "push", "-q", "origin", "main"], cwd=clone, start_new_session=True)
    wait_until((tmp_path / "begun").exists, seconds=20, what="the hook runs")
    os.killpg(client.pid, 9)  # the session's own helpers (git-remote-http, ssh) too, as when a terminal dies
    client.wait(5)
    assert tip(bare) != new
    (tmp_path / "go").touch()
    wait_until(lambda: tip(bare) == new, seconds=20, what="the push lands")


def test_a_login_is_asked_for_and_reaches_the_hook(bare: Path, tmp_path: Path) -> None:
    serverfixtures.require("nginx", "fcgiwrap")
    hook(bare, "pre-receive", f'echo "$REMOTE_USER" > {tmp_path}/pusher')
    with HttpGit(tmp_path / "served", login=("kim", "secret")) as server:
        assert "Authentication failed" in _anonymous(server.url(NAME), tmp_path)
        ok("clone", "-q", server.url(NAME, login=True), "clone", cwd=tmp_path)
        ok("push", "-q", "origin", f"{commit(tmp_path / 'clone')}:refs/heads/x", cwd=tmp_path / "clone")
    assert (tmp_path / "pusher").read_text() == "kim\n"


def _anonymous(url: str, cwd: Path) -> str:
    return git(
        "-c", "credential.helper=!f() { echo username=x; echo password=y; }; f", "ls-remote", url, cwd=cwd
    ).stderr


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "could not read Username"), (403, "error: 403"), (404, "not found"), (503, "error: 503")],
)
def test_a_failing_repository_fails_alone_and_heals(
    http_git: HttpGit, bare: Path, tmp_path: Path, status: int, message: str
) -> None:
    ok("init", "-q", "--bare", str(tmp_path / "served/other.git"), cwd=tmp_path)
    http_git.fail(NAME, status)
    assert message in git("ls-remote", http_git.url(NAME), cwd=tmp_path).stderr
    ok("ls-remote", http_git.url("other.git"), cwd=tmp_path)
    http_git.heal()
    ok("ls-remote", http_git.url(NAME), cwd=tmp_path)


def test_reading_may_work_where_pushing_fails(http_git: HttpGit, bare: Path, tmp_path: Path) -> None:
    ok("clone", "-q", http_git.url(NAME), "clone", cwd=tmp_path)
    http_git.fail(NAME, 403, at=["push"])
    commit(tmp_path / "clone")
    assert "403" in git("push", "origin", "main", cwd=tmp_path / "clone").stderr
    probe, push = http_git.requests()[-2:]
    assert probe == f"GET /{NAME}/info/refs?service=git-receive-pack 200"
    assert push == f"POST /{NAME}/git-receive-pack 403"


def test_a_redirect_is_followed(http_git: HttpGit, bare: Path, tmp_path: Path) -> None:
    assert tip(bare) in ok("ls-remote", http_git.moved_url(NAME), cwd=tmp_path)
    assert http_git.requests()[0].endswith(" 302")


def test_ssh_serves_nothing_but_git_below_its_root(ssh_git: SshGit, tmp_path: Path) -> None:
    outside = tmp_path / "outside.git"
    ok("init", "-q", "--bare", str(outside), cwd=tmp_path)
    where = ["ssh", "-F", str(ssh_git.ssh_config), "-p", str(ssh_git.port), "127.0.0.1"]
    for command in ("true", f"git-upload-pack '{outside}'", f"git-upload-pack '{ssh_git.root}/../outside.git'"):
        done = subprocess.run([*where, command], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 128
        assert "only" in done.stderr


def test_the_ssh_on_the_path_needs_no_setting_of_git(
    ssh_git: SshGit, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert git("ls-remote", ssh_git.url(NAME), cwd=tmp_path).returncode != 0
    monkeypatch.setenv("PATH", ssh_git.path)
    assert tip(bare) in ok("ls-remote", ssh_git.url(NAME), cwd=tmp_path)


def test_a_round_trip_takes_as_long_as_said(server: Server, bare: Path, tmp_path: Path) -> None:
    near = _seconds(lambda: ok("ls-remote", server.url(NAME), cwd=tmp_path))
    with DelayProxy(server.port, round_trip=0.2) as proxy:
        far = _seconds(lambda: ok("ls-remote", server.url(NAME, via=proxy.port), cwd=tmp_path))
    assert proxy.connections == 1
    # http: connect, info/refs, ls-refs; ssh: connect, versions, keys, login, channel, command and git's own two
    least, most = (3, 6) if isinstance(server, HttpGit) else (8, 18)
    assert least * 0.2 - 0.2 < far - near < most * 0.2


def _seconds(work: Callable[[], object]) -> float:
    start = time.monotonic()
    work()
    return time.monotonic() - start


def test_a_network_that_goes_down_fails_the_client_at_once(
    server: Server, clone: Path, bare: Path, tmp_path: Path
) -> None:
    hook(bare, "pre-receive", f"touch {tmp_path}/begun; until test -e {tmp_path}/go; do sleep 0.02; done")
    new = commit(clone)
    with DelayProxy(server.port, round_trip=0) as proxy:
        url = server.url(NAME, via=proxy.port)
        client = subprocess.Popen(["git", "push", url, "main"], cwd=clone, stderr=subprocess.PIPE)
        wait_until((tmp_path / "begun").exists, seconds=20, what="the hook runs")
        proxy.down()
        client.communicate(timeout=10)
    assert client.returncode != 0
    (tmp_path / "go").touch()
    wait_until(lambda: tip(bare) == new, seconds=20, what="the push lands")


@pytest.mark.parametrize("kind", [HttpGit, SshGit])
def test_nothing_is_left_running(kind: type[Server], bare: Path, tmp_path: Path) -> None:
    serverfixtures.require(*httpgit.PROGRAMS, *sshgit.PROGRAMS)
    hook(bare, "pre-receive", f"trap '' TERM HUP; touch {tmp_path}/begun; while :; do sleep 0.1; done")
    ok("clone", "-q", str(bare), "clone", cwd=tmp_path)
    commit(tmp_path / "clone")
    with kind(tmp_path / "served") as own:
        client = _start_push(own, tmp_path / "clone")
        wait_until((tmp_path / "begun").exists, seconds=20, what="the hook runs")
        pids = own.pids()
        assert len(pids) >= 4  # the server, its worker, receive-pack, the hook
    client.wait(10)
    assert not own.pids()
    assert not own.prefix.exists()
    assert not [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""  # empty: ended, its parent has not asked yet
    except OSError:
        return False


def _start_push(own: Server, clone: Path) -> subprocess.Popen[bytes]:
    if isinstance(own, SshGit):
        ok("config", "--global", "core.sshCommand", own.ssh_command, cwd=clone)
    return subprocess.Popen(["git", "push", "-q", own.url(NAME), "main"], cwd=clone, stderr=subprocess.DEVNULL)


def test_missing_programs_skip_by_name_and_fail_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.skip.Exception, match=r"no-such-server.*scripts/servers-install"):
        _require_missing(monkeypatch, in_ci=False)
    with pytest.raises(pytest.fail.Exception, match="no-such-server"):
        _require_missing(monkeypatch, in_ci=True)


def _require_missing(monkeypatch: pytest.MonkeyPatch, *, in_ci: bool) -> None:
    monkeypatch.setattr(serverfixtures, "_IN_CI", in_ci)
    serverfixtures.require("git", "no-such-server")
