"""The releases of a fleet, from its ledger and its tags. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from itertools import accumulate
from typing import Any, Literal

from multigit.model.deployments import Outcome
from multigit.model.events import History, Run
from multigit.model.names import EnvName, RepoName, Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """One line of `history`: tagged, changed and live are three different facts."""

    tag: Tag | None
    run: str
    verb: str
    env: str
    when: datetime
    by: str
    changed: int
    tagged: int
    of: int
    took: float | None
    """Seconds from begin to the end; None where only the tags tell of it."""
    result: Literal["live", "ok", "partial", "rolled back", "tags only", "aborted", "failed", "open"]
    note: str = ""
    emergency: bool = False
    deployment: Outcome | Literal["open"] = ""
    """How its last deployment stands: well, failed, returned, superseded or open; '' where there was none."""


def releases(
    history: History,
    tags: Mapping[RepoName, Collection[Tag]],
    env: EnvName | None,
    size: int,
    prefixes: Mapping[str, str],
    zone: tzinfo = UTC,
) -> list[ReleaseRow]:
    """Runs of the ledger, newest first; then tags that no run tells of (made before multigit, or by hand).

    `tags`: release tags per repository; `size`: repositories in the fleet; `prefixes`: how
    an environment's tags begin; `zone`: that of the times in their names.
    """
    runs = [run for run in history.runs.values() if run.plan and env in (None, run.target)]
    known = [_release(run, tags, size, history) for run in runs]
    told = {row.tag for row in known if row.result not in ("aborted", "failed")}
    untold = ((row.when, row) for row in _tags_only(tags, size, prefixes, env, zone) if row.tag not in told)
    latest = accumulate((row.when for row in known), max)  # the ledger's order, whatever its writers' clocks said
    placed = [*zip(latest, known, strict=True), *untold]
    rows = [row for _, row in sorted(placed, key=lambda pair: pair[0])]
    newest_live: dict[str, int] = {row.env: i for i, row in enumerate(rows) if row.result == "ok" and row.tag}
    for position in newest_live.values():
        rows[position] = replace(rows[position], result="live")
    return rows[::-1]


def _tags_only(
    tags: Mapping[RepoName, Collection[Tag]], size: int, prefixes: Mapping[str, str], env: EnvName | None, zone: tzinfo
) -> list[ReleaseRow]:
    """Releases that only their tags tell of; the time stands in the tag's name, or they come first."""
    rows = []
    for tag in sorted({tag for found in tags.values() for tag in found}):
        of = next((name for prefix, name in prefixes.items() if tag.startswith(prefix)), "")
        if env in (None, of):
            held = sum(tag in found for found in tags.values())
            rows.append(
                ReleaseRow(tag=tag, run="", verb="", env=of, when=_time_in(tag, zone), by="", changed=0, tagged=held,
                           of=size, took=None, result="tags only" if held == size else "partial")
            )  # fmt: skip
    return rows


def _time_in(tag: Tag, zone: tzinfo) -> datetime:
    digits = "".join(c for c in tag if c.isdigit())
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _release(run: Run, tags: Mapping[RepoName, Collection[Tag]], size: int, history: History) -> ReleaseRow:
    tagged = sum(run.tag in found for found in tags.values()) if run.tag else 0
    runs = list(history.runs.values())
    back = next((later for later in runs[runs.index(run) + 1 :] if _takes_back(later, run)), None)
    changed = sum(step.get("kind") == "land" for step in run.plan.get("steps", ()))
    return ReleaseRow(
        tag=run.tag,
        run=run.id,
        verb=str(run.plan.get("verb", "")),
        env=run.target,
        when=run.started,
        by=run.by.name,
        changed=changed,
        tagged=tagged,
        of=size,
        took=(run.ended - run.started).total_seconds() if run.ended else None,
        result=_result(run, tagged, size, taken_back=back is not None),
        note=f"by {back.tag}" if back and back.tag else run.reason,
        emergency=bool(run.plan.get("emergency")),
        deployment=_deployed(run, history),
    )


def _deployed(run: Run, history: History) -> Outcome | Literal["open"]:
    own = [one for one in history.deployments.values() if one.run == run.id]
    return (own[-1].outcome or "open") if own else ""


def _takes_back(later: Run, run: Run) -> bool:
    """Whether `later`, which the ledger has after `run`, is a released rollback to a tag older than `run`'s."""
    if later.phase != "released" or later.plan.get("verb") != "rollback" or later.target != run.target:
        return False
    to: Any = later.plan.get("to")
    return bool(run.tag and to and to < run.tag)


def _result(
    run: Run, tagged: int, size: int, *, taken_back: bool
) -> Literal["ok", "partial", "rolled back", "aborted", "failed", "open"]:
    if run.open:
        return "open"
    if run.phase in ("aborted", "failed"):
        return "aborted" if run.phase == "aborted" else "failed"
    if run.tag and tagged < size:
        return "partial"
    return "rolled back" if taken_back else "ok"
