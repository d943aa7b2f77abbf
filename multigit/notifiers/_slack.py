"""What slack and slack-dm share: Slack's Web API by slack_sdk, texts that mention nobody, people by their address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from multigit.model.notice import Telling
from multigit.notifiers import Clients, NotSent

API: Final = "https://slack.com/api/"
HOSTS: Final = ("slack.com", "slack-gov.com")
_MARKS: Final = {"started": "🚀", "finished": "✅", "failed": "❌", "aborted": "⏹️", "rolled-back": "↩️",
                 "back-merged": "🔀", "held": "⛔", "lifted": "🟢", "test": "🔔"}  # fmt: skip
_MOST: Final = 3500
"""Characters of a message; Slack cuts at 4,000 (chat.postMessage, "Truncating content")."""
_PASSING: Final = ("service_unavailable", "internal_error", "fatal_error", "request_timeout", "team_added_to_org")
_HINTS: Final = {
    "invalid_auth": "the token is not valid", "not_authed": "the token is not valid",
    "token_revoked": "the token was revoked", "account_inactive": "the token's app was removed",
    "channel_not_found": "there is no such channel, or the app is not in it",
    "not_in_channel": "the app is not in the channel: /invite it there",
    "is_archived": "the channel is archived",
    "missing_scope": "the app lacks a scope: chat:write, for direct messages im:write, for addresses users:read.email",
}  # fmt: skip
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{1,60}")
_USER: Final = re.compile(r"[UW][A-Z0-9]{5,20}")
MAIL: Final = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,253}")


def escaped(text: str) -> str:
    """`text` as Slack shows it literally: no mention, link or channel can be made with it.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def message(event: Telling) -> str:
    """The text of the one message; `details` are for its thread."""
    alarm = "🚨 " if event.notice.emergency else ""
    lines = [f"{alarm}{_MARKS.get(event.notice.event, '')} {event.headline}", *event.lines]
    return cut("\n".join(lines))


def cut(text: str) -> str:
    """`text` escaped and short enough for one message, cut between lines where it can be."""
    safe = escaped(text)
    return safe if len(safe) <= _MOST else safe[:_MOST].rpartition("\n")[0] + "\n…"


def plainly(text: str) -> dict[str, Any]:
    """`text` (escaped) in the arguments that keep Slack from reading anything into it."""
    return {"text": text, "mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False,
            "unfurl_media": False}  # fmt: skip


def person_problem(word: str) -> str:
    """Why `word` is no Slack user id and no mail address, or ''."""
    if _USER.fullmatch(word) or MAIL.fullmatch(word):
        return ""
    return f"{word!r} is nobody: write a Slack user id (U…) or the mail address of one"


@dataclass(slots=True)
class Slack:
    """The Web API with one bot token. Every method answers what Slack did, or raises NotSent in words."""

    token: str
    api: str
    clients: Clients

    def call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """One call (https://docs.slack.dev/apis/web-api), its errors in words."""
        try:
            from slack_sdk import WebClient
            from slack_sdk.errors import SlackApiError, SlackClientError
        except ImportError:
            raise NotSent('a bot token needs slack_sdk: pip install "multigit-release[slack]"', lasting=True) from None
        client = WebClient(token=self.token, base_url=self.api.rstrip("/") + "/", retry_handlers=[], logger=_silent(),
                           timeout=max(1, int(self.clients.seconds)))  # fmt: skip
        try:
            answer = client.api_call(method, json=arguments) if method.startswith("chat.") else \
                client.api_call(method, params=arguments)  # fmt: skip
        except SlackApiError as refused:
            raise _refused(refused.response) from None
        except SlackClientError as failed:
            raise NotSent(f"Slack gave no answer: {type(failed).__name__}") from None
        except OSError as failed:
            from multigit.notifiers._http import reason

            raise NotSent(f"Slack: {reason(getattr(failed, 'reason', failed), self.clients.seconds)}") from None
        found: Mapping[str, Any] = answer.data if isinstance(answer.data, dict) else {}
        return found

    def post(self, channel: str, text: str, **more: Any) -> tuple[str, str]:
        """Post; the channel's id and the message's `ts`, by which it is changed later."""
        said = self.call("chat.postMessage", channel=channel, **plainly(text), **more)
        return str(said.get("channel") or channel), str(said.get("ts", ""))

    def tell(self, people: Iterable[str], text: str, mark: str) -> str:
        """A direct message to each, once: who was told is kept under `mark`. The remark names those who were not."""
        missed = []
        for person in dict.fromkeys(people):
            done = f"{mark}:{person}"
            if done in self.clients.kept:
                continue
            user = self._user(person)
            if user:
                self.post(user, text)
                self.clients.keep(**{done: "1"})
            else:
                missed.append(person)
        return f"Slack knows nobody with the address {', '.join(missed)}" if missed else ""

    def _user(self, person: str) -> str:
        if _USER.fullmatch(person):
            return person
        try:
            found = self.call("users.lookupByEmail", email=person).get("user") or {}
        except Missing:
            return ""
        return str(found.get("id", ""))


def _silent() -> Any:
    """The library's own log would write to stderr; what went wrong is said by us."""
    import logging

    logger = logging.Logger("multigit.slack", logging.CRITICAL + 1)
    logger.addHandler(logging.NullHandler())
    return logger


class Missing(NotSent):
    """Slack has no such person."""


class NotEditable(NotSent):
    """The message cannot be changed: it was made with another token, or too long ago, or is gone."""


def _refused(response: Any) -> NotSent:
    from multigit.notifiers._http import BUSY, seconds_of

    data = response.data if isinstance(response.data, dict) else {}
    said = str(data.get("error") or "")
    error = said if _CODE.fullmatch(said) else f"status {response.status_code}"
    headers = {str(name).lower(): str(value if isinstance(value, str) else value[0])
               for name, value in (response.headers or {}).items()}  # fmt: skip
    if error == "users_not_found":
        return Missing(error, lasting=True)
    if error in ("cant_update_message", "message_not_found", "edit_window_closed"):
        return NotEditable(error, lasting=True)
    busy = error in ("ratelimited", "rate_limited") or response.status_code == 429
    passing = busy or error in _PASSING or response.status_code >= 500
    return NotSent(f"Slack refused: {_HINTS.get(error, error)}" + (f" ({error})" if error in _HINTS else ""),
                   lasting=not passing, retry_after=seconds_of(headers) or (BUSY if busy else 0.0))  # fmt: skip
