"""How a deployment stands or ended, as data: schema `multigit.deployment/1`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from multigit.errors import DONE, PARTLY, UNWELL
from multigit.model.delivery import Delivery
from multigit.model.deployments import Deployment, StepState
from multigit.model.deployplan import DeployPlan, Skip, Stage, Step, read

End = Literal["well", "failed", "returned", "superseded", "open", "lost", "nothing", "planned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step: what it is, and how it stands."""

    id: str
    stage: Stage
    wave: int
    repo: str
    """'' for the watch of all."""
    target: str
    was: str
    """What ran before."""
    state: Literal["waits", "begun", "ok", "failed"]
    why: str = ""
    fault: str = ""
    """`failed`: build, test or deploy."""
    details: tuple[str, ...] = ()
    link: str = ""
    at: datetime | None = None
    """When it came to stand so."""
    back: Literal["", "begun", "ok", "failed"] = ""
    """How its place stands on the way back."""
    back_why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentReport:
    """One deployment, schema `multigit.deployment/1`."""

    schema: Literal["multigit.deployment/1"] = "multigit.deployment/1"
    id: str
    env: str
    tag: str = ""
    run: str = ""
    outcome: End
    why: str = ""
    by: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    steps: tuple[StepRow, ...] = ()
    skips: tuple[Skip, ...] = ()
    warnings: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    restored: Mapping[str, Any] | None = None
    """The run (`multigit.run/1`) that took the branches back as well."""
    notices: tuple[Delivery, ...] = ()
    exit_code: int = DONE


def of_plan(plan: DeployPlan, outcome: End) -> DeploymentReport:
    """A plan that nothing was done of yet."""
    rows = tuple(_row(step, None, None) for step in plan.steps)
    return DeploymentReport(id=plan.id, env=plan.env, tag=plan.tag or "", run=plan.run or "", outcome=outcome,
                            steps=rows, skips=plan.skips, by=_who(plan))  # fmt: skip


def of(found: Deployment, end: End | None = None, why: str = "") -> DeploymentReport:
    """A deployment as the ledger has it; `end` where it is known better."""
    plan = read(found.plan)
    outcome: End = end or found.outcome or "open"
    rows = tuple(_row(step, found.steps.get(step.id), found.backs.get(step.id)) for step in plan.steps)
    who = found.taken_by or found.by
    return DeploymentReport(
        id=found.id, env=found.env, tag=plan.tag or "", run=plan.run or "", outcome=outcome, why=why or found.reason,
        by=f"{who.user}@{who.host}", started=found.started, ended=found.ended, steps=rows, skips=plan.skips,
        exit_code=exit_code(outcome),
    )  # fmt: skip


def exit_code(outcome: End) -> int:
    """0 well or nothing to do; 4 open, or another has it; 5 landed, but it failed, also where it was taken back."""
    if outcome in ("well", "nothing", "planned", "superseded"):
        return DONE
    return PARTLY if outcome in ("open", "lost") else UNWELL


def _who(plan: DeployPlan) -> str:
    return f"{plan.operator.user}@{plan.operator.host}"


def _row(step: Step, state: StepState | None, back: StepState | None) -> StepRow:
    row = StepRow(id=step.id, stage=step.stage, wave=step.wave, repo=str(step.repo or ""), target=step.target,
                  was=step.was, state=state.state if state else "waits", back=back.state if back else "",
                  back_why=back.why if back else "")  # fmt: skip
    if state is None:
        return row
    return replace(row, why=state.why, fault=state.fault, details=state.details, link=state.link, at=state.at)
