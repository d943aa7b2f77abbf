"""deploy and watch: what would be done, what was, and how each step stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from multigit.model.deployplan import DeployPlan
from multigit.model.deployreport import DeploymentReport, StepRow
from multigit.ui.tables import next_lines, table
from multigit.ui.text import OK, OPEN, REFUSED, SAME, WARNING, count, took, visible, wrap

_MARKS = {"waits": OPEN, "begun": ">", "ok": "+", "failed": REFUSED}
_ENDS = {
    "well": "deployed, and well", "failed": "FAILED, and left as it is", "returned": "FAILED, and taken back",
    "superseded": "superseded", "open": "open", "lost": "somebody else goes on with it", "nothing": "nothing to do",
    "planned": "planned",
}  # fmt: skip


def plan_text(plan: DeployPlan, report: DeploymentReport, *, width: int = 100) -> str:
    """What would be done, in its order."""
    tier = ", PRODUCTION" if plan.production else ""
    tag = f"  {plan.tag}" if plan.tag else ""
    verb = "GO BACK" if plan.back else "DEPLOY"
    head = f"{verb} {plan.id}  {plan.env}{tier}{tag}   {count(len(plan.steps), 'step')}"
    rows = [_planned(row, step.seconds) for row, step in zip(report.steps, plan.steps, strict=True)]
    lines = wrap(head, width, hang=2)
    lines += table(["WAVE", "REPO", "STAGE", "BY", "NOW"], rows, [OPEN] * len(rows), width) if rows else []
    lines += [line for skip in plan.skips for line in wrap(f"{SAME} {skip.repo}  {visible(skip.why)}", width, hang=4)]
    ill = {"always": "goes back by itself", "ask": "asks whether to go back", "never": "stays as it is"}
    return "\n".join([*lines, f"ill     {ill[plan.auto_rollback]}" if rows else "nothing to do"])


def _planned(row: StepRow, seconds: int) -> list[str]:
    now = f"for {took(seconds)}" if row.stage == "soak" else visible(row.was)
    return [str(row.wave), row.repo or "all", row.stage, visible(row.target) or "health checks", now]


def report_text(found: DeploymentReport, zone: tzinfo, now: datetime, *, width: int = 100) -> str:
    """How a deployment stands or ended: every step with its time, and what helps where one failed."""
    lasted = f" after {took(((found.ended or now) - found.started).total_seconds())}" if found.started else ""
    tag = f" {found.tag}" if found.tag else ""
    mark = OK if found.outcome in ("well", "nothing") else WARNING
    head = f"{found.env}{tag}  {mark}: {_ENDS[found.outcome]}{lasted}   ({found.id}, {visible(found.by)})"
    lines = wrap(head, width, hang=2)
    lines += wrap(f"why     {visible(found.why)}", width, hang=8) if found.why else []
    lines += _rows(found.steps, zone, width)
    lines += [line for skip in found.skips for line in wrap(f"{SAME} {skip.repo}  {visible(skip.why)}", width, hang=4)]
    lines += [line for row in found.steps if row.state == "failed" for line in _help(row, width)]
    lines += [line for text in found.warnings for line in wrap(f"{WARNING} {visible(text)}", width, hang=2)]
    if found.restored and found.restored.get("outcome") == "released":
        run = visible(str(found.restored.get("run", "")))
        lines += wrap(f"then    the branches were taken back: {run}", width, hang=8)
    return "\n".join([*lines, *next_lines(found.next, width, label=8)])


def _rows(steps: Sequence[StepRow], zone: tzinfo, width: int) -> list[str]:
    if not steps:
        return []
    rows = [[row.at.astimezone(zone).strftime("%H:%M:%S") if row.at else "-", row.repo or "all", row.stage,
             _told(row)] for row in steps]  # fmt: skip
    return table(["TIME", "REPO", "STAGE", "HOW IT STANDS"], rows, [_MARKS[row.state] for row in steps], width)


def _told(row: StepRow) -> str:
    words = {"waits": "not begun", "begun": "under way", "ok": "", "failed": f"{row.fault or 'it'} failed:"}
    back = {"": "", "begun": "; going back", "ok": f"; back: {row.back_why}", "failed": f"; NOT back: {row.back_why}"}
    return visible(f"{words[row.state]} {row.why}".strip() + back[row.back])


def _help(row: StepRow, width: int) -> list[str]:
    lines = [part for line in row.details for part in wrap(f"    {visible(line)}", width, hang=6)]
    link = [f"    see {visible(row.link)}"] if row.link else []
    return [f"{REFUSED} {row.id}", *lines, *link] if lines or link else []
