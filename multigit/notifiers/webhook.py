"""Sends each notice as JSON (schema `multigit.notice/1`, docs/notify.md) to an address of the team.

    notify: [{webhook: "${env:RELEASE_HOOK}", secret: "${env:RELEASE_HOOK_KEY}", when: [finished, failed]}]

With `secret` the body is signed: `X-Multigit-Signature-256: sha256=<hex HMAC-SHA256 of the body>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from multigit.model.config import STRICT
from multigit.model.notice import Telling
from multigit.model.plain import plain
from multigit.model.references import Reference
from multigit.notifiers import Clients


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this notifier."""

    __pydantic_config__ = STRICT
    address: Reference
    """The URL; https, or http on this machine."""
    secret: Reference | None = None
    """Key of the signature; not signed when left out."""


def notify(settings: Settings, event: Telling, clients: Clients) -> str:
    """Post the notice; any answer of 2xx will do."""
    from multigit.notifiers._http import body, post

    data = body(document(event))
    headers = {"X-Multigit-Event": event.notice.event, "X-Multigit-Delivery": event.notice.id}
    if settings.secret is not None:
        headers["X-Multigit-Signature-256"] = signature(clients.resolved(settings.secret), data)
    post(clients.resolved(settings.address), data, clients.seconds, headers)
    return ""


def signature(secret: str, data: bytes) -> str:
    """What a receiver computes and compares, in constant time, with the header."""
    import hashlib
    import hmac

    return f"sha256={hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()}"


def document(event: Telling) -> dict[str, Any]:
    """What is sent: the notice (schema `multigit.notice/1`), and `text`, its words."""
    made: dict[str, Any] = plain(event.notice)
    return {**made, "text": "\n".join([event.headline, *event.lines])}
