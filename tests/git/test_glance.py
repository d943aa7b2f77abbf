"""A clone that is plainly up to date is seen without git; any other is left to git."""

from __future__ import annotations

from pathlib import Path

import pytest

from multigit.model.names import Branch, RepoName
from multigit.vcs import clones
from multigit.vcs.glance import up_to_date
from tests.support.gitkit import Bare, bare, plain_git

API = RepoName("api")
MAIN = Branch("main")


@pytest.fixture
def host(tmp_path: Path) -> Bare:
    made = bare(tmp_path / "host.git")
    made.commit({"a": "1"})
    return made


@pytest.fixture
def clone(host: Bare, tmp_path: Path) -> Path:
    plain_git("clone", "--quiet", host.url, "clone", at=tmp_path)
    return tmp_path / "clone"


@pytest.mark.parametrize("packed", [False, True])
def test_it_sees_what_git_sees(host: Bare, clone: Path, packed: bool) -> None:
    if packed:
        plain_git("pack-refs", "--all", at=clone)
    head = host.head()
    assert head
    seen = up_to_date(API, clone, host.url, MAIN, head)
    assert seen
    asked = clones.look(API, clone, host.url, MAIN, head)
    assert (seen.relation, seen.heads[MAIN], seen.path) == (asked.relation, asked.heads[MAIN], asked.path)


def test_a_loose_ref_hides_the_packed_one(host: Bare, clone: Path) -> None:
    old = host.head()
    assert old
    plain_git("pack-refs", "--all", at=clone)
    plain_git("commit", "--quiet", "--allow-empty", "-m", "mine", at=clone)
    assert up_to_date(API, clone, host.url, MAIN, old) is None


def moved(host: Bare, clone: Path) -> None:
    host.commit({"a": "2"}, on="main")


def elsewhere(host: Bare, clone: Path) -> None:
    plain_git("remote", "set-url", "origin", "/some/where/else.git", at=clone)


def symbolic(host: Bare, clone: Path) -> None:
    plain_git("branch", "other", at=clone)
    plain_git("symbolic-ref", "refs/heads/main", "refs/heads/other", at=clone)


def worktree(host: Bare, clone: Path) -> None:
    (clone / ".git").rename(clone / "git")
    (clone / ".git").write_text(f"gitdir: {clone}/git\n")


def no_clone(host: Bare, clone: Path) -> None:
    (clone / ".git" / "config").unlink()


@pytest.mark.parametrize("change", [moved, elsewhere, symbolic, worktree, no_clone])
def test_whatever_is_not_plain_is_left_to_git(host: Bare, clone: Path, change: object) -> None:
    assert callable(change)
    change(host, clone)
    head = host.head()
    assert head
    assert up_to_date(API, clone, host.url, MAIN, head) is None
