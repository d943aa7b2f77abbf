"""What `pull` and `clone` tell, for programs: a file of its own, because they are to start fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from multigit.errors import DONE
from multigit.model.names import Branch, Oid, RepoName

PullVerdict = Literal["updated", "up to date", "cloned", "ahead", "dirty", "diverged", "no such branch", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult:
    """What `pull` or `clone` did to one clone (G2)."""

    repo: RepoName
    verdict: PullVerdict
    old: Oid | None = None
    new: Oid | None = None
    why: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullDocument:
    """`pull BRANCH` and `clone`."""

    schema: Literal["multigit.pull/1"] = "multigit.pull/1"
    branch: Branch | None = None
    results: tuple[PullResult, ...]
    exit_code: int = DONE


def failed_results(results: Sequence[PullResult]) -> tuple[RepoName, ...]:
    """The clones that did not get to the branch's head, for the exit code and the closing line."""
    fine = ("updated", "up to date", "cloned", "ahead")
    return tuple(result.repo for result in results if result.verdict not in fine)
