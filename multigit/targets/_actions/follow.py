"""One run of GitHub Actions, asked how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from multigit.github import Api, No
from multigit.model.config import seconds
from multigit.model.target import Class, Progress, Ticket
from multigit.model.urls import hide_secrets
from multigit.secrets import without
from multigit.targets._actions import joblog as _joblog
from multigit.targets._actions import runs as _runs
from multigit.targets._actions.runs import Job, Run, Wanted

_SOON, _LATER = 15.0, 60.0
_LOG: Final = 1024 * 1024
"""Bytes of a log's end that are read."""
_OFF: Final = {
    "": "GitHub knows no such workflow: is it on the branch, under .github/workflows?",
    "disabled_manually": "somebody has disabled it: gh workflow enable",
    "disabled_inactivity": "GitHub has disabled it, because the repository was quiet for 60 days: gh workflow enable",
    "disabled_fork": "it is disabled, because the repository is a fork: gh workflow enable",
    "deleted": "it was deleted",
}
_ENDS: Final = {
    "cancelled": "was cancelled, by somebody or by a newer run of its concurrency group",
    "timed_out": "took longer than it may",
    "startup_failure": "could not begin: GitHub does not understand the workflow, or may not use what it calls",
    "stale": "was given up by GitHub, because it waited too long",
    "skipped": "was skipped: its conditions (if:) leave this out, nothing was deployed",
    "failure": "failed",
}


class Says(Protocol):
    """What is needed of the target's settings."""

    @property
    def within(self) -> str: ...
    @property
    def classes(self) -> Mapping[str, Class]: ...
    @property
    def log_lines(self) -> int: ...


def followed(settings: Says, ticket: Ticket, wanted: Wanted, api: Api) -> Progress:
    """How far it is. No where GitHub does not say."""
    run = _found(ticket, wanted, api)
    if run is None or run.attempt < ticket["attempt"]:
        return _awaited(settings, ticket, wanted, api, run)
    if run.sha != wanted.sha:
        why = f"{wanted.workflow} run {run.number} is of {run.sha[:7]}, not of {wanted.sha[:7]}: {run.ref} was moved"
        return Progress(state="failed", why=why, link=run.url)
    if run.going:
        return _running(wanted, api, run)
    if run.conclusion == "success":
        return _well(wanted, api, run)
    return _failed(settings, wanted, api, run)


def _found(ticket: Ticket, wanted: Wanted, api: Api) -> Run | None:
    if not ticket["run"]:
        return _runs.newest(api, wanted)
    try:
        return _runs.one(api, wanted, ticket["run"])
    except No as no:
        if no.status != 404:
            raise
        return None  # one that was made a moment ago


def _awaited(settings: Says, ticket: Ticket, wanted: Wanted, api: Api, run: Run | None) -> Progress:
    """It has not begun: how long that may take, and in the end why it may be."""
    limit = seconds(settings.within)
    left = ticket["asked"] + limit - api.clock()
    again = "again " if run else ""
    if left > 0:
        why = f"{wanted.workflow} has not begun {again}for {wanted.sha[:7]} yet"
        return Progress(state="running", why=why, retry_after=min(_SOON, max(1.0, left)))
    why = f"{wanted.workflow} did not begin {again}for {wanted.sha[:7]} within {settings.within}"
    return Progress(state="failed", why=why, details=_reasons(wanted, api), link=run.url if run else "")


def _reasons(wanted: Wanted, api: Api) -> tuple[str, ...]:
    try:
        state = _runs.state(api, wanted)
    except No as no:
        return (f"its state is not known: {no}",)
    if state != "active":
        return (_OFF.get(state, f"its state is {_runs.clean(api, state)}"),)
    if wanted.mark:
        return ("does its run-name show the input that is named in mark?", f"it would show {wanted.mark}")
    if wanted.event != "push":
        return ("GitHub took the dispatch and shows no run of it",)
    return (
        f"does its trigger name {wanted.ref or 'the branch'} (on: push:), and not leave out what changed (paths:)?",
        "is it on that branch, and are Actions enabled for the repository?",
        "did this commit run before, and another one since? Where git has nothing to push, nothing runs",
        "does the commit's message hold [skip ci]? Did a workflow push it with its GITHUB_TOKEN, which starts none?",
    )


