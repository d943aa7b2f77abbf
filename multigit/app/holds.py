"""hold: stop signs in the ledger, seen by everyone; and the end of a quarantine (R2)."""

from __future__ import annotations

from typing import Literal
from uuid import uuid4

from multigit.app import look, report
from multigit.app.consent import Options
from multigit.app.session import Session
from multigit.errors import DONE, Refused, UsageError
from multigit.model import notice
from multigit.model.documents import HoldsDocument
from multigit.model.events import Hold
from multigit.model.record import Event
from multigit.ui.documents import document
from multigit.ui.screen import Screen
from multigit.ui.tables import holds_text


def show(session: Session, screen: Screen, env: str | None) -> int:
    """The holds in force."""
    chosen = session.environment(env).name if env else None
    holds = tuple(hold for hold in look.ledger(session).holds if chosen in (None, hold.env))
    screen.say(holds_text(holds, session.zone, session.now(), width=screen.width))
    screen.document(document("", HoldsDocument(holds=holds)))
    return DONE


def put(session: Session, screen: Screen, env: str, reason: str, options: Options) -> int:
    """Freeze an environment until somebody releases it."""
    target = session.environment(env)
    if not reason:
        raise UsageError("a hold needs its reason", hint=f'multigit hold set {env} -m "…"')
    history = look.ledger(session)
    name = f"h-{session.now():%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"  # two people may set one in the same second
    screen.say(f"hold {target.name}: {reason}   (released with: multigit hold release {target.name})")
    if options.dry_run:
        return DONE
    session.ledger.history = history
    _write(session, "hold", reason, {"hold": name, "env": target.name})
    _tell(session, "held", target.name, name, reason)
    return _end(session, screen)


def release(session: Session, screen: Screen, env: str, reason: str, options: Options) -> int:
    """Take away every hold of an environment, quarantines included; the reason stays in the ledger."""
    target = session.environment(env)
    history = look.ledger(session)
    holds = [hold for hold in history.holds if hold.env == target.name]
    if holds and not reason:
        raise UsageError("releasing a hold needs a reason", hint=f'multigit hold release {env} -m "…"')
    for hold in holds:
        screen.say(f"release {_named(hold)}")
    if not holds:
        screen.say(f"{target.name} has no hold: nothing to do")
    if options.dry_run or not holds:
        screen.document(document("", HoldsDocument(holds=history.holds)))
        return DONE
    session.ledger.history = history
    for hold in holds:
        _write(session, "lift", reason, {"hold": hold.id, "env": target.name})
        _tell(session, "lifted", target.name, hold.id, reason)
    return _end(session, screen)


def _named(hold: Hold) -> str:
    kind = "quarantine" if hold.quarantine else "hold"
    return f"{kind} {hold.id} of {hold.env}, set by {hold.by.name}: {hold.reason}"


def _write(session: Session, kind: str, reason: str, data: dict[str, object]) -> None:
    event = Event(
        kind="hold" if kind == "hold" else "lift", at=session.now(), by=session.actor, reason=reason, data=data
    )
    refused = session.ledger.append(event, may_follow=lambda history: True)
    if refused:
        raise Refused("the ledger did not take it", why=refused.why, hint="try again", state="nothing was changed")


def _tell(session: Session, event: Literal["held", "lifted"], env: str, hold: str, reason: str) -> None:
    session.teller.tell(lambda: notice.held(session.config, event, env, hold, reason, session.actor, session.now()))


def _end(session: Session, screen: Screen) -> int:
    report.tell_log(session, screen)
    told, warnings = session.teller.settle()
    for warning in warnings:
        screen.warn(warning)
    screen.document(document("", HoldsDocument(holds=session.ledger.history.holds, notices=told)))
    return DONE
