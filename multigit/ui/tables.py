"""status and history: one line per repository or release, columns straight while there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from multigit.model.events import Hold
from multigit.model.fleet import Distance
from multigit.model.releases import ReleaseRow
from multigit.model.summary import Alarms, Status, StatusRow
from multigit.ui.text import (
    OPEN,
    REFUSED,
    WARNING,
    ago,
    aligned,
    cells,
    clock,
    day,
    pad,
    short_tag,
    took,
    visible,
    wrap,
)

_MARKS = {"ok": " ", "warn": WARNING, "bad": REFUSED}
ROOM = 16
"""Cells that the last column should have; with less, the columns move together."""


def status_text(status: Status, *, width: int = 100, zone: tzinfo = UTC, now: datetime | None = None) -> str:
    """The matrix of environments: what waits, what is live, what is owed. `now`: says how old the figures are."""
    fetched = f"   fetched {ago(status.at, now)}" if now else ""
    if status.as_of:
        fetched = f"   as of {clock(status.as_of, zone)}, {ago(status.as_of, status.at)}; nobody was asked"
    lines = wrap(f"{visible(status.title)}   {clock(status.at, zone)}{fetched}", width, hang=2)
    if status.open_run:
        phase = f" ({visible(status.open_phase)})" if status.open_phase else ""
        lines += wrap(f"{WARNING} run {status.open_run} of {visible(status.open_by)} is open{phase}", width, hang=2)
    for one in status.deploying:
        text = f"{WARNING} deployment {one.id} of {one.env} is open: {one.done} of {one.steps} steps, {visible(one.by)}"
        lines += wrap(text, width, hang=2)
    lines += [line for one in status.undeployed for line in wrap(f"{WARNING} {one.sentence}", width, hang=2)]
    lines += [line for hold in status.holds for line in _hold(hold, width, now or status.at)]
    lines += _matrix(status, width)
    lines += wrap(_alarms(status, zone), width, hang=8) if status.alarms else []
    lines += wrap(visible(status.totals), width) if status.totals else []
    return "\n".join([*lines, *next_lines(status.next, width)])


def _alarms(status: Status, zone: tzinfo) -> str:
    """`alarms  prod: 1 rings (api-errors since 06:41), stg: none of 4`; those that ring first."""
    first = sorted(status.alarms, key=lambda one: one.state != "ringing")
    unknown = {one.why for one in first}
    if all(one.state == "unknown" for one in first) and len(unknown) == 1:
        return f"alarms  not known: {visible(unknown.pop())}"
    return f"alarms  {', '.join(f'{one.env}: {_rings(one, status.at, zone)}' for one in first)}"


def _rings(one: Alarms, now: datetime, zone: tzinfo) -> str:
    if one.state == "unknown":
        return f"not known: {visible(one.why)}"
    unsure = f"{one.unsure} of {one.of} without data" if one.unsure else ""
    if not one.ringing:
        return unsure or f"none of {one.of}"
    named = [visible(alarm.name) + (f" since {_since(alarm.since, now, zone)}" if alarm.since else "")
             for alarm in one.ringing[:5]]  # fmt: skip
    more = [f"{len(one.ringing) - 5} more"] if len(one.ringing) > 5 else []
    count = len(one.ringing)
    rings = f"{count} {'rings' if count == 1 else 'ring'} ({', '.join([*named, *more])})"
    return f"{rings}, {unsure}" if unsure else rings


def _since(when: datetime, now: datetime, zone: tzinfo) -> str:
    """The time of today, otherwise the day as well."""
    return day(when, now, zone).removeprefix("today ")


def next_lines(commands: Sequence[str], width: int, *, label: int = 6) -> list[str]:
    """`next  a | b`; one command per line where that is too long, so that each can be copied."""
    together = f"{'next':<{label}}{' | '.join(map(visible, commands))}"
    if cells(together) <= width:
        return [together] if commands else []
    return [f"{'next' if i == 0 else '':<{label}}{visible(command)}" for i, command in enumerate(commands)]


def _hold(hold: Hold, width: int, now: datetime) -> list[str]:
    kind = "a release taken back is held" if hold.quarantine else "on hold"
    reason = f": {visible(hold.reason)}" if hold.reason else ""
    text = f"{WARNING} {hold.env} {kind}{reason} (by {visible(hold.by.name)}, {ago(hold.at, now)}, {visible(hold.id)})"
    return wrap(text, width, hang=2)


def holds_text(holds: Sequence[Hold], zone: tzinfo, now: datetime, *, width: int = 100) -> str:
    """The holds in force, or that there are none."""
    return "\n".join(line for hold in holds for line in _hold(hold, width, now.astimezone(zone))) or "nothing is held"


def _matrix(status: Status, width: int) -> list[str]:
    pairs = [(d.source, d.target) for d in status.rows[0].distances] if status.rows else []
    names = {env: str(status.branches.get(env, env)) for env in status.environments}
    live = names[status.environments[-1]] if status.environments else ""
    head = ["REPO", *(f"{names.get(a, a)} > {names.get(b, b)}" for a, b in pairs), live, "PROD TAG", "NOTE"]
    rows = [_status_cells(row, status.at.year) for row in status.rows]
    marks = [_MARKS[row.mark] for row in status.rows]
    return table(head, rows, marks, width)


def _status_cells(row: StatusRow, year: int) -> list[str]:
    note = "; ".join(map(visible, row.notes))
    live = row.live.short if row.live else "-"
    return [str(row.repo), *map(_distance, row.distances), live, short_tag(row.tag, year=year), note]


def _distance(gap: Distance) -> str:
    return "?" if gap.ahead is None else f"+{gap.ahead}" if gap.ahead else "="


def table(head: Sequence[str], rows: Sequence[Sequence[str]], marks: Sequence[str], width: int) -> list[str]:
    """Columns under their headings, a mark before each row; the last column is wrapped, or below its row where it
    does not fit. In too narrow a terminal each row is a block: its first cell, then `heading value` line by line.
    """
    last = max((cells(row[-1]) for row in rows), default=0)
    for gap, room in ((2, min(last, ROOM)), (1, 0)):
        fixed = aligned([row[:-1] for row in (head, *rows)], gap=gap)
        start = 2 + max(cells(line) for line in fixed) + gap
        if start - gap + (room + gap if room else 0) <= width:
            both = zip(fixed, (head, *rows), (" ", *marks), strict=True)
            return [line for text, row, mark in both for line in _row(f"{mark} {text}", row[-1], start, width)]
    return _blocks(head, rows, marks, width)


def _row(text: str, last: str, start: int, width: int) -> list[str]:
    longest = max(map(cells, last.split()), default=0)
    if longest > width - start:
        return [text.rstrip(), *wrap(f"    {last}", width, hang=6)]
    return wrap(f"{pad(text, start)}{last}".rstrip(), width, hang=start)


def _blocks(head: Sequence[str], rows: Sequence[Sequence[str]], marks: Sequence[str], width: int) -> list[str]:
    lines: list[str] = []
    for row, mark in zip(rows, marks, strict=True):
        lines.append(f"{mark} {row[0]}")
        for name, value in zip(head[1:], row[1:], strict=True):
            lines += wrap(f"    {name.lower()} {value.strip()}", width, hang=6) if value else []
    return lines


def history_text(rows: Sequence[ReleaseRow], zone: tzinfo, now: datetime, *, width: int = 120) -> str:
    """Releases, newest first. Tagged, changed and live are three facts and have a column each."""
    if not rows:
        return "no releases yet"
    zone_name = now.astimezone(zone).tzname() or ""
    several = len({row.env for row in rows}) > 1
    head = ["TAG", *(["ENV"] if several else []), f"WHEN ({zone_name})", "BY", "CHANGED", "REPOS", "TOOK", "RESULT"]
    body = [
        [
            visible(row.tag or row.run), *([visible(row.env)] if several else []), day(row.when, now, zone),
            visible(row.by), f"{row.changed:>5}", f"{row.tagged}/{row.of}", took(row.took), _result(row),
        ]
        for row in rows
    ]  # fmt: skip
    return "\n".join(table(head, body, [" "] * len(rows), width))


_RESULT = {
    "live": "ok live",
    "ok": "ok",
    "partial": f"{WARNING} partial",
    "rolled back": "- rolled back",
    "tags only": f"{OPEN} tags only",
    "aborted": f"{REFUSED} aborted",
    "failed": f"{REFUSED} failed",
    "open": f"{WARNING} open",
}


_DEPLOYED = {
    "failed": f"{REFUSED} deployment failed",
    "returned": f"{REFUSED} deployment taken back",
    "open": f"{WARNING} deploying",
}
"""What counts more than that it was released."""


def _result(row: ReleaseRow) -> str:
    stands = row.result in ("live", "ok")
    result = _DEPLOYED.get(row.deployment, _RESULT[row.result]) if stands else _RESULT[row.result]
    words = [result, *(["EMERGENCY"] if row.emergency else []), visible(row.note)]
    verb = visible(row.verb) if row.verb not in ("promote", "") else ""
    return " ".join(word for word in [*words[:1], *([f"({verb})"] if verb else []), *words[1:]] if word)
