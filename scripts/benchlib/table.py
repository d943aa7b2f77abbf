"""The results as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from benchlib.contestants import OURS
from benchlib.races import Race, Results

_HEAD = (
    "task", "against", "multigit", "other", "multigit / other", "lowest-highest", "CPU", "largest process",
    "all together", "git processes", "connections",
)  # fmt: skip


def rows(races: Sequence[Race]) -> list[dict[str, Any]]:
    """One JSON object per task and rival. Times are medians in seconds; `ratio` is multigit's time by the other's."""
    return [
        _row(race, name)
        for race in races
        for name, result in race.results.items()
        if name != OURS and race.results[OURS].times and (result.times or result.failed)
    ]


def _row(race: Race, name: str) -> dict[str, Any]:
    ours, theirs = race.results[OURS], race.results[name]
    row: dict[str, Any] = {"task": race.what, "against": name, "multigit": side(ours), "other": side(theirs)}
    if theirs.failed:
        return row | {"failed": theirs.failed}
    each = [mine.seconds / other.seconds for mine, other in zip(ours.times, theirs.times, strict=False)]
    if each:
        row["ratio"] = round(row["multigit"]["seconds"] / row["other"]["seconds"], 3)
        row["ratio_lowest"], row["ratio_highest"] = round(min(each), 3), round(max(each), 3)
    return row


def side(result: Results) -> dict[str, Any]:
    side: dict[str, Any] = {}
    if result.times:
        side["seconds"] = round(median(one.seconds for one in result.times), 4)
        side["cpu"] = round(median(one.cpu for one in result.times), 4)
    if result.counts:
        side |= {**result.counts.started, "largest": result.counts.largest, "together": result.counts.together}
        side["connections"] = result.connections
    return side


def text(heading: Sequence[str], found: Iterable[dict[str, Any]], notes: Sequence[str] = ()) -> str:
    """A Markdown table, readable as it is, between the lines before and after it."""
    found = list(found)
    failed = [f"{row['against']} failed in {row['task']}: {_first(row['failed'])}" for row in found if "failed" in row]
    return "\n".join((*heading, "", markdown(_HEAD, [_cells(row) for row in found]), *_after([*failed, *notes])))


def _after(notes: Sequence[str]) -> list[str]:
    return ["", *(f"- {note}" for note in notes)] if notes else []


def markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Cells in columns of even width; a column that is empty throughout is left out."""
    kept = [column for column in range(len(head)) if any(row[column] for row in body)]
    cells = [[row[column] for column in kept] for row in (head, *body)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(kept))]
    lines = [
        "| " + " | ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join((lines[0], rule, *lines[1:]))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    ours, theirs = row["multigit"], row["other"]
    raced = "ratio" in row
    return (
        row["task"],
        row["against"],
        seconds(ours.get("seconds")),
        "failed" if "failed" in row else seconds(theirs.get("seconds")),
        f"{ratio(row['ratio'])}x" if raced else "",
        f"{ratio(row['ratio_lowest'])}-{ratio(row['ratio_highest'])}" if raced else "",
        _both(ours, theirs, "cpu", seconds),
        _both(ours, theirs, "largest", size),
        _both(ours, theirs, "together", size),
        _both(ours, theirs, "git", str),
        _both(ours, theirs, "connections", str),
    )


def _both(ours: dict[str, Any], theirs: dict[str, Any], key: str, show: Any) -> str:
    if ours.get(key) is None and theirs.get(key) is None:
        return ""
    return " / ".join("?" if side.get(key) is None else show(side[key]) for side in (ours, theirs))


def _first(why: str) -> str:
    """The last line that a contestant said, which is where most say what went wrong."""
    lines = [line.strip() for line in why.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "?"


def seconds(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:.1f} s" if number >= 10 else f"{number:.2f} s" if number >= 1 else f"{number * 1000:.0f} ms"


def size(number: int) -> str:
    return f"{number / (1 << 20):.0f} MB"


def ratio(number: float) -> str:
    return f"{number:.1f}" if number >= 1 else f"{number:.2f}"
