"""The teller: within its budget, in order, and whatever happens without an exception."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from multigit.app import telling
from multigit.app.doctoring import notices
from multigit.app.session import Session
from multigit.configfile import load
from multigit.ledger import outbox as outboxes
from multigit.model.notice import Notice, trial
from multigit.notifiers import Clients, NotSent, webhook
from tests.support.processes import wait_until
from tests.support.subjects import KIM
from tests.unit.test_notices import STORY

FILE = """\
version: 1
system: {name: shop}
environments: {prod: {branch: main}}
remotes: {origin: "./{repo}"}
repos: {api: {}}
notify:
  - {webhook: "${env:A}", name: a}
  - {webhook: "${env:B}", name: b, when: [failed]}
"""


class Desk:
    """A session whose clock stands still, and notifiers that do as they are told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "repos.yaml").write_text(FILE)
        self.path = folder / "repos.yaml"
        self.now = datetime(2026, 2, 12, 7, tzinfo=UTC)
        self.told: list[tuple[str, str]] = []
        self.answers: list[NotSent | float] = []
        """For one notice each: an error to raise, or seconds to take."""
        monkeypatch.setattr(webhook, "notify", self._notify)

    def session(self) -> Session:
        """That of one command."""
        return Session(load(self.path), clock=lambda: self.now)

    def _notify(self, settings: webhook.Settings, event: Any, clients: Clients) -> str:  # noqa: ARG002
        answer = self.answers.pop(0) if self.answers else 0.0
        if isinstance(answer, NotSent):
            raise answer
        time.sleep(answer)
        self.told.append((settings.address.variable, event.notice.event))
        return ""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def tell(session: Session, *names: str) -> tuple[Any, ...]:
    for name in names:
        session.teller.tell(lambda name=name: STORY[name])  # type: ignore[misc]
    return session.teller.settle()


def test_everybody_who_asked_is_told_and_nobody_else(desk: Desk) -> None:
    told, warnings = tell(desk.session(), "started", "failed")
    assert sorted(desk.told) == [("A", "failed"), ("A", "started"), ("B", "failed")]
    assert {(one.notifier, one.event, one.state) for one in told} == {
        ("a", "started", "sent"), ("a", "failed", "sent"), ("b", "failed", "sent"),
    }  # fmt: skip
    assert warnings == ()


@pytest.mark.fault("notices-down")
def test_what_takes_too_long_is_left_and_later_told_in_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "BUDGET", 0.3)
    desk.answers = [0.8]
    session = desk.session()
    session.teller._left = 0.3
    began = time.monotonic()
    told, warnings = tell(session, "started", "finished")
    assert time.monotonic() - began < 0.7
    assert [(one.event, one.state) for one in told] == [("started", "waiting"), ("finished", "waiting")]
    assert 'a was not told "started" and "finished": no answer within' in warnings[0]
    assert session.teller.settle() == ((), ()), "said once"
    time.sleep(0.8)
    later = desk.session()
    later.tell_again()
    assert later.teller.settle()[1] == ()
    assert desk.told == [("A", "started"), ("A", "finished")]


def test_after_a_failure_the_older_one_goes_first(desk: Desk) -> None:
    desk.answers = [NotSent("down")]
    told, _ = tell(desk.session(), "started")
    assert [(one.state, one.why, one.tries) for one in told] == [("waiting", "down", 1)]
    tell(desk.session(), "finished")
    assert desk.told == [("A", "started"), ("A", "finished")]


def test_what_failed_at_the_start_is_told_before_the_end(desk: Desk) -> None:
    desk.answers = [NotSent("down")]
    session = desk.session()
    session.teller.tell(lambda: STORY["started"])
    wait_until(lambda: not desk.answers, seconds=10, what="the first try")
    told, warnings = tell(session, "finished")
    assert desk.told == [("A", "started"), ("A", "finished")]
    assert ([one.state for one in told], warnings) == (["sent", "sent"], ())


def test_a_later_notice_of_a_run_never_goes_before_an_earlier_one(desk: Desk) -> None:
    desk.answers = [NotSent("down")] * 3
    tell(desk.session(), "started")
    told, _ = tell(desk.session(), "finished")
    assert (len(desk.answers), desk.told) == (1, []), "finished was not tried after started had failed again"
    assert [(one.event, one.why) for one in told] == [("finished", "down")]
    for _ in range(2):
        session = desk.session()
        session.tell_again()
        session.teller.settle()
    assert (desk.answers, desk.told) == ([], []), "nor when started is not due yet"


