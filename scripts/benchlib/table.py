"""The results as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchlib.races import Race

_HEAD = ("task", "against", "multigit", "other", "ratio", "lowest-highest", "CPU", "git processes", "connections")


def rows(races: Sequence[Race]) -> list[dict[str, Any]]:
    """One JSON object per race. Times are medians in seconds; `ratio` is the other's time by multigit's."""
    return [_row(race) for race in races]


def _row(race: Race) -> dict[str, Any]:
    each = [theirs.seconds / ours.seconds for ours, theirs in zip(race.ours, race.theirs, strict=True)]
    ours, theirs = median(t.seconds for t in race.ours), median(t.seconds for t in race.theirs)
    return {
        "task": race.what,
        "against": race.against,
        "multigit": _side(race, "ours", ours, median(t.cpu for t in race.ours)),
        "other": _side(race, "theirs", theirs, median(t.cpu for t in race.theirs)),
        "ratio": round(theirs / ours, 2),
        "ratio_lowest": round(min(each), 2),
        "ratio_highest": round(max(each), 2),
    }


def _side(race: Race, name: str, seconds: float, cpu: float) -> dict[str, Any]:
    return {"seconds": round(seconds, 4), "cpu": round(cpu, 4), **race.counts.get(name, {})}


def text(heading: Sequence[str], found: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, readable as it is."""
    cells = [_HEAD, *(_cells(row) for row in found)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    lines = [
        "| " + " | ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join((*heading, "", lines[0], rule, *lines[1:]))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    ours, theirs = row["multigit"], row["other"]
    return (
        row["task"],
        row["against"],
        _time(ours["seconds"]),
        _time(theirs["seconds"]),
        f"{_ratio(row['ratio'])}x",
        f"{_ratio(row['ratio_lowest'])}-{_ratio(row['ratio_highest'])}",
        f"{_time(ours['cpu'])} / {_time(theirs['cpu'])}",
        f"{ours['git']} / {theirs['git']}" if "git" in ours else "",
        f"{ours['connections']} / {theirs['connections']}" if "connections" in ours else "",
    )


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _ratio(number: float) -> str:
    return f"{number:.1f}" if number >= 1 else f"{number:.2f}"
