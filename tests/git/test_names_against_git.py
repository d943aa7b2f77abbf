"""Our rules for refs against git's own: what we take, git takes."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multigit.model.names import Branch, Tag

REFS = st.text("ab.-/~^:?*[\\@{}lock \n\x7f한😀é", max_size=12)
EXTRA = {"@", "HEAD"}
"""Git takes them below refs/heads/ only by accident; nobody can mean such a branch."""


def git_takes(ref: str) -> bool:
    done = subprocess.run(["git", "check-ref-format", ref], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.fault("ref-check-format")
@settings(max_examples=150, deadline=None)
@given(REFS)
@example("a.lock")
@example("a.lock/b")
@example("a/.b")
@example("@")
@example("a@{b")
@example("a//b")
@example("a.")
@example("a/")
def test_a_ref_is_taken_exactly_when_git_takes_it(name: str) -> None:
    ours = not Branch.problem(name)
    assert ours == (not Tag.problem(name))
    if name not in EXTRA and not name.startswith("-"):  # `-x` is a ref for git, and an option for every command
        assert ours == git_takes(f"refs/heads/{name}")
    if ours:
        assert git_takes(Branch(name).full)
        assert git_takes(Tag(name).full)


@pytest.mark.fault("ref-check-format")
@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=20))
def test_no_text_at_all_is_taken_against_git(name: str) -> None:
    if not Branch.problem(name):
        assert git_takes(Branch(name).full)
