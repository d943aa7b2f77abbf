"""One step at one target: look, act once, follow; what passes is waited for, what nobody knows stays open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from types import ModuleType
from typing import Any

import pytest

from multigit.apply import bringing
from multigit.apply.bringing import Bringer, Unsettled
from multigit.clients import SignedOut
from multigit.errors import MultigitError, UsageError
from multigit.model.config import Environment, Repo
from multigit.model.deployments import StepState
from multigit.model.names import Branch, EnvName, Oid, RepoName
from multigit.model.target import Deployed, Progress
from multigit.targets import Unsure
from tests.support.deploykit import API, NEW, OLD, START, STG, plan, step

TOKEN = "ghp_" + "a1B2" * 9
BUSY, AWAY = MultigitError("asks for less", code="MG-803"), MultigitError("cannot be reached", code="MG-804")


class Target:
    """A target that answers what it is told to; an exception is raised. The last answer stays."""

    def __init__(self, *, current: Any = (), deploy: Any = (), poll: Any = ()) -> None:
        given = {"current": current, "deploy": deploy, "poll": poll}
        self.said = {name: list(one) if isinstance(one, list) else [one] for name, one in given.items()}
        self.asked: list[str] = []
        self.releases: list[Any] = []
        self.tickets: list[Any] = []

    def _next(self, name: str) -> Any:
        self.asked.append(name)
        said = self.said[name]
        answer = said.pop(0) if len(said) > 1 else said[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def current(self, _settings: Any, release: Any, _clients: Any) -> Any:
        self.releases.append(release)
        return self._next("current")

    def deploy(self, _settings: Any, _release: Any, _clients: Any) -> Any:
        return self._next("deploy")

    def poll(self, _settings: Any, ticket: Any, _clients: Any) -> Any:
        self.tickets.append(ticket)
        return self._next("poll")


OTHER = Deployed(state="other", what="commit aaaaaaa", artefact={"commit": str(OLD)})
HERE = Deployed(state="here", what="commit bbbbbbb", artefact={"commit": str(NEW)})
UP = Progress(state="ok", why="up", artefact={"commit": str(NEW)})
GOING = Progress(state="running", why="1 of 2", retry_after=5)


@pytest.fixture
def bringer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bringer]:
    def make(target: Target, **more: Any) -> Bringer:
        module = ModuleType("tests.scripted")
        for name in ("current", "deploy", "poll"):
            setattr(module, name, getattr(target, name))
        monkeypatch.setattr(bringing, "load", lambda family, word: module)
        monkeypatch.setattr(bringing, "settings_of", lambda module, values: values)
        clock = [0.0]
        waits: list[float] = []

        def pause(seconds: float) -> None:
            waits.append(seconds)
            clock[0] += seconds

        said: list[str] = []
        given: dict[str, Any] = {"repo": lambda name: (Repo(name=API), Path("/nowhere"), "https://example.com/api.git"),
                                 "stop": Flag(), "pause": pause, **more}  # fmt: skip
        made = Bringer(plan=plan(step()), env=Environment(name=STG, branch=Branch("stg")), folder=Path("/"),
                       now=lambda: START, say=lambda repo, text: said.append(text), elapsed=lambda: clock[0],
                       **given)  # fmt: skip
        target.waits, target.words = waits, said  # type: ignore[attr-defined]
        return made

    return make


class Told:
    """What the ledger was told; `written`: whether it takes it."""

    def __init__(self, *, written: bool = True) -> None:
        self.states: list[Any] = []
        self.written = written

    def __call__(self, state: Any) -> bool:
        self.states.append(dict(state))
        return self.written


def test_what_is_there_already_is_left_alone(bringer: Callable[..., Bringer]) -> None:
    target, told = Target(current=HERE), Told()
    ended = bringer(target).bring(step(), None, told)
    assert (ended.state, ended.artefact) == ("ok", {"commit": NEW})
    assert (target.asked, told.states) == (["current"], [])


def test_the_ledger_knows_what_ran_before_anything_is_done_and_then_the_ticket(bringer: Callable[..., Bringer]) -> None:
    target, told = Target(current=OTHER, deploy={"id": 7}, poll=[GOING, GOING, UP]), Told()
    ended = bringer(target).bring(step(), None, told)
    assert ended.state == "ok"
    assert told.states == [{"state": "begun", "before": {"commit": OLD}}, {"state": "begun", "ticket": {"id": 7}}]
    assert target.asked == ["current", "deploy", "poll", "poll", "poll"]
    assert target.waits == [5, 6]  # type: ignore[attr-defined]  # nothing changed
    assert [text for text in target.words if "1 of 2" in text] == ["deploy: 1 of 2"]  # type: ignore[attr-defined]


def test_nothing_is_done_that_the_ledger_does_not_know_of(bringer: Callable[..., Bringer]) -> None:
    target = Target(current=OTHER, deploy={"id": 7}, poll=UP)
    with pytest.raises(Unsettled, match=r"^the ledger could not be told"):
        bringer(target).bring(step(), None, Told(written=False))
    assert target.asked == ["current"]


def test_what_arrives_by_itself_is_only_followed(bringer: Callable[..., Bringer]) -> None:
    target, told = Target(current=Deployed(state="arriving", what="", ticket={"run": 3}), poll=UP), Told()
    assert bringer(target).bring(step(), None, told).state == "ok"
    assert target.asked == ["current", "poll"]
    assert told.states == [{"state": "begun", "ticket": {"run": 3}}]


def test_whoever_goes_on_follows_the_ticket_and_begins_nothing(bringer: Callable[..., Bringer]) -> None:
    target, told = Target(current=OTHER, poll=UP), Told()
    known = StepState(state="begun", at=START, ticket={"id": 7})
    assert bringer(target).bring(step(), known, told).state == "ok"
    assert (target.asked, target.tickets, told.states) == (["poll"], [{"id": 7}], [])


def test_whoever_goes_on_without_a_ticket_looks_again_and_keeps_what_ran_before(
    bringer: Callable[..., Bringer],
) -> None:
    """Half of it may be there by now: that is not what ran before."""
    half = Deployed(state="other", what="half of it", artefact={"commit": "half"})
    target, told = Target(current=half, deploy={"id": 8}, poll=UP), Told()
    known = StepState(state="begun", at=START, before={"commit": str(OLD)})
    assert bringer(target).bring(step(), known, told).state == "ok"
    assert [state.get("before") for state in told.states] == [None, None]


@pytest.mark.parametrize("passing", [BUSY, AWAY])
@pytest.mark.fault("deploy-throttled")
def test_what_passes_is_asked_again_ever_more_slowly(bringer: Callable[..., Bringer], passing: MultigitError) -> None:
    target = Target(current=[passing, passing, OTHER], deploy={}, poll=[passing, UP])
    assert bringer(target).bring(step(), None, Told()).state == "ok"
    assert target.waits == [2, 4, 2]  # type: ignore[attr-defined]


@pytest.mark.parametrize("never", [BUSY, AWAY])
def test_what_does_not_pass_leaves_the_step_open(bringer: Callable[..., Bringer], never: MultigitError) -> None:
    target = Target(current=OTHER, deploy={}, poll=never)
    with pytest.raises(Unsettled, match=never.what):
        bringer(target).bring(step(), None, Told())
    assert target.asked.count("poll") == 6


@pytest.mark.parametrize("out", [
    SignedOut("ECS: AWS does not know who is asking", why="the credentials have expired", hint="aws sso login"),
    MultigitError("boto3 is not installed", code="MG-800"), MultigitError("no secret", code="MG-810"),
    UsageError("the repository is not in repos.yaml"), BUSY, Unsure("no answer"),
])  # fmt: skip
@pytest.mark.parametrize("moment", ["current", "deploy", "poll"])
def test_what_this_machine_cannot_tell_is_no_failure(
    bringer: Callable[..., Bringer], out: MultigitError, moment: str
) -> None:
    given: dict[str, Any] = {"current": OTHER, "deploy": {"id": 1}, "poll": UP, moment: out}
    with pytest.raises(Unsettled, match=out.what):
        bringer(Target(**given)).bring(step(), None, Told())


def test_a_repository_that_repos_yaml_lacks_is_no_failure_of_the_step(bringer: Callable[..., Bringer]) -> None:
    def gone(name: str) -> Any:
        raise UsageError(f"{name} is not in repos.yaml")

    with pytest.raises(Unsettled, match="not in repos"):
        bringer(Target(current=HERE), repo=gone).bring(step(), None, Told())


def test_what_the_target_refuses_is_a_failure_with_its_class(bringer: Callable[..., Bringer]) -> None:
    no = MultigitError("the service is gone", why="404", hint="aws ecs list-services", code="MG-822")
    ended = bringer(Target(current=OTHER, deploy=no)).bring(step(), None, Told())
    assert (ended.state, ended.why, ended.fault, ended.details) == (
        "failed", "the service is gone: 404", "deploy", ("aws ecs list-services",),
    )  # fmt: skip
    ended = bringer(Target(current=no)).bring(step(stage="build", wave=0), None, Told())
    assert ended.fault == "build"


@pytest.mark.parametrize("moment", ["current", "deploy", "poll"])
def test_a_target_from_outside_that_breaks_leaves_its_step_open(bringer: Callable[..., Bringer], moment: str) -> None:
    given: dict[str, Any] = {"current": OTHER, "deploy": {"id": 1}, "poll": UP, moment: KeyError("service")}
    with pytest.raises(Unsettled, match="broke: KeyError: 'service'"):
        bringer(Target(**given)).bring(step(), None, Told())


def test_no_longer_than_it_may_take(bringer: Callable[..., Bringer]) -> None:
    target = Target(current=OTHER, deploy={}, poll=GOING)
    ended = bringer(target).bring(step(seconds=120), None, Told())
    assert (ended.state, ended.why) == ("failed", "not done within 2m: 1 of 2")
    assert sum(target.waits) == 120  # type: ignore[attr-defined]
    slow = bringer(Target(current=OTHER, deploy={}, poll=GOING)).bring(step(seconds=20), None, Told())
    assert "within 20s" in slow.why


def test_a_pause_is_neither_a_storm_nor_a_sleep(bringer: Callable[..., Bringer]) -> None:
    hasty = Progress(state="running", why="x", retry_after=-3)
    sleepy = Progress(state="running", why="x", retry_after=9999)
    target = Target(current=OTHER, deploy={}, poll=[hasty, sleepy, UP])
    bringer(target).bring(step(), None, Told())
    assert target.waits == [0.5, 60]  # type: ignore[attr-defined]


def test_stopped_by_a_person_it_is_open(bringer: Callable[..., Bringer]) -> None:
    stop = Flag()
    target = Target(current=OTHER, deploy={}, poll=GOING)
    made = bringer(target, stop=stop, pause=lambda seconds: stop.set())
    with pytest.raises(Unsettled, match=r"^stopped here; what was begun goes on by itself"):
        made.bring(step(), None, Told())


@pytest.mark.shows("X8")
def test_no_secret_goes_from_a_target_into_the_ledger_or_onto_the_screen(bringer: Callable[..., Bringer]) -> None:
    leaks = Progress(
        state="failed", why=f"token {TOKEN}", details=(f"log: {TOKEN}",), link=f"https://x:{TOKEN}@ci.example.com/1"
    )
    going = Progress(state="running", why=f"with {TOKEN}")
    target = Target(current=Deployed(state="other", what=f"image {TOKEN}"), deploy={}, poll=[going, leaks])
    ended = bringer(target).bring(step(), None, Told())
    assert TOKEN not in repr(ended) + repr(target.words)  # type: ignore[attr-defined]
    assert ended.why.startswith("token ")
    with pytest.raises(Unsettled) as unsettled:
        bringer(Target(current=MultigitError(f"no {TOKEN}", why=TOKEN, code="MG-804"))).bring(step(), None, Told())
    assert TOKEN not in str(unsettled.value)


# --- the way back ------------------------------------------------------------------------------------------------


def test_what_ran_before_is_asked_for_as_it_was_recorded(bringer: Callable[..., Bringer]) -> None:
    target, told = Target(current=OTHER, deploy={}, poll=UP), Told()
    bringer(target).bring(step(before_commit=OLD), None, told, {"commit": str(OLD)})
    (asked,) = target.releases
    assert (asked.artefact, asked.commit, asked.step) == ({"commit": OLD}, OLD, "api/deploy/back")
    assert told.states[0] == {"state": "begun"}


def test_where_nothing_ran_before_it_is_said(bringer: Callable[..., Bringer]) -> None:
    target = Target(current=OTHER)
    ended = bringer(target).bring(step(), None, Told(), {})
    assert ended.state == "failed"
    assert ended.why == "nothing is recorded that could be brought back: nothing ran there before, as far as is known"
    known = bringer(target).bring(step(was="by hand"), None, Told(), {})
    assert "before: by hand" in known.why
    assert target.asked == []


def test_unknown_words_in_templates_are_explained() -> None:
    module = ModuleType("x")
    module.TEMPLATES = ("place",)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="zone"):
        bringing.rendered(module, {"place": "{zone}"}, {"env": "stg"})
    env = Environment(name=EnvName("stg"), vars={"pre": "stg-"})
    words = bringing.words_of(env, RepoName("api"), Oid("b" * 40), "t-1")
    assert bringing.rendered(module, {"place": "{pre}{repo}-{tag}-{sha:4}", "other": "{x}"}, words) == {
        "place": "stg-api-t-1-bbbb", "other": "{x}",
    }  # fmt: skip
