"""GLI, from a commit in dev to production and back: one story on a real git server, moto and GitHub's own description.

Judged from outside: by plain git, boto3, what users were served meanwhile, mails, Slack and the ledger. `pytest -s`
prints the time-line.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from multigit.app import serving
from multigit.app.deploying import driving, planning
from multigit.apply import bringing
from multigit.checks import health
from tests.support import gli_world
from tests.support.gli_world import ADMIN, API, NAMES, SECRETS, SERVICES, SITE, SOCKET, World
from tests.support.receivers import FakeSlack, Got, Receiver, Reply, free_port, incoming_webhook
from tests.support.servers import HttpGit

pytestmark = pytest.mark.slow
FASTER = 20
"""Health checks are watched this much faster than the clock."""
HOOK = "/services/T000/B000/kanari"
CHECKED = ("--override", "checklist=지난 금요일에 다 같이 확인했다", "--override", "migration=백업했다")


@dataclass
class People:
    """Who is told."""

    slack: FakeSlack = field(default_factory=lambda: FakeSlack(token=SECRETS["SLACK_BOT_TOKEN"]))
    posts: list[str] = field(default_factory=list)
    """By the incoming webhook."""
    mails: list[Any] = field(default_factory=list)

    def answer(self, got: Got) -> Reply:
        if got.path.startswith("/services"):
            self.posts.append(got.json["text"])
            return incoming_webhook(got)
        return self.slack.answer(got)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        assert session.authenticated
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        fits = given.password.decode() == SECRETS["SMTP_PASSWORD"]
        return AuthResult(success=fits, handled=False)

    def all(self) -> str:
        """Every word that reached anybody."""
        mails = [f"{mail['Subject']}\n{mail.get_content()}\n{mail.as_string()}" for mail in self.mails]
        return "\n".join([*self.posts, *(one.text for one in self.slack.messages.values()), *mails])


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[People, str]]:
    here, port = People(), free_port()
    server = Controller(here, hostname="127.0.0.1", port=port, auth_require_tls=False, authenticator=here.login)
    server.start()
    monkeypatch.setenv("SMTP_SERVER", f"127.0.0.1:{port}")
    monkeypatch.setenv("SMTP_USER", "gli")
    with Receiver(answer=here.answer).running() as receiver:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", receiver.url + HOOK)
        try:
            yield here, receiver.url
        finally:
            server.stop()


@pytest.fixture
def world(
    tmp_path: Path, http_git: HttpGit, people: tuple[People, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.setattr(serving, "_PAUSE", 0.05)
    monkeypatch.setattr(health, "_PAUSE", 0.05)
    watched = partial(serving.Vigil, sleep=lambda seconds: time.sleep(seconds / FASTER),
                      elapsed=lambda: time.monotonic() * FASTER)  # fmt: skip
    monkeypatch.setattr(driving, "Vigil", watched)
    monkeypatch.setattr(planning, "Bringer", partial(bringing.Bringer, pause=lambda seconds: time.sleep(0.05)))
    with gli_world.gli(tmp_path, http_git, people[1]) as made:
        yield made


def test_story(world: World, people: tuple[People, str]) -> None:
    told, _ = people
    start = time.monotonic()
    world.commit(API, {"app.txt": "two\n", "shop/migrations/0002_order.py": "# order\n"}, "feat: orders")
    for repo in (SITE, SOCKET, "gli_database"):
        world.commit(repo, {"app.txt": "two\n"}, "feat: orders")
    ran = world.promote("dev", "stg")
    print(ran.out, ran.err, time.monotonic() - start)
    ran.exits(0)
    ran = world.run("verify", "stg")
    print(ran.out, ran.err, time.monotonic() - start)
    ran = world.promote("stg", "main", *CHECKED)
    print(ran.out, ran.err, time.monotonic() - start)
    ran.exits(0)
    world.commit(API, {"app.txt": "three\n", "BROKEN": "main"}, "feat: three")
    for repo in (SITE, SOCKET, "gli_redis"):
        world.commit(repo, {"app.txt": "three\n"}, "feat: three")
    ran = world.promote("dev", "stg").exits(0)
    ran = world.promote("stg", "main", *CHECKED)
    print(ran.out, ran.err, time.monotonic() - start)
    print(told.all())
    print(world.users.bad, world.users.seen, world.users.asked)
    print("PORTS", world.kit.config, world.hub.url, _); raise AssertionError
