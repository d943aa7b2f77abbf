"""approve: a second person's signed yes, bound to one plan's digest and kept by the home repository until it is used.

It lies in a ref of its own, not in the ledger: a record there would make the very plan stale that it approves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from multigit.app import consent, report, signing
from multigit.app.consent import Options
from multigit.app.look import states
from multigit.app.session import Session
from multigit.errors import DONE, MultigitError, Refused, UsageError
from multigit.model.attest import Approval, approval_of, counted, statement
from multigit.model.config import Environment
from multigit.model.drift import Drift
from multigit.model.events import History, Run
from multigit.model.names import RunId
from multigit.model.objects import Signature
from multigit.model.ownrefs import APPROVALS
from multigit.model.past import Past
from multigit.model.plan import Plan
from multigit.model.signatures import address_of, into_commit, of_commit
from multigit.ui import ask
from multigit.ui.documents import document
from multigit.ui.lang import sentence
from multigit.ui.plans import plan_text
from multigit.ui.problems import nobody_to_ask, said_no, stale_plan
from multigit.ui.screen import Screen
from multigit.vcs import read as objects
from multigit.vcs.lsrefs import list_refs
from multigit.vcs.mirror import fetch
from multigit.vcs.signing import check
from multigit.vcs.write import RefUpdate, empty_tree, push, write_object


def _folder(run: RunId) -> str:
    return f"{APPROVALS}{run}/"


def _asked(session: Session, plan: Plan) -> Environment | None:
    """The plan's environment, if it asks for approvals. A rollback goes where others have approved going before."""
    env = session.config.target(plan.target)
    return env if env and env.approvals and plan.verb != "rollback" else None


def read(session: Session, plan: Plan) -> tuple[Approval, ...]:
    """The approvals of `plan`, each by somebody who may; () where none are asked for."""
    env = _asked(session, plan)
    if env is None:
        return ()
    home = session.mirror(session.config.home)
    refs = list_refs(home.url, [_folder(plan.run)])
    fetch(home, {f"refs/multigit/seen/approvals/{number}": seen.oid for number, seen in enumerate(refs.values())})
    found = [_approval(session, env, plan, objects.read_object(home, seen.oid)) for seen in refs.values()]
    return tuple(given for given in found if isinstance(given, Approval))


def doubted(session: Session, history: History, run: Run, plan: Plan) -> str:
    """Why the approvals that a run's beginning carries are not enough; '' where they are, or none are asked for."""
    env = _asked(session, plan)
    if env is None:
        return ""
    begun = next(e for e in history.events if (e.kind, e.run) == ("begin", run.id))
    texts = [str(given.get("text", "")) for given in begun.data.get("approvals", ())]
    found = [_approval(session, env, plan, text.encode("utf-8", "surrogateescape")) for text in texts]
    given = [one for one in found if isinstance(one, Approval)]
    enough = counted(given, plan, env.may_approve, str(begun.data.get("signed_by", "")))
    return "" if len(enough) >= env.approvals else f"{len(enough)} of {env.approvals} approvals"


def drifts(session: Session, past: Past, envs: Sequence[Environment]) -> Iterator[Drift]:
    """For `verify`: releases without the approvals they needed, from the first one on that had any."""
    for env in envs:
        due = False
        for run, plan in reversed(past.newest_first()):
            if plan.target != env.name or not _asked(session, plan):
                continue
            why = doubted(session, past.history, run, plan)
            due = due or not why
            if why and due and run.phase == "released":
                yield Drift(repo=session.config.home.name, kind="signature", what=f"run {run.id} was not approved",
                            why=why, fix=f"multigit show {run.id}")  # fmt: skip


def _approval(session: Session, env: Environment, plan: Plan, body: bytes) -> Approval | str:
    payload, signature = of_commit(body)
    address, why = check(payload, signature, signing.allowed(session, env.may_approve))
    found = approval_of(payload, plan, address) if address else why
    return replace(found, text=body.decode("utf-8", "replace")) if isinstance(found, Approval) else found


def drop(session: Session, plan: Plan) -> None:
    """Forget the approvals of a plan that was released: the ledger has them now."""
    if _asked(session, plan) is None:
        return
    with suppress(MultigitError):  # left-overs of a plan that is a day old count for nothing
        home = session.mirror(session.config.home)
        refs = list_refs(home.url, [_folder(plan.run)])
        push(home, [RefUpdate(ref=name, old=seen.oid, new=None) for name, seen in refs.items()])


