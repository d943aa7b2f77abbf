"""Follows the run of a GitHub Actions workflow that a push started, or starts one and follows that.

    deploy: {stg: {workflow: deploy-staging.yml}}
    deploy: {default: {build: {actions: {workflow: deploy.yml, trigger: dispatch, inputs: {environment: "{env}"}}}}}

The run is known by its workflow, event, commit and branch; of several the newest counts, and of that its latest
attempt. A failed run of ours that was dispatched is run again where it failed; a push cannot be repeated from here.
What was built once is not taken back: bringing back an earlier release is the next push's work.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import quote

from multigit import github
from multigit.errors import MultigitError
from multigit.github import Api, No
from multigit.model.config import STRICT, seconds
from multigit.model.references import Reference
from multigit.model.target import Class, Deployed, Progress, Release, Ticket
from multigit.targets import Clients, Unsure
from multigit.targets._actions import runs as _runs
from multigit.targets._actions.follow import followed
from multigit.targets._actions.runs import Run, Wanted

TEMPLATES: Final = ("workflow", "inputs", "ref", "repository")
_EVENTS: Final = {"push": "push", "tag": "push", "dispatch": "workflow_dispatch"}
_TRIES: Final = 3
_TOKEN: Final = Reference("${env:GITHUB_TOKEN}")
_NOT_AT_ONCE, _A_WHILE = 60.0, 5.0
"""Seconds: into a deployment, when it may be one that goes on; and until what was begun before a kill shows up."""
_pause, _clock = time.sleep, time.time


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this target: `actions`."""

    __pydantic_config__ = STRICT
    workflow: str
    """File name of the workflow, such as `deploy-staging.yml`. A template."""
    trigger: Literal["push", "dispatch", "tag"] = "push"
    """What starts it: the push of the branch, the push of the release's tag, or multigit (`workflow_dispatch`)."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Inputs of a dispatched run; otherwise of no meaning. Templates."""
    mark: str = ""
    """Input that is given this deployment's token: with it in `run-name:`, a run of ours is known for certain."""
    ref: str = ""
    """Branch or tag that is dispatched; the environment's branch when left out. A template."""
    token: Reference = _TOKEN
    """`${env:NAME}` of a token that may read Actions, and write them where it dispatches."""
    repository: str = ""
    """`owner/name` on GitHub; from the repository's address when left out. A template."""
    base_url: str = github.PUBLIC
    """Where the API is: `https://HOST/api/v3` for GitHub Enterprise Server."""
    within: str = "10m"
    """How long it may take until the run is there."""
    classes: Mapping[str, Class] = field(default_factory=dict)
    """What kind of work jobs do, by name or pattern: `{"docker *": build}`. By the words in their names otherwise."""
    log_lines: int = 30
    """How many lines of the failing job's log are shown."""

    def __post_init__(self) -> None:
        github.check_base(self.base_url)
        github.check_repository(self.repository)
        seconds(self.within)
        if "{" not in self.workflow and not re.fullmatch(r"[\w.-]+\.ya?ml", self.workflow):
            raise ValueError("workflow is the name of a file in .github/workflows, such as deploy.yml")
        if self.trigger != "dispatch" and (self.mark or self.ref):
            raise ValueError("mark and ref are for trigger: dispatch")
        if len({*self.inputs, self.mark} - {""}) > 25:
            raise ValueError("GitHub takes 25 inputs at most")
        if self.mark in self.inputs or not all(isinstance(value, str | bool | int) for value in self.inputs.values()):
            raise ValueError("inputs are texts, numbers, true or false, and do not hold the mark")
        if not 0 <= self.log_lines <= 500:
            raise ValueError("log_lines must be between 0 and 500")


