"""Repositories, a ledger and the edge between them and the protocol, as values: the explorer's world.

A push is modelled in the two steps that git gives it. The sender connects: it compares its leases with what the
server shows, and leaves out every ref that already has the new value. The server, perhaps much later, moves all of
the refs that were sent, each from the very value the sender saw, or none of them.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from multigit.apply.vocabulary import Fence, LandIt, Observation, Phase, PutTag, Record, Saw, Settle, TagState, Tip
from multigit.model.names import RepoName

REPOS = tuple(RepoName(name) for name in "abcd")

# A branch is written as the commits from its root on, one letter each.
OLD, NEW, UNDO = "o", "on", "onr"
COLLEAGUE, OTHER_RUN, ELSEWHERE = "x", "b", "z"
FOREIGN = {COLLEAGUE, OTHER_RUN, ELSEWHERE}

Policy = Literal["plain", "rejects", "no rewinds", "no undoing", "no tags"]
PERSISTENT: tuple[Policy, ...] = ("no undoing", "no tags")
"""Hosts at which a run can rightly stay open."""


class Remote(NamedTuple):
    """One repository as it really is, and three marks of what our pushes did to it."""

    policy: Policy = "plain"
    branch: str = OLD
    fence: str = Fence.NONE.value
    tag: str = TagState.ABSENT.value
    landed: bool = False  # a push of ours put NEW there
    undone: bool = False  # a push of ours took NEW away
    robbed: bool = False  # a push of ours dropped somebody else's commit

    @property
    def live(self) -> bool:
        """Whether the content of NEW is what the branch shows."""
        return "n" in self.branch and "r" not in self.branch


class Update(NamedTuple):
    """One ref of a push as the sender means it. `expect` None: no lease; `unique`: no other push writes this value."""

    ref: str
    expect: str | None
    new: str
    unique: bool = False


class Command(NamedTuple):
    """One ref of a push as the server gets it."""

    ref: str
    old: str
    new: str


class Entry(NamedTuple):
    """One record of the ledger. `diverged`: the repositories that `aborted` calls so."""

    record: Record
    owner: int
    diverged: tuple[RepoName, ...] = ()


RIVAL = 0
"""The owner of another run of the same fleet."""


def connect(remote: Remote, updates: tuple[Update, ...]) -> tuple[Command, ...] | None:
    """The sender's side: what goes over the wire; None where a lease does not hold."""
    commands = []
    for ref, expect, new, unique in updates:
        shown = getattr(remote, ref)
        if shown == new and not unique:
            continue  # up to date, therefore exempt from its lease
        if expect is not None and shown != expect:
            return None
        commands.append(Command(ref, shown, new))
    return tuple(commands)


def receive(remote: Remote, commands: tuple[Command, ...]) -> Remote | None:
    """The server's side: every ref from the value the sender saw, or none."""
    if any(getattr(remote, command.ref) != command.old for command in commands):
        return None
    moves: dict[str, Any] = {command.ref: command.new for command in commands}
    after = remote._replace(**moves)
    if after.branch == remote.branch:
        return after
    kept = next((n for n, pair in enumerate(zip(remote.branch, after.branch, strict=False)) if len({*pair}) > 1), None)
    dropped = set(remote.branch[len(after.branch) if kept is None else kept :])
    return after._replace(
        landed=remote.landed or after.branch == NEW,
        undone=remote.undone or (remote.live and not after.live),
        robbed=remote.robbed or bool(dropped & FOREIGN),
    )


def refusal(remote: Remote, commands: tuple[Command, ...]) -> str:
    """Why the host turns such a push down for good, or ''."""
    moves = [command for command in commands if command.ref == "branch"]
    tags = [command for command in commands if command.ref == "tag"]
    match remote.policy:
        case "rejects" if moves:
            return "protected branch"
        case "no rewinds" if any(not move.new.startswith(move.old) for move in moves):
            return "non-fast-forward"
        case "no undoing" if any(move.old == NEW for move in moves):
            return "protected branch"
        case "no tags" if tags:
            return "protected tag"
        case _:
            return ""


def standing(ledger: tuple[Entry, ...]) -> tuple[Phase, int | None]:
    """Phase and owner of our run, as the ledger has them."""
    if not ledger or ledger[0].owner == RIVAL:
        return Phase.PLANNED, None
    phases = [_PHASES[entry.record] for entry in ledger if entry.record in _PHASES]
    return phases[-1], next(e.owner for e in reversed(ledger) if e.record in ("begin", "take"))


_PHASES: dict[Record, Phase] = {
    "begin": Phase.BEGUN,
    "aborting": Phase.ABORTING,
    "landed": Phase.LANDED,
    "released": Phase.RELEASED,
    "aborted": Phase.ABORTED,
}

OPEN = (Phase.BEGUN, Phase.ABORTING, Phase.LANDED)

Deed = LandIt | PutTag | Settle


class Edge:
    """What is pushed for an action, and what is made of what is read. The mutants change one thing each."""

    believes_the_ledger = False
    """True: a record counts as written as soon as the host says so."""

    def pushes(self, deed: Deed, remote: Remote) -> tuple[tuple[Update, ...], ...]:
        """The atomic pushes of `deed`, one after the other; the protocol never needs more than one."""
        match deed:
            case LandIt():
                return (self.landing(),)
            case PutTag():
                return ((Update("tag", TagState.ABSENT.value, TagState.OURS.value),),)
            case Settle(to=to):
                return self.settling(to, remote)

    def landing(self) -> tuple[Update, ...]:
        """Branch and fence, both leased; a fence value of this push alone, so that its lease is always checked."""
        return Update("branch", OLD, NEW), Update("fence", Fence.NONE.value, Fence.LANDED.value, unique=True)

    def settling(self, to: str, remote: Remote) -> tuple[tuple[Update, ...], ...]:
        """The fence, with the branch where that is to go back; nothing if the fence is no longer as it was."""
        expected = (Fence.NONE if to == "void" else Fence.LANDED).value
        if remote.fence != expected:
            return ()
        fence = Update("fence", expected, to, unique=True)
        moves = {"undone": (Update("branch", NEW, OLD),), "restored": (Update("branch", NEW, UNDO),)}
        return ((*moves.get(to, ()), fence),)

    def saw(self, repo: RepoName, remote: Remote, refused: str = "") -> Saw:
        """What reading the repository back tells."""
        return Saw(repo, tip(remote.branch), Fence(remote.fence), TagState(remote.tag), refused)

    def believed(self, deed: Deed, *, ok: bool) -> Observation | None:  # noqa: ARG002 - for the mutants
        """What the push's own answer is taken for; None: nothing, it is read back."""
        return None  # a push's own answer proves nothing


def tip(branch: str) -> Tip:
    """Where a branch stands, seen from the run."""
    if branch in (OLD, NEW):
        return Tip.OLD if branch == OLD else Tip.NEW
    return Tip.BUILT if branch.startswith(NEW) else Tip.OTHER
