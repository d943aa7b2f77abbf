"""Asks whether every hotfix of the target is already in the source: a promotion must not overtake one (G8).

    no-backlog: {kind: backmerged, from: prod}

Judged by what was read of source and target together; a repository that was not read is the planner's to report.
"""

from __future__ import annotations

from dataclasses import dataclass

from multigit.model.config import STRICT
from multigit.model.fleet import Pair
from multigit.model.names import EnvName
from multigit.model.verdict import Subject, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this gate."""

    __pydantic_config__ = STRICT
    from_: EnvName
    """Environment whose commits must have come back: the target of the promotion, by id or alias."""


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Fail for each repository whose target has commits that the source lacks."""
    plan = subject.plan
    env = subject.config.environment(settings.from_)
    if env is None or env.name != plan.target:
        return Verdict(
            state="fail",
            why=f"this gate is about {settings.from_}, and the plan goes to {plan.target}: it cannot be judged",
            details=(f"in repos.yaml, give the road to {plan.target} a gate with `from: {plan.target}`",),
        )
    owing = [pair for pair in subject.fleet.pairs.values() if pair.debts]
    if not owing:
        return Verdict(state="pass", why=f"every commit of {plan.target} is in {plan.source}")
    total = sum(len(pair.debts) for pair in owing)
    names = ", ".join(pair.repo for pair in owing)
    return Verdict(
        state="fail",
        why=f"{total} {'commit' if total == 1 else 'commits'} of {plan.target} not in {plan.source}: {names}",
        details=tuple(line for pair in owing for line in _told(pair, f"{plan.target} {plan.source}")),
    )


def _told(pair: Pair, road: str) -> tuple[str, ...]:
    commits = (f'{pair.repo}: {line.oid.short} {line.author} "{line.subject}"' for line in pair.debts)
    return (*commits, f"multigit backmerge {road} -r {pair.repo}")
