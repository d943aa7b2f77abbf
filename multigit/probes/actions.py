"""GitHub Actions: whether the workflow that deploys an environment is on, ran on its branch, and how that ended.

    defaults: {deploy: {workflow: "deploy-{long}.yml"}}

https://docs.github.com/en/rest/actions/workflows and …/workflow-runs; needs a token that may read Actions.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from multigit.errors import MultigitError
from multigit.fetching import Unwell, fetched
from multigit.model.health import Finding, State
from multigit.model.probing import Patient
from multigit.model.references import Reference
from multigit.probes import Eye, one_line
from multigit.secrets import resolved, without

_LIMIT: Final = 20.0
_MOST: Final = 2 * 1024 * 1024
_PLACE: Final = re.compile(
    r"(?:(?:https?|ssh)://)?(?:[^@/]+@)?(?P<host>[^:/]+)(?::\d+)?[:/]/*(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
_GREEN: Final = ("success", "neutral", "skipped")
_KINDS: Final = (  # by the name of what failed
    ("test", ("test", "lint", "jest"), "look at the test cases"),
    ("build", ("build", "compile", "install", "docker"), "read the log and mend the code"),
    ("deploy", ("deploy", "ecs", "ecr", "s3", "cloudfront", "migrat", "health", "aws", "upload", "invalidat"),
     "look at AWS: rights and resources"),
)  # fmt: skip


_OFF: Final = {
    "disabled_inactivity": "GitHub disabled it: nothing happened for 60 days",
    "disabled_manually": "somebody disabled it", "disabled_fork": "it is disabled, as in every fork",
}  # fmt: skip


class _No(Exception):
    """GitHub does not answer; the text says why, `fix` what helps."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.fix = fix


def probe(patient: Patient, eye: Eye) -> Iterator[Finding]:  # noqa: ARG001
    """One finding: the workflow and its last run on the environment's branch."""
    if not patient.workflow or patient.branch is None:
        return
    secret = ""
    try:
        secret = _token(patient)
        yield _workflow(patient, _name(patient), secret)
    except _No as no:
        yield patient.told("actions", "warn", f"{patient.workflow}: {without(str(no), secret)}", no.fix)
    except MultigitError as no:
        yield patient.told("actions", "warn", f"{patient.workflow}: {no.what}", no.hint)


def _workflow(patient: Patient, name: str, token: str) -> Finding:
    file, branch = patient.workflow, str(patient.branch)
    base = f"/repos/{quote(name)}/actions/workflows/{quote(file, safe='')}"
    workflow = _said(patient, token, base)
    if workflow is None:
        fix = f"gh workflow list --all --repo {name}"
        hidden = "" if token else ", or it is hidden from those without a token (GITHUB_TOKEN)"
        return patient.told("actions", "warn", f"{name} has no workflow {file}{hidden}", fix)
    state = str(workflow.get("state", ""))
    if state != "active":
        return patient.told("actions", "ng", f"{file}: {_OFF.get(state, f'it is {one_line(state)}')}",
                            f"gh workflow enable {file} --repo {name}")  # fmt: skip
    runs = (_said(patient, token, f"{base}/runs?branch={quote(branch, safe='')}&per_page=1") or {}).get("workflow_runs")
    if not runs:
        fix = f"gh workflow run {file} --repo {name} --ref {branch}   (or push to {branch})"
        return patient.told("actions", "warn", f"{file} never ran on {branch}", fix)
    return _last(patient, name, token, runs[0])


