"""GitHub Actions: whether the workflow that deploys an environment is on, ran on its branch, and how that ended.

    defaults: {deploy: {workflow: "deploy-{long}.yml"}}

https://docs.github.com/en/rest/actions/workflows and …/workflow-runs; needs a token that may read Actions.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from multigit.errors import MultigitError
from multigit.github import PUBLIC, Api, No, name_of
from multigit.model.health import Finding, State
from multigit.model.probing import Patient
from multigit.model.references import Reference
from multigit.probes import Eye, one_line
from multigit.secrets import resolved, without

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


def probe(patient: Patient, eye: Eye) -> Iterator[Finding]:  # noqa: ARG001
    """One finding: the workflow and its last run on the environment's branch."""
    if not patient.actions or patient.branch is None:
        return
    file = patient.actions["workflow"]
    base = patient.actions.get("base_url") or PUBLIC
    try:
        api = Api(base=base, token=_token(patient, base), needs="read Actions", tries=2)
        name = patient.actions.get("repository") or name_of(patient.config.url(patient.repo), base)
        yield _workflow(patient, api, name, file)
    except No as no:
        yield patient.told("actions", "warn", f"{file}: {no}", _mended(patient, no))
    except MultigitError as no:
        yield patient.told("actions", "warn", f"{file}: {no.what}", no.hint)


def _mended(patient: Patient, no: No) -> str:
    """What helps where GitHub does not answer: mostly another token."""
    if no.status in (401, 403) and no.again is None:
        return f"export {_variable(patient)}=$(gh auth token)"
    if no.status == 0 and no.again is None:
        return "multigit config show" if "address" in str(no) or "kept at" in str(no) else "gh api rate_limit"
    return f"multigit doctor {patient.env.name} -r {patient.repo.name}   (in a while)"


def _workflow(patient: Patient, api: Api, name: str, file: str) -> Finding:
    branch, quoted = str(patient.branch), shlex.quote(file)
    base = f"/repos/{quote(name)}/actions/workflows/{quote(file, safe='')}"
    workflow = _found(api, base)
    if workflow is None:
        hidden = "" if api.token else f", or it is hidden from those without a token ({_variable(patient)})"
        return patient.told("actions", "warn", f"{name} has no workflow {file}{hidden}",
                            f"gh workflow list --all --repo {name}")  # fmt: skip
    state = str(workflow.get("state", ""))
    if state != "active":
        return patient.told("actions", "ng", f"{file}: {_OFF.get(state, f'it is {one_line(state)}')}",
                            f"gh workflow enable {quoted} --repo {name}")  # fmt: skip
    runs = (_found(api, f"{base}/runs?branch={quote(branch, safe='')}&per_page=1") or {}).get("workflow_runs")
    if not runs:
        fix = f"gh workflow run {quoted} --repo {name} --ref {shlex.quote(branch)}   (or push to {branch})"
        return patient.told("actions", "warn", f"{file} never ran on {branch}", fix)
    return _last(patient, api, name, file, runs[0])


def _last(patient: Patient, api: Api, name: str, file: str, run: Mapping[str, Any]) -> Finding:
    """How the last run ended."""
    number, at = int(run.get("id", 0)), str(run.get("head_sha", ""))
    what = f"{file}: run {run.get('run_number')} of {patient.branch} ({at[:8]})"
    if run.get("status") != "completed":
        watch = f"gh run watch {number} --repo {name}"
        return patient.told("actions", "warn", f"{what} is {one_line(run.get('status'))}", watch)
    conclusion = one_line(run.get("conclusion") or "unknown")
    if conclusion not in _GREEN:
        fixes = (f"gh run view {number} --repo {name} --log-failed", f"gh run rerun {number} --repo {name} --failed")
        state: State = "warn" if conclusion in ("cancelled", "stale") else "ng"  # by a newer push, mostly
        return patient.told("actions", state, f"{what} is {conclusion}{_failed(api, name, number)}", *fixes)
    if patient.head and at and at != patient.head:
        why = f"{what} is {conclusion}, and the branch is at {patient.head[:8]}: that push started nothing, or just now"
        again = f"gh workflow run {shlex.quote(file)} --repo {name} --ref {shlex.quote(str(patient.branch))}"
        return patient.told("actions", "warn", why, again)
    return patient.told("actions", "ok", f"{what} is {conclusion}")


def _failed(api: Api, name: str, number: int) -> str:
    """Job and step that failed, and what that kind of failure asks for."""
    said = _found(api, f"/repos/{quote(name)}/actions/runs/{number}/jobs?filter=latest&per_page=100") or {}
    jobs = [job for job in said.get("jobs") or () if job.get("conclusion") not in (*_GREEN, None)]
    if not jobs:
        return ""
    steps = [step for step in jobs[0].get("steps") or () if step.get("conclusion") == "failure"]
    step = one_line(steps[0].get("name")) if steps else ""
    job = one_line(jobs[0].get("name"))
    kind = _kind(step) or _kind(job)
    where = f": job {job}" + (f", step {step}" if step else "")
    return without(where, api.token) + (f" ({kind[0]} failed: {kind[1]})" if kind else "")


def _kind(name: str) -> tuple[str, str] | None:
    """build, test or deploy, and what helps."""
    low = name.lower()
    return next(((kind, advice) for kind, words, advice in _KINDS if any(word in low for word in words)), None)


def _variable(patient: Patient) -> str:
    """Name of the variable that holds the token."""
    said = patient.actions.get("token", "")
    return Reference(said).variable if said else "GITHUB_TOKEN"


def _token(patient: Patient, base: str) -> str:
    """The token that is named; otherwise GITHUB_TOKEN or GH_TOKEN where one is set, and for GitHub itself alone."""
    if said := patient.actions.get("token"):
        return resolved(Reference(said))
    found = next((name for name in ("GITHUB_TOKEN", "GH_TOKEN") if os.environ.get(name, "").strip()), "")
    ours = urlsplit(base).hostname == urlsplit(PUBLIC).hostname
    return resolved(Reference(f"${{env:{found}}}")) if found and ours else ""


def _found(api: Api, path: str) -> Mapping[str, Any] | None:
    """GitHub's answer; None where there is no such thing, or it is hidden."""
    try:
        said = api.get(path)
    except No as no:
        if no.status == 404:
            return None
        raise
    if not isinstance(said, dict):
        raise No("the answer is none that GitHub's API gives", status=200)
    return said
