"""Changes that look like something nobody meant to publish: by path, and by the shape of what was added."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatch
from itertools import pairwise
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
    """The same of every commit from `old` to `new` in a clone: what the next one took away is published, too."""
    args = ("log", "-z", "-m", "--format=", "--raw", "--no-abbrev", "--no-renames", "--diff-filter=d", f"{old}..{new}")
    parts = fields(git_in(folder, *args, timeout=300).out)
    rows = [(path, head.split()[3]) for head, path in pairwise(parts) if head.lstrip().startswith(":")]
    contents = _contents(folder, [oid for _, oid in rows])
    found = {path: _forbidden(path, never) or _shape(contents.get(oid, b"")) for path, oid in reversed(rows)}
    found |= {path: why for path, oid in rows if (why := _shape(contents.get(oid, b"")))}
    return tuple((path, why) for path, why in found.items() if why)


def _contents(folder: Path, oids: Sequence[str]) -> dict[str, bytes]:
    """The beginnings of blobs, in one process."""
    found: dict[str, bytes] = {}
    out = git_in(folder, "cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in oids).encode(), timeout=300).out
    while out:
        head, _, out = out.partition(b"\n")
        words = head.split()
        if len(words) == 3:
            size = int(words[2])
            found[words[0].decode()] = out[: min(size, _READ)]
            out = out[size + 1 :]
    return found


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
