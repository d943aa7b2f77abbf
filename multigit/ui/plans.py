"""The plan as people confirm it: every repository with what happens to it, then gates, sum, and the way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from multigit.errors import REFUSED as EXIT_REFUSED
from multigit.model.fleet import CommitLine
from multigit.model.gated import blocked_by
from multigit.model.names import RepoName, Tag
from multigit.model.plan import Forward, Keep, Land, Leave, MakeClone, Plan
from multigit.model.verdict import GateResult
from multigit.ui.gates import gate_lines
from multigit.ui.plan_rows import Extras, plain_rows, wave_rows
from multigit.ui.problems import with_exit
from multigit.ui.text import count, visible, visible_lines, wrap

HANG = 8
MANY = 40
"""In a larger fleet the unchanged repositories are a number."""
FIXES = 10
"""Different ways out that are printed."""


def plan_text(
    plan: Plan,
    gates: Sequence[GateResult] = (),
    *,
    width: int = 100,
    live: Tag | None = None,
    note: str = "",
    diffstat: Mapping[RepoName, Sequence[tuple[int, int, str]]] | None = None,
    shipped: Mapping[RepoName, Sequence[CommitLine]] | None = None,
    saved: str = "",
    commands: Sequence[str] = (),
    ways_out: bool = True,
) -> str:
    """The whole plan.

    `live`: the tag a rollback leaves; `note`: a remark on the headline ("the one match"); `diffstat` and `shipped`:
    what a hotfix is about to push, per repository; `saved`: the plan's file; `commands`: what to type next.
    """
    extras = Extras(diffstat=diffstat or {}, commits=shipped or {}, fold=len(plan.steps) > MANY)
    flat = plan.verb in ("rollback", "pull", "clone")
    lines = wrap(_headline(plan, live, note), width, hang=2)
    lines += plain_rows(plan, extras, width) if flat else wave_rows(plan, extras, width)
    lines += [line for label, text in _remarks(plan) for line in labelled(label, text, width)]
    lines += gate_lines(gates, width)
    lines += _sum(plan, gates, width)
    lines += _ways_out(plan) if ways_out else []
    if saved:
        heads = sum(len(seen.heads) for seen in plan.seen)
        valid = f"valid while the {count(heads, 'branch head')} stay where they are"
        text = f"{visible(saved)}  sha256:{plan.digest[:8]}  ({valid})"
        lines += labelled("saved", text, width)
    lines += [f"next    {visible(command)}" for command in commands]
    return "\n".join(lines)


def labelled(label: str, text: str, width: int) -> list[str]:
    """`label   text`, wrapped with the text's column kept."""
    return wrap(f"{label:<{HANG}}{text}", width, hang=HANG)


def _headline(plan: Plan, live: Tag | None, note: str) -> str:
    remark = f"  ({visible(note)})" if note else ""
    if plan.verb == "rollback":
        return f"ROLLBACK {plan.target}: {live or 'what is live'} -> {plan.to}{remark}"
    if plan.verb in ("pull", "clone"):
        branch = next((step.branch for step in plan.steps if isinstance(step, Forward)), None)
        road = f" {branch}" if branch else ""
        return f"{plan.verb.upper()}{road}   {count(len(plan.steps), 'repo')}{remark}"
    word = "HOTFIX EMERGENCY" if plan.emergency else "HOTFIX" if plan.verb == "hotfix" else "PLAN"
    parts = [f"{word} {plan.id}", _road(plan), count(_size(plan), "repo")]
    conflicts = sum(refusal.code == "conflict" for refusal in plan.refusals)
    return "   ".join([*parts, *([count(conflicts, "conflict")] if conflicts else [])]) + remark


def _size(plan: Plan) -> int:
    return len({step.repo for step in plan.steps} | {refusal.repo for refusal in plan.refusals if refusal.repo})


