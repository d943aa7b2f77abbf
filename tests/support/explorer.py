"""Every state that a run can get into, within a budget of mishaps, with the production `next()` at the wheel.

Breadth first: at every moment any process may make its next step, a push on its way may arrive, a stranger may act, or
another operator may take the run over (tests/support/rules.py). The invariants are checked in every world found, and
from every world a resume and an abort without mishaps must come to an end. `python -m tests.support.explorer --help`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations_with_replacement

from multigit.apply.vocabulary import End, Phase, TagState
from tests.support.modelled import OPEN, PERSISTENT, REPOS, Entry, Policy, Remote, standing
from tests.support.rules import Intent, Model
from tests.support.worlds import Budget, World

POLICIES: tuple[Policy, ...] = ("plain", "rejects", "no rewinds", "no undoing", "no tags")


def _records(world: World, *kinds: str) -> list[Entry]:
    return [entry for entry in world.ledger if entry.record in kinds and standing(world.ledger)[1] is not None]


def _not_live_for_ever(world: World) -> bool:
    called = {repo for entry in _records(world, "aborted") for repo in entry.diverged}
    live = {repo for repo, remote in zip(REPOS, world.remotes, strict=False) if remote.live}
    return not _records(world, "aborted") or live <= called


def _tags_agree(world: World) -> bool:
    ours = [remote.tag == TagState.OURS.value for remote in world.remotes]
    return (all(ours) or not _records(world, "released")) and (not any(ours) or bool(_records(world, "landed")))


def _closes_once(world: World) -> bool:
    closing = _records(world, "released", "aborted")
    return len(_records(world, "landed")) <= 1 and len(closing) <= 1 and (not closing or world.ledger[-1] is closing[0])


def _told_truly(world: World) -> bool:
    began, phase = bool(_records(world, "begin")), standing(world.ledger)[0]
    truths = {
        End.RELEASED: phase is Phase.RELEASED,
        End.ABORTED: phase is Phase.ABORTED,
        End.REFUSED: not began,
        End.RACE: not began,
    }
    return all(truths.get(end, True) for end in world.told)


INVARIANTS: dict[str, Callable[[World], bool]] = {
    "I1 no foreign commit lost by our pushes": lambda world: not any(remote.robbed for remote in world.remotes),
    "I2 nothing live without a ledger record": lambda world: (
        bool(_records(world, "begin")) or not any(remote.landed or remote.live for remote in world.remotes)
    ),
    "I3 released => NEW was landed in every repository and not undone by us": lambda world: (
        not _records(world, "released") or all(remote.landed and not remote.undone for remote in world.remotes)
    ),
    "I4 aborted => every repository not called diverged is really not live, for ever after": _not_live_for_ever,
    "I5 tags agree across the fleet": _tags_agree,
    "I6 a run lands and closes once": _closes_once,
    "the end that is reported is true": _told_truly,
}


@dataclass(frozen=True, slots=True)
class Found:
    """How many worlds there are, and the way to the first one that is wrong, if any."""

    worlds: int
    wrong: str = ""
    way: tuple[str, ...] = ()
    told: Counter[End] = field(default_factory=Counter)
    """In how many worlds each end was reported: a search in which nothing ends proves little."""


class Explorer:
    """A search from some starting worlds."""

    def __init__(self, model: Model | None = None) -> None:
        self.model = model or Model()
        self._judged: dict[tuple[object, ...], str] = {}
        self._reached: dict[tuple[object, ...], str] = {}

    def explore(self, starts: Iterable[World], limit: int = sys.maxsize) -> Found:
        """Look at every world that can follow; stop at the first wrong one, or after `limit`."""
        came_from: dict[World, tuple[World, tuple[object, ...]] | None] = dict.fromkeys(starts)
        told: Counter[End] = Counter()
        wave = list(came_from)
        while wave and len(came_from) < limit:
            following: list[World] = []
            for world in wave:
                told.update(world.told)
                if wrong := self._wrong(world):
                    return Found(len(came_from), wrong, _way(world, came_from), told)
                for label, after in self.model.successors(world):
                    if after not in came_from:
                        came_from[after] = (world, label)
                        following.append(after)
            wave = following
        return Found(len(came_from), told=told)

    def _wrong(self, world: World) -> str:
        key = world.remotes, world.ledger, world.told
        if key not in self._judged:
            broken = next((text for text, holds in INVARIANTS.items() if not holds(world)), "")
            self._judged[key] = broken or (self._stuck(world) if standing(world.ledger)[0] in OPEN else "")
        return self._judged[key]

    def _stuck(self, world: World) -> str:
        """Why a resume or an abort without mishaps does not close this run; ''."""
        key = world.remotes, standing(world.ledger)[0]
        if key not in self._reached:
            troubles = (self._finish(world, intent) for intent in ("resume", "abort"))
            self._reached[key] = next((trouble for trouble in troubles if trouble), "")
        return self._reached[key]

    def _finish(self, world: World, intent: Intent) -> str:
        before = standing(world.ledger)[0]
        calm = world._replace(budget=Budget(*(0 for _ in Budget._fields)), workers=(), late=(), late_records=())
        calm = self.model.take_over(calm, intent)
        for _ in range(100):
            if not calm.workers:
                break
            _, calm = next(iter(self.model.work(calm, calm.workers[0])))
        phase = standing(calm.ledger)[0]
        if broken := next((text for text, holds in INVARIANTS.items() if not holds(calm)), ""):
            return f"{intent}: {broken}"
        if intent == "abort" and before is Phase.BEGUN and phase not in (Phase.ABORTED, Phase.ABORTING):
            return f"abort led to {phase.value}"
        return "" if phase not in OPEN or _may_stay_open(calm.remotes) else f"{intent} left it {phase.value}"


def _may_stay_open(remotes: tuple[Remote, ...]) -> bool:
    """A host refuses what is needed, for good, or somebody else has our tag's name."""
    return any(remote.policy in PERSISTENT or remote.tag == TagState.OTHER.value for remote in remotes)


