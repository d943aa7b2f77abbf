"""Plain JSON values to the declared models, without pydantic: exactly what fits, or ValueError, TypeError or KeyError.

For what was checked before. Whoever has to explain what does not fit asks pydantic.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")


def built(kind: Any, value: Any) -> Any:
    """`value`, as JSON gave it back, as the declared `kind`; a dataclass may leave out what has a default."""
    if kind is Any:
        return value
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _model(kind, value)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (one,) = [part for part in parts if part is not NoneType]
        return None if value is None and NoneType in parts else built(one, value)
    if origin is Literal:
        return _one_of(parts, value)
    if origin is Mapping:
        return {built(parts[0], key): built(parts[1], item) for key, item in _exactly(dict, value).items()}
    if origin is tuple and parts[1:] == (...,):
        return tuple(built(parts[0], item) for item in _exactly(list, value))
    if kind is datetime:
        return datetime.fromisoformat(_exactly(str, value))
    if not isinstance(kind, type):
        raise TypeError(kind)
    return kind(_exactly(str, value)) if issubclass(kind, str) and kind is not str else _exactly(kind, value)


def with_numbers(kind: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with `0.5` as a number where `kind` has one: repos.yaml reads it as a text."""
    wanted = {word for word, (_, hint) in _hints(kind).items() if float in (hint, *get_args(hint))}
    return {word: float(value) if word in wanted and isinstance(value, str) and _DECIMAL.fullmatch(value) else value
            for word, value in values.items()}  # fmt: skip


def _exactly(kind: Any, value: Any) -> Any:
    if type(value) is not kind:  # True is no number here, as for pydantic's strict mode
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _one_of(values: tuple[Any, ...], value: Any) -> Any:
    if not any(type(value) is type(one) and value == one for one in values):
        raise ValueError(value)
    return value


def _model(kind: type, value: Any) -> Any:
    hints = _hints(kind)
    left = set(_exactly(dict, value)) - set(hints)
    if left:
        raise KeyError(*sorted(left))
    return kind(**{name: built(hint, value[word]) for word, (name, hint) in hints.items() if word in value})


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, tuple[str, Any]]:
    """The word in the document, and the field and its type: `from_` is written `from`."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name.removesuffix("_"): (field.name, hints[field.name]) for field in dataclasses.fields(kind)}
