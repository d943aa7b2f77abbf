"""Hosts that refuse when they are asked too much: everything is read all the same, and nothing is pushed twice."""

from __future__ import annotations

import http.server
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from multigit.lanes import each
from multigit.vcs import hosts, run
from multigit.vcs.lsrefs import list_refs
from multigit.vcs.run import GitError
from multigit.vcs.ssh import sharing
from multigit.vcs.ssh.sharing import share
from multigit.vcs.web import door
from tests.support.gitkit import Bare, bare
from tests.support.processes import wait_until
from tests.support.serverfixtures import require
from tests.support.servers import HttpGit, SshGit
from tests.support.sshgit import PROGRAMS

pytestmark = pytest.mark.slow
MAIN = ("refs/heads/main",)
AT_ONCE = 16


@pytest.fixture
def host(tmp_path: Path) -> Bare:
    made = bare(tmp_path / "served" / "api.git")
    made.commit({"a": "1"})
    return made


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sharing, "_masters", {})
    door.forget()
    yield
    run.listen(None)
    door.forget()


def test_sixteen_at_once_keep_within_the_sessions_of_one_connection(
    host: Bare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(*PROGRAMS)
    with SshGit(tmp_path / "served", "MaxSessions 10", "MaxStartups 3:30:6") as server:
        monkeypatch.setenv("PATH", server.path)
        url = server.url("api.git")
        share([url])
        ran: list[tuple[str, ...]] = []
        run.listen(lambda words, seconds: ran.append(words))
        found = each(lambda _: list_refs(url, MAIN), range(3 * AT_ONCE), AT_ONCE)
        assert [set(refs) for refs in found] == [set(MAIN)] * len(found)
        assert {words[0] for words in ran} == {"ls-refs"}
        assert server.log().count("Accepted publickey") == 1, server.log()
        assert server.log().count("no more sessions") < len(found) // 4, "a few, when several end at one moment"


def test_a_host_that_refuses_connections_by_chance_is_asked_again_and_less(
    host: Bare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection is shared here, and sshd drops the seventh that has not logged in yet, or the fourth by chance."""
    require(*PROGRAMS)
    with SshGit(tmp_path / "served", "MaxStartups 2:50:4") as server:
        monkeypatch.setenv("PATH", server.path)
        url = server.url("api.git")
        found = each(lambda _: list_refs(url, MAIN), range(AT_ONCE), AT_ONCE)
        assert [set(refs) for refs in found] == [set(MAIN)] * AT_ONCE
        assert "MaxStartups" in server.log(), "or nothing was shown"
        limits = hosts.host(url)
        assert limits
        assert limits.width < hosts.WIDTHS["ssh"]


@contextmanager
def refusing(status: int, times: int, **headers: str) -> Iterator[tuple[str, list[float]]]:
    """A host that answers so often with `status`, then as an empty repository would; when it was asked."""
    asked: list[float] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(time.monotonic())
            busy = len(asked) <= times
            body = b"" if busy else b"0000"
            self.send_response(status if busy else 200)
            self.send_header("Content-Type", "application/x-git-upload-pack-result")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items() if busy else ():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            asked.append(time.monotonic())
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api.git", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.mark.parametrize("status", [429, 503])
def test_a_web_host_gets_the_second_it_asks_for(status: int) -> None:
    with refusing(status, 1, Retry_After="1") as (url, asked):
        assert list_refs(url, MAIN) == {}
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 1


def test_a_web_host_that_wants_an_hour_is_believed_and_the_error_is_gits() -> None:
    start = time.monotonic()
    with refusing(429, 99, Retry_After="3600") as (url, asked), pytest.raises(GitError) as refused:
        list_refs(url, MAIN)
    assert "asked too often" in refused.value.problem.why
    assert len(asked) == 2, "once by us, once by git, whose error it is"
    assert time.monotonic() - start < 5


def test_a_fleet_on_a_host_that_is_down_is_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "PAUSES", (0.05, 0.1, 0.2))
    start = time.monotonic()
    with refusing(503, 10_000) as (url, asked):
        for name in "abcdefgh":
            with pytest.raises(GitError) as refused:
                list_refs(url.replace("api", name), MAIN)
            assert "in trouble" in refused.value.problem.why
    assert len(asked) <= 4 + 1 + 7 * 2, "patience is for the first; each of the others costs us one question, git one"
    assert time.monotonic() - start < 10


# --- git itself --------------------------------------------------------------------------------------------------


def busy_ssh(folder: Path) -> Path:
    """An ssh whose host is always full; it notes each time it was started."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "ssh"
    program.write_text(
        f"#!/bin/sh\necho x >>{folder}/started\n"
        "echo 'kex_exchange_identification: Connection closed by remote host' >&2\nexit 255\n"
    )
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("deed", "times"),
    [
        (("ls-remote", "{url}"), 3),
        (("fetch", "{url}", "main"), 3),
        (("push", "{url}", "refs/heads/main:refs/heads/x"), 1),
    ],
)
def test_git_reads_again_where_ssh_is_refused_and_never_pushes_again(
    host: Bare, deed: tuple[str, ...], times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "PAUSES", (0.01, 0.01))
    folder = busy_ssh(tmp_path)
    monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
    url = "ssh://git@host.invalid/api.git"
    with pytest.raises(GitError) as refused:
        run.git(*(word.format(url=url) for word in deed), at=host.path, network=True, url=url)
    assert refused.value.problem.kind == "unreachable"
    assert (folder / "started").read_text().split() == ["x"] * times


def test_git_pushes_once_where_a_web_host_is_busy(
    host: Bare, http_git: HttpGit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "PAUSES", (0.01, 0.01))
    http_git.fail("api.git", 503, at=["push"])
    url = http_git.url("api.git")
    with pytest.raises(GitError):
        run.git("push", url, "refs/heads/main:refs/heads/next", at=host.path, network=True, url=url)
    wait_until(lambda: any("POST" in line for line in http_git.requests()), seconds=5, what="the host wrote its log")
    assert sum("POST" in line and "receive-pack" in line for line in http_git.requests()) == 1
