"""What is where: exact names, every kind of trouble a Problem with something to type."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from multigit.model.names import Branch, Oid, RepoName, Tag
from multigit.vcs import hosts
from multigit.vcs.lsrefs import list_refs, survey
from multigit.vcs.run import GitError
from tests.support.gitkit import Bare, bare
from tests.support.servers import HttpGit

API = RepoName("api")
MAIN = Branch("main")


@pytest.fixture
def host(tmp_path: Path) -> Bare:
    made = bare(tmp_path / "host")
    made.commit({"a": "1"})
    return made


def test_only_the_names_asked_for_come_back(host: Bare) -> None:
    head = host.head()
    for name in ("heads/x/refs/heads/main", "heads/mainly", "heads/feature/one", "heads/feature/two", "tags/main"):
        host.git("update-ref", f"refs/{name}", str(head))
    assert set(list_refs(host.url, ["refs/heads/main"])) == {"refs/heads/main"}
    assert set(list_refs(host.url, ["refs/heads/feature/"])) == {"refs/heads/feature/one", "refs/heads/feature/two"}
    assert set(list_refs(host.url, ["refs/tags/m*", "refs/heads/none"])) == {"refs/tags/main"}


def test_an_annotated_tag_names_its_commit(host: Bare) -> None:
    host.git("tag", "-a", "-m", "release", "deploy-20260212-070000", "main")
    host.git("tag", "light", "main")
    head = host.head()
    refs = list_refs(host.url, ["refs/tags/*"])
    annotated = refs["refs/tags/deploy-20260212-070000"]
    assert annotated.peeled == head
    assert annotated.oid != head
    assert refs["refs/tags/light"].peeled is None
    exact = list_refs(host.url, ["refs/tags/deploy-20260212-070000"])
    assert exact == {"refs/tags/deploy-20260212-070000": annotated}


def test_a_survey_has_heads_tags_fence_and_stages(host: Bare) -> None:
    head = host.head()
    assert head
    host.git("tag", "-a", "-m", "release", "deploy-1", "main")
    host.git("tag", "other", "main")
    host.git("update-ref", "refs/multigit/fence", head)
    host.git("update-ref", "refs/multigit/stage/r-0123456789ab", head)
    state = survey(API, host.url, [MAIN, Branch("stg")], ["deploy-*"])
    assert state.problem is None
    assert state.heads == {MAIN: head}
    assert {tag: seen.commit for tag, seen in state.tags.items()} == {Tag("deploy-1"): head}
    assert state.fence == head
    assert state.stages == {"r-0123456789ab": head}


@pytest.mark.fault("empty-repository")
def test_an_empty_repository_is_no_problem(tmp_path: Path) -> None:
    state = survey(API, bare(tmp_path / "empty").url, [MAIN])
    assert (state.problem, state.heads, state.tags) == (None, {}, {})


@pytest.mark.fault("ref-full-names")
def test_a_branch_and_a_tag_of_one_name_are_two_things(host: Bare) -> None:
    other = host.commit({"a": "2"}, on="other")
    host.git("update-ref", "refs/tags/main", other)
    state = survey(API, host.url, [MAIN])
    assert state.heads[MAIN] == host.head() != other
    assert state.tags[Tag("main")].oid == other


def test_a_missing_repository_is_a_problem_with_a_command(tmp_path: Path) -> None:
    problem = survey(API, str(tmp_path / "nowhere"), [MAIN]).problem
    assert problem
    assert problem.kind == "missing"
    assert str(tmp_path / "nowhere") in problem.hint


def test_an_unreachable_host_is_a_problem_and_no_exception() -> None:
    problem = survey(API, "http://127.0.0.1:1/x.git", [MAIN]).problem
    assert problem
    assert problem.kind == "unreachable"
    assert problem.hint == "git ls-remote http://127.0.0.1:1/x.git"


def test_a_refused_address_is_a_problem_too() -> None:
    problem = survey(API, "ext::sh -c id", [MAIN]).problem
    assert problem
    assert "remote helpers" in problem.why


@pytest.mark.fault("sha-256")
def test_sha256_ids_are_read(tmp_path: Path) -> None:
    host = bare(tmp_path / "wide", sha="sha256")
    head = host.commit({"a": "1"})
    assert survey(API, host.url, [MAIN]).heads == {MAIN: head}
    assert len(head) == 64


def test_list_refs_raises_where_survey_tells(tmp_path: Path) -> None:
    with pytest.raises(GitError) as failed:
        list_refs(str(tmp_path / "nowhere"), ["refs/heads/main"])
    assert failed.value.problem.kind == "missing"


def test_names_we_do_not_accept_are_passed_over(host: Bare) -> None:
    long = "v" * 201
    host.git("update-ref", f"refs/tags/{long}", str(host.head()))
    state = survey(API, host.url, [MAIN])
    assert state.problem is None
    assert state.tags == {}
    assert state.heads[MAIN] == Oid(str(host.head()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "auth"), (403, "auth"), (404, "missing"), (429, "unreachable"), (500, "unreachable"), (503, "unreachable")],
)
@pytest.mark.fault("http-401", "http-403", "http-404", "http-429", "http-5xx")
def test_each_answer_of_a_web_host_is_its_own_problem(
    http_git: HttpGit, status: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "PAUSES", (0.0,))
    bare(http_git.root / "x.git").commit({"a": "1"})
    url = http_git.url("x.git")
    assert survey(API, url, [MAIN]).heads
    http_git.fail("x.git", status)
    problem = survey(API, url, [MAIN]).problem
    assert problem
    assert problem.kind == kind
    assert problem.hint == f"git ls-remote {url}"


@pytest.mark.slow
@pytest.mark.fault("silent-remote")
def test_a_host_that_takes_the_call_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(GitError) as failed:
            list_refs(f"http://127.0.0.1:{silent.getsockname()[1]}/x.git", ["refs/heads/main"], timeout=1)
    assert failed.value.problem.kind == "timeout"
    assert time.monotonic() - start < 10
