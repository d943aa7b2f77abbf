"""What a remote offers, and what it takes when asked: seen without trace, or said what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from multigit.model.ownrefs import PROBE
from multigit.vcs import probe
from tests.support.gitkit import Bare, bare, plain_git


@pytest.fixture
def host(tmp_path: Path) -> Bare:
    made = bare(tmp_path / "host")
    made.commit({"a": "1"})
    return made


def test_a_reader_learns_what_is_there_and_how_it_is_served(host: Bare) -> None:
    host.git("tag", "-a", "-m", "release", "d-1", "main")  # a staged tag is listed twice: itself and its commit
    host.git("update-ref", "refs/multigit/stage/r-0123456789ab", "d-1")
    host.git("update-ref", "refs/heads/x/refs/heads/main", "main")
    seen = probe.read(host.url, ["refs/heads/main", "refs/heads/none", "refs/multigit/"])
    assert set(seen.refs) == {"refs/heads/main", "refs/multigit/stage/r-0123456789ab"}
    assert (seen.protocol, seen.smart, seen.algorithm, seen.date) == (2, True, "sha1", None)
    assert seen.agent.startswith("git/")


def test_an_empty_sha256_host_says_which_hash_it_has(tmp_path: Path) -> None:
    wide = bare(tmp_path / "wide", sha="sha256")
    assert probe.read(wide.url, ["refs/heads/main"]).algorithm == "sha256"
    assert probe.offer(wide.url, "sha256").atomic
    assert probe.trial(wide.url, "sha256").outcome == "taken"


def test_a_host_without_atomic_pushes_is_known_before_anything_is_pushed(host: Bare) -> None:
    assert probe.offer(host.url, "sha1") == probe.Offer(writable=True, atomic=True)
    host.git("config", "receive.advertiseAtomic", "false")
    assert probe.offer(host.url, "sha1") == probe.Offer(writable=True, atomic=False)


def test_asking_for_a_push_runs_no_hook(host: Bare, tmp_path: Path) -> None:
    host.hook("pre-receive", f"touch {tmp_path}/ran")
    assert probe.offer(host.url, "sha1").writable
    assert not (tmp_path / "ran").exists()
    assert probe.trial(host.url, "sha1").outcome == "taken"
    assert (tmp_path / "ran").exists()


@pytest.mark.fault("shallow")
def test_a_host_that_is_itself_shallow_is_seen(host: Bare, tmp_path: Path) -> None:
    host.commit({"a": "2"})
    plain_git("clone", "--quiet", "--bare", "--depth=1", f"file://{host.path}", str(tmp_path / "cut"), at=tmp_path)
    assert not probe.offer(host.url, "sha1").shallow
    assert probe.offer(str(tmp_path / "cut"), "sha1").shallow


def test_a_trial_leaves_nothing_behind(host: Bare) -> None:
    before = host.refs()
    assert probe.trial(host.url, "sha1") == probe.Trial(outcome="taken")
    assert host.refs() == before


def test_a_host_that_refuses_our_refs_says_why(host: Bare) -> None:
    host.hook("pre-receive", "grep -q refs/multigit/ && { echo 'no such refs here' >&2; exit 1; }; exit 0")
    before = host.refs()
    found = probe.trial(host.url, "sha1")
    assert found.outcome == "refused"
    assert "no such refs here" in found.why
    assert not found.left
    assert host.refs() == before


@pytest.mark.parametrize(("setting", "outcome"), [("transfer.hideRefs", "refused"), ("uploadpack.hideRefs", "hidden")])
def test_hidden_refs_are_found_and_taken_away_unseen(host: Bare, setting: str, outcome: str) -> None:
    host.git("config", setting, "refs/multigit")
    assert probe.trial(host.url, "sha1").outcome == outcome
    assert not any(ref.startswith("refs/multigit/") for ref in host.refs())


def test_what_cannot_be_deleted_is_named(host: Bare) -> None:
    host.hook("pre-receive", "grep -q ' 0000000' && { echo 'nothing is deleted here' >&2; exit 1; }; exit 0")
    found = probe.trial(host.url, "sha1")
    assert found.outcome == "stuck"
    assert "nothing is deleted here" in found.why
    assert found.left == {ref: oid for ref, oid in host.refs().items() if ref.startswith(PROBE)}
    assert len(found.left) == 2


@pytest.mark.slow
def test_a_push_without_an_answer_may_still_arrive_and_that_is_said(host: Bare) -> None:
    host.hook("pre-receive", "sleep 20")
    found = probe.trial(host.url, "sha1", timeout=1)
    assert found.outcome == "unknown"
    assert "1 s" in found.why
    assert len(found.left) == 2


def test_a_host_that_is_gone_is_a_problem_and_no_exception(tmp_path: Path) -> None:
    gone = probe.read(str(tmp_path / "gone"), ["refs/heads/main"])
    assert gone.problem
    assert gone.problem.kind == "missing"
    offer = probe.offer(str(tmp_path / "gone"), "sha1")
    assert not offer.writable
    assert offer.problem
