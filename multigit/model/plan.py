"""A plan: every step a run will take, as data. What is shown is what is confirmed (its digest) and what is applied.

The public form is JSON, schema `multigit.plan/1` (multigit/model/schemas.py); `to_json` writes it canonically and
`from_json` reads it back with pydantic, which is imported only then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any, Literal

from multigit.model.actor import Actor
from multigit.model.config import STRICT
from multigit.model.names import Branch, EnvName, Oid, RepoName, RunId, Tag
from multigit.model.objects import NewCommit, NewTag, Signature
from multigit.model.plain import plain

Verb = Literal["promote", "backmerge", "hotfix", "push", "rollback", "pull", "clone"]
How = Literal["merge", "restore", "revert", "reset", "push"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Land:
    """Move `branch` from `old` to `new`, together with the fence, or not at all."""

    kind: Literal["land"] = "land"
    repo: RepoName
    branch: Branch
    old: Oid
    new: Oid
    how: How
    commit: NewCommit | None = None
    """The object `new`, where the run makes it; None where it exists already (reset, a clone's own commits)."""
    source: Oid | None = None
    """What is merged, restored or pushed."""
    commits: int = 0
    files: int = 0
    forced: bool = False
    """`new` does not descend from `old` (`--mode reset`): the old tip is kept under refs/multigit/kept/<run>."""
    from_clone: str = ""
    """Folder of the clone that has `new` or its tree, for hotfix and push."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Nothing to move; the repository is still part of the release and of its tag."""

    kind: Literal["keep"] = "keep"
    repo: RepoName
    branch: Branch
    at: Oid
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeClone:
    """`git clone` into a folder that does not exist yet."""

    kind: Literal["clone"] = "clone"
    repo: RepoName
    url: str
    path: str
    branch: Branch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Fast-forward a clone's branch; a checked-out one with its files, any other one by its ref alone."""

    kind: Literal["forward"] = "forward"
    repo: RepoName
    path: str
    url: str
    branch: Branch
    old: Oid | None
    new: Oid
    checked_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """A clone that is left as it is, and why: dirty, diverged, no such branch, up to date. `ok` = nothing is wrong."""

    kind: Literal["leave"] = "leave"
    repo: RepoName
    verdict: Literal["up to date", "dirty", "diverged", "no such branch", "ahead", "failed"]
    why: str = ""
    hint: str = ""


Step = Land | Keep | MakeClone | Forward | Leave


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A repository (or, with `repo` None, the whole plan) that forbids the run."""

    repo: RepoName | None
    code: str
    """Stable word: conflict, trap, debt, hold, quarantine, missing-branch, unrelated, unreachable, tag-taken, gate …"""
    why: str
    hint: str = ""
    details: tuple[str, ...] = ()

    @property
    def technical(self) -> bool:
        """Whether something is broken rather than forbidden: exit 1, not 3."""
        return self.code in ("unreachable", "auth", "missing", "timeout", "empty", "corrupt", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the plan was made from; if any of it moves, the plan is stale."""

    repo: RepoName
    heads: Mapping[Branch, Oid]
    fence: Oid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """A release that this run takes back (R2)."""

    hold: str
    env: EnvName
    reason: str
    sources: Mapping[RepoName, tuple[Oid, ...]]


@dataclass(frozen=True, kw_only=True)  # no slots: what follows from it is kept with it
class Plan:
    """What a verb will do. Built by planners, confirmed by people, applied by the engine."""

    __pydantic_config__ = STRICT
    schema: Literal["multigit.plan/1"] = "multigit.plan/1"
    verb: Verb
    system: EnvName
    title: str
    source: EnvName | None = None
    target: EnvName | None = None
    production: bool = False
    phrase: str = ""
    """What must be typed, or given with --confirm, before production changes."""
    created: datetime
    operator: Actor
    tag: Tag | None = None
    reason: str = ""
    """The operator's message (-m), or what a rollback is for."""
    emergency: bool = False
    reapply: bool = False
    mode: str = ""
    """Rollback: restore, revert or reset."""
    to: Tag | None = None
    """Rollback: the tag whose state comes back."""
    ledger: Oid | None = None
    """Head of the ledger when the plan was made."""
    config: str = ""
    """sha256 of repos.yaml."""
    steps: tuple[Step, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    waves: tuple[tuple[RepoName, ...], ...] = ()
    seen: tuple[Seen, ...] = ()
    quarantine: tuple[Quarantine, ...] = ()
    lifts: tuple[str, ...] = ()
    """Ids of holds that end when this run is released."""

    @cached_property
    def lands(self) -> tuple[Land, ...]:
        """The steps that move a branch."""
        return tuple(step for step in self.steps if isinstance(step, Land))

    @cached_property
    def landing(self) -> frozenset[RepoName]:
        """The repositories whose branch moves."""
        return frozenset(land.repo for land in self.lands)

    @cached_property
    def keeps(self) -> tuple[Keep, ...]:
        """The repositories that stay where they are."""
        return tuple(step for step in self.steps if isinstance(step, Keep))

    @property
    def blocked(self) -> bool:
        """Whether anything forbids the run."""
        return bool(self.refusals)

    @cached_property
    def digest(self) -> str:
        """sha256 (hex) of the canonical JSON: what consent is bound to."""
        return hashlib.sha256(to_json(self).encode()).hexdigest()

    @property
    def id(self) -> str:
        """Short id for people: `p-7f3c9a`."""
        return f"p-{self.digest[:6]}"

    @cached_property
    def run(self) -> RunId:
        """Id of the run that applies it."""
        return RunId(f"r-{self.digest[:12]}")

    @property
    def signature(self) -> Signature:
        """The one author, committer and date of everything this run writes."""
        return Signature(name=self.operator.name, email=self.operator.email, when=self.created)

    def commits(self) -> Mapping[RepoName, Oid]:
        """Where the target branch of every repository stands after the run."""
        return self._commits

    @cached_property
    def _commits(self) -> Mapping[RepoName, Oid]:
        return {s.repo: s.new if isinstance(s, Land) else s.at for s in self.steps if isinstance(s, Land | Keep)}

    def step(self, repo: RepoName, branch: Branch) -> Land | Keep | None:
        """What the run does to a branch; None where it is not about it."""
        return self._steps.get((repo, branch))

    @cached_property
    def _steps(self) -> Mapping[tuple[RepoName, Branch], Land | Keep]:
        return {(s.repo, s.branch): s for s in reversed(self.steps) if isinstance(s, Land | Keep)}

    def tags(self) -> dict[RepoName, NewTag]:
        """The release tag of every repository; all carry the same record (G5)."""
        if self.tag is None:
            return {}
        message = self.release_record()
        return {
            repo: NewTag(tag=self.tag, commit=commit, message=message, by=self.signature)
            for repo, commit in self.commits().items()
        }

    def release_record(self) -> str:
        """Message of the tag: for people first, then trailers from which a clone can rebuild the history."""
        road = f"{self.source} -> {self.target}" if self.source else f"{self.target}"
        headline = f"{self.title}: {'EMERGENCY ' if self.emergency else ''}{self.verb} {road}"
        counts = f"{len(self.lands)} of {len(self.lands) + len(self.keeps)} repositories changed"
        reason = [self.reason, ""] if self.reason else []
        who = self.operator
        trailers = [
            f"Multigit-Verb: {self.verb}",
            f"Multigit-Environment: {self.target}",
            f"Multigit-Run: {self.run}",
            f"Multigit-Plan: sha256:{self.digest}",
            f"Multigit-Operator: {who.name} <{who.email}> ({who.user}@{who.host})",
            *([f"Multigit-Rollback-To: {self.to}"] if self.to else []),
            *(f"Multigit-Repo: {repo} {commit}" for repo, commit in self.commits().items()),
        ]
        return "\n".join([f"{headline}, {counts}", "", *reason, *trailers])


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the operator asked for, whichever verb it is."""

    verb: Verb
    source: EnvName | None = None
    target: EnvName | None = None
    branch: Branch | None = None
    """pull: the branch."""
    operator: Actor
    repos: frozenset[RepoName] | None = None
    """Selection by --repo and --exclude; None = the whole fleet."""
    message: str = ""
    reapply: bool = False
    mode: str = ""
    to: Tag | None = None
    config_digest: str = ""

    def selects(self, repo: RepoName) -> bool:
        """Whether the verb may move `repo`."""
        return self.repos is None or repo in self.repos


def to_json(plan: Plan) -> str:
    """The canonical document: sorted keys, no spaces, UTF-8. Its sha256 is the digest."""
    return json.dumps(plain(plan), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def from_json(text: str | bytes) -> Plan:
    """Read a plan back; ValueError says what is wrong with it."""
    plan: Plan = _reader().validate_json(text)
    if plan.created.tzinfo is None:
        raise ValueError("created: the time needs its zone")
    return plan


@cache
def _reader() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Plan)
