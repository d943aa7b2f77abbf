"""The k-th effect of a run fails, for every k: the exit code is true, and the next command settles it (G10, X5)."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from multigit.apply import engine
from tests.support.failpoints import PUSHES, Kind, tried, tried_settling
from tests.support.fleetkit import FleetKit
from tests.support.judged import Before
from tests.support.killer import stages, struck
from tests.support.moments import every
from tests.support.servers import HttpGit, SshGit
from tests.support.stand import Stand

pytestmark = [pytest.mark.slow, pytest.mark.shows("G10", "X5")]

NAMES = ("root", "api")
WORDS = ("resume", "abort")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PAUSES", (0.0,))


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand.make(tmp_path, NAMES, NAMES)


def each(stand: Stand, first: int = 1, step: int = 1) -> Iterator[tuple[int, FleetKit]]:
    for k in itertools.count(first, step):
        kit = stand.fresh()
        yield k, kit
        shutil.rmtree(kit.root)


@pytest.mark.fault("cut-before-report", "only-reads-retried", "tag-exists-same")
@pytest.mark.parametrize("kind", ["unsent", "unheard"])
def test_a_promotion_whose_kth_effect_fails(stand: Stand, kind: Kind) -> None:
    step = 1 if every() else 2
    for k, kit in each(stand, 1 if kind == "unsent" else step, step):
        hit, wrong = tried(kit, k, kind, WORDS[k // step % 2])
        assert wrong == [], f"{k}, {hit}"
        if not hit:
            assert k > 18, "a run of two repositories has more effects than that"
            assert stages(kit) == []
            return


@pytest.mark.parametrize("word", WORDS)
def test_a_settlement_whose_kth_effect_fails(stand: Stand, word: str) -> None:
    half = stand.fresh()
    before = Before.of(half)
    promote = ("promote", "dev", "stg", "--yes", "--jobs", "1")
    assert struck(half, "result:branch new", "before", "kill", *promote).code == -9
    stand.prepared = half
    ways: tuple[Kind, ...] = ("unsent", "unheard")
    for k, kit in each(stand, 2 if word == "abort" else 1, 3):
        hit, wrong = tried_settling(kit, before, k, ways[k % 2], word)
        assert wrong == [], f"{k}, {hit}"
        if not hit:
            assert k > 8, "to settle takes more effects than that"
            return


BEGIN, LANDING, LANDED, TAG = 3, 4, 6, 7
"""The pushes of two repositories, in their order: stage twice, begin, land twice, landed, tag twice, released."""


@pytest.mark.fault("deadline-process-group")
@pytest.mark.parametrize(("k", "word"), [(BEGIN, "abort"), (LANDING, "resume"), (LANDED, "abort")])
def test_a_host_that_falls_silent_over_a_push(stand: Stand, k: int, word: str) -> None:
    hit, wrong = tried(stand.fresh(), k, "silent", word, counted=PUSHES)
    assert hit
    assert wrong == []


@pytest.mark.parametrize(("k", "kind"), [(BEGIN, "silent"), (LANDING, "unheard"), (LANDED, "unsent"), (TAG, "unheard")])
def test_over_http(http_git: HttpGit, k: int, kind: Kind) -> None:
    stand = Stand.make(http_git.root, NAMES, NAMES, http_git)
    hit, wrong = tried(stand.fresh(), k, kind, WORDS[k % 2], counted=PUSHES)
    assert hit
    assert wrong == []


@pytest.mark.parametrize(("k", "kind"), [(LANDING, "unsent"), (LANDED, "unheard")])
def test_over_ssh(ssh_git: SshGit, monkeypatch: pytest.MonkeyPatch, k: int, kind: Kind) -> None:
    monkeypatch.setenv("PATH", ssh_git.path)
    stand = Stand.make(ssh_git.root, NAMES, NAMES, ssh_git)
    hit, wrong = tried(stand.fresh(), k, kind, WORDS[k // 2 % 2], counted=PUSHES)
    assert hit
    assert wrong == []
