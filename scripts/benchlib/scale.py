"""How the cost grows with the number of repositories, and with how many of them changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchlib import table
from benchlib.contestants import OURS
from benchlib.races import Race

_HEAD = (
    "task", "repositories", "time", "per repository", "CPU", "largest process", "all together", "git processes",
    "connections",
)  # fmt: skip


def rows(found: Mapping[int, Sequence[Race]]) -> list[dict[str, Any]]:
    """One JSON object per task and number of repositories, tasks together."""
    flat = [
        {"task": race.what, "repositories": count, **table.side(race.results[OURS])}
        for count, races in found.items()
        for race in races
        if race.results[OURS].times
    ]
    order = list(dict.fromkeys(row["task"] for row in flat))
    return sorted(flat, key=lambda row: (order.index(row["task"]), row["repositories"]))


def text(heading: Sequence[str], found: Sequence[dict[str, Any]], round_trip: float) -> str:
    """The table, and under it what one more repository costs."""
    body = [
        (
            row["task"],
            str(row["repositories"]),
            table.seconds(row["seconds"]),
            table.seconds(row["seconds"] / row["repositories"]),
            table.seconds(row["cpu"]),
            table.size(row["largest"]),
            table.size(row["together"]),
            str(row["git"]),
            str(row["connections"]),
        )
        for row in found
    ]
    lines = ["", *(f"- {line}" for line in growth(found))]
    if round_trip and found:
        most = max(row["repositories"] for row in found)
        floor = table.seconds(most * round_trip / 8)
        lines.append(f"- {most} round trips, eight at a time, take {floor}: no reading of all remotes can be quicker.")
    return "\n".join((*heading, "", table.markdown(_HEAD, body), *lines))


def growth(found: Sequence[dict[str, Any]]) -> list[str]:
    """What each further repository costs, between the two largest fleets, and whether that is more than before."""
    lines: list[str] = []
    for task in dict.fromkeys(row["task"] for row in found):
        mine = [row for row in found if row["task"] == task]
        steps = [_step(small, large) for small, large in pairwise(mine)]
        if not steps:
            continue
        wall, cpu = steps[-1]
        line = f"{task}: one repository more costs {_fine(wall)} and {_fine(cpu)} of CPU"
        if len(steps) > 1 and steps[-2][0] > 0:
            line += f", {steps[-1][0] / steps[-2][0]:.1f} times what it costs in a smaller fleet"
        lines.append(line)
    return lines


def _step(small: dict[str, Any], large: dict[str, Any]) -> tuple[float, float]:
    more = large["repositories"] - small["repositories"]
    return (large["seconds"] - small["seconds"]) / more, (large["cpu"] - small["cpu"]) / more


def _fine(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
