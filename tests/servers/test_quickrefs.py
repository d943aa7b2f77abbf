"""Refs read without a git process: the same as git reads, at every host that needs something else as well."""

from __future__ import annotations

import http.client
import http.server
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from multigit.vcs import httprefs, lsrefs, run, ssh
from multigit.vcs.lsrefs import list_refs
from multigit.vcs.run import GitError
from multigit.vcs.ssh import share
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
    httprefs.forget()
    yield
    httprefs.forget()


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
    monkeypatch.setattr(ssh, "_masters", {})
    share([url])
    ran.clear()
    assert list_refs(url, PATTERNS) == expected
    assert not by_git(ran)
    with pytest.raises(GitError) as missing:
        list_refs(ssh_git.url("nowhere.git"), PATTERNS)
    assert missing.value.problem.kind == "missing"


# --- hosts that need something else ------------------------------------------------------------------------------


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


def test_a_wrong_login_is_told_to_the_helper_and_the_error_is_gits(host: Bare, tmp_path: Path) -> None:
    log = tmp_path / "asked"
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\necho $1 >>{log}\n[ $1 = get ] && printf 'username=kim\\npassword=wrong\\n'\n")
    helper.chmod(0o755)
    gitconfig("credential.helper", str(helper))
    with HttpGit(tmp_path / "served", login=("kim", "secret")) as server, pytest.raises(GitError) as refused:
        list_refs(server.url("api.git"), PATTERNS)
    assert refused.value.problem.kind == "auth"
    assert "erase" in log.read_text().split()


def test_a_redirect_is_refused_as_git_refuses_it(host: Bare, http_git: HttpGit) -> None:
    with pytest.raises(GitError) as refused:
        list_refs(http_git.moved_url("api.git"), PATTERNS)
    assert "moved" in refused.value.problem.why or "redirect" in refused.value.problem.why


def with_extra_header(server: HttpGit) -> str:
    gitconfig("http.extraHeader", "X-Team: shop")
    return server.url("api.git")


def with_a_rewritten_address(server: HttpGit) -> str:
    gitconfig(f"url.{server.url('')}.insteadOf", "https://git.example.invalid/")
    return "https://git.example.invalid/api.git"


def with_a_netrc(server: HttpGit) -> str:
    (Path(os.environ["HOME"]) / ".netrc").write_text("machine elsewhere.invalid login kim password secret\n")
    return server.url("api.git")


@pytest.mark.parametrize("way", [with_extra_header, with_a_rewritten_address, with_a_netrc])
def test_what_only_git_does_right_is_left_to_git(
    host: Bare, http_git: HttpGit, ran: Ran, way: Callable[[HttpGit], str]
) -> None:
    expected = list_refs(host.url, PATTERNS)
    url = way(http_git)
    run._personal.cache_clear()
    ran.clear()
    assert list_refs(url, PATTERNS) == expected
    assert by_git(ran)


def test_with_a_proxy_set_git_is_asked(
    host: Bare, http_git: HttpGit, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{http_git.port}")
    list_refs(http_git.url("api.git"), PATTERNS)
    assert by_git(ran)


def test_a_host_that_speaks_an_old_protocol_only_is_read_by_git(host: Bare, http_git: HttpGit, ran: Ran) -> None:
    expected = list_refs(host.url, PATTERNS)
    ran.clear()
    with only_v1(http_git) as url:
        assert list_refs(url, PATTERNS) == expected
    assert by_git(ran)


@contextmanager
def only_v1(server: HttpGit) -> Iterator[str]:
    """A proxy that drops the header which asks for version 2."""
    with served(Dropping, server.port) as port:
        yield f"http://127.0.0.1:{port}/api.git"


class Passing(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the server at `upstream`, all headers but `dropped`."""

    protocol_version = "HTTP/1.1"
    upstream = 0
    dropped: tuple[str, ...] = ("host", "connection")

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in self.dropped}
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=30)
        upstream.request(self.command, self.path, self.rfile.read(size) if size else None, headers)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", str(answer.getheader("Content-Type")))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_: object) -> None:
        pass


class Dropping(Passing):
    """The same without the header that asks for version 2."""

    dropped = (*Passing.dropped, "git-protocol")


@contextmanager
def served(handler: type[Passing], upstream: int, context: ssl.SSLContext | None = None) -> Iterator[int]:
    made = type("Handler", (handler,), {"upstream": upstream})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), made)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_certificate_that_nobody_vouches_for_is_refused_as_git_refuses_it(
    host: Bare, http_git: HttpGit, tmp_path: Path, ran: Ran
) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True, timeout=60)  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    expected = list_refs(host.url, PATTERNS)
    with served(Passing, http_git.port, context) as port:
        url = f"https://127.0.0.1:{port}/api.git"
        with pytest.raises(GitError) as refused:
            list_refs(url, PATTERNS)
        assert "certificate" in refused.value.problem.why.lower()
        gitconfig("http.sslCAInfo", str(cert))
        httprefs.forget()
        ran.clear()
        assert list_refs(url, PATTERNS) == expected
        assert by_git(ran)


def test_the_fast_way_can_be_told_from_the_slow_one(host: Bare) -> None:
    """Or the tests above would show nothing."""
    assert lsrefs.list_refs(host.url, PATTERNS)
