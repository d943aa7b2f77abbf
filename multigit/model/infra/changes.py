"""The differences between what shall be and what is there, as data: no AWS, no clock, the same answer every time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from multigit.errors import CHANGES, DONE, FAILED, PARTLY, REFUSED
from multigit.model.infra.wanted import Kind, Wanted
from multigit.model.names import EnvName
from multigit.model.plain import plain

Action = Literal["create", "mend", "adopt", "keep", "unmanaged", "unread", "unnamed"]
"""create, mend, adopt: `apply` does it. keep: as it should be. unmanaged: there without our tags. unread: AWS does not
say. unnamed: has our tags, and repos.yaml no longer names it."""
DOES = ("create", "mend", "adopt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What AWS says of one resource that was asked for."""

    there: bool
    aspects: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    """Why nothing, or not all, could be said."""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One aspect that is not as it should be."""

    aspect: str
    have: Any
    """None where the resource is not there yet."""
    want: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One resource, and what has to be done to it."""

    kind: Kind
    name: str
    env: EnvName | None = None
    production: bool = False
    action: Action
    differs: tuple[Difference, ...] = ()
    why: str = ""
    fix: str = ""
    """A command that may be typed."""
    outcome: Literal["", "done", "failed", "left"] = ""
    """After `apply`. left: not tried, because nothing could be done any more."""

    @property
    def does(self) -> bool:
        """Whether `apply` has something to do here."""
        return self.action in DOES


def own_tags(system: str) -> dict[str, str]:
    """The tags by which multigit knows what it may touch."""
    return {"Project": system, "ManagedBy": "multigit"}


def compare(one: Wanted, seen: Seen, system: str, *, adopt: bool) -> Change:
    """What has to be done so that `one` is as it should be."""
    base = Change(kind=one.kind, name=one.name, env=one.env, production=one.production, action="keep")
    if seen.problem:
        return replace(base, action="unread", why=seen.problem, fix=seen.hint)
    if not seen.there:
        made = tuple(Difference(aspect=name, have=None, want=want) for name, want in one.aspects.items())
        return replace(base, action="create", differs=made)
    differs = tuple(
        Difference(aspect=name, have=seen.aspects.get(name), want=want)
        for name, want in one.aspects.items() if seen.aspects.get(name) != want
    )  # fmt: skip
    stranger = _stranger(seen.tags, system)
    if stranger is None:
        return replace(base, action="mend" if differs else "keep", differs=differs)
    if adopt and not stranger:
        return replace(base, action="adopt", differs=differs)
    fix = "" if stranger else "--adopt"
    return replace(
        base, action="unmanaged", differs=differs, why=stranger or "exists, not managed by multigit", fix=fix
    )


def _stranger(tags: Mapping[str, str], system: str) -> str | None:
    """None: ours. '': nobody's. Otherwise whose it is."""
    mine = own_tags(system)
    if all(tags.get(key) == value for key, value in mine.items()):
        return None
    if tags.get("ManagedBy") == mine["ManagedBy"] and tags.get("Project"):
        return f"belongs to the system {tags['Project']}"
    return ""


def unnamed(kind: Kind, name: str, command: str) -> Change:
    """Something of ours that repos.yaml no longer names; it stays."""
    return Change(
        kind=kind, name=name, action="unnamed", why="no longer named in repos.yaml; left as it is", fix=command
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Infrastructure:
    """What `infra plan` and `infra apply` answer, schema `multigit.infra/1`."""

    schema: Literal["multigit.infra/1"] = "multigit.infra/1"
    title: str
    verb: Literal["plan", "apply"]
    account: str
    region: str
    env: EnvName | None = None
    """None: all environments, and what they share."""
    changes: tuple[Change, ...]
    """Every resource once, those that are as they should be included."""
    digest: str
    """sha256 of what `apply` would do, hex."""
    production: bool
    phrase: str
    """What confirms it in production."""
    exit_code: int = DONE


def digest(account: str, region: str, changes: Iterable[Change]) -> str:
    """What consent is bound to: sha256 of everything that would be done."""
    body = [account, region, [plain(one) for one in changes if one.does]]
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def plan_code(changes: Sequence[Change], *, exit_code: bool) -> int:
    """Of `infra plan`: 1 something could not be read, 3 something is not ours, 10 if asked and there is work, 0."""
    if any(one.action == "unread" for one in changes):
        return FAILED
    if any(one.action == "unmanaged" for one in changes):
        return REFUSED
    return CHANGES if exit_code and any(one.does for one in changes) else DONE


def apply_code(changes: Sequence[Change]) -> int:
    """Of `infra apply`: 4 something was done and something is left, 1 nothing could be done, 3 not ours, 0."""
    left = [one for one in changes if one.action == "unread" or one.outcome in ("failed", "left")]
    if left:
        return PARTLY if any(one.outcome == "done" for one in changes) else FAILED
    return REFUSED if any(one.action == "unmanaged" for one in changes) else DONE
