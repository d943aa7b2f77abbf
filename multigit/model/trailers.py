"""Trailers of commits that multigit makes: planners write them, vcs/merging.py reads them (docs/rollback.md)."""

from __future__ import annotations

from typing import Final

RESTORES: Final = "Multigit-Restores"
"""On a commit that takes releases back: the tag (or commit) whose state it brings."""
TAKES_BACK: Final = "Multigit-Takes-Back"
"""On the same: the source heads of the releases taken back."""
ABSORBS: Final = "Multigit-Absorbs"
"""On a merge: the restore commit that was neutralised in it."""
UNDOES: Final = "Multigit-Undoes"
"""On a commit that puts back a landing on a host that refuses to rewind: the landed commit."""
