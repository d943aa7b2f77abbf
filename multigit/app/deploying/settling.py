"""watch, resume and abort of deployments: from any machine, by whomever."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final, Literal

from multigit.app import look
from multigit.app.consent import Options
from multigit.app.deploying import planning
from multigit.app.deploying.driving import Drive, Undo
from multigit.app.deploying.verb import tell
from multigit.app.session import Session
from multigit.errors import DONE, MultigitError, UsageError
from multigit.ledger.records import LedgerError
from multigit.model import deployplan, deployreport
from multigit.model.deployments import Deployment
from multigit.model.deployreport import StepRow
from multigit.model.events import History
from multigit.ui import ask
from multigit.ui.deployments import report_text
from multigit.ui.documents import document
from multigit.ui.lang import sentence
from multigit.ui.problems import nobody_to_ask, said_no
from multigit.ui.screen import Screen
from multigit.ui.text import ago, visible

EVERY: Final = 5.0
"""Seconds between two looks at the ledger."""
_PATIENCE: Final = 24
"""Looks in a row that may fail: two minutes without a network end no watch."""
_pause = time.sleep


def meant(history: History, word: str | None) -> Deployment | None:
    """The open deployment that `word` names by id or run; without one, the only one that is open."""
    known = list(history.deployments.values())
    if word is None:
        still = [one for one in known if one.open]
        if len(still) > 1:
            raise UsageError("several deployments are open", why="; ".join(f"{one.id} of {one.env}" for one in still),
                             hint=f"name one: multigit resume {still[0].id}")  # fmt: skip
        return still[0] if still else None
    return next((one for one in reversed(known) if one.id.startswith(word) or one.run == word), None)


def settle(
    session: Session, screen: Screen, intent: Literal["resume", "abort"], found: Deployment, options: Options,
    undo: Undo | None,
) -> int:  # fmt: skip
    """Go on with an open deployment, or take it back."""
    if not found.open:
        screen.say(f"deployment {found.id} is over ({found.outcome}): nothing to do")
        screen.document(document("", replace(deployreport.of(found), exit_code=DONE)))
        return DONE
    plan = _plan_of(session, found)
    who = found.taken_by or found.by
    age = ago(found.started, session.now())
    screen.say(f"deployment {found.id} of {found.env}, by {who.user}@{who.host}, {age}", always=True)
    if options.dry_run:
        screen.document(document("", replace(deployreport.of(found), exit_code=DONE)))
        return DONE
    if not options.yes:
        if not screen.interactive:
            raise nobody_to_ask(command=options.again)
        if not ask.yes(screen, sentence(options.lang, f"{intent}_deploy", run=found.id)):
            raise said_no(command=options.again)
    drive = Drive(session, screen, plan, options.lang, undo)
    drive.take()
    if intent == "resume":
        return tell(session, screen, drive.go_on())
    told = drive.give_up(f"taken back as {session.actor.user} asked")
    return tell(session, screen, replace(told, exit_code=DONE) if told.outcome == "returned" else told)


def _plan_of(session: Session, found: Deployment) -> deployplan.DeployPlan:
    """Its plan, where this repos.yaml still has everything that it is about."""
    config = session.config
    if found.env not in config.environments:
        raise UsageError(f"deployment {found.id} is about the environment {found.env}, which repos.yaml does not have",
                         hint="use the file it was begun with: -f FILE, or put the environment back")  # fmt: skip
    try:
        plan = deployplan.read(found.plan)
    except (ValueError, TypeError, KeyError) as broken:
        raise LedgerError(f"the plan of deployment {found.id} cannot be read", why=str(broken),
                          hint="use the multigit version that began it") from None  # fmt: skip
    if plan.id != found.id:
        raise LedgerError(f"the plan of deployment {found.id} was changed after it began")
    for step in plan.steps:
        if step.repo and step.repo not in config.repos:
            raise planning.unknown(plan, step.repo)
        if step.target and not planning.as_configured(config, plan, step):
            raise UsageError(
                f"deployment {found.id} would do {step.id} otherwise than repos.yaml says",
                why="what is run here is what repos.yaml says, not what somebody wrote into the ledger",
                hint="use the file it was begun with: -f FILE, or put that section back",
            )
    return plan


def watch(session: Session, screen: Screen, word: str | None) -> int:
    """How a deployment goes on, live, wherever it is driven from; the exit code is that of its end."""
    env = session.config.environment(word) if word else None
    shown: dict[str, StepRow] = {}
    history = look.ledger(session)
    while True:
        found = _latest(history, str(env.name) if env else "", None if env else word)
        told = deployreport.of(found)
        for row in told.steps:
            if row != shown.get(row.id) and row.state != "waits":
                screen.progress(row.repo or None, f"{row.stage}: {row.state} {visible(row.why)}".rstrip())
            shown[row.id] = row
        if not found.open:
            break
        history = _looked_again(session, screen)
    screen.close()
    screen.say(report_text(told, session.zone, session.now(), width=screen.width), always=True)
    screen.document(document("", told))
    return told.exit_code


def _looked_again(session: Session, screen: Screen) -> History:
    for left in reversed(range(_PATIENCE)):
        _pause(EVERY)
        try:
            return look.ledger(session)
        except LedgerError:
            raise
        except MultigitError as away:
            if not left:
                raise
            screen.warn(f"{away.what}; looking again")
    raise AssertionError  # the last look answers or raises


def _latest(history: History, env: str, word: str | None) -> Deployment:
    if word:
        found = meant(history, word)
        run = next((run for run in history.runs.values() if run.id == word), None)
        if found is None and run:
            raise UsageError(f"run {run.id} was not deployed", hint=f"multigit deploy {run.target}")
        if found is None:
            raise UsageError(f"there is no deployment, run or environment called {word!r}", hint="multigit history")
        return found
    known = [one for one in history.deployments.values() if env in ("", one.env)]
    still = [one for one in known if one.open]
    if not known:
        raise UsageError(f"nothing was deployed{f' to {env}' if env else ''} by multigit yet",
                         hint=f"multigit deploy {env or 'ENV'}")  # fmt: skip
    return (still or known)[-1]
