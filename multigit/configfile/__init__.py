"""The only reader of repos.yaml: find it, read it, check all of it at once, hand over a frozen Config.

What was checked once is kept by its digest (cached.py): YAML and checks are loaded for a file that changed.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from multigit.configfile.cached import keep, recall
from multigit.configfile.problems import MAX_BYTES, ConfigError, Problem
from multigit.errors import UsageError
from multigit.model.config import Config

__all__ = ["FILE", "ConfigError", "Loaded", "Problem", "find", "json_schema", "load", "parse"]

FILE: Final = "repos.yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A repos.yaml that was read. `path` is absolute; folders in `config` are relative to its parent."""

    config: Config
    path: Path
    digest: str
    """sha256 of the file's bytes, hex."""
    notes: tuple[str, ...]
    """What is allowed and still worth saying, one line each."""


def find(start: Path) -> Path:
    """The repos.yaml of `start` or of the nearest folder above it.

    One that lies above `start` and belongs to somebody else is refused: it can name commands to run.
    """
    folder = start.absolute()
    for one in (folder, *folder.parents):
        path = one / FILE
        if path.is_file():
            if one != folder and path.stat().st_uid not in (0, os.getuid()):
                hint = f"multigit -f {path} …, if you trust it"
                raise UsageError(f"{path} belongs to another user", hint=hint, code="MG-203")
            return path
    why = f"neither {folder} nor a folder above it has one"
    raise UsageError(f"there is no {FILE} here", why=why, hint="multigit init, or multigit -f FILE", code="MG-203")


def load(path: Path) -> Loaded:
    """Read and check the file at `path`. ConfigError carries every problem that was found."""
    text = _bytes(path)
    digest = hashlib.sha256(text).hexdigest()
    if kept := recall(digest):
        return Loaded(kept[0], path.absolute(), digest, kept[1])
    from multigit.configfile.checking import notes

    config = parse(text, _shown(path))
    keep(digest, config, notes(config))
    return Loaded(config, path.absolute(), digest, notes(config))


def parse(text: bytes, name: str) -> Config:
    """The config written in `text`; `name` is what problems call the file."""
    from multigit.configfile.checking import parse as checked

    return checked(text, name)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of repos.yaml, for editors."""
    from multigit.configfile.schema import json_schema as made

    return made()


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder", hint=f"multigit -f {path / FILE}", code="MG-203")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read", why=error.strerror or str(error), code="MG-203") from None


def _shown(path: Path) -> str:
    """The path as people know it: relative where it lies below the current folder."""
    folder = Path.cwd()
    return str(path.absolute().relative_to(folder)) if path.absolute().is_relative_to(folder) else str(path)
