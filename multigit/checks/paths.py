"""Asks a person when a promotion changes certain files: the migrations since the last release (G4, M10).

    migration: {kind: paths, paths: {api: ["**/migrations/*.py"]}, ask: "Database backed up, migration reviewed?"}

Without `ask` nobody can say yes: such files do not go down this road (with `level: warn` they are only shown).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from multigit.model.config import STRICT
from multigit.model.fleet import Clean
from multigit.model.names import RepoName
from multigit.model.verdict import Subject, Verdict

_WILD = re.compile(r"(?P<folders>(?:(?<=/)|^)\*\*/)|(?P<rest>(?:(?<=/)|^)\*\*$)|(?P<name>\*+)|(?P<one>\?)")
_MEANING = {"folders": "(?:[^/]+/)*", "rest": ".+", "name": "[^/]*", "one": "[^/]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this gate."""

    __pydantic_config__ = STRICT
    paths: Mapping[RepoName, tuple[str, ...]]
    """Patterns per repository. `*` and `?` stay within a folder, `**/` is any number of folders, also none."""
    ask: str = ""
    """What a person is asked when one of them changes; without it the gate fails."""


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where no promoted repository changes such a file; what cannot be merged is refused by the plan itself."""
    unknown = tuple(name for name in settings.paths if name not in subject.config.repos)
    if unknown:  # a misspelt name would switch the gate off
        near = difflib.get_close_matches(unknown[0], subject.config.repos, 1)
        return Verdict(
            state="fail",
            why=f"repos.yaml has no repository {', '.join(unknown)}",
            details=(f"did you mean {near[0]}?",) if near else (),
        )
    found = tuple(
        f"{land.repo}: {path}"
        for land in subject.plan.lands
        for path in _changed(subject, land.repo)
        if any(matches(pattern, path) for pattern in settings.paths.get(land.repo, ()))
    )
    if not found:
        return Verdict(state="pass", why="no such file changes")
    told = f"{len(found)} such {'file changes' if len(found) == 1 else 'files change'}"
    if settings.ask:
        return Verdict(state="ask", why=told, details=found, questions=(settings.ask,))
    return Verdict(state="fail", why=f"{told}, and this road is closed to them", details=found)


def _changed(subject: Subject, repo: RepoName) -> tuple[str, ...]:
    pair = subject.fleet.pairs.get(repo)
    return pair.outcome.changed if pair and isinstance(pair.outcome, Clean) else ()


def matches(pattern: str, path: str) -> bool:
    """Whether `path` (slashes, relative to the repository) is meant by `pattern`, whole."""
    return bool(_compiled(pattern).fullmatch(path))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    out, position = [], 0
    for wild in _WILD.finditer(pattern):
        out += [re.escape(pattern[position : wild.start()]), _MEANING[str(wild.lastgroup)]]
        position = wild.end()
    return re.compile("".join(out) + re.escape(pattern[position:]), re.DOTALL)
