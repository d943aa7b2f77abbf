"""Models as plain JSON values: how plans, records and documents are written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any


def plain(value: Any) -> Any:
    """Dataclasses, tuples, times and names as JSON values; times in UTC, defaults kept."""
    kind: type = type(value)
    if (names := _fields(kind)) is not None:
        return {word: plain(getattr(value, name)) for word, name in names}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [plain(item) for item in (sorted(value) if isinstance(value, frozenset | set) else value)]
    if isinstance(value, datetime):
        return value.isoformat()
    return value


@cache
def _fields(kind: type) -> tuple[tuple[str, str], ...] | None:
    """The word in JSON and the field, of a dataclass; None for anything else."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple((field.name.removesuffix("_"), field.name) for field in dataclasses.fields(kind))


def utc(moment: datetime) -> datetime:
    """`moment` in UTC, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0)
