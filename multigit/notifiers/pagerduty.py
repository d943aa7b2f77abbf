"""Opens and resolves incidents by PagerDuty's Events API v2.

    notify: [{pagerduty: "${env:PD_KEY}", when: [failed, finished], envs: [prod]}]

`failed`, `rolled-back` and `held` trigger, `finished`, `back-merged`, `aborted` and the end of a hold resolve;
`started` sends nothing. One incident per run: its key is the system and the run. Source:
https://developer.pagerduty.com/docs/send-alert-event
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from multigit.model.config import STRICT
from multigit.model.notice import Telling
from multigit.model.plain import plain
from multigit.model.references import Reference
from multigit.notifiers import Clients, place_problem

_ACTIONS: Final = {"failed": "trigger", "rolled-back": "trigger", "held": "trigger", "test": "trigger",
                   "finished": "resolve", "back-merged": "resolve", "aborted": "resolve",
                   "lifted": "resolve"}  # fmt: skip
_HOSTS: Final = ("events.pagerduty.com", "events.eu.pagerduty.com")
_SUMMARY: Final = 1024
"""Characters that PagerDuty takes for a summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this notifier."""

    __pydantic_config__ = STRICT
    address: Reference
    """The integration (routing) key."""
    api: str = "https://events.pagerduty.com"
    """Where PagerDuty is; `https://events.eu.pagerduty.com` for accounts in the EU."""

    def __post_init__(self) -> None:
        if problem := place_problem(self.api, _HOSTS):
            raise ValueError(problem)


def notify(settings: Settings, event: Telling, clients: Clients) -> str:
    """Trigger or resolve the incident of the run; a test is triggered and resolved at once."""
    action = _ACTIONS.get(event.notice.event)
    if action is None:
        return ""
    from multigit.notifiers._http import body, post

    key, url = clients.resolved(settings.address), f"{settings.api.rstrip('/')}/v2/enqueue"
    for one in (action, "resolve") if event.notice.event == "test" else (action,):
        post(url, body(_enqueued(key, one, event)), clients.seconds)
    return ""


def _enqueued(key: str, action: str, event: Telling) -> dict[str, Any]:
    notice = event.notice
    sent: dict[str, Any] = {"routing_key": key, "event_action": action,
                            "dedup_key": f"multigit:{notice.system}:{notice.run or notice.id}"[:255]}  # fmt: skip
    if action == "trigger":
        sent["payload"] = {
            "summary": event.headline[:_SUMMARY], "source": f"multigit@{notice.host}", "severity": notice.severity,
            "timestamp": notice.at.isoformat(), "component": notice.system, "group": notice.env,
            "class": notice.event, "custom_details": plain(notice),
        }  # fmt: skip
    return sent
