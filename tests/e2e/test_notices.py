"""People are told of releases, by the real command line; whoever cannot be told neither stops nor slows a release."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.support.fleetkit import FleetKit
from tests.support.killer import struck
from tests.support.receivers import FakeSlack, Receiver, free_port, incoming_webhook

pytestmark = pytest.mark.slow


class Mailbox:
    """An SMTP server that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002
        self.mails.append(envelope.content)
        return "250 OK"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with Receiver().running() as receiver:
        yield receiver


@pytest.fixture
def slack() -> Iterator[tuple[FakeSlack, Receiver]]:
    fake = FakeSlack()
    with Receiver(answer=fake.answer).running() as receiver:
        yield fake, receiver


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def fleet(tmp_path: Path, notify: str, names: tuple[str, ...] = ("root", "api")) -> FleetKit:
    kit = FleetKit.make(tmp_path, names, extra=f"notify:\n{notify}")
    for name in names[1:]:
        kit.commit(name, "dev", {"feature.txt": "good\n"}, "feat: good")
    return kit


def outbox_flag(home: Path) -> list[Path]:
    return list((home / ".local/state/multigit").glob("*/outbox"))


@pytest.mark.shows("S5", "G16", "T4")
def test_a_promotion_tells_slack_and_mail(
    tmp_path: Path, slack: tuple[FakeSlack, Receiver], mailbox: tuple[Mailbox, int], hermetic: Path
) -> None:
    fake, server = slack
    box, port = mailbox
    kit = fleet(
        tmp_path,
        f"""\
  - {{slack: "${{env:BOT}}", channel: "#releases", api: "{server.url}/api/", owners: {{api: [person@example.invalid]}}}}
  - {{slack-dm: "${{env:BOT}}", to: author, when: [finished], api: "{server.url}/api/"}}
  - {{email: "${{env:MAILER}}", from: multigit@shop.invalid, to: [team@shop.invalid], tls: none, when: [finished]}}
""",
    )
    env = {"BOT": fake.token, "MAILER": f"127.0.0.1:{port}"}
    ran = kit.run("promote", "dev", "stg", "--yes", "--json", env=env).ok()
    tag = kit.tags("stg-deploy-")[-1]
    assert [(n["notifier"], n["event"], n["state"]) for n in ran.json()["notices"]] == [
        ("slack", "started", "sent"), ("slack", "finished", "sent"), ("slack-dm", "finished", "sent"),
        ("email", "finished", "sent"),
    ]  # fmt: skip
    (message,) = fake.shown("C0RELEASES")
    assert "Shop stg: release finished" in message
    assert tag in message
    assert next(m.edits for m in fake.messages.values() if m.text == message) == 1, "one message, changed once"
    (details,) = fake.shown("C0RELEASES", thread=True)
    assert details.startswith("api stg")
    assert "landed" in details
    assert len(fake.shown("U0PERSON01")) == 2, "as the owner of api, and as the author"
    (mail,) = box.mails
    assert b"Subject: Shop stg: release finished" in mail
    assert not outbox_flag(hermetic)


@pytest.mark.shows("S5")
@pytest.mark.fault("notices-down")
def test_slack_down_fails_no_release_and_the_next_command_delivers(tmp_path: Path, hermetic: Path) -> None:
    with Receiver().running() as gone:
        port = gone.port
    kit = fleet(tmp_path, '  - {slack: "${env:HOOK}"}\n  - {webhook: "${env:HOOK}", when: [failed]}\n')
    env = {"HOOK": f"http://127.0.0.1:{port}/services/T000/B000/kanari"}
    ran = kit.run("promote", "dev", "stg", "--yes", env=env).ok()
    assert 'slack was not told "started" and "finished"' in ran.text
    assert "the next command tries again" in ran.text
    assert outbox_flag(hermetic)
    with Receiver(answer=incoming_webhook).running() as back:
        env = {"HOOK": f"{back.url}/services/T000/B000/kanari"}
        kit.run("promote", "stg", "main", "--dry-run", env=env)
        assert not back.got, "a dry run tells nobody"
        kit.run("status", env=env).ok()
        texts = [got.json["text"] for got in back.got]
        assert ["began" in texts[0], "finished" in texts[1], len(texts)] == [True, True, 2], "in order, once"
        kit.run("status", env=env).ok()
        assert len(back.got) == 2
    assert not outbox_flag(hermetic)


