"""doctor: one line for each thing that was looked at, marked, and under it the command that mends it."""

from __future__ import annotations

from multigit.model.health import Finding, Health, State
from multigit.ui.text import cells, count, pad, visible, wrap

MARKS: dict[State, str] = {"ok": "[OK]", "warn": "[!!]", "ng": "[NG]", "skip": "[SKIP]"}
_HERE = "-"


def health_text(health: Health, *, width: int = 100, brief: bool = False) -> str:
    """What people read; `brief`: only what is not well. A command is never broken over lines."""
    shown = [one for one in health.findings if not brief or one.state in ("ng", "warn")]
    rooms = (max((cells(one.repo or _HERE) for one in shown), default=1),
             max((cells(one.name) for one in shown), default=1))  # fmt: skip
    lines = [line for one in shown for line in _lines(one, rooms, width)]
    name = " ".join(filter(None, (visible(health.title), health.env)))
    return "\n".join([*lines, *wrap(f"{name}  {_closing(health)}", width, hang=2)])


def _lines(one: Finding, rooms: tuple[int, int], width: int) -> list[str]:
    head = f"{pad(MARKS[one.state], 6)} {pad(one.repo or _HERE, rooms[0])}  {pad(one.name, rooms[1])}  "
    hang = min(cells(head), max(8, width // 2))
    fixes = [f"       fix  {visible(fix)}" for fix in one.fix.split("\n") if fix]
    return [*wrap(head + visible(one.why), width, hang=hang), *fixes]


def _closing(health: Health) -> str:
    number = {state: sum(one.state == state for one in health.findings) for state in MARKS}
    looked = f"{count(health.repos, 'repository', plural='repositories')}: {number['ok']} ok"
    parts = [looked, f"{number['ng']} not well", f"{number['warn']} to look at", f"{number['skip']} not looked at"]
    fit = "not fit for a release" if number["ng"] else "fit for a release"
    return f"{fit}   {', '.join(part for part in parts if not part.startswith('0 '))}"