def _running(wanted: Wanted, api: Api, run: Run) -> Progress:
    age = api.clock() + api.ahead() - run.started
    later = min(_LATER, max(_SOON, age / 20))
    told = f"{wanted.workflow} run {run.number}"
    if run.conclusion == "action_required":
        why = f"{told} waits for somebody who may approve runs here: {run.url}"
    elif run.status == "waiting":
        why = f"{told} waits for approval: {_approvers(wanted, api, run)}"
    elif run.status == "pending":
        why = f"{told} is held back by its concurrency group"
    else:
        why = f"{told}: {_joblog.doing(_runs.jobs(api, wanted, run))}"
    return Progress(state="running", why=why, retry_after=later, link=run.url)


def _approvers(wanted: Wanted, api: Api, run: Run) -> str:
    with suppress(No):
        return "; ".join(_runs.approvers(api, wanted, run)) or "nobody is named"
    return "GitHub does not say whose"


def _well(wanted: Wanted, api: Api, run: Run) -> Progress:
    """It ended well. Jobs that were skipped are named: one of them may be the one that deploys."""
    skipped: list[str] = []
    with suppress(No):
        skipped = [job.name for job in _runs.jobs(api, wanted, run) if job.conclusion == "skipped"]
    left_out = f"; skipped: {', '.join(skipped[:5])}" if skipped else ""
    again = f", attempt {run.attempt}" if run.attempt > 1 else ""
    why = f"{wanted.workflow} run {run.number}{again} ended well{left_out}"
    return Progress(state="ok", why=why, artefact=run.artefact, link=run.url)


def _failed(settings: Says, wanted: Wanted, api: Api, run: Run) -> Progress:
    bad = _joblog.failing(_runs.jobs(api, wanted, run))
    told = f"{wanted.workflow} run {run.number} {_ENDS.get(run.conclusion, f'ended as {run.conclusion}')}"
    if not bad:
        return Progress(state="failed", why=told, details=_repeat(wanted, run), link=run.url)
    step = _joblog.failing_step(bad[0])
    at = f"{bad[0].name} / {step}" if step else bad[0].name
    fault = _joblog.class_of(bad[0], settings.classes)
    details = (*(_line(settings, job) for job in bad), *_end_of_log(settings, wanted, api, bad[0]),
               *_repeat(wanted, run))  # fmt: skip
    return Progress(state="failed", why=f"{told} at {at} ({fault})", fault=fault, details=details,
                    link=bad[0].url or run.url)  # fmt: skip


def _line(settings: Says, job: Job) -> str:
    step = _joblog.failing_step(job)
    at = f" at {step}" if step else ""
    return f"{job.name}: {job.conclusion}{at} ({_joblog.class_of(job, settings.classes)})  {job.url}".rstrip()


def _end_of_log(settings: Says, wanted: Wanted, api: Api, job: Job) -> Sequence[str]:
    if not settings.log_lines:
        return ()
    try:
        text, cut = api.tail(f"{wanted.base}/jobs/{job.id}/logs", _LOG)
    except No as no:
        return (f"its log was not read: {no}",)
    lines = _joblog.tail(text, settings.log_lines, cut=cut)
    return _joblog.narrowed([hide_secrets(without(line, api.token)) for line in lines])


def _repeat(wanted: Wanted, run: Run) -> tuple[str, ...]:
    again = f"gh run rerun {run.id} --failed --repo {wanted.repository}"
    return (f"once it is mended: {again}   and then the same command again",)
