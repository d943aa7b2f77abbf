"""What may happen next in the explorer's world: processes at work, pushes on their way, strangers, operators.

A crashed process is one that is never given a step again, so every world is also the world after a crash at that step.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from multigit.apply import protocol
from multigit.apply.vocabulary import (
    Action,
    Append,
    Beaten,
    Done,
    Look,
    Observation,
    Record,
    RepoView,
    Stage,
    Staged,
    State,
    Unseen,
    Wrote,
)
from multigit.model.names import RepoName
from tests.support.modelled import (
    OPEN,
    REPOS,
    RIVAL,
    Command,
    Deed,
    Edge,
    Entry,
    Policy,
    Remote,
    connect,
    receive,
    refusal,
    standing,
)
from tests.support.worlds import DUE, REFUSED, SENT, Budget, Step, Worker, World, arrivals, strangers, with_remote

Intent = Literal["resume", "abort"]
Decide = Callable[[State, tuple[Observation, ...]], tuple[State, tuple[Action, ...]]]
Note = Callable[["World", int], "World"]
"""Writes down what a process observed, by number."""
T = TypeVar("T", bound=Hashable)


class Numbered(Generic[T]):
    """Values by number, so that worlds stay small and quick to hash."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def number(self, value: T) -> int:
        """The number of `value`."""
        if value not in self._numbers:
            self._numbers[value] = len(self.values)
            self.values.append(value)
        return self._numbers[value]


