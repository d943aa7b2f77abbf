"""The declared models as a tree of words: which keys are known at a place of repos.yaml."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from multigit.configfile.problems import Where
from multigit.model.config import Config, Environment, Gate, Repo
from multigit.model.notifier import Notifier
from multigit.model.references import Reference

NAMED = {"environments": "Environment", "repos": "Repo", "gates": "Gate"}
"""Maps whose entries carry their key as `name`."""
_HIDDEN: Mapping[Any, tuple[str, ...]] = {
    Gate: ("name", "settings"), Notifier: ("kind", "settings"), Environment: ("name",), Repo: ("name",),
}  # fmt: skip
"""Fields that nobody writes under that name."""


def keys_at(where: Where, root: Any = Config) -> tuple[str, ...]:
    """The keys that repos.yaml may have at `where`; () where any key is allowed or none."""
    kind: Any = root
    for step in where:
        kind = _inside(kind, step)
    kind = _bare(kind)
    if not dataclasses.is_dataclass(kind):
        return ()
    return tuple(name for name in _fields(kind) if name not in _HIDDEN.get(kind, ()))


def words_at(where: Where, root: Any = Config) -> tuple[str, ...]:
    """The words allowed at `where`, for fields that take one of a few."""
    kind: Any = root
    for step in where:
        kind = _inside(kind, step)
    kind = _bare(kind)
    return tuple(str(word) for word in get_args(kind)) if get_origin(kind) is Literal else ()


def refers_at(where: Where, root: Any = Config) -> bool:
    """Whether a reference to a secret is wanted at `where`: what stands there may be the secret itself."""
    kind: Any = root
    for step in where:
        kind = _inside(kind, step)
    return _bare(kind) is Reference


def _inside(kind: Any, step: str | int) -> Any:
    kind = _bare(kind)
    if dataclasses.is_dataclass(kind):
        return _fields(kind).get(str(step))
    arguments = get_args(kind)
    if get_origin(kind) is Mapping and isinstance(step, str):
        return arguments[1]
    return arguments[0] if get_origin(kind) is tuple and isinstance(step, int) else None


def _fields(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name.removesuffix("_"): hints[field.name] for field in dataclasses.fields(kind)}


def _bare(kind: Any) -> Any:
    """`X | None` as X."""
    if get_origin(kind) in (Union, UnionType):
        kinds = [one for one in get_args(kind) if one is not NoneType]
        return kinds[0] if len(kinds) == 1 else None
    return kind
