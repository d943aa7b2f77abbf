"""What hosts say on the wire, read without git: the same refs as git reads, or NotUnderstood."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigit.vcs.lsrefs import list_refs
from multigit.vcs.wire import NotUnderstood, RefSeen, answer, conversation, request
from tests.support.gitkit import Bare, bare

PATTERNS = ("refs/heads/main", "refs/tags/deploy-*", "refs/multigit/*", "refs/heads/none")


@pytest.fixture
def host(tmp_path: Path) -> Bare:
    made = bare(tmp_path / "host")
    head = made.commit({"a": "1"})
    for name in ("heads/mainly", "heads/main-too", "tags/other", "multigit/fence", "multigit/stage/r-1"):
        made.git("update-ref", f"refs/{name}", head)
    made.git("tag", "-a", "-m", "release", "deploy-1", "main")
    made.git("tag", "deploy-2", "main")
    return made


def said(host: Bare, version: int, *options: str, patterns: Sequence[str] = PATTERNS) -> bytes:
    env = {**os.environ, "GIT_PROTOCOL": f"version={version}"}
    command = ["git", "upload-pack", *options, str(host.path)]
    done = subprocess.run(command, input=request(patterns), env=env, capture_output=True, check=False, timeout=30)
    return done.stdout


def test_one_request_gets_what_git_reads(host: Bare) -> None:
    assert answer(said(host, 2, "--stateless-rpc"), PATTERNS) == list_refs(host.url, PATTERNS)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_request_before_the_greeting_gets_it_as_well_whatever_the_host_speaks(host: Bare, version: int) -> None:
    assert conversation(said(host, version), PATTERNS) == list_refs(host.url, PATTERNS)


def test_an_empty_repository_has_no_refs(tmp_path: Path) -> None:
    empty = bare(tmp_path / "empty")
    assert answer(said(empty, 2, "--stateless-rpc"), PATTERNS) == {}
    assert conversation(said(empty, 2), PATTERNS) == {}
    assert conversation(said(empty, 0), PATTERNS) == {}


@given(cut=st.integers(0, 400))
def test_an_answer_that_was_cut_short_is_never_taken_for_whole(cut: int) -> None:
    line = b"003d" + b"a" * 40 + b" refs/heads/main\n"
    whole = line * 3 + b"0000"
    if cut >= len(whole):
        assert set(answer(whole, PATTERNS)) == {"refs/heads/main"}
        return
    with pytest.raises(NotUnderstood):
        answer(whole[:cut], PATTERNS)


@given(data=st.binary())
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for read in (answer, conversation):
        try:
            found = read(data, PATTERNS)
        except NotUnderstood:
            continue
        assert all(isinstance(seen, RefSeen) for seen in found.values())


@pytest.mark.parametrize(
    "data", [b"", b"0009ERR no", b"000cERR gone0000", b"<html>Moved</html>", b"0005a0000", b"0000"]
)
def test_what_is_no_answer_is_not_understood(data: bytes) -> None:
    if data == b"0000":
        assert answer(data, PATTERNS) == {}
        return
    with pytest.raises(NotUnderstood):
        answer(data, PATTERNS)
