"""Gates: which ones a plan has to pass, what they said, and the refusal when one of them says no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from multigit.app.consent import Options
from multigit.app.session import Session
from multigit.checks import evaluate
from multigit.errors import MultigitError, Refused, UsageError
from multigit.model.config import Gate
from multigit.model.fleet import Fleet
from multigit.model.gated import blocked_by
from multigit.model.plan import Plan, Refusal
from multigit.model.verdict import GateResult, Subject

FIRM = frozenset({"signed", "approved"})
"""Gates that no reason opens."""


def asked(session: Session, plan: Plan, fleet: Fleet, options: Options) -> tuple[GateResult, ...]:
    """The gates of this road. A hold is always asked; so is, before production, whether hotfixes were merged back."""
    if not plan.lands and not plan.refusals:
        return ()
    gates = [*_listed(session, plan), *_demanded(session, plan, dry_run=options.dry_run)]
    subject = Subject(config=session.config, plan=plan, fleet=fleet, now=session.now(), folder=str(session.folder))
    if firm := sorted(FIRM & set(options.overrides)):
        raise UsageError(f"the gate {firm[0]!r} cannot be overridden",
                         why="signers and approvals are what repos.yaml asks for, and end there")  # fmt: skip
    unknown = set(options.overrides) - {gate.name for gate in gates}
    if unknown:
        raise UsageError(f"there is no gate called {sorted(unknown)[0]!r} here",
                         why=f"gates: {', '.join(gate.name for gate in gates) or 'none'}")  # fmt: skip
    return tuple(replace(r, overridden=options.overrides.get(r.gate.name, "")) for r in evaluate(gates, subject))


def _listed(session: Session, plan: Plan) -> list[Gate]:
    config = session.config
    gates = [Gate(name="hold", kind="hold")] if plan.verb in ("promote", "hotfix", "push") else []
    if plan.verb == "promote" and plan.source and plan.target:
        road = config.promotion(config.environments[plan.source], config.environments[plan.target])
        gates += [config.gates[name] for name in (road.gates if road else ())]
        if not any(gate.kind == "backmerged" for gate in gates):
            gates.append(_owes_nothing(plan))
    return gates


def may_sign(session: Session, plan: Plan) -> None:
    """Refused unless the operator can sign for the plan's environment, where that is asked for."""
    env = session.config.target(plan.target)
    if env is None or not env.signers:
        return
    subject = Subject(config=session.config, plan=plan, fleet=Fleet(repos=(), history=session.ledger.history),
                      now=session.now(), folder=str(session.folder))  # fmt: skip
    (said,) = evaluate([Gate(name="signed", kind="signed")], subject)
    if said.verdict.state != "pass":
        raise Refused(said.verdict.why, hint="\n".join(said.verdict.details) or "multigit doctor",
                      state="nothing was changed; abort needs no key")  # fmt: skip


def _demanded(session: Session, plan: Plan, *, dry_run: bool) -> list[Gate]:
    """What an environment with signers asks for. A plan comes before its approval, so a dry run only mentions it."""
    env = session.config.target(plan.target)
    gates = [Gate(name="signed", kind="signed")] if env and env.signers else []
    if env and env.approvals and plan.verb != "rollback":
        gates.append(Gate(name="approved", kind="approved", level="warn" if dry_run else "block"))
    return gates


def _owes_nothing(plan: Plan) -> Gate:
    """Hotfixes that were never merged back stop a production release, and are only pointed out before others (G8)."""
    level: Literal["block", "warn"] = "block" if plan.production else "warn"
    return Gate(name="no-backlog", kind="backmerged", level=level, settings={"from": plan.target})


def blocked(plan: Plan, gates: Sequence[GateResult]) -> MultigitError:
    """What stops the plan, in one error: exit 1 where something is broken, 3 where something forbids it."""
    reasons = blocked_by(plan, gates)
    hints = [r.hint for r in plan.refusals if r.hint]
    hints += [line for g in gates if g.blocks and g.gate.name in FIRM for line in g.verdict.details[:1]]
    kind = MultigitError if all(r.technical for r in plan.refusals) and plan.refusals else Refused
    first = next((sentence(r) for r in plan.refusals), "")
    gate = next((f"{g.gate.name}: {g.verdict.why}" for g in gates if g.blocks and g.verdict.state != "ask"), "")
    return kind(
        f"{plan.verb} is blocked by: {', '.join(reasons)}",
        why=first or gate,
        hint="\n".join(dict.fromkeys(hints[:3])) or f'--override {reasons[0]}="REASON" is recorded with the release',
        state=f"nothing was pushed (0 of {len(plan.seen)})",
        code="MG-320",
    )


def sentence(refusal: Refusal) -> str:
    """A refusal on one line."""
    return f"{refusal.repo}: {refusal.why}" if refusal.repo else refusal.why
