"""Tells a Slack channel: by a bot token one message per run that is updated, details in its thread, owners directly;
by an incoming webhook one plain post for each notice, as those can neither change a message nor write to a person.

    notify: [{slack: "${env:SLACK_BOT_TOKEN}", channel: "#releases", owners: {shop-api: [U02AB3CD4]}}]
    notify: [{slack: "${env:SLACK_WEBHOOK_URL}", when: [started, failed, finished, rolled-back], envs: [stg, prod]}]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from multigit.model.config import STRICT
from multigit.model.names import RepoName
from multigit.model.notice import Telling
from multigit.model.references import Reference
from multigit.notifiers import Clients, NotSent, place_problem
from multigit.notifiers._slack import API, HOSTS, NotEditable, Slack, cut, message, person_problem, plainly


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this notifier."""

    __pydantic_config__ = STRICT
    address: Reference
    """A bot token (`xoxb-…`) or the URL of an incoming webhook."""
    channel: str = ""
    """With a token: `#name` or the channel's id. A webhook has its own."""
    thread: bool = True
    """With a token: a line for each repository, in the thread of the message, at the end of a run."""
    owners: Mapping[RepoName, tuple[str, ...]] = field(default_factory=dict)
    """With a token: who is told directly at the end, by changed repository; Slack user ids or mail addresses."""
    api: str = API
    """Where Slack is; `https://slack-gov.com/api/` for GovSlack."""

    def __post_init__(self) -> None:
        if problem := place_problem(self.api, HOSTS):
            raise ValueError(problem)
        for people in self.owners.values():
            for person in people:
                if problem := person_problem(person):
                    raise ValueError(problem)


def notify(settings: Settings, event: Telling, clients: Clients) -> str:
    """Post, or update what was posted for this run; then the thread and the owners."""
    secret = clients.resolved(settings.address)
    if secret.startswith(("https://", "http://")):
        return _post(secret, event, clients)
    if not secret.startswith("xox"):
        why = "is neither a bot token (xoxb-…) nor the URL of an incoming webhook"
        raise NotSent(f"{settings.address.variable} {why}", lasting=True)
    if not settings.channel:
        raise NotSent('with a bot token repos.yaml must name the channel: channel: "#releases"', lasting=True)
    slack = Slack(secret, settings.api, clients)
    remarks = [_show(slack, settings.channel, event), *_after(slack, settings, event)]
    return "; ".join(remark for remark in remarks if remark)


def _post(url: str, event: Telling, clients: Clients) -> str:
    from multigit.notifiers._http import body, post

    text = message(event) if not event.details else f"{message(event)}\n{cut(chr(10).join(event.details))}"
    post(url, body({**plainly(text)}), clients.seconds)
    return ""


def _show(slack: Slack, channel: str, event: Telling) -> str:
    """The one message of the run: changed where we have it, posted where not, or where Slack does not let us."""
    from socket import gethostname

    kept, text = slack.clients.kept, message(event)
    if kept.get("shown") == event.notice.id:
        return ""
    remark = ""
    if kept.get("ts"):
        try:
            slack.call("chat.update", channel=kept["channel"], ts=kept["ts"], **plainly(text))
            slack.clients.keep(shown=event.notice.id)
        except NotEditable as refused:
            remark = f"Slack did not let the message be changed ({refused.why}): it was posted anew"
        else:
            return ""
    elsewhere = not kept.get("ts") and event.notice.event != "started" and event.notice.host not in ("", gethostname())
    if elsewhere:
        remark = f"what {event.notice.host} may have posted of this run cannot be changed from here: it was posted anew"
    place, ts = slack.post(channel, text)
    slack.clients.keep(channel=place, ts=ts, shown=event.notice.id)
    return remark


def _after(slack: Slack, settings: Settings, event: Telling) -> Iterator[str]:
    """At the end of a run: its details in the thread, and a word to those whose repositories changed."""
    notice, kept = event.notice, slack.clients.kept
    if notice.event == "started" or not notice.changes:
        return
    if settings.thread and event.details and kept.get("details") != notice.id:
        slack.post(kept["channel"], cut("\n".join(event.details)), thread_ts=kept["ts"])
        slack.clients.keep(details=notice.id)
    names = {change.repo for change in notice.changes}
    people = [person for repo, owners in settings.owners.items() if repo in names for person in owners]
    yield slack.tell(people, message(event), f"dm:{notice.id}")
