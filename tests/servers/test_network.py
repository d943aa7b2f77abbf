"""Connections that break in the middle of a push, hosts that answer with a number or point elsewhere, slow hosts."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from multigit.apply import engine
from multigit.model.names import Branch, RepoName
from multigit.vcs import hosts
from multigit.vcs.lsrefs import survey
from tests.support.cutting import CuttingProxy, Moment
from tests.support.fleetkit import FleetKit
from tests.support.gitkit import bare
from tests.support.judged import Before, judge
from tests.support.killer import busy, stages
from tests.support.processes import wait_until
from tests.support.servers import HttpGit

pytestmark = pytest.mark.slow

NAMES = ("root", "api")
TO_STG = ("promote", "dev", "stg", "--yes", "--jobs", "1")


@contextmanager
def cut(kit: FleetKit, server: HttpGit, name: str, proxy: CuttingProxy) -> Iterator[None]:
    """`name` is reached through `proxy`."""
    with proxy:
        (kit.work / "repos.yaml").write_text(
            kit.config.replace(server.url(f"hosts/{name}.git"), f"http://127.0.0.1:{proxy.port}/hosts/{name}.git")
        )
        yield
    (kit.work / "repos.yaml").write_text(kit.config)


@pytest.fixture
def kit(http_git: HttpGit, monkeypatch: pytest.MonkeyPatch) -> FleetKit:
    """Both repositories have a large feature on dev."""
    monkeypatch.setattr(engine, "PAUSES", (0.0,))
    remote = "".join(f'  {n}: {{url: "{http_git.url(f"hosts/{n}.git")}"}}\n' for n in NAMES)
    kit = FleetKit.make(http_git.root, NAMES, repos=remote)
    noise = random.Random(1).randbytes(60_000).hex()
    for name in NAMES:
        kit.commit(name, "dev", {"feature.txt": noise}, "feat: good")
    return kit


STAGE, LAND, TAG = 1, 2, 3
"""Which push to a repository it is; the home repository has one more in between, for the ledger."""


@pytest.mark.shows("G10", "X5", "X9")
@pytest.mark.fault("cut-mid-report", "cut-before-report")
@pytest.mark.parametrize(
    ("name", "nth", "moment"),
    [("api", LAND, "report"), ("api", LAND, "answer"), ("root", 2, "report"), ("api", TAG, "answer")],
)
def test_an_answer_that_is_cut_off_is_read_back(
    kit: FleetKit, http_git: HttpGit, name: str, nth: int, moment: Moment
) -> None:
    before = Before.of(kit)
    proxy = CuttingProxy(http_git.port, nth=nth, moment=moment)
    with cut(kit, http_git, name, proxy):
        kit.call(*TO_STG).ok()
    assert proxy.cuts == 1
    verdict = judge(kit, before)
    assert (verdict.end, verdict.wrong) == ("released", ())


@pytest.mark.shows("X9")
@pytest.mark.fault("cut-mid-pack")
def test_a_pack_that_is_cut_off_changes_nothing(kit: FleetKit, http_git: HttpGit) -> None:
    before = Before.of(kit)
    proxy = CuttingProxy(http_git.port, nth=STAGE, moment="pack", all_on=True)
    with cut(kit, http_git, "api", proxy):
        ran = kit.call(*TO_STG).exits(3)
    assert proxy.cuts >= 1
    assert "api: " in ran.text
    wait_until(lambda: not busy(str(kit.root)), seconds=20, what="the host gives up the half pack")
    verdict = judge(kit, before)
    assert (verdict.end, verdict.wrong) == ("never begun", ())
    kit.fsck()
    kit.call(*TO_STG).ok()
    assert stages(kit) == []


@pytest.mark.shows("X9")
@pytest.mark.fault("http-401", "http-403", "http-404", "http-429", "http-5xx")
def test_each_answer_of_a_web_host_has_words_of_its_own(http_git: HttpGit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "PAUSES", (0.0,))
    bare(http_git.root / "x.git").commit({"a": "1"})
    words = {
        401: "asks for a login",
        403: "does not allow",
        404: "no such repository",
        429: "--jobs",
        503: "in trouble",
    }
    for status, word in words.items():
        http_git.fail("x.git", status)
        problem = survey(RepoName("x"), http_git.url("x.git"), [Branch("main")]).problem
        http_git.heal()
        assert problem
        assert word in problem.why
        assert [other for other in words.values() if other in problem.why] == [word]


@contextmanager
def listening(answer: str = "") -> Iterator[tuple[str, list[str]]]:
    """A web server that writes down what it is asked, headers included; it redirects to `answer`, if given."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.requestline}\n{self.headers}")
            self.send_response(302 if answer else 404)
            if answer:
                self.send_header("Location", answer + self.path)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.mark.shows("X9")
@pytest.mark.fault("redirect-other-host", "canary-header")
def test_who_is_sent_to_another_host_does_not_go_and_takes_no_login_there(hermetic: Path) -> None:
    with listening() as (elsewhere, heard), listening(elsewhere) as (here, asked):
        with (hermetic / ".gitconfig").open("a") as settings:
            settings.write(f'[http "{here}"]\n\textraHeader = "Authorization: Bearer c4n4ry"\n')
            settings.write('[credential]\n\thelper = "!f() { echo username=kim; echo password=c4n4ry; }; f"\n')
        problem = survey(RepoName("x"), f"{here}/x.git", [Branch("main")]).problem
    assert asked
    assert heard == []
    assert problem
    assert "names another address" in problem.why
    assert "c4n4ry" not in problem.why


@pytest.mark.shows("X9")
@pytest.mark.fault("slow-remote-progress")
def test_while_a_host_is_slow_it_is_said_what_is_waited_for(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, NAMES)
    kit.commit("api", "dev", {"feature.txt": "good\n"}, "feat: good")
    hold = f"while read o n r; do [ $r != refs/heads/stg ] || until [ -e {tmp_path}/go ]; do sleep 0.02; done; done"
    kit.hosts["api"].hook("pre-receive", hold)
    argv = [sys.executable, "-m", "multigit", *TO_STG]
    child = subprocess.Popen(argv, cwd=kit.work, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert child.stderr
    try:
        told = next(line for line in child.stderr if line.rstrip().endswith(" api land"))
        assert child.poll() is None
        assert told[:2] == "20", "the time comes first"
    finally:
        (tmp_path / "go").touch()
        child.communicate(timeout=60)
    assert child.returncode == 0
