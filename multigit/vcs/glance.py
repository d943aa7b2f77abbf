"""Whether a clone is plainly up to date, by reading two or three of its files; whoever is not sure asks git.

Formats: gitrepository-layout(5), git-pack-refs(1). A linked worktree, other ref storage, a symbolic branch or a remote
that is not written out in the clone's own configuration is never plain.
"""

from __future__ import annotations

import re
from pathlib import Path

from multigit.model.fleet import CloneState
from multigit.model.names import Branch, Oid, RepoName
from multigit.vcs.urls import same_place

_URL = re.compile(r"^\s*url\s*=\s*(\S+)\s*$", re.MULTILINE)


def up_to_date(repo: RepoName, folder: Path, url: str, branch: Branch, head: Oid) -> CloneState | None:
    """The clone of `url` in `folder`, if its `branch` is at `head`; None where that is not so, or not plain."""
    dot = folder / ".git"
    try:
        config = (dot / "config").read_text(encoding="utf-8")
        if "refstorage" in config.lower() or not any(_same(folder, found, url) for found in _URL.findall(config)):
            return None
        local = _loose(dot, branch) or _packed(dot, branch)
    except (OSError, ValueError):
        return None
    if local != head:
        return None
    return CloneState(repo=repo, path=str(folder.absolute()), exists=True, heads={branch: head}, relation="same")


def _same(folder: Path, remote: str, url: str) -> bool:
    return same_place(str(folder / remote) if remote.startswith(("./", "../")) else remote, url)


def _loose(dot: Path, branch: Branch) -> str:
    try:
        return (dot / branch.full).read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""


def _packed(dot: Path, branch: Branch) -> str:
    try:
        lines = (dot / "packed-refs").read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return ""
    return next((oid for oid, _, name in (line.partition(" ") for line in lines) if name == branch.full), "")
