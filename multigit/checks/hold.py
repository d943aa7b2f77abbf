"""Asks whether somebody has put the environment on hold. Every promotion asks it, listed or not.

frozen: {kind: hold}
"""

from __future__ import annotations

from dataclasses import dataclass

from multigit.model.config import STRICT
from multigit.model.verdict import Subject, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Nothing to set: the environment is the plan's target."""

    __pydantic_config__ = STRICT


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Fail while a hold of the whole environment is in force; the quarantine of a release is the planner's matter."""
    env = subject.plan.target
    holds = [hold for hold in subject.fleet.history.holds if hold.env == env and not hold.quarantine]
    if not holds:
        return Verdict(state="pass", why=f"{env} is not on hold")
    zone = subject.now.tzinfo
    told = tuple(f"{hold.by.name}, {hold.at.astimezone(zone):%Y-%m-%d %H:%M %Z}: {hold.reason}" for hold in holds)
    return Verdict(
        state="fail",
        why=f"{env} is on hold by {told[0]}",
        details=(*told[1:], f"multigit hold release {env}"),
    )