def _way(world: World, came_from: dict[World, tuple[World, tuple[object, ...]] | None]) -> tuple[str, ...]:
    labels = []
    while step := came_from[world]:
        world, label = step
        labels.append(" ".join(str(word) for word in label))
    return tuple(reversed(labels))


def fleets(model: Model, repos: int, budget: Budget, policies: tuple[Policy, ...] = POLICIES) -> Iterator[World]:
    """A start for every mix of hosts."""
    for mix in combinations_with_replacement(policies, repos):
        yield model.start(mix, budget)


def main() -> int:
    """Explore from the command line; exit code 1 where something is wrong."""
    parser = argparse.ArgumentParser(description="Explore the protocol exhaustively, within a budget of mishaps.")
    parser.add_argument("--repos", type=int, default=2, help="how many repositories (2 or 3)")
    parser.add_argument("--limit", type=int, default=sys.maxsize, help="stop after so many states")
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=POLICIES, help="hosts to mix")
    for kind, default in Budget._field_defaults.items():
        parser.add_argument(f"--{kind.replace('_', '-')}", type=int, default=default)
    parser.add_argument("--slow-reads", action="store_true", help="let others act between every push and its read-back")
    asked = parser.parse_args()
    explorer, started = Explorer(Model(slow_reads=asked.slow_reads)), time.perf_counter()
    budget = Budget(**{kind: getattr(asked, kind) for kind in Budget._fields})
    found = explorer.explore(fleets(explorer.model, asked.repos, budget, tuple(asked.policies)), asked.limit)
    reach = "the limit was reached" if found.worlds >= asked.limit else "there are no more"
    print(f"{found.worlds:,} states in {time.perf_counter() - started:.0f} s, {reach}")
    print(found.wrong or "all invariants hold")
    print(
        *(f"  {end.value}: reported in {count} states" for end, count in sorted(found.told.items(), key=str)), sep="\n"
    )
    print(*(f"  {number}. {label}" for number, label in enumerate(found.way, 1)), sep="\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
