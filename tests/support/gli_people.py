"""Those who are told of GLI's releases: a mail server that wants a login, and Slack, both ways into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

from tests.support.gli_world import SECRETS
from tests.support.receivers import FakeSlack, Got, Receiver, Reply, free_port, incoming_webhook

HOOK = "/services/T000/B000/kanari"


@dataclass
class People:
    """What reached them. `url`: where Slack is; `mailer`: host and port."""

    slack: FakeSlack = field(default_factory=lambda: FakeSlack(token=SECRETS["SLACK_BOT_TOKEN"]))
    posts: list[str] = field(default_factory=list)
    """By the incoming webhook."""
    mails: list[Any] = field(default_factory=list)
    url: str = ""
    mailer: str = ""

    def answer(self, got: Got) -> Reply:
        if not got.path.startswith("/services"):
            return self.slack.answer(got)
        self.posts.append(got.json["text"])
        return incoming_webhook(got)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002
        assert session.authenticated
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> Any:  # noqa: ARG002
        from aiosmtpd.smtp import AuthResult

        return AuthResult(success=given.password.decode() == SECRETS["SMTP_PASSWORD"], handled=False)

    def all(self) -> str:
        """Every word that reached anybody."""
        mails = [f"{mail.as_string()}\n{mail.get_content()}" for mail in self.mails]
        return "\n".join([*self.posts, *(one.text for one in self.slack.messages.values()), *mails])


@contextmanager
def told_people() -> Iterator[People]:
    """They can be told as long as this lasts."""
    from aiosmtpd.controller import Controller

    here, port = People(), free_port()
    server = Controller(here, hostname="127.0.0.1", port=port, auth_require_tls=False, authenticator=here.login)
    server.start()
    here.mailer = f"127.0.0.1:{port}"
    try:
        with Receiver(answer=here.answer).running() as receiver:
            here.url = receiver.url
            yield here
    finally:
        server.stop()
