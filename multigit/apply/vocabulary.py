"""The words of the protocol: what can be done to a repository, seen of it and known of it. Frozen values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from multigit.model.names import RepoName

Record = Literal["begin", "take", "aborting", "landed", "released", "aborted", "failed"]


class Tip(Enum):
    """Where the target branch stands, seen from this run."""

    OLD = "old"
    NEW = "new"
    BUILT = "built"  # NEW and somebody's commits on top
    OTHER = "other"  # neither: moved by somebody, or NEW is gone


class Fence(Enum):
    """What the fence of a repository says about this run."""

    NONE = "none"  # as it was when the plan was made
    LANDED = "landed"
    VOID = "void"
    UNDONE = "undone"
    RESTORED = "restored"  # undone by a commit on top, where the host refuses to rewind
    DIVERGED = "diverged"
    FOREIGN = "foreign"  # another run's


class TagState(Enum):
    """The release tag in one repository."""

    ABSENT = "absent"
    OURS = "ours"
    OTHER = "other"  # the name stands for something else


class Phase(Enum):
    """How far the ledger has this run."""

    PLANNED = "planned"
    BEGUN = "begun"
    ABORTING = "aborting"
    LANDED = "landed"
    RELEASED = "released"
    ABORTED = "aborted"


class End(Enum):
    """How working on a run ends."""

    RELEASED = "released"
    ABORTED = "aborted"  # every repository is as before, or called diverged
    REFUSED = "refused"  # before begin: nothing changed
    RACE = "race"  # another run holds the lock
    LOST = "lost"  # somebody took this run over
    OPEN = "open"  # cannot go on now: resume or abort later


# --- what is done ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """Push the objects to refs/multigit/stage/<run>; nothing visible changes."""

    repo: RepoName


@dataclass(frozen=True, slots=True)
class Look:
    """Read branch, fence and tag."""

    repo: RepoName


@dataclass(frozen=True, slots=True)
class LandIt:
    """One atomic push {branch OLD->NEW, fence F0->landed}, both leased; then read back.

    The fence value is this push's own: git leaves a ref that is up to date out of a push, and its lease with it, so
    a second try with the same value could go out with the branch alone.
    """

    repo: RepoName
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class PutTag:
    """Create the tag (never move it), drop the stage ref; then read back."""

    repo: RepoName
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Settle:
    """Close the fence, then read back. `undone` also rewinds the branch NEW->OLD in the same atomic push;
    `restored` puts a commit with OLD's tree on top of NEW instead.
    """

    repo: RepoName
    to: Literal["void", "undone", "restored", "diverged"]
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Append:
    """Add a record to the ledger, or fail because somebody else did (CAS)."""

    record: Record


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more to do here."""

    end: End
    why: str = ""


Action = Stage | Look | LandIt | PutTag | Settle | Append | Done


# --- what is seen ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Staged:
    """The objects are there (`why` empty), or the host said no."""

    repo: RepoName
    why: str = ""


@dataclass(frozen=True, slots=True)
class Saw:
    """A repository, read back. `refused`: the push before it was turned down for good, and why."""

    repo: RepoName
    tip: Tip
    fence: Fence
    tag: TagState = TagState.ABSENT
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A repository could not be read (back): its state is unknown."""

    repo: RepoName
    why: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """The record is in the ledger."""

    record: Record


@dataclass(frozen=True, slots=True)
class Beaten:
    """The ledger did not take the record, as far as is known. `taken`: this run has another owner now; `unknown`: the
    push got no answer and the record is not to be seen, so it may be there, or arrive later; else another run began
    first, or the host said no (`why`).
    """

    record: Record
    taken: bool = False
    phase: Phase | None = None
    """What the ledger says of this run now, where it could be read."""
    why: str = ""
    unknown: bool = False
    refused: bool = False
    """The host of the ledger said no; nobody was faster."""


Observation = Staged | Saw | Unseen | Wrote | Beaten


# --- what is known ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RepoView:
    """What is known of one repository. `lands` and `tagged` come from the plan."""

    repo: RepoName
    lands: bool
    tagged: bool
    staged: bool = False
    known: bool = False
    """False: `tip` and `fence` may be out of date, look before acting."""
    tip: Tip | None = None
    fence: Fence | None = None
    tag: TagState = TagState.ABSENT
    tries: int = 0
    """Attempts at the push that is due now."""
    refused: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """All that the decisions depend on."""

    phase: Phase
    repos: tuple[RepoView, ...]
    intent: Literal["resume", "abort"] = "resume"
    end: Done | None = None
    reason: str = ""

    def view(self, repo: RepoName) -> RepoView:
        """What is known of one repository."""
        return next(view for view in self.repos if view.repo == repo)