def _road(plan: Plan) -> str:
    """`stg -> main (prod, PRODUCTION)`: branches as most repositories call them, then the environment."""
    targets = Counter(str(step.branch) for step in plan.steps if isinstance(step, Land | Keep))
    target = targets.most_common(1)[0][0] if targets else str(plan.target)
    others = Counter(str(name) for seen in plan.seen for name in seen.heads if name != target)
    source = others.most_common(1)[0][0] if others and plan.source else str(plan.source or "")
    environment = ([str(plan.target)] if target != plan.target else []) + (["PRODUCTION"] if plan.production else [])
    road = f"{source} -> {target}" if plan.source else target
    return visible(road + (f" ({', '.join(environment)})" if environment else ""))


_HOW = {
    "restore": "a restore commit on {branch}, no force-push",
    "revert": "revert commits on {branch}, no force-push",
    "reset": "{branch} is moved back by force (exact lease); the old tips are kept under refs/multigit/kept/",
}


def _remarks(plan: Plan) -> list[tuple[str, str]]:
    """Labelled lines below the repositories."""
    lines = [("reason", visible(plan.reason))] if plan.reason else []
    branch = next((str(step.branch) for step in plan.lands), "the branch")
    if plan.verb == "rollback" and plan.lands:
        how = _HOW.get(plan.mode or "restore", _HOW["restore"]).format(branch=branch)
        lines.append(("how", f"{how}; {plan.tag} marks it" if plan.tag else how))
    elif plan.tag:
        lines.append(("tag", f"{plan.tag} in {count(len(plan.commits()), 'repo')}"))
    if plan.quarantine:
        lift = f"`multigit hold release {plan.target}`"
        lines.append(("then", f"the release is quarantined: promote refuses it until --reapply or {lift}"))
    if plan.emergency:
        lines.append(
            ("then", "the fix is owed to the environments before: multigit status shows it, backmerge pays it")
        )
    if plan.lifts:
        lines.append(("then", f"ends {count(len(plan.lifts), 'quarantine')}: {', '.join(map(visible, plan.lifts))}"))
    return [*lines, *(("note", visible(note)) for note in plan.notes)]


_DO = {"merge": "to merge", "restore": "to restore", "revert": "to revert", "reset": "to move back", "push": "to push"}


def _sum(plan: Plan, gates: Sequence[GateResult], width: int) -> list[str]:
    counts = Counter(_DO[step.how] for step in plan.lands)
    counts.update("to clone" for step in plan.steps if isinstance(step, MakeClone))
    counts.update("to update" for step in plan.steps if isinstance(step, Forward))
    counts.update("unchanged" for step in plan.steps if isinstance(step, Keep))
    counts.update(step.verdict for step in plan.steps if isinstance(step, Leave))
    counts.update(refusal.code for refusal in plan.refusals)
    idle = not plan.refusals and not any(isinstance(step, Land | MakeClone | Forward) for step in plan.steps)
    said = [*(["nothing to do"] if idle else []), *(_counted(number, word) for word, number in counts.items())]
    text = f"Plan: {', '.join(said)}."
    reasons = blocked_by(plan, gates)
    if not reasons:
        return wrap(text, width, hang=6)
    blocked = f"{text}  Blocked by: {', '.join(map(visible, reasons))}."
    return with_exit(wrap(blocked, width, hang=6), EXIT_REFUSED, min(width, 100))


def _counted(number: int, word: str) -> str:
    return (
        count(number, word)
        if word in ("conflict", "trap", "hold", "quarantine", "debt")
        else f"{number} {visible(word)}"
    )


def _fix(hint: str) -> list[str]:
    """A hint of several commands keeps its lines."""
    first, *more = visible_lines(hint)
    return [f"fix     {first}", *(f"        {line}" for line in more)]


def _ways_out(plan: Plan) -> list[str]:
    """Each different hint once; commands are never broken, so that they can be copied."""
    hints = dict.fromkeys(refusal.hint for refusal in plan.refusals if refusal.hint)
    left = [step.hint for step in plan.steps if isinstance(step, Leave) and step.hint]
    ways = list(dict.fromkeys([*hints, *left]))
    lines = [line for hint in ways[:FIXES] for line in _fix(hint)]
    return [*lines, *([f"fix     and {len(ways) - FIXES} more: --json has them all"] if len(ways) > FIXES else [])]