@pytest.mark.fault("notices-down")
def test_a_server_that_is_silent_costs_a_release_five_seconds_at_most(tmp_path: Path, hook: Receiver) -> None:
    kit = fleet(tmp_path, '  - {webhook: "${env:HOOK}"}\n')
    quick = kit.run("plan", "dev", "stg")
    began = time.monotonic()
    kit.run("status").ok()
    one = time.monotonic() - began
    hook.delay = 30
    began = time.monotonic()
    ran = kit.run("promote", "dev", "stg", "--yes", "--json", env={"HOOK": hook.url}).ok()
    assert time.monotonic() - began < 5 + 6 * one + 4
    states = {(n["event"], n["state"]) for n in ran.json()["notices"]}
    assert states == {("started", "waiting"), ("finished", "waiting")}
    assert kit.tags("stg-deploy-"), "it was released all the same"
    assert quick.code == 0


def test_refused_plans_and_dry_runs_tell_nobody(tmp_path: Path, hook: Receiver) -> None:
    kit = fleet(tmp_path, '  - {webhook: "${env:HOOK}"}\n')
    env = {"HOOK": hook.url}
    kit.run("promote", "dev", "stg", "-n", env=env).ok()
    kit.commit("api", "stg", {"feature.txt": "other\n"}, "feat: other")
    kit.run("promote", "dev", "stg", "--yes", env=env).exits(3)
    assert not hook.got


def test_a_failed_push_is_told_with_its_reason(tmp_path: Path, hook: Receiver) -> None:
    kit = fleet(tmp_path, '  - {webhook: "${env:HOOK}", when: [failed], lang: ko}\n')
    kit.hosts["api"].hook(
        "pre-receive", "while read o n r; do case $r in refs/heads/stg) echo no >&2; exit 1;; esac; done"
    )
    kit.run("promote", "dev", "stg", "--yes", env={"HOOK": hook.url}).exits(3)
    (got,) = hook.got
    assert (got.json["event"], got.json["severity"], got.json["env"]) == ("failed", "warning", "stg")
    assert got.json["why"]
    assert "Shop stg: 배포 실패" in got.json["text"]


