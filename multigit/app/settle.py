"""resume and abort: close what was left half done, by whomever, on whatever machine (X5, G10)."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from multigit.app import approvals, gatekeeping, look, report, signing
from multigit.app.applying import work_for
from multigit.app.consent import Options
from multigit.app.session import Session
from multigit.apply import engine, signals
from multigit.apply.effects import Hands
from multigit.apply.engine import Work
from multigit.apply.vocabulary import End
from multigit.errors import DONE, MultigitError, PartlyApplied, Refused, UsageError
from multigit.lanes import each
from multigit.ledger.records import LedgerError
from multigit.model import plan as plans
from multigit.model.attest import SHELF_LIFE
from multigit.model.config import Config
from multigit.model.deployments import Deployment
from multigit.model.documents import SettleDocument
from multigit.model.events import History, Run
from multigit.model.names import RunId
from multigit.model.owing import owed
from multigit.model.plan import Plan
from multigit.ui import ask
from multigit.ui.documents import document
from multigit.ui.lang import sentence
from multigit.ui.problems import nobody_to_ask, said_no
from multigit.ui.screen import Screen
from multigit.ui.text import ago

if TYPE_CHECKING:
    from multigit.app.deploying.after import Following

Intent = Literal["resume", "abort"]


def settle(
    session: Session,
    screen: Screen,
    intent: Intent,
    word: str | None,
    options: Options,
    again: Callable[[list[str]], int],
) -> int:
    """Go on with the open run, or take it back. With none open, `resume` makes the last refused plan anew (`again`)."""
    history = look.ledger(session)
    if found := _deployment(history, word):
        from multigit.app.deploying import settling
        from multigit.app.story import undo

        back = lambda made, why: undo(session, screen, made, why)  # noqa: E731
        return settling.settle(session, screen, intent, found, options, back)
    run = _meant(history, word)
    if run is None:
        if not options.dry_run:
            report.tell_log(session, screen)  # a run whose process was killed as it ended is told now
        return _no_run(session, screen, intent, history, word, lambda args: again([*args, *_spoken(options)]))
    plan = _plan_of(run, session.config)
    _agree(session, screen, intent, run, options)
    if options.dry_run:
        return DONE
    if intent == "resume":
        _may_go_on(session, run, plan)
    after = _following(session, screen, plan, history, options) if intent == "resume" else None
    work = work_for(session, screen, plan, signatures=run.signatures)
    started = time.monotonic()
    with signals.heeded(work, screen.warn):
        _recover(work, run, intent)
        if beaten := engine.take(work):
            raise Refused(f"run {run.id} could not be taken over", why=beaten.why, hint="multigit status")
        result = engine.take_up(work, run, intent)
    if result.done.end is End.RELEASED:
        approvals.drop(session, plan)
    return report.ended(
        session, screen, work, result, time.monotonic() - started, intent=intent, then=after.then if after else None
    )


def _deployment(history: History, word: str | None) -> Deployment | None:
    """The deployment that is meant: by its id or by its run, which is over; or the open one where no run is."""
    from multigit.app.deploying.settling import meant

    if word is None:
        return None if history.open_run else meant(history, None)
    if word.startswith("d-"):
        return meant(history, word)
    open_ones = [one for one in history.deployments.values() if one.open and str(one.run or "").startswith(word)]
    running = history.open_run and history.open_run.id.startswith(word)
    return open_ones[-1] if open_ones and not running else None


def _following(session: Session, screen: Screen, plan: Plan, history: History, options: Options) -> Following | None:
    """What follows the run when it is released after all; what cannot be deployed now is deployed by hand later."""
    from multigit.app.story import following

    try:
        return following(session, screen, plan, history, options)
    except MultigitError as failed:
        screen.warn(f"{failed.what}; deploy it later: multigit deploy {plan.target}")
        return None


def _spoken(options: Options) -> list[str]:
    """Consent given to `resume` holds for the plan it makes again; never for production, which wants its phrase."""
    return [*(["--yes"] if options.yes else []), *(["--dry-run"] if options.dry_run else [])]


def _meant(history: History, word: str | None) -> Run | None:
    run = history.open_run
    if word is None or (run and run.id.startswith(word)):
        return run
    known = next((run for run in history.runs.values() if run.id.startswith(word)), None)
    if known is None:
        hint = f"open: {run.id}" if run else "no run is open"
        raise UsageError(f"there is no run called {word!r}", hint=f"{hint}; multigit history")
    return None


def _no_run(
    session: Session,
    screen: Screen,
    intent: Intent,
    history: History,
    word: str | None,
    again: Callable[[list[str]], int],
) -> int:
    refused = session.journal.last_refused() if intent == "resume" and word is None else None
    if refused and (datetime.now(UTC) - refused.at > SHELF_LIFE or _went_on(history, refused.data.get("ledger"))):
        refused = None  # who goes on with it now should type it, and look at it
    command = shlex.split(str(refused.data.get("again", ""))) if refused else []
    if command:
        screen.say(f"no run is open; making the refused plan anew: {shlex.join(command)}")
        return again(command[1:])
    if history.open_run:
        screen.warn(f"another run is open: multigit resume {history.open_run.id}")
    closed = history.runs.get(RunId(word)) if word and not RunId.problem(word) else None
    screen.say(f"run {closed.id} is {closed.phase}: nothing to do" if closed else "no run is open: nothing to do")
    owing = owed(session.config, history)
    for one in owing:
        screen.say(f"{one.sentence}: {one.command}")
    screen.document(document("", SettleDocument(next=tuple(one.command for one in owing))))
    return DONE


def _went_on(history: History, head: object) -> bool:
    """Whether a run began after the record `head` (None: the ledger was empty): order comes from the ledger alone."""
    places = [number for number, event in enumerate(history.events) if event.oid == head]
    if head and not places:
        return True
    later = history.events[places[0] + 1 :] if places else history.events
    return any(event.kind == "begin" for event in later)


def _plan_of(run: Run, config: Config) -> Plan:
    try:
        plan = plans.from_json(json.dumps(run.plan))
    except ValueError as broken:
        raise LedgerError(
            f"the plan of run {run.id} cannot be read",
            why=str(broken).splitlines()[0],
            hint="use the multigit version that began it",
        ) from broken
    if unknown := [repo for repo in plan.commits() if repo not in config.repos]:
        raise UsageError(
            f"run {run.id} is about {', '.join(unknown)}, which repos.yaml does not have",
            hint="use the file it was begun with: -f FILE, or put the repository back",
        )
    if plan.run != run.id:
        raise LedgerError(f"the plan of run {run.id} was changed after it began", hint="multigit show " + run.id)
    return plan


def _may_go_on(session: Session, run: Run, plan: Plan) -> None:
    """Going on releases: it takes a signer, and a beginning that the signers and approvers stand behind."""
    why = signing.doubted(session, run, plan) or approvals.doubted(session, session.ledger.history, run, plan)
    if why and run.phase == "begun":
        raise Refused(f"run {run.id} is not gone on with", why=why, hint=f"multigit abort {run.id}",
                      state="nothing was changed")  # fmt: skip
    gatekeeping.may_sign(session, plan)


def _recover(work: Work, run: Run, intent: Intent) -> None:
    """Get the run's objects from wherever they are.

    A repository that does not answer stops a resume before anything is decided: going on would mean to abort.
    """

    def one(hands: Hands) -> str:
        try:
            hands.recover()
        except MultigitError as failed:
            return f"{hands.parcel.repo}: {failed.why or failed.what}"
        return ""

    failures = [why for why in each(one, work.hands().values(), work.jobs) if why]
    if failures and run.phase == "begun" and intent == "resume":
        raise PartlyApplied(
            f"run {run.id} cannot go on now",
            why="; ".join(failures),
            hint=f"multigit resume {run.id}   (when it answers again)\nmultigit abort {run.id}",
            state="the run stays open; nothing was changed now",
        )


def _agree(session: Session, screen: Screen, intent: Intent, run: Run, options: Options) -> None:
    """Consent was recorded at `begin`; going on needs a yes, and whose run it is must be seen."""
    who = run.taken_by or run.by
    age = ago(run.started, session.now())
    plan = run.plan
    road = " -> ".join(str(plan[key]) for key in ("source", "target") if plan.get(key))
    screen.say(f"run {run.id}: {plan.get('verb')} {road}, {run.phase}, by {who.user}@{who.host}, {age}", always=True)
    if intent == "abort" and run.phase == "landed":
        screen.warn("it has landed in every repository: it is finished now, and a rollback takes it back")
    if options.dry_run or options.yes:
        return
    if not screen.interactive:
        raise nobody_to_ask(command=options.again)
    if not ask.yes(screen, sentence(options.lang, intent, run=run.id)):
        raise said_no(command=options.again)
