"""Changes that look like something nobody meant to publish: by path, and by the shape of what was added."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from multigit.model.names import Oid
from multigit.vcs.read import fields
from multigit.vcs.run import git_in

_SHAPES = {
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(rb"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(rb"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b"),
    "a Slack token": re.compile(rb"\bxox[baprs]-[A-Za-z0-9-]{10,}\b"),
}
_READ = 1 << 20
"""Bytes of a file that are looked at: tokens stand in small files."""


def suspects(folder: Path, paths: Sequence[str], never: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Those of the changed `paths` (relative to `folder`) that must not be committed, and why."""
    return tuple((path, why) for path in paths if (why := _why(folder / path, path, never)))


def published(folder: Path, old: Oid, new: Oid, never: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The same of the commits from `old` to `new` in a clone, which would be published as they are."""
    args = ("diff-tree", "-r", "-z", "--no-renames", "--diff-filter=d", "--name-only", old, new)
    paths = fields(git_in(folder, *args).out)
    found = []
    for path in paths:
        blob = git_in(folder, "cat-file", "blob", f"{new}:{path}", check=False).out[:_READ]
        if why := _forbidden(path, never) or _shape(blob):
            found.append((path, why))
    return tuple(found)


def _why(file: Path, path: str, never: Sequence[str]) -> str:
    if why := _forbidden(path, never):
        return why
    if not file.is_file() or file.is_symlink():
        return ""
    with file.open("rb") as stream:
        return _shape(stream.read(_READ))


def _forbidden(path: str, never: Sequence[str]) -> str:
    hits = (p for p in never if fnmatch(path, p) or fnmatch(path, p.removeprefix("**/")))
    return next((f"matches {pattern} (hotfix.never_commit)" for pattern in hits), "")


def _shape(head: bytes) -> str:
    return next((f"holds what looks like {name}" for name, shape in _SHAPES.items() if shape.search(head)), "")
