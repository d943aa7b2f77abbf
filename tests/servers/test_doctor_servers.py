"""doctor against real servers: who may read and not push, hosts that nobody can push to, ssh that must not ask."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from multigit.vcs import network, probe
from multigit.vcs.ssh import sharing
from tests.e2e.test_doctor import WRITE, ill, look
from tests.support.fleetkit import FleetKit
from tests.support.gitkit import Bare, bare
from tests.support.servers import HttpGit, SshGit

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No ssh connection is shared with another test."""
    monkeypatch.setattr(sharing, "_masters", {})
    yield
    network.share_with()


def fleet(tmp_path: Path, urls: dict[str, str]) -> FleetKit:
    """A fleet whose repositories are at these addresses; `hosts` are their folders below tmp_path/served."""
    kit = FleetKit.make(tmp_path, (), repos="".join(f"  {name}: {{url: '{url}'}}\n" for name, url in urls.items()))
    for name in urls:
        host = kit.hosts[name] = served(tmp_path, name)
        first = host.commit({"a": "1"})
        for branch in ("dev", "stg"):
            host.git("update-ref", f"refs/heads/{branch}", first)
    return kit


def served(tmp_path: Path, name: str) -> Bare:
    return bare(tmp_path / "served" / f"{name}.git")


@pytest.mark.fault("doctor-says-so", "http-401", "http-403")
def test_who_may_not_read_or_not_push_over_http_is_told_apart(http_git: HttpGit, tmp_path: Path) -> None:
    names = ("root", "secret", "closed", "readonly", "strict")
    kit = fleet(tmp_path, {name: http_git.url(f"{name}.git") for name in names})
    http_git.fail("secret.git", 401)
    http_git.fail("closed.git", 403)
    http_git.fail("readonly.git", 403, at=["probe"])
    kit.hosts["strict"].hook("pre-receive", "grep -q refs/multigit/ && { echo 'policy 7' >&2; exit 1; }; exit 0")
    before = kit.refs(ledger=True, inner=True)
    found = look(kit.call("doctor", "--json", *WRITE).exits(1))
    assert ill(found) == {("secret", "reach"), ("closed", "reach"), ("readonly", "write"), ("strict", "fence")}
    assert "Username" in found["secret", "reach"]["why"]
    assert "403" in found["closed", "reach"]["why"]
    assert found["closed", "reach"]["fix"].startswith("git ls-remote http://127.0.0.1")
    assert "403" in found["readonly", "write"]["why"]
    assert "--dry-run" in found["readonly", "write"]["fix"]
    assert "policy 7" in found["strict", "fence"]["why"]
    assert found["root", "reach"]["why"].startswith("http, protocol 2")
    assert found["root", "fence"]["state"] == "ok"
    assert "agrees with the host of" in found["", "clock"]["why"]
    assert kit.refs(ledger=True, inner=True) == before


def test_the_host_s_own_time_is_read_from_its_answer(http_git: HttpGit, tmp_path: Path) -> None:
    served(tmp_path, "x").commit({"a": "1"})
    for status in (None, 403):
        if status:
            http_git.fail("x.git", status)
        seen = probe.read(http_git.url("x.git"), ["refs/heads/main"])
        assert seen.date
        assert abs((seen.date - datetime.now(UTC)).total_seconds()) < 30
        assert bool(seen.problem) == bool(status)


def test_files_alone_are_no_host_to_push_to(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    kit.hosts["root"].git("update-server-info")
    handler = functools.partial(Silent, directory=str(tmp_path / "hosts"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/root.git"
        (kit.work / "repos.yaml").write_text(kit.config.replace("root: {}", f"root: {{url: '{url}'}}"))
        found = look(kit.call("doctor", "--json", *WRITE).exits(1))
        server.shutdown()
        thread.join(5)
    assert ill(found) == {("root", "reach")}
    assert "dumb http" in found["root", "reach"]["why"]


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.fault("doctor-says-so")
def test_over_ssh_all_is_asked_as_over_paths(ssh_git: SshGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", ssh_git.path)
    kit = fleet(tmp_path, {name: ssh_git.url(f"{name}.git") for name in ("root", "flat", "strict")})
    kit.hosts["flat"].git("config", "receive.advertiseAtomic", "false")
    kit.hosts["strict"].hook("pre-receive", "grep -q refs/multigit/ && { echo 'policy 7' >&2; exit 1; }; exit 0")
    before = kit.refs(ledger=True, inner=True)
    found = look(kit.call("doctor", "--json", *WRITE).exits(1))
    assert ill(found) == {("flat", "atomic"), ("strict", "fence")}
    assert "policy 7" in found["strict", "fence"]["why"]
    assert found["root", "reach"]["why"].startswith("ssh, protocol 2")
    assert found["root", "fence"]["state"] == found["", "ssh"]["state"] == "ok"
    assert kit.refs(ledger=True, inner=True) == before


@pytest.mark.fault("no-host-key-question")
def test_an_unknown_host_key_is_named_and_never_asked_about(
    ssh_git: SshGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", ssh_git.path)
    (ssh_git.prefix / "known_hosts").write_text("")
    kit = fleet(tmp_path, {name: ssh_git.url(f"{name}.git") for name in ("root", "strict")})
    found = look(kit.call("doctor", "--json", "-r", "strict").exits(1))
    assert ill(found) == {("", "ledger"), ("strict", "reach")}
    assert "Host key" in found["strict", "reach"]["why"]
    assert found["strict", "reach"]["fix"].startswith("ssh -p ")


def test_a_host_that_speaks_the_old_protocol_only_is_worth_a_look(
    ssh_git: SshGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", ssh_git.path)
    gate = ssh_git.prefix / "gate"
    gate.write_text(gate.read_text().replace("\nroot=", "\nunset GIT_PROTOCOL\nroot=", 1))
    kit = fleet(tmp_path, {"root": ssh_git.url("root.git")})
    found = look(kit.call("doctor", "--json", *WRITE).ok())
    assert found["root", "reach"]["state"] == "warn"
    assert "protocol 0, SHA-1, git/" in found["root", "reach"]["why"]
    assert found["root", "fence"]["state"] == "ok"
