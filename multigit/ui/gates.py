"""What the gates said, in one line where it fits: passed, refused, waiting, and what a person still has to answer."""

from __future__ import annotations

from collections.abc import Sequence

from multigit.model.verdict import GateResult
from multigit.ui.text import OK, OPEN, REFUSED, WARNING, cells, took, visible, wrap

HANG = 8


def gate_lines(gates: Sequence[GateResult], width: int) -> list[str]:
    """`gates   ok stg-healthy   x no-backlog: why   . checklist 0/6`, then the details of those that refuse."""
    if not gates:
        return []
    room = max(20, width - HANG)
    rows: list[str] = []
    for result in gates:
        item = _item(result)
        if rows and cells(rows[-1]) + 3 + cells(item) <= room:
            rows[-1] += f"   {item}"
        else:
            rows += wrap(item, room, hang=2)
    for result in gates:
        if result.verdict.state in ("fail", "wait") and not result.overridden:
            rows += [line for detail in result.verdict.details for line in wrap(f"  {visible(detail)}", room, hang=4)]
    return [f"{'gates' if i == 0 else '':<{HANG}}{row}" for i, row in enumerate(rows)]


def _item(result: GateResult) -> str:
    name, verdict = visible(result.gate.name), result.verdict
    if result.overridden:
        return f'{WARNING} {name}: overridden, "{visible(result.overridden)}"'
    match verdict.state:
        case "pass":
            return f"{OK} {name}"
        case "ask":
            asked = len(verdict.questions) or 1
            done = asked - len(result.unanswered)
            return f"{OK if done == asked else OPEN} {name} {done}/{asked}"
        case "wait":
            after = f" (again in {took(verdict.retry_after)})" if verdict.retry_after is not None else ""
            mark = OPEN if result.gate.level == "block" else WARNING
            return f"{mark} {name} waits: {visible(verdict.why)}{after}"
        case "fail":
            return f"{REFUSED if result.gate.level == 'block' else WARNING} {name}: {visible(verdict.why)}"
