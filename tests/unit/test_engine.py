"""The engine without git: what it writes down and when, how it ends, what it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from multigit.apply import engine
from multigit.apply.engine import Result, Work
from multigit.apply.vocabulary import (
    Action,
    End,
    Fence,
    LandIt,
    Look,
    Observation,
    PutTag,
    Saw,
    Settle,
    Stage,
    Staged,
    TagState,
    Tip,
    Unseen,
)
from multigit.errors import MultigitError
from multigit.ledger.journal import Journal, JournalError
from multigit.ledger.shared import Refused
from multigit.model.actor import Actor
from multigit.model.events import History, fold
from multigit.model.names import Branch, EnvName, Oid, RepoName, Tag
from multigit.model.plan import Keep, Land, Plan
from multigit.model.record import Event
from multigit.vcs.mirror import Mirror

API, WEB, DOC = RepoName("api"), RepoName("web"), RepoName("doc")
KIM = Actor(name="Kim", email="kim@example.invalid", user="kim", host="pc-1")
NOW = datetime(2026, 2, 12, 7, 0, tzinfo=UTC)
MAIN = Branch("main")


def land(repo: RepoName) -> Land:
    return Land(repo=repo, branch=MAIN, old=Oid("a" * 40), new=Oid("b" * 40), how="merge")


PLAN = Plan(
    verb="promote", system=EnvName("shop"), title="Shop", source=EnvName("stg"), target=EnvName("prod"),
    production=True, phrase="shop main", created=NOW, operator=KIM, tag=Tag("deploy-1"),
    steps=(land(API), land(WEB), Keep(repo=DOC, branch=MAIN, at=Oid("c" * 40))),
)  # fmt: skip


@dataclass
class FakeHands:
    """A repository that does as it is told, unless `answers` has something else for an action."""

    repo: RepoName
    done: list[Action]
    answers: dict[type, Sequence[Observation | Exception]]
    tip: Tip = Tip.OLD
    fence: Fence = Fence.NONE
    tag: TagState = TagState.ABSENT
    forgotten: bool = False
    moved: Mapping[Branch, Oid] = field(default_factory=dict)

    def do(self, action: Stage | Look | LandIt | PutTag | Settle) -> Observation:
        self.done.append(action)
        if waiting := self.answers.get(type(action)):
            first, *rest = waiting
            self.answers[type(action)] = rest
            if isinstance(first, Exception):
                raise first
            return first
        return self._obey(action)

    def _obey(self, action: Stage | Look | LandIt | PutTag | Settle) -> Observation:
        match action:
            case Stage():
                return Staged(self.repo)
            case LandIt():
                self.tip, self.fence = Tip.NEW, Fence.LANDED
            case PutTag():
                self.tag = TagState.OURS
            case Settle(to=to):
                self.fence, self.tip = Fence(to), Tip.OLD
            case Look():
                pass
        return Saw(self.repo, self.tip, self.fence, self.tag)

    def forget(self) -> None:
        self.forgotten = True
        raise MultigitError("the host does not answer any more")


@dataclass
class FakeLedger:
    """A ledger that takes everything, unless `answers` has a refusal for a kind."""

    answers: dict[str, Refused] = field(default_factory=dict)
    history: History = field(default_factory=History)

    may_follow: Callable[[History], bool] = bool
    home: Mirror = field(default_factory=lambda: Mirror(RepoName("home"), "/nowhere/home.git", Path("/nowhere")))

    def append(self, event: Event, *, may_follow: Callable[[History], bool] = bool) -> Refused | None:
        self.may_follow = may_follow
        if event.kind in self.answers:
            return self.answers[event.kind]
        self.history = fold((*self.history.events, event))
        return None


@dataclass
class Bench:
    """A run on fakes: what was done, in which order, and how it ended."""

    work: Work
    hands: dict[RepoName, FakeHands]
    ledger: FakeLedger
    done: list[Action]

    def start(self) -> Result:
        return engine.start(self.work)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.ledger.history.events]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    done: list[Action] = []
    hands = {repo: FakeHands(repo, done, {}) for repo in (API, WEB, DOC)}
    ledger = FakeLedger()
    journal = Journal(tmp_path / "state/journal.sqlite3", tmp_path)
    mirrors = {repo: Mirror(repo, f"/nowhere/{repo}.git", Path("/nowhere")) for repo in PLAN.commits()}
    work = Work(plan=PLAN, mirrors=mirrors, ledger=ledger, journal=journal, actor=KIM, now=lambda: NOW, jobs=1)  # type: ignore[arg-type]
    monkeypatch.setattr(Work, "hands", lambda self: hands)
    monkeypatch.setattr(engine, "PAUSES", (0.0,))
    return Bench(work, hands, ledger, done)


def told(bench: Bench) -> list[str]:
    return [f"{e.what} {e.text} {e.repo}".strip() for e in bench.work.journal.entries()]


def test_every_effect_stands_between_its_intent_and_its_result(bench: Bench) -> None:
    assert bench.start().done.end is End.RELEASED
    lines = told(bench)
    assert lines[0] == "planned promote"
    assert lines[-1] == "ended released"
    pairs = list(zip(lines[1:-1:2], lines[2:-1:2], strict=True))
    assert all(a.startswith("intent ") and b.startswith("result ") for a, b in pairs)
    assert pairs[3] == ("intent ledger begin", "result wrote begin")
    assert pairs[4] == ("intent land api", "result branch new, fence landed, tag absent api")
    assert [a.split()[1] for a, _ in pairs] == ["stage"] * 3 + ["ledger", "land", "land", "ledger"] + ["tag"] * 3 + [
        "ledger"
    ]


def test_the_ledger_has_the_whole_plan_and_the_end_of_each_repository(bench: Bench) -> None:
    bench.work.consent = {"overrides": {"soak": "urgent"}}
    bench.start()
    events = bench.ledger.history.events
    assert bench.kinds == ["begin", "landed", "released"]
    assert events[0].data["plan"]["tag"] == "deploy-1"
    assert events[0].data["overrides"] == {"soak": "urgent"}
    assert events[-1].data["statuses"] == {"api": "landed", "web": "landed"}
    assert len({event.owner for event in events}) == 1


def test_one_that_refuses_has_the_others_taken_back_and_is_named(bench: Bench) -> None:
    bench.hands[WEB].answers[LandIt] = [Saw(WEB, Tip.OLD, Fence.NONE, refused="protected branch")]
    result = bench.start()
    assert result.done.end is End.ABORTED
    assert bench.kinds == ["begin", "aborting", "aborted"]
    assert "web: protected branch" in bench.ledger.history.events[1].reason
    assert bench.ledger.history.events[2].data["statuses"] == {"api": "undone", "web": "void"}
    assert not any(isinstance(action, PutTag) for action in bench.done)


def test_an_unknown_result_is_looked_at_before_it_is_tried_again(bench: Bench) -> None:
    bench.hands[API].answers[LandIt] = [Unseen(API, "cut off")]
    assert bench.start().done.end is End.RELEASED
    mine = [type(action) for action in bench.done if getattr(action, "repo", "") == API]
    assert mine == [Stage, LandIt, Look, LandIt, PutTag]


def test_tries_are_paused_between_and_counted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(engine, "PAUSES", (0.0, 1.0, 3.0))
    monkeypatch.setattr(time, "sleep", slept.append)
    bench.hands[DOC].answers[PutTag] = [Unseen(DOC, "cut off")] * 9
    result = bench.start()
    assert result.done.end is End.OPEN
    assert "doc: cut off" in result.done.why
    assert bench.kinds == ["begin", "landed"]
    assert [pause for pause in slept if pause] == [1.0, 3.0]


@pytest.mark.parametrize(
    ("refused", "end"),
    [
        (Refused(History(), "the ledger moved", moved=True), End.RACE),
        (Refused(None, "no answer", unknown=True), End.OPEN),
        (Refused(History(), "no answer", unknown=True), End.OPEN),
        (Refused(History(), "the host of the ledger says: frozen"), End.REFUSED),
    ],
)
def test_a_begin_that_is_not_taken(bench: Bench, refused: Refused, end: End) -> None:
    bench.ledger.answers["begin"] = refused
    result = bench.start()
    assert result.done.end is end
    assert not any(isinstance(action, LandIt) for action in bench.done)
    assert bench.hands[API].forgotten == (end is not End.OPEN)


def test_the_holder_of_the_lock_is_named(bench: Bench) -> None:
    theirs = Event(kind="begin", run=replace(PLAN, reason="x").run, at=NOW, by=KIM, owner="they", data={"plan": {}})
    bench.ledger.answers["begin"] = Refused(fold([theirs]), "the ledger moved", moved=True)
    why = bench.start().done.why
    assert f"run {theirs.run} of kim@pc-1" in why


@pytest.mark.parametrize("kind", ["landed", "released", "aborting", "aborted"])
def test_whoever_lost_the_run_stops_at_once(bench: Bench, kind: str) -> None:
    if kind.startswith("abort"):
        bench.hands[WEB].answers[LandIt] = [Saw(WEB, Tip.OTHER, Fence.NONE)]
    mine = Event(kind="begin", run=PLAN.run, at=NOW, by=KIM, owner=bench.work.owner, data={"plan": {}})
    taken = replace(mine, kind="take", owner="another")
    bench.ledger.answers[kind] = Refused(fold([mine, taken]), "the ledger moved", moved=True)
    result = bench.start()
    assert result.done.end is End.LOST
    assert kind not in bench.kinds
    assert not bench.hands[API].forgotten


@pytest.mark.parametrize(
    ("when", "flag", "end"),
    [
        (Stage, "cancel", End.REFUSED),
        (Stage, "stop", End.REFUSED),
        (LandIt, "cancel", End.RELEASED),
        (LandIt, "stop", End.OPEN),
        (PutTag, "stop", End.OPEN),
    ],
)
def test_stopping_on_request(bench: Bench, when: type, flag: str, end: End) -> None:
    def progress(repo: str, what: str) -> None:
        if what == {Stage: "stage", LandIt: "land", PutTag: "tag"}[when]:
            getattr(bench.work, flag).set()

    bench.work.progress = progress
    assert bench.start().done.end is end


@pytest.mark.parametrize(
    ("when", "end"), [(Stage, End.REFUSED), (LandIt, End.OPEN), (PutTag, End.OPEN), (Settle, End.OPEN)]
)
@pytest.mark.parametrize("broken", [OSError(28, "No space left on device"), JournalError("the journal", why="full")])
def test_a_machine_that_cannot_go_on_says_what_that_leaves(
    bench: Bench, when: type, end: End, broken: Exception
) -> None:
    if when is Settle:
        bench.hands[WEB].answers[LandIt] = [Saw(WEB, Tip.OTHER, Fence.NONE)]
    bench.hands[API].answers[when] = [broken]
    result = bench.start()
    assert result.done.end is end
    assert "this machine cannot go on" in result.done.why
    assert bench.kinds[-1:] != ["released"]


@pytest.mark.parametrize("tag", [PLAN.tag, None])
def test_what_was_staged_is_dropped_when_nobody_needs_it(bench: Bench, tag: Tag | None) -> None:
    bench.work.plan = replace(PLAN, tag=tag)
    assert bench.start().done.end is End.RELEASED
    assert bench.hands[API].forgotten == (tag is None)


def test_a_failure_before_begin_is_a_record_of_its_own(bench: Bench) -> None:
    engine.fail_record(bench.work, "api: conflict")
    event: Any = bench.ledger.history.events[0]
    assert (event.kind, event.reason, event.run) == ("failed", "api: conflict", PLAN.run)
    assert bench.ledger.history.open_run is None


def test_a_run_that_another_process_has_begun_is_not_called_failed(bench: Bench) -> None:
    theirs = Event(kind="begin", run=PLAN.run, at=NOW, by=KIM, owner="they", data={"plan": {}})
    engine.fail_record(bench.work, "too late")
    assert bench.ledger.may_follow(History())
    assert not bench.ledger.may_follow(fold([theirs]))
    bench.ledger.history = fold([theirs])
    engine.fail_record(bench.work, "too late")
    assert bench.kinds == ["begin"]
    assert fold([theirs, replace(theirs, kind="failed")]).open_run