@dataclass
class Model:
    """The rules by which one world follows another."""

    edge: Edge = field(default_factory=Edge)
    decide: Decide = protocol.next
    slow_reads: bool = False
    """True: others may act between a push that was answered and its read-back, too (four times as many worlds).
    After a push that was not answered they always may.
    """

    def __post_init__(self) -> None:
        self.states: Numbered[State] = Numbered()
        self.seen: Numbered[Observation] = Numbered()
        self._glances: dict[tuple[str, ...], int] = {}
        self._decided: dict[tuple[int, tuple[int, ...]], tuple[int, tuple[Action, ...]]] = {}

    # --- processes ---------------------------------------------------------------------------------------------

    def start(self, policies: tuple[Policy, ...], budget: Budget) -> World:
        """Everything is staged and `begin` is due."""
        views = tuple(RepoView(repo, lands=True, tagged=True) for repo in REPOS[: len(policies)])
        world = World(tuple(Remote(policy) for policy in policies), budget)
        return self._enter(world, 1, protocol.begin(views), tuple(Staged(view.repo) for view in views))

    def take_over(self, world: World, intent: Intent) -> World:
        """A new process writes `take` and begins to look."""
        phase, _ = standing(world.ledger)
        owner = 1 + len(world.ledger)
        views = tuple(RepoView(repo, lands=True, tagged=True) for repo in REPOS[: len(world.remotes)])
        world = world._replace(ledger=(*world.ledger, Entry("take", owner)), late_records=())
        return self._enter(world, owner, protocol.take_up(views, phase, intent), ())

    def _enter(self, world: World, owner: int, state: State, seen: tuple[Observation, ...]) -> World:
        numbers = tuple(self.seen.number(one) for one in seen)
        number, actions = self._decision(self.states.number(state), numbers)
        assert not any(isinstance(action, Stage) for action in actions)
        return self._placed(world, Worker(owner, number, (DUE,) * len(actions)), actions)

    def _decision(self, state: int, seen: tuple[int, ...]) -> tuple[int, tuple[Action, ...]]:
        key = state, seen
        if key not in self._decided:
            after, actions = self.decide(self.states.values[state], tuple(self.seen.values[n] for n in seen))
            self._decided[key] = self.states.number(after), actions
        return self._decided[key]

    def actions(self, worker: Worker) -> tuple[Action, ...]:
        """What `worker` has to do now."""
        return self._decision(worker.state, ())[1]

    def _placed(self, world: World, worker: Worker, actions: tuple[Action, ...]) -> World:
        others = tuple(other for other in world.workers if other.owner != worker.owner)
        if isinstance(actions[0], Done):
            told = tuple(sorted({*world.told, actions[0].end}, key=lambda end: end.value))
            return world._replace(workers=others, told=told)
        return world._replace(workers=tuple(sorted((*others, worker))))

    def _noted(self, world: World, worker: Worker, slot: int, value: int) -> World:
        slots = (*worker.slots[:slot], value, *worker.slots[slot + 1 :])
        if min(slots) < 0:
            return self._placed(world, worker._replace(slots=slots), self.actions(worker))
        number, actions = self._decision(worker.state, slots)
        return self._placed(world, Worker(worker.owner, number, (DUE,) * len(actions)), actions)

    # --- what may happen next ----------------------------------------------------------------------------------

    def successors(self, world: World) -> Iterator[Step]:
        """Every world that may follow, and what led there."""
        for worker in world.workers:
            for label, after in self.work(world, worker):
                yield (worker.owner, *label), after
        yield from arrivals(world)
        for number in range(len(world.remotes)):
            yield from strangers(world, number)
        yield from self._operators(world)

    def work(self, world: World, worker: Worker) -> Iterator[Step]:
        """One step of one process: any of its due actions, or reading back after a push."""
        for slot, action in enumerate(self.actions(worker)):
            note = lambda after, seen, slot=slot: self._noted(after, worker, slot, seen)  # noqa: E731
            match action:
                case Append(record):
                    yield from self._append(world, worker, record, note)
                case _ if worker.slots[slot] >= 0 or isinstance(action, Stage | Done):
                    continue
                case Look(repo):
                    yield from self._read(world, repo, "", note)
                case _ if worker.slots[slot] == DUE:
                    yield from self._push(world, action, note)
                case _:
                    refused = "turned down" if worker.slots[slot] == REFUSED else ""
                    yield from self._read(world, action.repo, refused, note)

    def _read(self, world: World, repo: RepoName, refused: str, note: Note, *before: object) -> Iterator[Step]:
        seen = self._glance(repo, world.remotes[REPOS.index(repo)], refused)
        yield (*before, "reads", repo), note(world, seen)
        if budget := world.budget.spend("unread"):
            yield (
                (*before, "cannot read", repo),
                note(world._replace(budget=budget), self.seen.number(Unseen(repo, "cut"))),
            )

    def _glance(self, repo: RepoName, remote: Remote, refused: str) -> int:
        key = repo, remote.branch, remote.fence, remote.tag, refused
        if key not in self._glances:
            self._glances[key] = self.seen.number(self.edge.saw(repo, remote, refused))
        return self._glances[key]

    def _push(self, world: World, deed: Deed, note: Note) -> Iterator[Step]:
        number = REPOS.index(deed.repo)
        after, ok, refused = world.remotes[number], True, ""
        for push in self.edge.pushes(deed, after):
            commands = connect(after, push)
            refused = refusal(after, commands) if commands else ""
            if commands and not refused:
                yield from self._mishaps(world, number, deed, commands, note)
            moved = receive(after, commands) if commands is not None and not refused else None
            if moved is None:
                ok = False
                break
            after = moved
        answer, pushed = self._answer(deed, ok, refused), with_remote(world, number, after)
        if answer < 0 and not self.slow_reads:
            why = "turned down" if refused else ""
            yield from self._read(pushed, deed.repo, why, note, "pushes", deed)
        else:
            yield ("pushes", deed), note(pushed, answer)

    def _mishaps(
        self, world: World, number: int, deed: Deed, commands: tuple[Command, ...], note: Note
    ) -> Iterator[Step]:
        if budget := world.budget.spend("late"):
            late = tuple(sorted((*world.late, (number, commands))))
            unknown = note(world._replace(budget=budget, late=late), self._answer(deed, False, ""))
            yield ("gives up waiting for", deed), unknown
        if budget := world.budget.spend("lied"):
            yield ("is lied to about", deed), note(world._replace(budget=budget), self._answer(deed, True, ""))

    def _answer(self, deed: Deed, ok: bool, refused: str) -> int:
        believed = self.edge.believed(deed, ok=ok)
        if believed:
            return self.seen.number(believed)
        return REFUSED if refused else SENT

    def _append(self, world: World, worker: Worker, record: Record, note: Note) -> Iterator[Step]:
        state = self.states.values[worker.state]
        phase, owner = standing(world.ledger)
        free = not world.ledger if record == "begin" else owner == worker.owner and phase is state.phase
        if not free:
            taken = owner is not None and owner != worker.owner
            beaten = Beaten(record, taken=taken, phase=phase if owner is not None else None)
            yield ("is beaten to", record), note(world, self.seen.number(beaten))
            return
        called = protocol.statuses(state) if record == "aborted" else {}
        entry = Entry(record, worker.owner, tuple(repo for repo, word in called.items() if word == "diverged"))
        written = world._replace(ledger=(*world.ledger, entry), late_records=())
        unknown = self.seen.number(Beaten(record, unknown=True))
        yield ("writes", record), note(written, self.seen.number(Wrote(record)))
        if budget := world.budget.spend("unread"):
            yield ("writes, without knowing it,", record), note(written._replace(budget=budget), unknown)
        if budget := world.budget.spend("lied"):
            seen = self.seen.number(Wrote(record)) if self.edge.believes_the_ledger else unknown
            yield ("is lied to about", record), note(world._replace(budget=budget), seen)
        if budget := world.budget.spend("late"):
            waiting = tuple(sorted((*world.late_records, (len(world.ledger), entry))))
            yield ("gives up waiting for", record), note(world._replace(budget=budget, late_records=waiting), unknown)

    def _operators(self, world: World) -> Iterator[Step]:
        budget = world.budget.spend("operators")
        if budget and standing(world.ledger)[0] in OPEN:
            for intent in ("resume", "abort"):
                yield ("somebody takes over to", intent), self.take_over(world._replace(budget=budget), intent)
        rivalled = world.budget.spend("rival")
        if rivalled and not world.ledger:
            yield (
                ("another run begins",),
                world._replace(budget=rivalled, ledger=(Entry("begin", RIVAL),), late_records=()),
            )
