"""The story of every verb that changes something: look, plan, ask the gates, show, get consent, apply, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from multigit.app import applying, approvals, gatekeeping, look, refs, report
from multigit.app.consent import Options, obtain, save, saved
from multigit.app.session import Session
from multigit.errors import CHANGES, DONE, UNWELL, MultigitError, PartlyApplied
from multigit.model.config import Config, Environment
from multigit.model.events import History
from multigit.model.fleet import Fleet
from multigit.model.gated import blocked_by, plan_extras
from multigit.model.plan import Plan, Request, Verb
from multigit.model.verdict import GateResult
from multigit.planners import rollback as rollback_planner
from multigit.ui.documents import plan_document
from multigit.ui.plans import plan_text
from multigit.ui.problems import stale_plan
from multigit.ui.screen import Screen
from multigit.ui.text import wrap

if TYPE_CHECKING:
    from multigit.app.deploying.after import Following
    from multigit.model.deployplan import DeployPlan

_DEPLOYED: Final = ("promote", "hotfix", "rollback")
"""Verbs whose release is deployed."""
Planner = Callable[[Config, Fleet, Request, datetime], Plan]


@dataclass(frozen=True, slots=True)
class Move:
    """One verb's part of the story: how it looks at the fleet and how it plans."""

    request: Request
    look: Callable[[], Fleet]
    plan: Planner


def requested(
    session: Session, verb: Verb, *, target: Environment, source: Environment | None = None, message: str = "",
    reapply: bool = False,
) -> Request:  # fmt: skip
    """What a planner is asked for, by whoever runs this command."""
    return Request(
        verb=verb, source=source.name if source else None, target=target.name, operator=session.actor,
        repos=session.selection(), message=message, reapply=reapply, config_digest=session.loaded.digest,
    )  # fmt: skip


def run(session: Session, screen: Screen, move: Move, options: Options) -> int:
    """One move from the look to the report; the exit code."""
    if options.plan_file and (done := _released_already(session, screen, move.request, options)) is not None:
        return done
    fleet = move.look()
    plan = _planned(session, move, fleet, options)
    fleet = replace(fleet, approvals=approvals.read(session, plan))
    gates = gatekeeping.asked(session, plan, fleet, options)
    _show(session, screen, plan, gates, fleet, options)
    if options.dry_run:
        return _previewed(plan, gates, options)
    if blocked_by(plan, gates):
        applying.tell_refused(session, screen, plan, gates, fleet, options)
        raise gatekeeping.blocked(plan, gates)
    if not plan.lands:
        return report.nothing(session, screen, plan)
    after = following(session, screen, plan, fleet.history, options)
    agreed = obtain(screen, plan, gates, options, lambda: _still_true(session, plan))
    if after and plan.verb == "rollback" and session.config.rollback.runtime_first and not options.settled:
        return _runtime_first(session, screen, move, fleet, after, agreed, options)
    return applying.apply(session, screen, plan, agreed, fleet, after.then if after else None)


def _runtime_first(
    session: Session, screen: Screen, move: Move, fleet: Fleet, after: Following, gates: Sequence[GateResult],
    options: Options,
) -> int:  # fmt: skip
    """What runs goes back, then the branches; where only the first can be, that is said (R6)."""
    session.ledger.read(fleet.history.head)
    went = after.first()
    fleet = replace(fleet, history=session.ledger.history)
    plan = _planned(session, move, fleet, replace(options, plan_file=None))  # the same, after those records
    try:
        if blocked_by(plan, gates):
            raise gatekeeping.blocked(plan, gates)
        then = following(session, screen, plan, fleet.history, options)
        code = applying.apply(session, screen, plan, gates, fleet, then.then if then else None)
    except MultigitError as failed:
        raise PartlyApplied(
            f"{_only_what_runs(plan)}: {failed.what}" if went else failed.what, why=failed.why, code=failed.code,
            hint="\n".join(filter(None, (failed.hint, *_both_ways(plan)))), state="the branches are as they were",
        ) from failed  # fmt: skip
    if went and code not in (DONE, UNWELL):
        screen.warn(f"{_only_what_runs(plan)}; {' or '.join(_both_ways(plan))}")
    return code


def _only_what_runs(plan: Plan) -> str:
    return f"what runs in {plan.target} went back to {plan.to} already, the branches did not"


def _both_ways(plan: Plan) -> tuple[str, str]:
    return f"multigit rollback {plan.to}", f"multigit deploy {plan.target}   (what the branches say)"