def test_one_that_cannot_be_taken_holds_up_no_other_run(desk: Desk) -> None:
    for problem in (NotSent("no such channel", lasting=True), NotSent("it answered 500")):
        desk.told.clear()
        desk.answers = [problem]
        tell(desk.session(), "started")
        desk.answers = [problem]
        told, warnings = tell(desk.session(), "held")
        assert desk.told[-1] == ("A", "held")
        assert [(one.event, one.state) for one in told] == [("held", "sent")]
        assert warnings == (), "it was said by the command that it belongs to"
        session = desk.session()
        session.teller.flush(5.0)
        session.teller.settle()


@pytest.mark.fault("notices-down")
def test_where_one_was_slow_to_fail_no_other_is_tried_now(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_SLOW", 0.0)
    desk.answers = [NotSent("silent"), NotSent("silent")]
    tell(desk.session(), "started")
    told, warnings = tell(desk.session(), "held")
    assert desk.told == []
    assert [(one.event, one.state, one.why) for one in told] == [("held", "waiting", "silent")]
    assert 'a was not told "held": silent' in warnings[0]


def test_who_asks_to_wait_is_waited_for_a_moment_or_left_alone(desk: Desk) -> None:
    desk.answers = [NotSent("busy", retry_after=0.1)]
    told, _ = tell(desk.session(), "started")
    assert [one.state for one in told] == ["sent"]
    desk.answers = [NotSent("busy", retry_after=600)]
    told, _ = tell(desk.session(), "finished")
    assert [one.state for one in told] == ["waiting"]
    desk.now += timedelta(seconds=500)
    session = desk.session()
    session.teller.flush(5.0)
    assert [one.why for one in session.teller.settle()[0]] == ["busy"], "not before the ten minutes are over"
    desk.now += timedelta(seconds=101)
    assert tell(desk.session(), "held")[1] == ()
    assert desk.told == [("A", "started"), ("A", "finished"), ("A", "held")]


def test_what_is_not_due_does_not_hold_up_what_is(desk: Desk) -> None:
    desk.answers = [NotSent("down")] * 5
    tell(desk.session(), "started")
    tell(desk.session(), "held")
    for _ in range(2):
        session = desk.session()
        session.tell_again()
        session.teller.settle()
    assert desk.told == [("A", "held")], "its third try, and the fourth of the other one comes later"


def test_other_commands_try_again_ever_less_often(desk: Desk) -> None:
    desk.answers = [NotSent("down")] * 3
    tell(desk.session(), "started")
    for seconds, left in ((0, 1), (0, 0), (29, 0), (2, 0)):
        desk.now += timedelta(seconds=seconds)
        session = desk.session()
        session.tell_again()
        session.teller.settle(2.0)
        assert len(desk.answers) == left
        assert len(desk.told) == (seconds == 2)


def test_after_a_day_it_is_given_up_and_said(desk: Desk) -> None:
    desk.answers = [NotSent("down")]
    tell(desk.session(), "started")
    desk.now += timedelta(hours=25)
    session = desk.session()
    session.tell_again()
    _, warnings = session.teller.settle(2.0)
    assert [warning for warning in warnings if "given up after a day: down" in warning]
    assert desk.told == []
    assert not session.outbox_flag.exists()


def test_a_notifier_that_repos_yaml_lost_is_named(desk: Desk) -> None:
    desk.answers = [NotSent("down")]
    tell(desk.session(), "started")
    desk.path.write_text(FILE.replace("name: a", "name: other"))
    session = desk.session()
    session.teller.flush(5.0)
    told, _ = session.teller.settle()
    assert [one.why for one in told] == ["repos.yaml has no notifier a any more"]


@pytest.mark.parametrize("broken", ["journal", "notice"])
def test_nothing_that_breaks_here_ends_the_command(desk: Desk, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = desk.session()

    def make() -> Notice:
        if broken == "notice":
            raise ValueError("odd")
        return trial(session.config, KIM, desk.now)

    def full(*_: object) -> list[int]:
        raise OSError("disk full")

    monkeypatch.setattr(outboxes.Outbox, "put", full)
    session.teller.tell(make)
    assert session.teller.settle()[1][0].startswith("nobody can be told: ")


def test_where_nothing_waits_nothing_is_opened(desk: Desk) -> None:
    session = desk.session()
    session.tell_again()
    assert "teller" not in vars(session)


def test_doctor_names_what_is_not_set_and_tells_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    session = desk.session()
    monkeypatch.setenv("A", "https://hooks.example.com/kanari")
    found = list(notices.notifiers(session, [*session.config.environments.values()]))
    assert [(one.state, one.why) for one in found] == [
        ("ok", "a: A set; multigit notify test tries it"),
        ("warn", "b: B is not set: nobody would be told"),
    ]
    assert found[1].fix == "export B=…"
    desk.answers = [NotSent("down")]
    tell(desk.session(), "started")
    (last,) = list(notices.notifiers(desk.session(), [*session.config.environments.values()]))[2:]
    assert (last.state, last.fix) == ("warn", "multigit notify send")
    assert desk.told == []
