"""Asks a person to say yes to each item of a list (G4, M10).

checklist: {kind: checklist, items: ["Staging tested?", "Rollback plan ready?"]}
"""

from __future__ import annotations

from dataclasses import dataclass

from multigit.model.config import STRICT
from multigit.model.verdict import Subject, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this gate."""

    __pydantic_config__ = STRICT
    items: tuple[str, ...]
    """The questions, in the order they are asked."""

    def __post_init__(self) -> None:
        if not self.items or not all(item.strip() for item in self.items):
            raise ValueError("a checklist needs items, and none of them empty")


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Ask; only a person can answer."""
    questions = tuple(dict.fromkeys(settings.items))
    count = len(questions)
    return Verdict(state="ask", why=f"{count} {'item' if count == 1 else 'items'} to confirm", questions=questions)
