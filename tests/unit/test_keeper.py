"""Records of a deployment on a real ledger: together where they come together, none lost, none after it was lost."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from multigit.apply.keeping import Keeper
from multigit.errors import MultigitError
from multigit.ledger.shared import Ledger, Refused
from multigit.model.names import RepoName
from multigit.vcs.mirror import open_mirror
from tests.support.deploykit import API, KIM, PROD, START, WEB, plan, step
from tests.support.gitkit import Bare, bare

MADE = plan(step(API), step(WEB))


@pytest.fixture
def home(tmp_path: Path) -> Bare:
    host = bare(tmp_path / "home.git")
    host.commit({"a": "1"})
    return host


def keeper(home: Bare, made: Any = MADE) -> Keeper:
    ledger = Ledger(open_mirror(RepoName("home"), home.url))
    ledger.refresh()
    return Keeper(plan=made, ledger=ledger, actor=KIM, now=lambda: START)


def seen(home: Bare, made: Any = MADE) -> Any:
    found = Ledger(open_mirror(RepoName("other"), home.url))
    found.refresh()
    return found.history.deployments.get(made.id)


def records(home: Bare) -> int:
    return int(home.git("rev-list", "--count", "multigit-ledger"))


class Away:
    """A ledger that cannot be reached for a while."""

    def __init__(self, patch: pytest.MonkeyPatch, how: Any) -> None:
        def append(*args: Any, **more: Any) -> Any:
            if isinstance(how, BaseException):
                raise how
            return how

        self.patch = patch
        patch.setattr(Ledger, "append", append)

    def ends(self) -> None:
        self.patch.undo()


def test_one_environment_one_deployment(home: Bare) -> None:
    one, two = keeper(home), keeper(home, plan(step(), minute=1))
    assert one.begin() is None
    refused = two.begin()
    assert refused is not None
    assert refused.why == "another deployment of the environment is open"
    assert two.plan.id not in refused.history.deployments  # type: ignore[union-attr]
    assert keeper(home, plan(step(), env=PROD)).begin() is None
    assert two.begin(supersedes=one.plan.id) is None
    assert seen(home).outcome == "superseded"
    assert not one.told("api/deploy", {"state": "begun"})
    assert one.lost.is_set()


@pytest.mark.parametrize("how", [
    MultigitError("origin cannot be reached"), OSError(28, "no space left"), Refused(None, "no answer", unknown=True),
])  # fmt: skip
@pytest.mark.fault("deploy-ledger-away")
def test_what_could_not_be_written_comes_with_the_next_record(
    home: Bare, how: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keeper(home)
    kept.begin()
    with monkeypatch.context() as patch:
        away = Away(patch, how)
        assert not kept.told("api/deploy", {"state": "begun", "ticket": {"id": 1}})
        assert not kept.told("api/deploy", {"state": "ok", "artefact": {"a": 1}})
        assert kept.unwritten
        assert not kept.lost.is_set()
        away.ends()
    before = records(home)
    assert kept.told("web/deploy", {"state": "begun"})
    assert records(home) == before + 1
    states = seen(home).steps
    assert (states["api/deploy"].state, states["api/deploy"].artefact, states["web/deploy"].state) == (
        "ok",
        {"a": 1},
        "begun",
    )
    assert kept.unwritten == ""


@pytest.mark.parametrize("end", [lambda kept: kept.end("well", ""), lambda kept: kept.turn_back("ill")])
def test_what_is_left_is_written_before_it_ends_or_turns_back(
    home: Bare, end: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keeper(home)
    kept.begin()
    with monkeypatch.context() as patch:
        Away(patch, OSError("away"))
        kept.told("api/deploy", {"state": "begun", "ticket": {"id": 1}})
        assert not end(kept)
    assert end(kept)
    assert seen(home).steps["api/deploy"].ticket == {"id": 1}


def test_an_end_that_cannot_be_written_leaves_it_open(home: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = keeper(home)
    kept.begin()
    with monkeypatch.context() as patch:
        Away(patch, OSError("away"))
        assert not kept.end("well", "")
    assert seen(home).open


def test_what_several_tell_at_once_goes_in_together(home: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = keeper(home)
    kept.begin()
    before, slow, first = records(home), threading.Event(), threading.Event()
    plain = Ledger.append

    def append(self: Ledger, *args: Any, **more: Any) -> Any:
        if not first.is_set():
            first.set()
            slow.wait(20)
        return plain(self, *args, **more)

    monkeypatch.setattr(Ledger, "append", append)
    said: list[bool] = []
    threads = [threading.Thread(target=lambda n=n: said.append(kept.told(f"r{n}/deploy", {"state": "begun"})))
               for n in range(8)]  # fmt: skip
    threads[0].start()
    first.wait(20)
    for thread in threads[1:]:
        thread.start()
    while len(kept._left["steps"]) < 8:
        pass
    slow.set()
    for thread in threads:
        thread.join(30)
    assert said == [True] * 8
    assert records(home) - before == 2
    assert len(seen(home).steps) == 8


def test_whoever_takes_over_stops_the_one_before(home: Bare) -> None:
    one, two = keeper(home), keeper(home)
    one.begin()
    two.ledger.refresh()
    assert two.take() is None
    assert not one.told("api/deploy", {"state": "begun"})
    assert one.lost.is_set()
    assert not one.end("well", "")
    assert two.told("api/deploy", {"state": "begun"})
    assert two.end("well", "")
    before = records(home)
    refused = keeper(home).take()
    assert refused is not None
    assert refused.why == "it is over"
    assert records(home) == before
    assert not one.told("api/deploy", {"state": "ok"})
    assert seen(home).outcome == "well"
