"""What was seen of the fleet: heads, tags, and the answers to one verb's questions, per repository.

Filled by vcs, read by planners. Nothing here is a decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from multigit.model.names import Branch, EnvName, Oid, RepoName, Tag

if TYPE_CHECKING:  # what only looks at refs need not load plans
    from multigit.model.attest import Approval
    from multigit.model.events import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a repository could not be read or used. `kind` is for programs, `why` and `hint` for people."""

    kind: Literal["unreachable", "auth", "missing", "timeout", "rejected", "empty", "corrupt", "failed"]
    why: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitLine:
    """A commit as people recognise it. `subject` and `author` are as written: escape before showing (X8)."""

    oid: Oid
    author: str
    when: datetime
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSeen:
    """A tag on a remote: the tag object (or the commit, when lightweight) and the commit it stands for."""

    oid: Oid
    commit: Oid


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoState:
    """One repository's remote at one moment."""

    repo: RepoName
    heads: Mapping[Branch, Oid] = field(default_factory=dict)
    tags: Mapping[Tag, TagSeen] = field(default_factory=dict)
    fence: Oid | None = None
    """Value of refs/multigit/fence."""
    stages: Mapping[str, Oid] = field(default_factory=dict)
    """refs/multigit/stage/<run>, by run."""
    problem: Problem | None = None
    """Set: nothing else is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictPath:
    """A path git cannot merge by itself, and who touched it last on either side."""

    path: str
    kinds: tuple[str, ...]
    """git's own type words: `contents`, `modify/delete`, `rename/delete`, `binary`, `submodule` …"""
    ours: CommitLine | None = None
    theirs: CommitLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """The merge has one result."""

    kind: Literal["clean"] = "clean"
    tree: Oid
    changed: tuple[str, ...]
    """Paths whose content differs between the target's head and `tree`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflicted:
    """The merge needs a person."""

    kind: Literal["conflict"] = "conflict"
    paths: tuple[ConflictPath, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmergeable:
    """The merge makes no sense: unrelated histories, a missing branch, an empty repository."""

    kind: Literal["unmergeable"] = "unmergeable"
    why: str
    hint: str = ""


Outcome = Clean | Conflicted | Unmergeable


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """A path that would silently lose the source's content although the target did nothing to it (R4)."""

    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What merging `source` into `target` means in one repository."""

    repo: RepoName
    source: Branch
    target: Branch
    source_oid: Oid | None
    target_oid: Oid | None
    ahead: int = 0
    """Commits of source that target lacks, merges not counted."""
    outcome: Outcome
    commits: tuple[CommitLine, ...] = ()
    """The newest of those commits, at most 200."""
    debts: tuple[CommitLine, ...] = ()
    """Commits of target that source lacks: merges, restore commits and cherry-picked copies not counted."""
    owed: tuple[CommitLine, ...] = ()
    """Back-merge: commits of source that target lacks, counted the same way."""
    absorbs: tuple[Oid, ...] = ()
    """Restore commits on target that this merge neutralises (R3)."""
    traps: tuple[Trap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """What taking `branch` back to a tag means in one repository."""

    repo: RepoName
    branch: Branch
    head: Oid | None
    head_tree: Oid | None = None
    tag: Tag | None = None
    """The tag this repository goes back to; None where it has none that is old enough."""
    exact: bool = True
    """False: it lacks the tag asked for and goes to the newest one not later than it (G11)."""
    commit: Oid | None = None
    tree: Oid | None = None
    takes_back: tuple[CommitLine, ...] = ()
    """Commits on the branch since the tag, merges not counted, at most 200."""
    count: int = 0
    """How many there are."""
    releases: tuple[Oid, ...] = ()
    """Second parents of the merges taken back: the source heads of the quarantined releases (R2)."""
    hotfixes: tuple[CommitLine, ...] = ()
    """Those of `takes_back` that came past staging: on the branch's first-parent line and no merge."""
    changed: tuple[str, ...] = ()
    """Paths that differ between head and the tag."""
    reverted: Outcome | None = None
    """Result of reverting the merges one by one (`--mode revert`)."""
    doubt: str = ""
    """Why the tag must not be trusted, where releases are signed (docs/signing.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneState:
    """A person's clone, as `pull`, `clone`, `hotfix` and `push` see it."""

    repo: RepoName
    path: str
    """Absolute."""
    exists: bool = False
    foreign: str = ""
    """Why the folder is not a clone of this repository, if so."""
    linked: bool = False
    """A linked worktree: its .git is a file."""
    current: Branch | None = None
    """Branch that is checked out; None when detached."""
    dirty: tuple[str, ...] = ()
    """Tracked paths with changes."""
    untracked: tuple[str, ...] = ()
    busy: str = ""
    """A merge, rebase, cherry-pick or bisect that is under way."""
    heads: Mapping[Branch, Oid] = field(default_factory=dict)
    """Local branches."""
    relation: Literal["same", "behind", "ahead", "diverged", "absent", "unknown"] = "unknown"
    """The local branch asked about, against the remote's head."""
    commits: tuple[CommitLine, ...] = ()
    """Local commits the remote lacks."""
    work_tree: Oid | None = None
    """Tree of the tracked changes, where a commit of them was asked for."""
    diffstat: tuple[tuple[int, int, str], ...] = ()
    """Lines added, lines removed, path, of those changes."""
    suspects: tuple[tuple[str, str], ...] = ()
    """Paths that must not be committed, and why."""


@dataclass(frozen=True, kw_only=True)  # no slots: the index is kept with it
class Fleet:
    """All that a planner may look at."""

    repos: tuple[RepoState, ...]
    history: History
    pairs: Mapping[RepoName, Pair] = field(default_factory=dict)
    restores: Mapping[RepoName, Restore] = field(default_factory=dict)
    clones: Mapping[RepoName, CloneState] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    """Of the plan that is made from this, with signatures that were checked."""

    def state(self, repo: RepoName) -> RepoState:
        """The state of one repository."""
        return self._by_name[repo]

    @cached_property
    def _by_name(self) -> dict[RepoName, RepoState]:
        return {state.repo: state for state in self.repos}


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far two environments of one repository are apart, for `status`."""

    repo: RepoName
    source: EnvName
    target: EnvName
    ahead: int | None
    """Commits waiting to be promoted, merges not counted; None where a branch is missing."""
    debts: tuple[CommitLine, ...] = ()
    """Commits of target that source lacks."""
    restored: bool = False
    """The last release was taken back here and is not shipped again yet."""
