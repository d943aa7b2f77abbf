"""Who the operator is, in git's eyes."""

from __future__ import annotations

import re
from pathlib import Path

from multigit.errors import UsageError
from multigit.vcs.run import git_in

_IDENT = re.compile(r"(?P<name>.*) <(?P<email>[^<>]*)> \d+ [+-]\d{4}\s*")


def who(folder: Path) -> tuple[str, str]:
    """Name and address that git would commit with in `folder` (git-var(1)); UsageError where it knows none."""
    out = git_in(folder, "var", "GIT_COMMITTER_IDENT", check=False)
    found = _IDENT.fullmatch(out.out.decode("utf-8", "replace"))
    if out.status != 0 or not found:
        raise UsageError(
            "git does not know who you are",
            why="a release is signed with a name and an address",
            hint='git config --global user.name "…" && git config --global user.email "…"',
        )
    return found["name"], found["email"]
