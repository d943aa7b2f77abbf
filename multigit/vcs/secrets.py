"""Changes that look like something nobody meant to publish: by path, and by the shape of what was added."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

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


def _why(file: Path, path: str, never: Sequence[str]) -> str:
    for pattern in never:
        if fnmatch(path, pattern) or fnmatch(path, pattern.removeprefix("**/")):
            return f"matches {pattern} (hotfix.never_commit)"
    if not file.is_file() or file.is_symlink():
        return ""
    with file.open("rb") as stream:
        head = stream.read(_READ)
    return next((f"holds what looks like {name}" for name, shape in _SHAPES.items() if shape.search(head)), "")