def _last(patient: Patient, name: str, token: str, run: Mapping[str, Any]) -> Finding:
    """How the last run ended."""
    number, at = int(run.get("id", 0)), str(run.get("head_sha", ""))
    what = f"{patient.workflow}: run {run.get('run_number')} of {patient.branch} ({at[:8]})"
    if run.get("status") != "completed":
        watch = f"gh run watch {number} --repo {name}"
        return patient.told("actions", "warn", f"{what} is {one_line(run.get('status'))}", watch)
    conclusion = one_line(run.get("conclusion") or "unknown")
    if conclusion not in _GREEN:
        failed, advice = _failed(patient, name, token, number)
        fixes = (f"gh run view {number} --repo {name} --log-failed", f"gh run rerun {number} --repo {name} --failed")
        state: State = "warn" if conclusion in ("cancelled", "stale") else "ng"  # by a newer push, mostly
        return patient.told("actions", state, f"{what} is {conclusion}{without(failed, token)}{advice}", *fixes)
    if patient.head and at and at != patient.head:
        why = f"{what} is {conclusion}, and the branch is at {patient.head[:8]}: that push started nothing, or just now"
        return patient.told(
            "actions", "warn", why, f"gh workflow run {patient.workflow} --repo {name} --ref {patient.branch}"
        )
    return patient.told("actions", "ok", f"{what} is {conclusion}")


def _failed(patient: Patient, name: str, token: str, number: int) -> tuple[str, str]:
    """Job and step that failed, and what that kind of failure asks for."""
    said = _said(patient, token, f"/repos/{quote(name)}/actions/runs/{number}/jobs?filter=latest&per_page=100") or {}
    jobs = [job for job in said.get("jobs") or () if job.get("conclusion") not in (*_GREEN, None)]
    if not jobs:
        return "", ""
    steps = [step for step in jobs[0].get("steps") or () if step.get("conclusion") == "failure"]
    step = one_line(steps[0].get("name")) if steps else ""
    job = one_line(jobs[0].get("name"))
    where = f": job {job}" + (f", step {step}" if step else "")
    kind = _kind(step) or _kind(job)
    return where, f" ({kind[0]} failed: {kind[1]})" if kind else ""


def _kind(name: str) -> tuple[str, str] | None:
    """build, test or deploy, and what helps."""
    low = name.lower()
    return next(((kind, advice) for kind, words, advice in _KINDS if any(word in low for word in words)), None)


def _name(patient: Patient) -> str:
    if patient.doctor.repository:
        return patient.doctor.repository
    place = _PLACE.fullmatch(patient.config.url(patient.repo))
    own = urlsplit(patient.doctor.github).hostname != "api.github.com"
    if place is None or not (own or place["host"] in ("github.com", "ssh.github.com")):
        why = "its address is none on GitHub: doctor: {repository: owner/name, github: …} says where it is"
        raise _No(why, "multigit config show")
    return place["name"]


def _token(patient: Patient) -> str:
    if patient.doctor.token:
        return resolved(patient.doctor.token)
    found = next((name for name in ("GITHUB_TOKEN", "GH_TOKEN") if os.environ.get(name, "").strip()), "")
    ours = urlsplit(patient.doctor.github).hostname == "api.github.com"
    return resolved(Reference(f"${{env:{found}}}")) if found and ours else ""


def _said(patient: Patient, token: str, path: str) -> Mapping[str, Any] | None:
    """GitHub's answer; None where there is no such thing, or it is hidden."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        page = fetched(f"{patient.doctor.github.rstrip('/')}{path}", _LIMIT, headers=headers, most=_MOST)
        if page.status == 404:
            return None
        if page.status != 200:
            raise _refused(patient, page.status, bool(token))
        said = json.loads(page.body)
    except Unwell as no:
        raise _No(f"GitHub was not asked: {no}", f"curl -sSI {patient.doctor.github}") from None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise _No("the answer is none that GitHub's API gives", f"curl -sSI {patient.doctor.github}")
    return said


def _refused(patient: Patient, status: int, named: bool) -> _No:
    """Why GitHub says no, and what helps: mostly another token."""
    name = patient.doctor.token.variable if patient.doctor.token else "GITHUB_TOKEN"
    words = {401: "GitHub does not know the token (401): it is wrong, or has expired",
             403: "the token may not read Actions, or its limit is used up (403)",
             429: "GitHub asks for less (429)"}  # fmt: skip
    why = words.get(status, f"GitHub answers {status}")
    if status in (403, 429) and not named:
        why = f"GitHub's limit for those without a token is used up ({status})"
    again = f"multigit doctor {patient.env.name} -r {patient.repo.name}   (in a while)"
    return _No(why, f"export {name}=$(gh auth token)" if status in (401, 403) or not named else again)
