"""Drift: where the fleet is not as the ledger says, and what is looked at to find it (comparison.py)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from multigit.errors import DONE, FAILED, PARTLY, UNWELL
from multigit.model.fleet import CommitLine, RepoState
from multigit.model.names import Branch, EnvName, Oid, RepoName, Tag
from multigit.model.objects import NewTag, TagObject
from multigit.model.past import FenceSaid, Left
from multigit.model.serving import Served

Kind = Literal["unreachable", "ledger", "fence", "tag", "branch", "stage", "signature"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One thing that is not as the ledger says. `fix` is a command that may be typed; '' where none helps."""

    repo: RepoName
    """For the ledger: the home repository."""
    kind: Kind
    what: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What `verify` found, schema `multigit.verify/1`."""

    schema: Literal["multigit.verify/1"] = "multigit.verify/1"
    title: str
    env: EnvName | None = None
    """None: all environments."""
    open_run: str | None = None
    open_by: str = ""
    open_phase: str = ""
    repos: int = 0
    releases: int = 0
    records: int = 0
    older_tags: int = 0
    """Release tags that the ledger does not know and that are what they say."""
    last: Tag | None = None
    """The newest release."""
    drifts: tuple[Drift, ...] = ()
    serves: tuple[Served, ...] = ()
    """What the health checks of `env` found; none where no environment was named."""
    watched: float = 0.0
    """Seconds during which they were asked."""
    exit_code: int = DONE


def exit_code(open_run: object, drifts: Sequence[Drift], serves: Sequence[Served] = ()) -> int:
    """4 where a run is open, 1 where something drifted, 5 where all agrees and something is not well.

    Objects that were left over are named and harm nothing.
    """
    if open_run:
        return PARTLY
    if any(drift.kind != "stage" for drift in drifts):
        return FAILED
    return UNWELL if any(one.state == "ill" for one in serves) else DONE


@dataclass(frozen=True, slots=True)
class Door:
    """A repository as commands address it: through our copy of it, which has the objects."""

    git_dir: str
    url: str

    def push(self, ref: str, old: Oid | None, new: Oid | None) -> str:
        """The command that moves `ref` from `old` (None: absent) to `new` (None: deletes it), and only from there."""
        lease = f"--force-with-lease={ref}:{old or ''}"
        return self.git("push", lease, self.url, f"{new or ''}:{ref}")

    def git(self, *words: str) -> str:
        """Any git command."""
        return shlex.join(["git", f"--git-dir={self.git_dir}", *words])


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSeen:
    """A branch against where the last release left it."""

    env: EnvName
    upstream: EnvName | None
    """The environment before it, which owes nothing to it normally."""
    branch: Branch
    head: Oid | None
    left: Left
    relation: Literal["same", "ahead", "behind", "elsewhere"]
    """`behind`: the release was taken away and nothing else put there; `elsewhere`: what is there does not have it."""
    count: int = 0
    """Commits ahead."""
    newest: CommitLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one repository has, as far as it was looked at."""

    state: RepoState
    door: Door
    fence: FenceSaid | None = None
    """What its fence says; None where there is none, or it is no fence commit."""
    fence_back: Oid | None = None
    """A commit in our copy that says what the fence should say."""
    wanted: Mapping[Tag, NewTag] = field(default_factory=dict)
    """The release tags it should have."""
    tags: Mapping[Tag, TagObject | None] = field(default_factory=dict)
    """Tags that were looked at: those that are not the wanted object, and those nobody knows. None: no tag object."""
    heads: tuple[HeadSeen, ...] = ()
    here: frozenset[Oid] = frozenset()
    """Wanted objects that our copy has, so that they can be put back."""