def test_a_run_that_was_killed_is_told_by_whoever_takes_it_back_elsewhere(
    tmp_path: Path, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = fleet(tmp_path, '  - {webhook: "${env:HOOK}", when: [aborted]}\n')
    monkeypatch.setenv("HOOK", hook.url)
    assert struck(kit, "result:wrote begin", "after", "kill", "promote", "dev", "stg", "--yes").code == -9
    kit.run("abort", "--dry-run").ok()
    assert not hook.got
    kit.run("abort", "--yes", env={"XDG_STATE_HOME": str(tmp_path / "elsewhere")}).ok()
    assert [(got.json["event"], got.json["severity"]) for got in hook.got] == [("aborted", "warning")]


def test_rollback_hold_and_hotfix_are_told_by_their_words(tmp_path: Path, hook: Receiver) -> None:
    kit = fleet(tmp_path, '  - {webhook: "${env:HOOK}", when: [rolled-back, held, hotfix], envs: [production]}\n')
    env = {"HOOK": hook.url}
    first = kit.release()
    kit.commit("api", "dev", {"bad.txt": "bad\n"}, "feat: bad")
    kit.release()
    kit.run("rollback", first, "--confirm", "shop main", "-m", "it broke", env=env).ok()
    kit.run("hold", "set", "prod", "-m", "we look", env=env).ok()
    kit.run("hold", "release", "prod", "-m", "fine", env=env).ok()
    told = [(got.json["event"], got.json["reason"]) for got in hook.got]
    assert told[:2] == [("rolled-back", "it broke"), ("held", "we look")]
    assert {event for event, _ in told[2:]} == {"lifted"}


@pytest.mark.fault("notices-down")
def test_a_process_killed_between_keeping_and_sending_is_made_up_for(tmp_path: Path, hook: Receiver) -> None:
    kit = fleet(tmp_path, '  - {webhook: "${env:HOOK}", when: [finished]}\n')
    hook.delay = 60
    child = subprocess.Popen(
        [sys.executable, "-m", "multigit", "promote", "dev", "stg", "--yes"], cwd=kit.work,
        env={**os.environ, "HOOK": hook.url}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with child:
        until = time.monotonic() + 40
        while not hook.got and time.monotonic() < until:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    assert len(hook.got) == 1, "it was under way"
    hook.delay = 0
    kit.run("status", env={"HOOK": hook.url}).ok()
    assert [got.headers["x-multigit-delivery"] for got in hook.got] == [hook.got[0].headers["x-multigit-delivery"]] * 2


def test_the_verbs_try_and_flush(tmp_path: Path, hook: Receiver) -> None:
    kit = fleet(tmp_path, '  - {webhook: "${env:HOOK}", name: ops}\n  - {pagerduty: "${env:NONE}", when: [held]}\n')
    env = {"HOOK": hook.url}
    ran = kit.run("notify", "test", env=env).exits(1)
    assert "ok ops" in ran.text
    assert "pagerduty test not told: NONE is not set in the environment" in ran.text
    assert kit.run("notify", "test", "ops", "--json", env=env).ok().json()["notices"][0]["state"] == "sent"
    assert "known: ops, pagerduty" in kit.run("notify", "test", "opps", env=env).exits(2).text
    kit.run("promote", "dev", "stg", "--yes").ok()
    left = kit.run("notify", "send", "--json").exits(1).json()
    assert (left["waiting"], {n["why"] for n in left["notices"]}) == (
        2, {"HOOK is not set in the environment: repos.yaml refers to it"},
    )  # fmt: skip
    hook.got.clear()
    assert "2 notices: 2 told, 0 not" in kit.run("notify", "send", env=env).ok().text
    assert [got.json["event"] for got in hook.got] == ["started", "finished"]
    assert "nothing waits" in kit.run("notify", "send", env=env).ok().text


def test_a_notifier_from_outside_is_one_file(tmp_path: Path) -> None:
    kit = fleet(tmp_path, '  - {team_tools.bell: "${env:BELL}", loud: true, when: [finished]}\n')
    package = tmp_path / "python" / "team_tools"
    package.mkdir(parents=True)
    (package / "bell.py").write_text('''\
"""Rings.  notify: [{team_tools.bell: "${env:BELL}", loud: true}]"""
from dataclasses import dataclass
from pathlib import Path
from multigit.model.config import STRICT
from multigit.model.references import Reference

@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says."""
    __pydantic_config__ = STRICT
    address: Reference
    """A file."""
    loud: bool = False
    """Whether to shout."""

def notify(settings, event, clients):
    text = event.headline.upper() if settings.loud else event.headline
    Path(clients.resolved(settings.address)).write_text(text)
    return "the bell is worn"
''')
    env = {"PYTHONPATH": f"{tmp_path / 'python'}:{os.environ.get('PYTHONPATH', '')}", "BELL": str(tmp_path / "rung")}
    ran = kit.run("promote", "dev", "stg", "--yes", env=env).ok()
    assert (tmp_path / "rung").read_text().startswith("SHOP STG: RELEASE FINISHED")
    assert "the bell is worn" in ran.text


@pytest.mark.shows("X8")
@pytest.mark.fault("canary-notice")
def test_no_secret_of_a_notifier_is_found_anywhere(tmp_path: Path, hook: Receiver, hermetic: Path) -> None:
    secret = "kanari-5c1d9be0f7"
    hook.answer = lambda got: (403, {}, json.dumps({"error": f"you sent {got.path} and {secret}"}))
    kit = fleet(
        tmp_path,
        f"""\
  - {{slack: "${{env:HOOK}}"}}
  - {{webhook: "${{env:HOOK}}", secret: "${{env:KEY}}"}}
  - {{pagerduty: "${{env:KEY}}", api: "{hook.url}"}}
  - {{slack-dm: "${{env:BOT}}", api: "{hook.url}/api/"}}
  - {{email: "${{env:MAILER}}", from: a@shop.invalid, to: [b@shop.invalid], tls: none,
     user: "${{env:KEY}}", password: "${{env:KEY}}"}}
""",
    )
    env = {"HOOK": f"{hook.url}/services/{secret}", "KEY": secret, "BOT": f"xoxb-{secret}", "MAILER": "127.0.0.1:1"}
    shown = [kit.run("promote", "dev", "stg", "--yes", "-v", env=env).ok()]
    shown += [kit.run(*verb, env=env) for verb in (["notify", "test"], ["notify", "send", "--json"], ["doctor"])]
    assert len(hook.got) >= 4, "they were really sent"
    for ran in shown:
        assert secret not in ran.out + ran.err
    files = [file for file in hermetic.rglob("*") if file.is_file() and ".local" in file.parts]
    assert files
    assert not [file for file in files if secret.encode() in file.read_bytes()]
    assert not [got for got in hook.got if secret.encode() in got.body and b"routing_key" not in got.body]
