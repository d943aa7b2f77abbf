"""Writes to people directly, by a Slack bot token.

notify: [{slack-dm: "${env:SLACK_BOT_TOKEN}", to: author, when: [finished, failed]}]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from multigit.model.config import STRICT
from multigit.model.names import RepoName
from multigit.model.notice import Telling
from multigit.model.references import Reference
from multigit.notifiers import Clients, NotSent, place_problem
from multigit.notifiers._slack import API, HOSTS, MAIL, Slack, message, person_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this notifier."""

    __pydantic_config__ = STRICT
    address: Reference
    """A bot token (`xoxb-…`)."""
    to: str = "author"
    """`author`: who ran the command, by the address that their git knows; `owners`; or one person."""
    owners: Mapping[RepoName, tuple[str, ...]] = field(default_factory=dict)
    """With `to: owners`: who is told, by changed repository; Slack user ids or mail addresses."""
    people: Mapping[str, str] = field(default_factory=dict)
    """Mail address that git knows to the Slack user id or address, where they differ."""
    api: str = API
    """Where Slack is; `https://slack-gov.com/api/` for GovSlack."""

    def __post_init__(self) -> None:
        if problem := place_problem(self.api, HOSTS):
            raise ValueError(problem)
        named = [] if self.to in ("author", "owners") else [self.to]
        for person in (*named, *self.people.values(), *(one for people in self.owners.values() for one in people)):
            if problem := person_problem(person):
                raise ValueError(problem)
        if self.to == "owners" and not self.owners:
            raise ValueError("to: owners needs owners: {repository: [person]}")


def notify(settings: Settings, event: Telling, clients: Clients) -> str:
    """One direct message to each; who has none on Slack is named in the remark."""
    token = clients.resolved(settings.address)
    if not token.startswith("xox"):
        raise NotSent(f"{settings.address.variable} is no bot token (xoxb-…): a webhook cannot write to a person",
                      lasting=True)  # fmt: skip
    slack = Slack(token, settings.api, clients)
    return slack.tell(_people(settings, event), message(event), f"dm:{event.notice.id}")


def _people(settings: Settings, event: Telling) -> list[str]:
    if settings.to == "owners":
        changed = {change.repo for change in event.notice.changes}
        return [one for repo, people in settings.owners.items() if repo in changed for one in people]
    if settings.to != "author":
        return [settings.to]
    author = settings.people.get(event.notice.email, event.notice.email)
    return [author] if MAIL.fullmatch(author) or not person_problem(author) else []
