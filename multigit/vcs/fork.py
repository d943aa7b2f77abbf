"""Two branches since they parted, in one reading of git where that is little enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from multigit.model.fleet import CommitLine
from multigit.model.names import Oid
from multigit.vcs import read
from multigit.vcs.mirror import Mirror
from multigit.vcs.run import git

MOST: Final = 2_000
"""Commits that are read whole, messages included; where there are more, each question is asked on its own."""
_WHOLE: Final = "--format=tformat:%m%x00%H%x00%P%x00%T%x00%an%x00%at%x00%s%x00%B"
_FIELDS: Final = 8

History = tuple[tuple[Oid, tuple[Oid, ...], str], ...]
"""Commits one side has alone: id, parents and message of each, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """What `source` and `target` each have alone.

    `source` and `target`: all such commits, or those whose message may have one of our trailers where there are many.
    `lines`: the newest of source, without merges, at most `read.LIMIT`; `ahead`: how many there are.
    `meets`: commits of both where they meet; every merge base is one of them. `trees`: of some commits.
    """

    source: History
    target: History
    lines: tuple[CommitLine, ...]
    ahead: int
    meets: tuple[Oid, ...] = ()
    trees: Mapping[Oid, Oid] = field(default_factory=dict)


def parted(mirror: Mirror, source: Oid, target: Oid, *, whole: Oid) -> Fork:
    """Both sides of the fork; of `whole`, one of the two, every commit is given, however many there are."""
    return _together(mirror, source, target) or _one_by_one(mirror, source, target, whole)


def _together(mirror: Mirror, source: Oid, target: Oid) -> Fork | None:
    # --date-order: no commit before its children, which the newest-first order of `git log` does not promise.
    args = ("--date-order", "--left-right", "--boundary", f"--max-count={MOST + 1}", "-z", _WHOLE)
    out = git("log", *args, f"{source}...{target}", at=mirror.path, timeout=300).out
    parts = read.fields(out)
    rows = [list(row) for row in zip(*(parts[number::_FIELDS] for number in range(_FIELDS)), strict=True)]
    if len(rows) > MOST:
        return None
    ours = [row for row in rows if row[0] == "<"]
    plain = [row for row in ours if " " not in row[2]]
    return Fork(
        source=_history(ours),
        target=_history([row for row in rows if row[0] == ">"]),
        lines=tuple(read.line_of(*row[1:2], *row[4:7]) for row in plain[: read.LIMIT]),
        ahead=len(plain),
        meets=tuple(Oid(row[1]) for row in rows if row[0] == "-"),
        trees={Oid(row[1]): Oid(row[3]) for row in rows},
    )


def _history(rows: list[list[str]]) -> History:
    return tuple((Oid(row[1]), tuple(map(Oid, row[2].split())), row[7]) for row in reversed(rows))


def _one_by_one(mirror: Mirror, source: Oid, target: Oid, whole: Oid) -> Fork:
    lines = read.commits(mirror, [source], [target])
    return Fork(
        source=read.messages(mirror, [source], [target], "" if whole == source else "Multigit-"),
        target=read.messages(mirror, [target], [source], "" if whole == target else "Multigit-"),
        lines=lines,
        ahead=len(lines) if len(lines) < read.LIMIT else read.count(mirror, [source], [target]),
    )
