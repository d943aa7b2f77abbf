"""A plan that was consented to is handed to the engine; one that was refused is remembered and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from multigit.app import approvals, gatekeeping, report, signing
from multigit.app.consent import Options
from multigit.app.session import Session
from multigit.apply import engine, signals
from multigit.apply.engine import Work
from multigit.apply.vocabulary import End
from multigit.errors import Interrupted, MultigitError
from multigit.model import notice
from multigit.model.attest import Approval
from multigit.model.deployreport import DeploymentReport
from multigit.model.fleet import Fleet
from multigit.model.gated import blocked_by
from multigit.model.names import RepoName
from multigit.model.plain import plain
from multigit.model.plan import Plan
from multigit.model.verdict import GateResult
from multigit.ui.screen import Screen


def apply(
    session: Session, screen: Screen, plan: Plan, gates: Sequence[GateResult], fleet: Fleet,
    then: Callable[[], DeploymentReport] | None = None,
) -> int:  # fmt: skip
    """Do what was consented to, and tell how it ended; the exit code. `then` deploys what was released."""
    signatures = signing.tags(session, plan)
    work = work_for(session, screen, plan, gates, fleet.approvals, signatures, signing.by(session, plan))
    work.ledger.history = fleet.history
    session.teller.tell(lambda: notice.began(session.config, plan, session.now()))
    started = time.monotonic()
    with signals.heeded(work, screen.warn):
        result = engine.start(work)
    if result.done.end is End.RELEASED:
        approvals.drop(session, plan)
    if result.done.end is End.REFUSED:
        _remember_failure(work, result.done.why, screen)
        if work.cancel.is_set() or work.stop.is_set():
            report.tell_log(session, screen)
            stopped = Interrupted(
                "stopped before anything was pushed", why="Ctrl-C or a signal", state="nothing was changed"
            )
            report.tell_people(session, screen, report.brief(work, result, stopped.what))
            raise stopped
    return report.ended(session, screen, work, result, time.monotonic() - started, then=then)


def work_for(
    session: Session, screen: Screen, plan: Plan, gates: Sequence[GateResult] = (), given: Sequence[Approval] = (),
    signatures: Mapping[RepoName, str] | None = None, signed_by: str = "",
) -> Work:  # fmt: skip
    """What the engine needs to apply `plan`; `signatures` of its tags, where they are signed."""
    consent: dict[str, object] = {
        **({"signed_by": signed_by} if signed_by else {}),
        **({"approvals": [plain(approval) for approval in given]} if given else {}),
        "answered": {r.gate.name: list(r.answered) for r in gates if r.answered},
        "overrides": {r.gate.name: r.overridden for r in gates if r.overridden},
    }
    config = session.config
    return Work(
        plan=plan, mirrors={name: session.mirror(config.repos[name]) for name in plan.commits()}, ledger=session.ledger,
        journal=session.journal, actor=session.actor, now=session.now, jobs=session.jobs, consent=consent,
        progress=lambda repo, what: screen.progress(repo or None, what), signatures=signatures or {},
    )  # fmt: skip


def tell_refused(
    session: Session, screen: Screen, plan: Plan, gates: Sequence[GateResult], fleet: Fleet, options: Options
) -> None:
    """Keep what was asked for `resume`; where consent came with the command, the ledger is told as well (G7)."""
    told = {"again": options.again, "ledger": fleet.history.head}
    session.journal.note("refused", plan.run, " ".join(blocked_by(plan, gates)), data=told)
    if blocked_by(plan, gates) == ("approved",):
        return  # waiting for an approval is no failure, and a record of it would make the plan stale
    if options.spoken and not any(r.code in ("open-run",) or r.technical for r in plan.refusals):
        work = Work(plan=plan, mirrors={}, ledger=session.ledger, journal=session.journal, actor=session.actor,
                    now=session.now)  # fmt: skip
        work.ledger.history = fleet.history
        why = "; ".join(gatekeeping.sentence(r) for r in plan.refusals) or ", ".join(blocked_by(plan, gates))
        _remember_failure(work, why, screen)
        report.tell_log(session, screen)


def _remember_failure(work: Work, why: str, screen: Screen) -> None:
    try:
        engine.fail_record(work, why)
    except MultigitError as unwritten:
        screen.warn(f"the failure is not in the ledger: {unwritten.what}")
