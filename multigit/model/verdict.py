"""What checks are asked and what they answer: shared by checks, which judge, and ui, which shows and asks on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from multigit.model.config import Config, Gate
from multigit.model.fleet import Fleet
from multigit.model.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer of one check. `why` and `details` may hold text from outside: escape before showing (X8)."""

    state: Literal["pass", "wait", "fail", "ask"]
    """wait: not now, but by itself later. ask: a person must say yes to each of `questions`."""
    why: str
    """One line for people, also for a pass."""
    retry_after: float | None = None
    """wait: seconds until asking again makes sense, where that is known."""
    details: tuple[str, ...] = ()
    """More lines: files, commits, the command to type next."""
    questions: tuple[str, ...] = ()
    """ask: what a person is asked, one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """All that a check may look at, besides the world outside."""

    config: Config
    plan: Plan
    fleet: Fleet
    now: datetime
    """Aware, in the system's zone. No check reads a clock of its own."""
    folder: str
    """Folder of repos.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate, what its check said, and what the operator said to that."""

    gate: Gate
    verdict: Verdict
    overridden: str = ""
    """Reason given with --override; '' where the gate stands."""
    answered: tuple[str, ...] = ()
    """The questions that were answered with yes."""

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The questions nobody has said yes to."""
        if self.verdict.state != "ask":
            return ()
        return tuple(
            question for question in self.verdict.questions or (self.verdict.why,) if question not in self.answered
        )

    @property
    def blocks(self) -> bool:
        """Whether the run must not go on because of it."""
        if self.gate.level != "block" or self.overridden:
            return False
        return self.verdict.state in ("fail", "wait") or bool(self.unanswered)
