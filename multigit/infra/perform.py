"""Does what was agreed to: everything is made first, then mended, so that security groups may name each other.

One that fails does not stop the others; only when AWS no longer knows who is asking, nothing more is tried. Each call
may be repeated: whoever was killed in between runs it again (docs/infra.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from multigit.clients import SignedOut, asked
from multigit.errors import MultigitError
from multigit.infra.door import Door
from multigit.infra.kinds import MODULES
from multigit.lanes import each
from multigit.model.infra.changes import Change
from multigit.model.infra.wanted import Wanted

Todo = tuple[Wanted, Change]


@dataclass(slots=True)
class Performed:
    """What became of it, by kind and name; what is not among `problems` was done as far as AWS said."""

    problems: dict[tuple[str, str], MultigitError] = field(default_factory=dict)
    untried: set[tuple[str, str]] = field(default_factory=set)
    signed_out: SignedOut | None = None


def perform(door: Door, todo: Sequence[Todo], jobs: int, tell: Callable[[str, str], None]) -> Performed:
    """Make, adopt and mend; at most `jobs` resources at once. `tell` is given what, and what is done to it."""
    done = Performed()
    each(lambda item: _begin(door, item, done, tell), todo, jobs)
    each(lambda item: _mend(door, item, done, tell), todo, jobs)
    return done


def _begin(door: Door, item: Todo, done: Performed, tell: Callable[[str, str], None]) -> None:
    one, change = item
    if change.action == "create":
        _guarded(one, "create", lambda: MODULES[one.kind].create(door, one), done, tell)
    elif change.action == "adopt":
        _guarded(one, "adopt", lambda: MODULES[one.kind].adopt(door, one), done, tell)


def _mend(door: Door, item: Todo, done: Performed, tell: Callable[[str, str], None]) -> None:
    one, change = item
    module = MODULES[one.kind]
    aspects = module.AFTER if change.action == "create" else [differ.aspect for differ in change.differs]
    if aspects:
        _guarded(one, f"set {', '.join(aspects)}", lambda: module.mend(door, one, aspects), done, tell)


def _guarded(
    one: Wanted, word: str, work: Callable[[], None], done: Performed, tell: Callable[[str, str], None]
) -> None:
    """Do it, unless it cannot be done any more; what goes wrong is kept for the end."""
    key = (one.kind, one.name)
    if done.signed_out:
        done.untried.add(key)
    if key in done.problems or key in done.untried:
        return
    tell(f"{one.kind} {one.name}", word)
    try:
        with asked(f"{one.kind} {one.name}: {word}"):
            work()
    except MultigitError as problem:
        done.problems[key] = problem
        if isinstance(problem, SignedOut):
            done.signed_out = problem
