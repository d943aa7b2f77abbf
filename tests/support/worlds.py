"""The explorer's world as a value, and what happens in it without us: late arrivals, colleagues, other runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from multigit.apply.vocabulary import End
from tests.support.modelled import COLLEAGUE, ELSEWHERE, OLD, OTHER_RUN, REPOS, Command, Entry, Remote, receive


class Budget(NamedTuple):
    """How often each mishap may happen on one path, and how many in all."""

    mishaps: int = 3
    late: int = 1  # a push or a record is on its way when its sender gives up; it arrives at any later time or never
    lied: int = 1  # the host says OK and writes nothing
    unread: int = 1  # the answer to a read, or to a record that went in, is lost
    colleague: int = 2  # somebody pushes on top, or forces the branch back to OLD or elsewhere
    other_run: int = 1  # another fleet's run takes the fence, with or without landing on top
    squatter: int = 1  # somebody gives our tag's name to something else
    rival: int = 1  # another run of this fleet begins first
    operators: int = 1  # somebody takes the run over, to resume or to abort

    def spend(self, kind: str) -> Budget | None:
        """What is left after one more of `kind`. Operators are no mishap."""
        left = getattr(self, kind) - 1
        if kind == "operators":
            return self._replace(operators=left) if left >= 0 else None
        if left < 0 or not self.mishaps:
            return None
        return self._replace(**{kind: left}, mishaps=self.mishaps - 1)


class Worker(NamedTuple):
    """A process at work: its state, and per due action DUE, SENT, REFUSED or the observation (by number)."""

    owner: int
    state: int
    slots: tuple[int, ...]


DUE, SENT, REFUSED = -1, -2, -3


class World(NamedTuple):
    """All there is. Pushes and records that are still on their way are in `late` and `late_records`."""

    remotes: tuple[Remote, ...]
    budget: Budget
    ledger: tuple[Entry, ...] = ()
    workers: tuple[Worker, ...] = ()
    late: tuple[tuple[int, tuple[Command, ...]], ...] = ()
    late_records: tuple[tuple[int, Entry], ...] = ()
    told: tuple[End, ...] = ()
    """Ends that were reported to operators, each kind once."""


Step = tuple[tuple[object, ...], World]
"""What happened, in words that are put together only when asked for, and the world after it."""


def with_remote(world: World, number: int, remote: Remote) -> World:
    """The world with one repository changed."""
    remotes = (*world.remotes[:number], remote, *world.remotes[number + 1 :])
    return world._replace(remotes=remotes, late=tuple(push for push in world.late if _may_arrive(push, remotes)))


def _may_arrive(push: tuple[int, tuple[Command, ...]], remotes: tuple[Remote, ...]) -> bool:
    """A fence value never comes back, so a push that names one that is gone is forgotten."""
    number, commands = push
    return all(command.old == remotes[number].fence for command in commands if command.ref == "fence")


def arrivals(world: World) -> Iterator[Step]:
    """Pushes and records whose senders have given up on them come in after all."""
    for push in world.late:
        number, commands = push
        after = receive(world.remotes[number], commands)
        if after is not None:
            left = list(world.late)
            left.remove(push)
            yield ("late, there arrive", commands), with_remote(world._replace(late=tuple(left)), number, after)
    for length, entry in world.late_records:
        if length == len(world.ledger):
            yield ("late, there arrives", entry), world._replace(ledger=(*world.ledger, entry), late_records=())


def strangers(world: World, number: int) -> Iterator[Step]:
    """What people and other tools may do to a repository."""
    remote = world.remotes[number]
    if budget := world.budget.spend("colleague"):
        for branch in {remote.branch + COLLEAGUE, OLD, ELSEWHERE} - {remote.branch}:
            moved = with_remote(world._replace(budget=budget), number, remote._replace(branch=branch))
            yield ("a colleague moves", REPOS[number], "to", branch), moved
    if budget := world.budget.spend("other_run"):
        for branch in (remote.branch, remote.branch + OTHER_RUN):
            moved = with_remote(world._replace(budget=budget), number, remote._replace(fence="foreign", branch=branch))
            yield ("another fleet's run leaves", REPOS[number], "at", branch), moved
    if remote.tag == "absent" and (budget := world.budget.spend("squatter")):
        yield (
            ("somebody takes the tag in", REPOS[number]),
            with_remote(world._replace(budget=budget), number, remote._replace(tag="other")),
        )
