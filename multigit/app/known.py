"""What is known of branches from earlier commands, so that a repository where nothing happened costs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from multigit.model.fleet import Clean, CommitLine, Pair
from multigit.model.names import Branch, Oid, RepoName
from multigit.model.plain import plain

_FORM: Final = 1
"""Counts up when `merging.compare` is mended: what it said before must not outlive that."""


def quiet_question(source: Oid, target: Oid, *, back: bool) -> str:
    """What is asked of two commits; the answer never changes."""
    return f"quiet {_FORM}{' back' if back else ''} {source} {target}"


def quiet_answer(pair: Pair) -> dict[str, object] | None:
    """The answer to keep, where there is nothing to merge and nothing odd; None where a merge has to be computed.

    What is merged needs its objects in the cached copy, so that is always looked at there.
    """
    outcome = pair.outcome
    if pair.ahead or pair.absorbs or pair.traps or not isinstance(outcome, Clean) or outcome.changed:
        return None
    return {"tree": outcome.tree, "debts": plain(pair.debts), "owed": plain(pair.owed)}


def quiet_pair(
    answer: Mapping[str, Any], repo: RepoName, source: Branch, target: Branch, source_oid: Oid, target_oid: Oid
) -> Pair:
    """The pair that was kept."""
    return Pair(
        repo=repo, source=source, target=target, source_oid=source_oid, target_oid=target_oid,
        outcome=Clean(tree=Oid(answer["tree"]), changed=()),
        debts=commit_lines(answer["debts"]), owed=commit_lines(answer["owed"]),
    )  # fmt: skip


def commit_lines(kept: Iterable[Mapping[str, str]]) -> tuple[CommitLine, ...]:
    """Commits that were kept."""
    return tuple(
        CommitLine(
            oid=Oid(one["oid"]), author=one["author"], when=datetime.fromisoformat(one["when"]), subject=one["subject"]
        )
        for one in kept
    )
