"""What happened, after it happened: a run, a pull, the commits of a diff or log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from multigit.model.fleet import CommitLine
from multigit.model.names import RepoName
from multigit.model.plan import Land
from multigit.model.runreport import RunReport
from multigit.ui.tables import next_lines
from multigit.ui.text import (
    CHANGE,
    OK,
    REFUSED,
    SAME,
    WARNING,
    cells,
    clock,
    count,
    day,
    fit,
    pad,
    short_oids,
    took,
    visible,
    wrap,
)

if TYPE_CHECKING:
    from multigit.model.documents import DiffDocument, LogDocument, ShowDocument
    from multigit.model.pulled import PullResult

_OUTCOME = {
    "released": "RELEASED",
    "aborted": "ABORTED",
    "refused": "REFUSED",
    "race": "REFUSED, another run was first",
    "lost": "LOST, somebody took this run over",
    "open": "OPEN",
    "nothing": "NOTHING TO DO",
}
_STATUS = {
    "landed": "landed",
    "void": "not pushed",
    "undone": "was pushed and put back",
    "restored": "was pushed and put back by a commit on top",
    "diverged": "DIVERGED: was pushed, and somebody built on it",
    "untouched": "not touched",
}


_STATE = {
    "aborted": "every branch is where it was before",
    "refused": "nothing was changed",
    "race": "nothing was changed",
}


def report_text(report: RunReport, zone: tzinfo = UTC, *, width: int = 100) -> str:
    """How a run ended: each repository, then the failures again by name, then what to type."""
    plan = report.plan
    when = f"{clock(plan.created, zone)}   took {took(report.took)}"
    head = f"{_OUTCOME[report.outcome]} {visible(report.run)}   {plan.verb} {plan.target}   {when}"
    lines = wrap(head, width, hang=2)
    name = max((cells(step.repo) for step in plan.lands), default=0)
    if report.outcome != "nothing":
        lines += [line for step in plan.lands for line in _landed(step, report, name, width)]
    lines += [f"  {SAME} {count(len(plan.keeps), 'repo')} unchanged"] if plan.keeps else []
    if report.outcome == "released" and plan.tag:
        lines.append(f"  {OK} tagged {plan.tag} in {count(len(plan.commits()), 'repo')}")
    lines += [line for warning in report.warnings for line in wrap(f"{WARNING} {visible(warning)}", width, hang=2)]
    lines += _failures(report, width)
    return "\n".join([*lines, *next_lines(report.next, width, label=8)])


def _landed(step: Land, report: RunReport, name: int, width: int) -> list[str]:
    status = report.statuses.get(step.repo, "untouched")
    mark = CHANGE if status == "landed" else REFUSED if status == "diverged" else "."
    word = _STATUS.get(status, visible(status))
    return wrap(f"  {mark} {pad(step.repo, name)}  {short_oids(step.old, step.new)}  {word}", width, hang=6)


def _failures(report: RunReport, width: int) -> list[str]:
    lines = wrap(f"why     {visible(report.why)}", width, hang=8) if report.why else []
    failed = [repo for repo, status in report.statuses.items() if status == "diverged"]
    if report.outcome in ("open", "lost"):
        failed += [step.repo for step in report.plan.lands if report.statuses.get(step.repo) in (None, "untouched")]
    lines += wrap(f"failed  {', '.join(failed)}", width, hang=8) if failed else []
    state = _STATE.get(report.outcome, "") if not failed else ""
    if "restored" in report.statuses.values() and state:
        state = "every branch has the content it had before"
    return [*lines, *(wrap(f"state   {state}", width, hang=8) if state else [])]


def commits_text(
    commits: Mapping[RepoName, Sequence[CommitLine]],
    *,
    width: int = 100,
    zone: tzinfo = UTC,
    now: datetime | None = None,
    files: Mapping[RepoName, Sequence[str]] | None = None,
    notes: Mapping[RepoName, str] | None = None,
) -> str:
    """Commits per repository, newest first; subjects are cut to the line. `notes`: a remark each."""
    lines: list[str] = []
    for repo, found in commits.items():
        paths = (files or {}).get(repo, ())
        note = (notes or {}).get(repo, "")
        figures = [count(len(found), "commit"), *([count(len(paths), "file")] if paths else [])]
        lines += wrap(f"{repo}   {', '.join(figures)}{'   ' if note else ''}{visible(note)}", width, hang=2)
        author = min(16, max((cells(visible(line.author)) for line in found), default=0))
        lines += [_commit(line, author, width, zone, now) for line in found]
        lines += [f"    {visible(path)}" for path in paths]
    return "\n".join(lines) or "no commits"


def _commit(line: CommitLine, author: int, width: int, zone: tzinfo, now: datetime | None) -> str:
    when = day(line.when, now, zone) if now else clock(line.when, zone)
    who = pad(fit(visible(line.author), author), author)
    start = f"  {line.oid.short}  {pad(when, 15)}  {who}  "
    return start + fit(visible(line.subject), max(20, width - cells(start)))


def diff_text(diff: DiffDocument, *, width: int = 100, zone: tzinfo = UTC, now: datetime | None = None) -> str:
    """`diff SRC DST`: repositories that differ, then the number of those that do not."""
    different = [row for row in diff.repos if row.commits or row.files or row.problem]
    notes = {row.repo: row.problem or _conflicts(row.conflicts) for row in different}
    body = commits_text(
        {row.repo: row.commits for row in different}, width=width, zone=zone, now=now,
        files={row.repo: row.files for row in different}, notes=notes,
    )  # fmt: skip
    same = len(diff.repos) - len(different)
    return "\n".join(
        ([body] if different else []) + ([f"{SAME} {count(same, 'repo')} without a difference"] if same else [])
    )


def _conflicts(paths: Sequence[str]) -> str:
    return f"{REFUSED} conflict in {', '.join(paths)}" if paths else ""


def log_text(log: LogDocument, *, width: int = 100, zone: tzinfo = UTC, now: datetime | None = None) -> str:
    """`log`: commits per repository; a repository without any is left out, one that cannot be read is not."""
    shown = [row for row in log.repos if row.commits or row.problem]
    return commits_text(
        {row.repo: row.commits for row in shown}, width=width, zone=zone, now=now,
        notes={row.repo: row.problem for row in shown},
    )  # fmt: skip


def show_text(show: ShowDocument, *, width: int = 100, zone: tzinfo = UTC) -> str:
    """`show REF|RUN`: the run, its events oldest first, and where every repository stood."""
    if show.deployments and not show.run and not show.commits:
        return ""
    who = f"   {visible(str(show.plan['verb']))} {visible(str(show.plan.get('target', '')))}" if show.plan else ""
    lines = wrap(
        f"{visible(show.tag or '')}   {show.run or 'no run tells of it'}{who}   {show.phase}".strip(), width, hang=2
    )
    if show.plan.get("reason"):
        lines += wrap(f"reason  {visible(str(show.plan['reason']))}", width, hang=8)
    for event in show.events:
        reason = f": {visible(event.reason)}" if event.reason else ""
        actor = f"{visible(event.by.user)}@{visible(event.by.host)}"
        lines += wrap(f"  {clock(event.at, zone)}  {event.kind} by {actor}{reason}", width, hang=4)
        if event.data.get("signed_by"):
            lines.append(f"    signed by {visible(str(event.data['signed_by']))}")
        for given in event.data.get("approvals", ()):
            lines.append(f"    approved by {visible(str(given.get('by')))}")
    name = max((cells(repo) for repo in show.commits), default=0)
    for repo, oid in show.commits.items():
        status = show.statuses.get(repo, "")
        lines.append(f"  {pad(repo, name)}  {oid.short}  {_STATUS.get(status, visible(status))}".rstrip())
    return "\n".join(lines)


_PULL_MARK = {"updated": CHANGE, "cloned": CHANGE, "up to date": SAME, "ahead": SAME, "failed": REFUSED}


def pull_text(results: Sequence[PullResult], *, width: int = 100) -> str:
    """One line per repository (G2), the ways out, and those that were left behind by name."""
    name = max((cells(result.repo) for result in results), default=0)
    lines: list[str] = []
    for result in results:
        moved = f" {short_oids(result.old, result.new)}" if result.verdict == "updated" else ""
        why = f"  {visible(result.why)}" if result.why else ""
        text = f"{_PULL_MARK.get(result.verdict, WARNING)} {pad(result.repo, name)}  {result.verdict}{moved}{why}"
        lines += wrap(text, width, hang=4)
    lines += [f"fix   {visible(hint)}" for hint in dict.fromkeys(r.hint for r in results if r.hint)]
    from multigit.model.pulled import failed_results

    behind = failed_results(results)
    good = len(results) - len(behind)
    lines.append(f"{count(len(results), 'repo')}: {good} at the branch's head, {len(behind)} left as they are")
    return "\n".join(lines + (wrap(f"left    {', '.join(behind)}", width, hang=8) if behind else []))
