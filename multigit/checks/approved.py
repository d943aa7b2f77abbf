"""Asks whether enough others have approved this very plan. Asked wherever `approvals` says so; never overridden.

    approved: {kind: approved}    # comes with   environments: {prod: {signers: […], approvals: 1}}

Neither the plan's author nor whoever applies it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from multigit.errors import MultigitError
from multigit.model.attest import counted
from multigit.model.config import STRICT
from multigit.model.signatures import address_of
from multigit.model.verdict import Subject, Verdict
from multigit.vcs.signing import signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Nothing to set: the environment is the plan's target."""

    __pydantic_config__ = STRICT


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Fail until enough people, neither its author nor whoever applies it, have signed the plan's digest."""
    plan = subject.plan
    assert plan.target is not None
    env = subject.config.environments[plan.target]
    given = counted(subject.fleet.approvals, plan, env.may_approve, _mine(subject))
    told = ", ".join(approval.by for approval in given)
    if len(given) >= env.approvals:
        return Verdict(state="pass", why=f"approved by {told}")
    others = ", ".join(address for address in env.may_approve if address != plan.operator.email)
    save = (
        f"multigit plan {plan.source} {plan.target} --out plan.json" if plan.source else "… --dry-run --out plan.json"
    )
    return Verdict(
        state="fail",
        why=f"{len(given)} of {env.approvals} approvals{f' ({told})' if told else ''}",
        details=(f"{save}, then one of {others}: multigit approve plan.json, then … --plan plan.json",),
    )


def _mine(subject: Subject) -> str:
    try:
        return address_of(signer(Path(subject.folder)).public, subject.config.signing.signers)
    except MultigitError:  # the gate `signed` says so
        return ""
