"""The repositories of a plan, line by line: in waves for what is merged and pushed, in one list for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from multigit.model.fleet import CommitLine
from multigit.model.names import RepoName
from multigit.model.plan import Forward, Keep, Land, Leave, MakeClone, Plan, Refusal, Step
from multigit.ui.text import CHANGE, OPEN, REFUSED, SAME, WARNING, cells, count, fit, pad, short_oids, visible, wrap

SHOWN = 20
"""Commits and files of one repository that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What is shown besides the plan."""

    diffstat: Mapping[RepoName, Sequence[tuple[int, int, str]]] = field(default_factory=dict)
    commits: Mapping[RepoName, Sequence[CommitLine]] = field(default_factory=dict)
    fold: bool = False


def wave_rows(plan: Plan, extras: Extras, width: int) -> list[str]:
    """`wave 1  …`: what moves and what is refused one by one, then what stays, side by side."""
    steps = {step.repo: step for step in plan.steps}
    refused = _by_repo(plan.refusals)
    named = {repo for wave in plan.waves for repo in wave}
    rest = tuple(repo for repo in dict.fromkeys([*steps, *refused]) if repo not in named)
    name = _name_width(plan)
    lines: list[str] = []
    for number, wave in enumerate([*plan.waves, rest], 1):
        present = [repo for repo in wave if repo in steps or repo in refused]
        label = f"wave {number}" if number <= len(plan.waves) else ""
        block = _block(present, steps, refused, extras, name=name, width=width)
        lines += [pad(label if i == 0 else "", 8) + line for i, line in enumerate(block)]
    unchanged = len(plan.keeps)
    folded = [f"        {SAME} {count(unchanged, 'repo')} unchanged"] if extras.fold and unchanged else []
    return lines + folded + _whole(plan.refusals, width)


def _block(
    repos: Iterable[RepoName], steps: Mapping[RepoName, Step], refused: Mapping[RepoName, list[Refusal]],
    extras: Extras, *, name: int, width: int,
) -> list[str]:  # fmt: skip
    lines: list[str] = []
    still: list[str] = []
    room = max(20, width - 8)
    for repo in repos:
        step = steps.get(repo)
        for refusal in refused.get(repo, ()):
            lines += _refusal(f"{pad(repo, name)}  {visible(refusal.why)}", refusal, room)
        if isinstance(step, Keep) and repo not in refused:
            reason = "" if step.why in ("", "nothing to merge") else f" ({visible(step.why)})"
            still.append(f"{SAME if step.why != 'not selected' else OPEN} {repo}{reason}")
        elif isinstance(step, Land):
            lines += _land(step, extras, name=name, room=room)
    return lines if extras.fold else lines + _side_by_side(still, room)


def _land(step: Land, extras: Extras, *, name: int, room: int) -> list[str]:
    figures = ", ".join(
        part for part in (_commits(step.commits), count(step.files, "file") if step.files else "") if part
    )
    forced = " FORCED" if step.forced else ""
    pushed = step.how == "push"
    moved = short_oids(step.old, step.new if pushed else step.source or step.new)
    row = f"{CHANGE} {pad(step.repo, name)}  {moved}{forced}  {figures}".rstrip()
    lines = _with_notes(row, () if pushed else step.notes, room)
    if step.from_clone:
        lines += wrap(f"    from {visible(step.from_clone)}", room, hang=6)
    if pushed:  # its notes are no warnings: they list what is published
        lines += [part for note in step.notes for part in wrap(f"    {visible(note)}", room, hang=6)]
    return lines + _contents(step.repo, extras, room)


def _contents(repo: RepoName, extras: Extras, room: int) -> list[str]:
    """Commits and changed files of a hotfix, so that nobody pushes what he has not seen."""
    commits, files = extras.commits.get(repo, ()), extras.diffstat.get(repo, ())
    said = [fit(f"    {line.oid.short} {visible(line.author)}: {visible(line.subject)}", room) for line in commits]
    stat = [f"    {f'+{added}':>6} {f'-{removed}':>6}  {visible(path)}" for added, removed, path in files]
    return _capped(said, "commits") + [part for line in _capped(stat, "files") for part in wrap(line, room, hang=20)]


def _capped(lines: list[str], noun: str) -> list[str]:
    more = len(lines) - SHOWN
    return lines[:SHOWN] + ([f"    and {more} more {noun}"] if more > 0 else [])


def _with_notes(row: str, notes: Sequence[str], room: int) -> list[str]:
    """The row with its warnings behind it while they fit, each on its own line otherwise."""
    if not notes:
        return wrap(row, room, hang=4)
    behind = row + "".join(f"   {WARNING} {visible(note)}" for note in notes)
    if cells(behind) <= room:
        return [behind]
    said = [line for note in notes for line in wrap(f"    {WARNING} {visible(note)}", room, hang=6)]
    return [*wrap(row, room, hang=4), *said]


def _refusal(text: str, refusal: Refusal, room: int) -> list[str]:
    details = [line for detail in refusal.details for line in wrap(f"    {visible(detail)}", room, hang=6)]
    return [*wrap(f"{REFUSED} {text}", room, hang=4), *details]


def _whole(refusals: Sequence[Refusal], width: int) -> list[str]:
    """Refusals of the plan as a whole."""
    lines = [_refusal(f"{visible(r.code)}: {visible(r.why)}", r, max(20, width - 8)) for r in refusals if not r.repo]
    return [f"        {line}" for block in lines for line in block]


def plain_rows(plan: Plan, extras: Extras, width: int) -> list[str]:
    """One line per repository without waves: rollback, pull and clone."""
    refused = _by_repo(plan.refusals)
    name = _name_width(plan)
    room = max(20, width - 2)
    digits = max((len(str(step.commits)) for step in plan.lands), default=1)
    lines: list[str] = []
    for step in plan.steps:
        lines += _plain(step, name=name, digits=digits, room=room)
    for repo, refusals in refused.items():
        for refusal in refusals:
            lines += _refusal(f"{pad(repo, name)}  {visible(refusal.why)}", refusal, room)
    lines += _still(plan, room, fold=extras.fold)
    return [f"  {line}" for line in lines] + _whole(plan.refusals, width)


def _plain(step: Step, *, name: int, digits: int, room: int) -> list[str]:
    repo = pad(step.repo, name)
    match step:
        case Land():
            back = f"takes back {step.commits:>{digits}} {'commit' if step.commits == 1 else 'commits'}"
            row = f"{CHANGE} {repo}  {short_oids(step.old, step.source, ' -> ')}  {back}"
            return _with_notes(row, step.notes, room)
        case MakeClone():
            return wrap(f"{CHANGE} {repo}  clone {visible(step.url)}", room, hang=4)
        case Forward():
            ref = "" if step.checked_out else f"  ({step.branch}, not checked out)"
            return wrap(f"{CHANGE} {repo}  {short_oids(step.old, step.new)}{ref}", room, hang=4)
        case Leave() if step.verdict != "up to date":
            mark = WARNING if step.verdict != "failed" else REFUSED
            return wrap(f"{mark} {repo}  {step.verdict}{': ' if step.why else ''}{visible(step.why)}", room, hang=4)
        case _:
            return []


def _still(plan: Plan, room: int, *, fold: bool) -> list[str]:
    """The repositories that stay, together where the reason is the same."""
    groups: dict[str, list[RepoName]] = {}
    for step in plan.keeps:
        groups.setdefault(step.why or "already there", []).append(step.repo)
    lines: list[str] = []
    for why, repos in groups.items():
        who = repos[0] if len(repos) == 1 and not fold else count(len(repos), "repo")
        verb = (" is" if len(repos) == 1 else " are") if why == "already there" else " "
        lines += wrap(f"{SAME} {who}{verb} {visible(why)}", room, hang=4)
    current = sum(isinstance(step, Leave) and step.verdict == "up to date" for step in plan.steps)
    return lines + ([f"{SAME} {count(current, 'repo')} up to date"] if current else [])


def _commits(number: int) -> str:
    return f"{number:>2} {'commit' if number == 1 else 'commits'}" if number else ""


def _side_by_side(items: Sequence[str], room: int) -> list[str]:
    lines: list[str] = []
    for item in items:
        if lines and cells(lines[-1]) + 2 + cells(item) <= room:
            lines[-1] += f"  {item}"
        else:
            lines.append(item)
    return lines


def _by_repo(refusals: Iterable[Refusal]) -> dict[RepoName, list[Refusal]]:
    found: dict[RepoName, list[Refusal]] = {}
    for refusal in refusals:
        if refusal.repo:
            found.setdefault(refusal.repo, []).append(refusal)
    return found


def _name_width(plan: Plan) -> int:
    shown = [step.repo for step in plan.steps if not isinstance(step, Keep)] + [r.repo for r in plan.refusals if r.repo]
    return max((cells(repo) for repo in shown), default=0)
