"""What the plan document has besides the plan: its digest, its gates, and whether they let it pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from multigit.errors import DONE, REFUSED
from multigit.model.plan import Plan
from multigit.model.verdict import GateResult


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLine:
    """A gate as the plan document has it."""

    name: str
    kind: str
    level: Literal["block", "warn"]
    state: Literal["pass", "wait", "fail", "ask"]
    why: str
    details: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    """Questions that nobody has said yes to."""
    overridden: str = ""
    """Reason given with --override."""
    blocks: bool = False
    """Whether the run must not go on because of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanExtras:
    """What the plan document has besides the plan; reading a plan back ignores it."""

    digest: str
    """sha256 (hex) of the plan."""
    id: str
    gates: tuple[GateLine, ...] = ()
    blocked: bool = False
    blocked_by: tuple[str, ...] = ()
    """Codes of refusals and names of gates."""
    exit_code: int = DONE


def blocked_by(plan: Plan, gates: Sequence[GateResult] = ()) -> tuple[str, ...]:
    """What forbids the run, each once: codes of refusals, then gates that fail or wait. Open questions do not; they
    are asked before consent.
    """
    codes = [refusal.code for refusal in plan.refusals]
    names = [result.gate.name for result in gates if result.blocks and result.verdict.state in ("fail", "wait")]
    return tuple(dict.fromkeys([*codes, *names]))


def gate_line(result: GateResult) -> GateLine:
    """A gate's result as the plan document has it."""
    return GateLine(
        name=result.gate.name,
        kind=result.gate.kind,
        level=result.gate.level,
        state=result.verdict.state,
        why=result.verdict.why,
        details=result.verdict.details,
        unanswered=result.unanswered,
        overridden=result.overridden,
        blocks=result.blocks,
    )


def plan_extras(plan: Plan, gates: Sequence[GateResult] = ()) -> PlanExtras:
    """Digest, id, gates and the exit code that `plan` ends with."""
    reasons = blocked_by(plan, gates)
    return PlanExtras(
        digest=plan.digest,
        id=plan.id,
        gates=tuple(gate_line(result) for result in gates),
        blocked=bool(reasons),
        blocked_by=reasons,
        exit_code=REFUSED if reasons else DONE,
    )
