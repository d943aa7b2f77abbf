"""The ssh connections of the last run are opened before anything is loaded, or as if there had been no last run."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from multigit.cli import group
from multigit.cli.ahead import VERBS, open_connections
from multigit.vcs import hints, network
from multigit.vcs.ssh import opening, sharing
from multigit.vcs.urls import ssh_place
from tests.support.fleetkit import FleetKit
from tests.support.processes import wait_until
from tests.support.servers import SshGit

_WATCHED = """\
import os, sys
from multigit.cli import main
spawn = os.posix_spawnp
def told(*args, **more):
    print("opened, with click" if "click" in sys.modules else "opened first", file=sys.stderr)
    return spawn(*args, **more)
os.posix_spawnp = told
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.fixture
def url(ssh_git: SshGit, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("PATH", ssh_git.path)
    monkeypatch.setattr(sharing, "_masters", {})
    yield ssh_git.url("hosts/root.git")
    opening.drop()
    network.share_with()


@pytest.fixture
def digest(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of a repos.yaml, above the current folder, that had a connection to `url` the last time."""
    (tmp_path / "repos.yaml").write_text(url)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    found = hashlib.sha256(url.encode()).hexdigest()
    place = ssh_place(url)
    assert place
    hints.keep(found, [place])
    assert hints.recall(found) == ([place], [])
    return found


def logins(server: SshGit) -> int:
    return server.log().count("Accepted publickey")


def begun(*argv: str) -> bool:
    open_connections(argv or ("status",), os.environ)
    return bool(opening._started)


def test_every_verb_either_uses_the_network_or_stays_at_home() -> None:
    assert set(group.VERBS) - {"init", "demo", "doctor", "config", "completion", "logs", "notify", "infra"} == VERBS


@pytest.mark.slow
def test_the_second_run_connects_before_it_loads_anything_and_logs_in_once(
    ssh_git: SshGit, url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    kit = FleetKit.make(ssh_git.root, ("root",), repos=f'  root: {{url: "{url}"}}\n')
    told, before = [], logins(ssh_git)
    for number in range(2):
        # No connection is found there. A short path, or another folder would be taken (unix(7)).
        runtime = tempfile.mkdtemp(prefix=f"mg-{number}-", dir="/tmp")
        request.addfinalizer(partial(shutil.rmtree, runtime))
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        argv = [sys.executable, "-c", _WATCHED, "status"]
        done = subprocess.run(argv, cwd=kit.work, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        told.append([line for line in done.stderr.splitlines() if line.startswith("opened")])
    assert told == [["opened, with click"], ["opened first"]]
    assert logins(ssh_git) - before == 2


@pytest.mark.slow
def test_what_is_being_opened_is_waited_for_and_opened_once(ssh_git: SshGit, url: str, digest: str) -> None:
    assert begun("--json", "-q", "promote", "dev", "stg", "-n")
    assert begun("promote", "dev", "stg", "-n")
    assert sharing.share([url]) == {ssh_place(url)}
    assert logins(ssh_git) == 1
    assert not begun("status")  # it is open


@pytest.mark.slow
def test_two_processes_open_one_connection(ssh_git: SshGit, url: str) -> None:
    program = f"from multigit.vcs.ssh.sharing import share; raise SystemExit(len(share([{url!r}])) - 1)"
    both = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [one.wait(30) for one in both] == [0, 0]
    assert logins(ssh_git) == 1


def test_nothing_is_opened_where_it_might_not_be_wanted(
    url: str, digest: str, tmp_path: Path, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for argv in (["status", "--help"], ["status", "--no-fetch"], ["config", "show"], ["-r", "x", "status"], []):
        open_connections(argv, os.environ)
    assert not begun("status", "-f", "elsewhere.yaml")
    assert not begun("status", "-qf", "../repos.yaml")
    open_connections(["status"], {**os.environ, "GIT_SSH": "my-ssh"})
    assert not opening._started
    kept = Path(hints._path(digest))
    kept.chmod(0o644)
    assert not begun()
    kept.chmod(0o600)
    (tmp_path / "repos.yaml").write_text(f"{url} # changed")
    assert not begun()
    (tmp_path / "repos.yaml").write_text(url)
    with (hermetic / ".gitconfig").open("a") as config:
        config.write("[core]\n\tsshCommand = my-ssh\n")
    assert not begun()


def test_a_hint_that_could_be_an_option_is_not_followed(digest: str) -> None:
    kept = Path(hints._path(digest))
    kept.write_text(kept.read_text().replace("127.0.0.1", "-oProxyCommand=true"))
    assert not begun()
    kept.write_text("[]")
    assert not begun()


@pytest.mark.slow
def test_a_host_that_is_gone_costs_one_silent_attempt(
    ssh_git: SshGit, url: str, digest: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (ssh_git.prefix / "authorized_keys").write_text("")
    assert begun()
    assert sharing.share([url]) == frozenset()
    assert not opening._started
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_command_that_ends_early_leaves_no_process_behind(digest: str) -> None:
    assert begun()
    ((pid, _),) = opening._started.values()
    opening.drop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not opening._started


@pytest.mark.slow
def test_a_socket_that_a_killed_ssh_left_is_replaced(ssh_git: SshGit, url: str, digest: str) -> None:
    assert begun()
    sharing.share([url])
    (socket,) = sharing._masters.values()
    (master,) = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _has(p, str(socket))]
    os.kill(master, signal.SIGKILL)
    wait_until(lambda: not _has(Path(f"/proc/{master}"), str(socket)), seconds=10, what="ssh is gone")
    sharing._masters.clear()
    assert socket.exists()
    assert sharing.share([url])
    check = ["ssh", "-O", "check", "-o", f"ControlPath={socket}", "x"]
    assert subprocess.run(check, check=False, capture_output=True).returncode == 0


def _has(process: Path, word: str) -> bool:
    try:
        return f"ControlPath={word}".encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False
