"""Our commits, tags and trees against git's own: the same bytes, the same ids, and git takes them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from multigit.model.names import Oid, Tag
from multigit.model.objects import NewCommit, NewTag, Signature
from tests.support.gitkit import Bare, bare
from tests.support.histories import tree_id

NAMES = st.sampled_from(["김민수", "O'Neil", "  Kim,", "a<b>c", "\tTab\t", "é😀", 'q"uote"', "x\\", "Jr; "])
MESSAGES = st.sampled_from(["제목", "a\n\nb\n", "trailing  \n\n\n", "# not a comment", "\n\nlate", "\ttab", "x" * 5000])
ZONES = st.sampled_from([0, 540, 345, -210, -30, 765])
WHEN = 1_770_865_200


def signature(name: str, zone: int) -> Signature:
    when = datetime.fromtimestamp(WHEN, timezone(timedelta(minutes=zone)))
    return Signature(name=name, email="kim+x@example.invalid", when=when)


def git_env(name: str, zone: int) -> dict[str, str]:
    date = f"{WHEN} {'-' if zone < 0 else '+'}{abs(zone) // 60:02d}{abs(zone) % 60:02d}"
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", "kim+x@example.invalid"), ("DATE", date))
    }


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bare:
    return bare(tmp_path_factory.mktemp("objects") / "host.git", sha=request.param)


def commit_of(host: Bare, message: str = "c") -> Oid:
    return Oid(host.git("commit-tree", host.git("mktree"), stdin=message.encode()))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, MESSAGES, ZONES, st.integers(0, 3))
@example("김민수", "한 줄", 540, 2)
def test_a_commit_is_the_one_that_commit_tree_makes(host: Bare, name: str, message: str, zone: int, count: int) -> None:
    tree = Oid(host.git("mktree"))
    parents = tuple(dict.fromkeys(commit_of(host, f"p{number}") for number in range(count)))
    ours = NewCommit(tree=tree, parents=parents, message=message, by=signature(name, zone))
    words = [word for parent in parents for word in ("-p", parent)]
    said = (message.rstrip("\n") + "\n").encode()
    assert host.git("commit-tree", tree, *words, stdin=said, env=git_env(name, zone)) == ours.oid
    assert host.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=ours.body()) == ours.oid


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, MESSAGES, ZONES)
def test_a_tag_is_the_one_that_git_tag_makes(host: Bare, name: str, message: str, zone: int) -> None:
    commit = commit_of(host)
    ours = NewTag(tag=Tag("deploy-20260212-120000"), commit=commit, message=message, by=signature(name, zone))
    assert host.git("mktag", "--strict", stdin=ours.body()) == ours.oid
    said = (message.rstrip("\n") + "\n").encode()
    host.git("tag", "--force", "--annotate", "--cleanup=verbatim", "-F", "-", ours.tag, commit,
             stdin=said, env=git_env(name, zone))  # fmt: skip
    assert host.git("rev-parse", f"refs/tags/{ours.tag}") == ours.oid


@pytest.mark.parametrize("message", ["", "\n\n"])
def test_an_empty_message_is_taken_by_git(host: Bare, message: str) -> None:
    tree = Oid(host.git("mktree"))
    commit = NewCommit(tree=tree, parents=(), message=message, by=signature("Kim", 540))
    assert host.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=commit.body()) == commit.oid
    tag = NewTag(tag=Tag("t"), commit=commit.oid, message=message, by=signature("Kim", 540))
    assert host.git("mktag", "--strict", stdin=tag.body()) == tag.oid
    assert host.git("fsck", "--strict", "--no-dangling") == ""


def test_the_trees_of_the_tests_are_gits(tmp_path: Path) -> None:
    host = bare(tmp_path / "trees")
    commit = host.commit({"b.txt": "둘\n", "a": "1\n", "a.b": ""})
    assert host.git("rev-parse", f"{commit}^{{tree}}") == tree_id({"a": "1\n", "a.b": "", "b.txt": "둘\n"})
