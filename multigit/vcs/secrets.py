"""Changes that look like something nobody meant to publish: by path, and by the shape of what was added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
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
_HUGE = 16 << 20
"""A larger file is no place for a token, and would not fit a small machine; about so much is read at once."""


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
    """The beginnings of blobs, a bounded amount at a time; the few that are huge are not read at all."""
    sizes = {oid: size for oid, size in _sizes(folder, dict.fromkeys(oids)) if size <= _HUGE}
    found: dict[str, bytes] = {}
    batch: list[str] = []
    for number, oid in enumerate(sizes, 1):
        batch.append(oid)
        if number == len(sizes) or sum(sizes[one] for one in batch) > _HUGE:
            found |= _read(folder, batch)
            batch = []
    return found


def _sizes(folder: Path, oids: Iterable[str]) -> Iterator[tuple[str, int]]:
    check = "--batch-check=%(objectname) %(objectsize)"
    for line in git_in(folder, "cat-file", check, stdin=_lines(oids), timeout=300).out.decode().splitlines():
        oid, _, size = line.partition(" ")
        if size.isdigit():
            yield oid, int(size)


def _read(folder: Path, oids: Sequence[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    out = git_in(folder, "cat-file", "--batch", stdin=_lines(oids), timeout=300).out
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        oid, _, size = out[at:end].split()
        found[oid.decode()] = out[end + 1 : end + 1 + min(int(size), _READ)]
        at = end + 2 + int(size)
    return found


def _lines(oids: Iterable[str]) -> bytes:
    return "".join(f"{oid}\n" for oid in oids).encode()


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