def following(session: Session, screen: Screen, plan: Plan, history: History, options: Options) -> Following | None:
    """What follows the run where it is deployed."""
    if not _is_deployed(session, plan, options):
        return None
    from multigit.app.deploying import after

    back = lambda made, why: undo(session, screen, made, why)  # noqa: E731
    return after.following(session, screen, plan, history, options, back)


def undo(session: Session, screen: Screen, made: DeployPlan, why: str) -> dict[str, Any] | None:
    """Take the branches of a release back whose deployment was; the document of that run, None where none was before.

    Nobody is asked: repos.yaml says so, or somebody just did.
    """
    fleet = look.fleet(session, tuple(session.config.environments.values()))
    there = session.config.environments[made.env]
    to = refs.release_before(session, fleet, there, made.tag)
    if to is None:
        return None
    request = replace(requested(session, "rollback", target=there, message=f"taken back: {why}"),
                      to=to, mode=session.config.rollback.mode)  # fmt: skip
    seen = lambda: look.restores(session, fleet, there, to, revert=request.mode == "revert")  # noqa: E731
    options = Options(settled=True, yes=True, again=f"multigit rollback {to}")
    with screen.aside() as documents:
        run(session, screen, Move(request, seen, rollback_planner.plan), options)
    return documents[-1] if documents else {}


def _planned(session: Session, move: Move, fleet: Fleet, options: Options) -> Plan:
    """The plan for now; or the saved one, if making it again from what is there now gives the very same plan."""
    if options.plan_file is None:
        return move.plan(session.config, fleet, move.request, session.now())
    kept = saved(options.plan_file, session.now())
    request = replace(move.request, operator=kept.operator, message=kept.reason, reapply=kept.reapply)
    again = move.plan(session.config, fleet, request, kept.created.astimezone(session.zone))
    if again.digest != kept.digest:
        same_road = (kept.source, kept.target) == (again.source, again.target)
        why = (same_road and report.first_move(session, kept, fleet.repos)) or report.moved(kept, again)
        command = f"multigit plan {again.source} {again.target}" if again.verb == "promote" else f"{options.again} -n"
        raise stale_plan(why=why, command=f"{command} --out {options.plan_file}")
    return kept


def _released_already(session: Session, screen: Screen, request: Request, options: Options) -> int | None:
    """A saved plan that was released before is nothing to do (X4)."""
    assert options.plan_file is not None
    kept = saved(options.plan_file, session.now())
    if (kept.verb, kept.source, kept.target) != (request.verb, request.source, request.target):
        return None  # a plan of another road: planning says so
    run = session.ledger.refresh().runs.get(kept.run)
    if run is None or run.phase != "released":
        return None
    return report.nothing(session, screen, kept, f"this plan was released as {run.tag or run.id} already")


def _show(
    session: Session, screen: Screen, plan: Plan, gates: Sequence[GateResult], fleet: Fleet, options: Options
) -> None:
    if options.out:
        save(options.out, plan_document(plan, gates))
    if plan.lands or plan.refusals or options.dry_run:
        shown = plan_text(
            plan, gates, width=screen.width, live=refs.live_tag(session, fleet, plan.target),
            saved=str(options.out) if options.out else "", ways_out=options.dry_run,
        )  # fmt: skip
        screen.say(shown, always=screen.interactive and not options.dry_run)
    if options.dry_run:
        if (then := _then(session, plan, options)) and plan.lands:
            screen.say("\n".join(wrap(f"then    deploy {plan.target}: {then}", screen.width, hang=8)))
        screen.document(plan_document(plan, gates))


def _then(session: Session, plan: Plan, options: Options) -> str:
    """What would follow; nobody is asked for it."""
    env = session.config.target(plan.target)
    if env is None or not _is_deployed(session, plan, options):
        return ""
    from multigit.model.deploying import follows

    return follows(session.config, env)


def _is_deployed(session: Session, plan: Plan, options: Options) -> bool:
    return plan.verb in _DEPLOYED and options.deploy and any(repo.deploy for repo in session.config.repos.values())


def _previewed(plan: Plan, gates: Sequence[GateResult], options: Options) -> int:
    code = plan_extras(plan, gates).exit_code
    return CHANGES if code == DONE and options.exit_code and plan.lands else code


def _still_true(session: Session, plan: Plan) -> None:
    """Read heads, fences and the ledger again; Refused when anything moved since the plan was made (P1)."""
    environments = [session.config.environments[name] for name in (plan.source, plan.target) if name]
    now = look.states(session, environments)
    if why := report.first_move(session, plan, now):
        raise stale_plan(why=why, command="make the plan again")
