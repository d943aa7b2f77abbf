"""Log lines for people: time in the system's zone, whose, and what was written, made visible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo

from multigit.model.logs import LogLine, LogProblem
from multigit.model.names import RepoName
from multigit.model.urls import hide_secrets
from multigit.ui.text import cells, pad, visible, visible_lines


def log_lines(lines: Iterable[LogLine], zone: tzinfo, names: Sequence[RepoName], *, more: bool) -> Iterator[str]:
    """`02-12 06:58:01  gli_api-server  text`; further lines of one event are indented below its text."""
    if more:
        yield "... older lines are left out: -n NUMBER, --grep TEXT or a shorter --since"
    room = max((cells(name) for name in names), default=0)
    for line in lines:
        first, *rest = visible_lines(hide_secrets(line.text)) or [""]
        head = f"{line.at.astimezone(zone):%m-%d %H:%M:%S}  {pad(line.repo, room)}  "
        yield head + first
        yield from (" " * cells(head) + text for text in rest)


def problem_line(problem: LogProblem, *, last: bool = False) -> str:
    """Why a group is missing; `last`: it is not tried any more."""
    return f"{problem.repo}: {visible(problem.why)}{'; given up' if last else ''}"
