"""The checked configuration, kept by the digest of its file: what was read once needs no YAML and no checks again.

Safe to delete. Only what comes back exactly as it was is kept, so that none ever differs from what would be read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from platformdirs import user_cache_path

from multigit import __version__
from multigit.model.config import Config
from multigit.model.plan import plain

MOST: Final = 20
"""Files that are kept."""


def recall(digest: str) -> tuple[Config, tuple[str, ...]] | None:
    """The configuration of the file with this sha256, and its notes; None where it is not kept."""
    try:
        kept = json.loads(_place(digest).read_bytes())
        return _built(Config, kept["config"]), tuple(kept["notes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(digest: str, config: Config, notes: tuple[str, ...]) -> None:
    """Keep a configuration, if it survives the way."""
    text = json.dumps({"config": plain(config), "notes": notes}, ensure_ascii=False)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if _built(Config, json.loads(text)["config"]) == config:
            _write(_place(digest), text)


def _place(digest: str) -> Path:
    return user_cache_path("multigit") / "configurations" / f"{digest[:40]}-{_form()}.json"


def _form() -> str:
    """What may be read back: this version, and this shape of the models."""
    shape = [(kind.__name__, [(f.name, str(f.type)) for f in dataclasses.fields(kind)]) for kind in _kinds(Config)]
    return hashlib.sha256(repr((__version__, shape)).encode()).hexdigest()[:12]


def _kinds(kind: Any) -> list[Any]:
    """The models that `kind` is made of."""
    if not dataclasses.is_dataclass(kind):
        return [found for part in get_args(kind) for found in _kinds(part)]
    inner = [found for hint in get_type_hints(kind).values() for found in _kinds(hint)]
    return [kind, *(found for number, found in enumerate(inner) if found not in inner[:number])]


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, fresh = tempfile.mkstemp(dir=place.parent)  # readable by its owner alone
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(fresh).replace(place)
    files = sorted(place.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in files[MOST:]:
        old.unlink(missing_ok=True)


@lru_cache(maxsize=64)
def _hints(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(kind))


def _built(kind: Any, value: Any) -> Any:
    """`value`, as JSON gave it back, as the declared `kind`."""
    if kind is Any or value is None:
        return value
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(
            **{f.name: _built(hints[f.name], value[f.name.removesuffix("_")]) for f in dataclasses.fields(kind)}
        )
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (one,) = [part for part in arguments if part is not NoneType]
        return _built(one, value)
    if origin is Literal:
        return value
    if origin is Mapping:
        return {_built(arguments[0], key): _built(arguments[1], item) for key, item in value.items()}
    if origin is tuple:
        return tuple(_built(arguments[0], item) for item in value)
    return kind(value)