def current(settings: Settings, release: Release, clients: Clients) -> Deployed:
    """The run of this release: `here` when it ended well. One that is awaited from a push is `arriving` as well."""
    if release.artefact:
        return Deployed(state="here", what="builds are not taken back", artefact=release.artefact)
    api, wanted = _api(settings, clients), _wanted(settings, release)
    run, found = None, f"no run of {wanted.workflow} for {wanted.sha[:7]} yet"
    with _told(f"the runs of {wanted.workflow} in {wanted.repository} are not known"):
        try:
            run = _runs.newest(api, wanted)
        except No as no:
            if settings.trigger == "dispatch" or not _passes(no):
                raise
            found = f"not known yet: {no}"  # there is nothing to do but to wait
    if run is None and settings.trigger == "dispatch":
        return Deployed(state="other", what=found)
    if run is None:
        return Deployed(state="arriving", what=found, ticket=_awaited(wanted, release))
    what = f"{wanted.workflow} run {run.number}, attempt {run.attempt}: {run.conclusion or run.status}"
    if run.conclusion == "success":
        return Deployed(state="here", what=what, artefact=run.artefact)
    if settings.trigger == "dispatch" and not run.going:
        return Deployed(state="other", what=what)
    return Deployed(state="arriving", what=what, ticket=_ticket(wanted, run, api))


def deploy(settings: Settings, release: Release, clients: Clients) -> Ticket:
    """Dispatch the workflow, or run again what failed of a run of ours. Unsure where GitHub's answer was lost."""
    api, wanted = _api(settings, clients), _wanted(settings, release)
    if settings.trigger != "dispatch":
        return _awaited(wanted, release)
    what = f"{wanted.workflow} in {wanted.repository} was not started"
    with _told(what):
        run = _runs.newest(api, wanted)  # once more: it may have appeared since `current` looked
        if run is None and api.clock() > wanted.since + _NOT_AT_ONCE:
            api.pause(_A_WHILE)
            run = _runs.newest(api, wanted)
        if run is None:
            return _dispatched(settings, release, api, wanted)
        if run.going or run.conclusion == "success":
            return _ticket(wanted, run, api)
        again = _again(api, wanted, run)
        return again or _dispatched(settings, release, api, replace(wanted, after=run.number))


def poll(settings: Settings, ticket: Ticket, clients: Clients) -> Progress:
    """How far the run is. What GitHub does not say for the moment is asked again later."""
    api, wanted = _api(settings, clients), Wanted.of(ticket)
    with _told(f"{wanted.workflow} in {wanted.repository} cannot be followed"):
        try:
            return followed(settings, ticket, wanted, api)
        except No as no:
            if not _passes(no):
                raise
            return Progress(state="running", why=f"{no}: asked again", retry_after=no.again or github.AGAIN)


def _wanted(settings: Settings, release: Release) -> Wanted:
    ref = settings.ref or release.branch or ""
    if settings.trigger == "tag":
        ref = release.tag or ""
    if not ref and settings.trigger != "push":
        raise MultigitError(f"{release.repo}: it is not known which {settings.trigger} starts {settings.workflow}",
                            why=f"the release has no {'tag' if settings.trigger == 'tag' else 'branch'}",
                            code="MG-861")  # fmt: skip
    try:
        name = settings.repository or github.name_of(release.url, settings.base_url)
    except No as no:
        raise MultigitError(f"{release.repo}: its repository on GitHub is not known", why=str(no), code="MG-861",
                            hint="actions: {repository: OWNER/NAME}") from None  # fmt: skip
    return Wanted(
        repository=name, workflow=settings.workflow, event=_EVENTS[settings.trigger], sha=str(release.commit),
        ref=str(ref), mark=release.token if settings.mark else "",
        since=release.since.timestamp(),
    )  # fmt: skip


def _api(settings: Settings, clients: Clients) -> Api:
    needs = "read and write Actions" if settings.trigger == "dispatch" else "read Actions"
    return Api(base=settings.base_url, token=clients.secret(settings.token), needs=needs, tries=_TRIES, pause=_pause,
               clock=_clock, timeout=10.0)  # fmt: skip


def _ticket(wanted: Wanted, run: Run, api: Api) -> Ticket:
    return wanted.ticket(run=run.id, attempt=run.attempt, asked=api.clock())


def _awaited(wanted: Wanted, release: Release) -> Ticket:
    return wanted.ticket(run=0, attempt=0, asked=release.since.timestamp())


def _passes(no: No) -> bool:
    """Whether it may be otherwise in a moment."""
    return no.again is not None or not no.status or no.status >= 500


