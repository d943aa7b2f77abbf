"""notify: try the notifiers with a notice of nothing, and send what waits in the outbox."""

from __future__ import annotations

import os
from collections.abc import Sequence

from multigit.app.session import Session
from multigit.app.telling import worded
from multigit.errors import DONE, FAILED, UsageError
from multigit.lanes import each
from multigit.ledger.outbox import Row
from multigit.model import notice
from multigit.model.delivery import Delivery
from multigit.model.documents import NotifyDocument
from multigit.model.notifier import Notifier
from multigit.notifiers import Clients, NotSent, deliver
from multigit.ui.documents import document
from multigit.ui.notify import deliveries_text
from multigit.ui.screen import Screen

_SECONDS = 10.0
"""For one conversation: somebody waits for the answer, and nothing else does."""
_FLUSH = 30.0
"""Seconds in which `send` tries everything that waits."""


def test(session: Session, screen: Screen, name: str | None, *, dry_run: bool) -> int:
    """Tell every notifier, or those called `name`, that this is a test; whatever its rule asks for."""
    rules = _named(session, name)
    if dry_run:
        screen.say("\n".join(f"would be told: {rule.name}" for rule in rules))
        return _end(session, screen, (), DONE)
    trial = notice.trial(session.config, session.actor, session.now())

    def one(rule: Notifier) -> Delivery:
        clients = Clients(environ=os.environ, seconds=_SECONDS)
        try:
            remark = deliver(rule, worded(session, rule, trial), clients)
        except NotSent as failed:
            return Delivery(notifier=rule.name, event="test", state="given-up", why=failed.why, tries=1)
        return Delivery(notifier=rule.name, event="test", state="sent", why=remark, tries=1)

    told = each(one, rules)
    return _end(session, screen, told, FAILED if any(one.state != "sent" for one in told) else DONE)


def _named(session: Session, name: str | None) -> list[Notifier]:
    rules = [rule for rule in session.config.notify if name in (None, rule.name, rule.kind)]
    if not session.config.notify:
        raise UsageError("repos.yaml has no notifiers", hint='add   notify: [{slack: "${env:SLACK_WEBHOOK_URL}"}]')
    if not rules:
        known = ", ".join(rule.name for rule in session.config.notify)
        raise UsageError(f"there is no notifier called {name!r}", hint=f"known: {known}")
    return rules


def send(session: Session, screen: Screen, *, dry_run: bool) -> int:
    """Send what waits, whenever it would be tried again by itself; a pause that the other side asked for is kept."""
    rows = session.teller.outbox.waiting()
    if dry_run or not rows:
        told = tuple(_waiting(row) for row in rows)
        screen.say("nothing waits" if not rows else deliveries_text(told, width=screen.width))
        return _end(session, screen, told, DONE, silent=True)
    session.teller.flush(_FLUSH)
    told, warnings = session.teller.settle(_FLUSH)
    for warning in warnings:
        screen.warn(warning)
    left = session.teller.outbox.waiting()
    told = (*told, *(_waiting(row) for row in left if row.id not in {row.id for row in rows}))
    return _end(session, screen, told, FAILED if left else DONE)


def _waiting(row: Row) -> Delivery:
    return Delivery(notifier=row.notifier, event=row.event, run=row.run, state="waiting", why=row.why, tries=row.tries)


def _end(session: Session, screen: Screen, told: Sequence[Delivery], code: int, *, silent: bool = False) -> int:
    if told and not silent:
        screen.say(deliveries_text(told, width=screen.width), always=code != DONE)
    waiting = len(session.teller.outbox.waiting())
    screen.document(document("", NotifyDocument(notices=tuple(told), waiting=waiting, exit_code=code)))
    return code
