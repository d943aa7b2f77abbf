"""The checked configuration, kept by the digest of its file: what was read once needs no YAML and no checks again.

Safe to delete. Only what comes back exactly as it was is kept, so that none ever differs from what would be read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, get_args, get_type_hints

from multigit import __version__, caches
from multigit.model.building import built
from multigit.model.config import Config
from multigit.model.plain import plain


def recall(digest: str) -> tuple[Config, tuple[str, ...]] | None:
    """The configuration of the file with this sha256, and its notes; None where it is not kept."""
    try:
        kept = json.loads(caches.read(str(_place(digest))))
        return built(Config, kept["config"]), tuple(kept["notes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(digest: str, config: Config, notes: tuple[str, ...]) -> None:
    """Keep a configuration, if it survives the way."""
    text = json.dumps({"config": plain(config), "notes": notes}, ensure_ascii=False)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if built(Config, json.loads(text)["config"]) == config:
            caches.write(str(_place(digest)), text)


def _place(digest: str) -> Path:
    return Path(caches.folder()) / "configurations" / f"{digest[:40]}-{_form()}.json"


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