def _dispatched(settings: Settings, release: Release, api: Api, wanted: Wanted) -> Ticket:
    _stands(api, wanted)
    given = {name: _text(value) for name, value in settings.inputs.items()}
    inputs = given | ({settings.mark: release.token} if settings.mark else {})
    asked, body = api.clock(), {"ref": wanted.ref, **({"inputs": inputs} if inputs else {})}
    try:
        said = _post(api, wanted, body)
    except No as no:
        if not _lost(no):
            raise
        run = _appeared(api, wanted)
        if run is None:
            raise _unsure(wanted, no) from None
        return _ticket(wanted, run, api)
    number = said.get("workflow_run_id") if isinstance(said, Mapping) else None
    return wanted.ticket(run=number if isinstance(number, int) else 0, attempt=1 if number else 0, asked=asked)


def _post(api: Api, wanted: Wanted, body: Mapping[str, Any]) -> Any:
    """Ask for the run, and for its id, which GitHub tells since February 2026 and servers up to 3.20 do not know."""
    try:
        return api.post(f"{wanted.path}/dispatches", {**body, "return_run_details": True})
    except No as no:
        if no.status not in (400, 422) or "return_run_details" not in no.said:
            raise
    return api.post(f"{wanted.path}/dispatches", body)


def _again(api: Api, wanted: Wanted, run: Run) -> Ticket | None:
    """Run again what failed; None where GitHub does not, as with one that could not begin or is a month old."""
    if run.conclusion == "startup_failure":
        return None
    ticket = wanted.ticket(run=run.id, attempt=run.attempt + 1, asked=api.clock())
    try:
        api.post(f"{wanted.base}/runs/{run.id}/rerun-failed-jobs", {})
    except No as no:
        now = _runs.one(api, wanted, run.id)
        if now.going or now.attempt > run.attempt:
            return ticket
        if "already running" in no.said:
            return ticket
        if _lost(no):
            raise _unsure(wanted, no) from None
        if no.status not in (403, 404, 409, 422) or no.again is not None:
            raise
        return None
    return ticket


def _appeared(api: Api, wanted: Wanted) -> Run | None:
    """The run, if it appears within a few seconds."""
    for turn in range(4):
        api.pause(2.0**turn)
        with suppress(No):
            if run := _runs.newest(api, wanted):
                return run
    return None


def _lost(no: No) -> bool:
    """Whether what was posted may have been done all the same."""
    return no.asked and not 0 < no.status < 500


def _unsure(wanted: Wanted, no: No) -> Unsure:
    return Unsure(f"it is not known whether {wanted.workflow} was started in {wanted.repository}", why=str(no),
                  hint="the same command again: it looks for the run first")  # fmt: skip


def _stands(api: Api, wanted: Wanted) -> None:
    """MultigitError where what would be dispatched is not the release. Not every token may look."""
    try:
        said = api.get(f"/repos/{quote(wanted.repository)}/commits/{quote(wanted.ref, safe='')}")
    except No:
        return
    head = str(said.get("sha")) if isinstance(said, Mapping) else ""
    if head != wanted.sha:
        raise MultigitError(f"{wanted.ref} of {wanted.repository} is not at the release's commit", code="MG-862",
                            why=f"it is at {head[:7]}, which GitHub would start, the release at {wanted.sha[:7]}",
                            hint="multigit status   says who moved it")  # fmt: skip


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Whatever GitHub refuses inside becomes a MultigitError that begins with `what`."""
    try:
        yield
    except No as no:
        why = f"{no}: {no.said}" if no.said and no.said not in str(no) else str(no)
        raise MultigitError(what, why=why, hint=_hint(no), code=_code(no)) from None


def _hint(no: No) -> str:
    if no.again:
        return f"the same command again, in {max(1, round(no.again / 60))} min"
    return "docs/targets.md says what the token must be allowed" if no.status in (401, 403, 404) else ""


def _code(no: No) -> str:
    """The codes that say that it is worth asking again, whoever was asked; or that it is not."""
    if not _passes(no):
        return "MG-860"
    return "MG-803" if no.status in (403, 429) else "MG-804"