def approve(session: Session, screen: Screen, path: Path, options: Options) -> int:
    """Sign the plan in `path`, if it is somebody else's, still true, and its environment asks for it."""
    plan = consent.saved(path, session.now())
    _of_this_fleet(session, path, plan)
    env = _asked(session, plan)
    if env is None:
        raise UsageError(
            f"{plan.target} asks for no approval of a {plan.verb}", why="repos.yaml: approvals of the environment"
        )
    by = _approver(session, env, plan)
    screen.say(plan_text(plan, width=screen.width), always=screen.interactive)
    if plan.config != session.loaded.digest:
        why = f"the plan was made with another {session.loaded.path.name} than the one here: its gates may be others"
        raise stale_plan(why=why, command=f"bring {session.loaded.path} up to date, then: {options.again}")
    if why := report.first_move(session, plan, states(session, _environments(session, plan))):
        raise stale_plan(why=why, command=f"ask {plan.operator.name} for a new plan")
    given = read(session, plan)
    if by in [approval.by for approval in given]:
        return _told(screen, plan, given, f"{plan.id} is approved by {by} already: nothing to do")
    if options.dry_run:
        return _told(screen, plan, given, f"{by} would approve {plan.id} (sha256:{plan.digest[:12]})")
    _agree(screen, plan, options)
    _publish(session, plan, by)
    return _told(screen, plan, read(session, plan), f"{plan.id} is approved by {by} (sha256:{plan.digest[:12]})")


def _of_this_fleet(session: Session, path: Path, plan: Plan) -> None:
    known = {*session.config.environments, *session.config.repos}
    named = {str(name) for name in (plan.source, plan.target, *(seen.repo for seen in plan.seen)) if name}
    if strange := sorted(named - known):
        raise UsageError(f"{path} is a plan of another fleet", why=f"repos.yaml has no {strange[0]}")


def _environments(session: Session, plan: Plan) -> list[Environment]:
    return [session.config.environments[name] for name in (plan.source, plan.target) if name]


def _approver(session: Session, env: Environment, plan: Plan) -> str:
    by = address_of(session.signer.public, session.config.signing.signers)
    if by not in env.may_approve:
        may = ", ".join(env.may_approve)
        why = f"{may} may; your key is {session.signer.public}"
        raise Refused(f"{by or 'your key'} may not approve {env.name}", why=why, state="nothing was changed")
    if plan.operator.email.casefold() in (by.casefold(), session.actor.email.casefold()):
        raise Refused("nobody approves their own plan", why=f"{plan.operator.name} <{plan.operator.email}> made it",
                      hint=f"ask one of {', '.join(a for a in env.may_approve if a != by)}: multigit approve FILE",
                      state="nothing was changed")  # fmt: skip
    return by


def _agree(screen: Screen, plan: Plan, options: Options) -> None:
    if options.yes:
        return
    if not screen.interactive:
        raise nobody_to_ask(command=options.again)
    if not ask.yes(screen, sentence(options.lang, "approve", target=plan.target, who=plan.operator.name)):
        raise said_no(command=options.again)


def _publish(session: Session, plan: Plan, by: str) -> None:
    me = Signature(name=session.actor.name, email=session.actor.email, when=session.now())
    home = session.mirror(session.config.home)
    body = statement(plan, me, tree=empty_tree(home)).body()
    oid = write_object(home, "commit", into_commit(body, session.signer.sign(body)))
    ref = f"{_folder(plan.run)}{hashlib.sha256(by.encode()).hexdigest()[:12]}"
    # One that is there and did not count (another key of the same person, say) makes room.
    seen = list_refs(home.url, [ref]).get(ref)
    done = push(home, [RefUpdate(ref=ref, old=seen.oid if seen else None, new=oid)])
    if list_refs(home.url, [ref]).get(ref) is None:
        why = done.refused or (done.problem.why if done.problem else "the host said ok and wrote nothing")
        raise MultigitError(f"the approval did not reach {session.config.home.name}", why=why,
                            hint="multigit approve again", state="nothing was changed")  # fmt: skip


def _told(screen: Screen, plan: Plan, given: tuple[Approval, ...], text: str) -> int:
    screen.say(text, always=True)
    by = tuple(approval.by for approval in given)
    from multigit.model.documents import ApprovalDocument

    told = ApprovalDocument(plan=plan.id, digest=plan.digest, run=plan.run, target=str(plan.target), approved_by=by)
    screen.document(document("", told))
    return DONE
