"""What `doctor ENV` finds where releases run: clones in the middle of something, the AWS account, and every probe."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Final

from multigit import checks, clients
from multigit.app.session import Session
from multigit.errors import MultigitError
from multigit.lanes import each, within
from multigit.model.config import Environment, Repo
from multigit.model.health import Finding
from multigit.model.names import Oid, RepoName
from multigit.model.probing import Patient, patients
from multigit.model.serving import HealthCheck, Serving, Unfit
from multigit.model.urls import hide_secrets
from multigit.model.verdict import Verdict
from multigit.probes import NAMES, Eye
from multigit.vcs import clones

LIMIT: Final = 60.0
"""Seconds that one probe of one repository may take."""
_LANES: Final = 16
_ENDS: Final = {
    "a merge": ("git add -A && git commit", "git merge --abort"),
    "a rebase": ("git add -A && git rebase --continue", "git rebase --abort"),
    "a rebase or am": ("git add -A && git rebase --continue", "git rebase --abort"),
    "a cherry-pick": ("git add -A && git cherry-pick --continue", "git cherry-pick --abort"),
    "a revert": ("git add -A && git revert --continue", "git revert --abort"),
    "a bisect": ("git bisect reset",),
}


def unfinished(session: Session, repos: Sequence[Repo]) -> list[Finding]:
    """Clones that were left in a merge, rebase, cherry-pick or the like, with the commands that end it."""

    def one(repo: Repo) -> Finding | None:
        folder = session.clone_path(repo)
        what, conflicts = clones.unfinished(folder)
        if not what:
            return None
        many = (
            f", {len(conflicts)} files in conflict: {', '.join(conflicts[:5])}"
            if conflicts
            else ", nothing in conflict"
        )
        more = f" and {len(conflicts) - 5} more" if len(conflicts) > 5 else ""
        there = f"git -C {shlex.quote(str(folder))}"
        ends = [end.replace("git ", f"{there} ") for end in _ENDS[what]]
        first = "" if len(ends) == 1 else "   (once they are mended)" if conflicts else ""
        fixes = [f"{there} status", f"{ends[0]}{first}", *(f"{end}   (or give it up)" for end in ends[1:])]
        why = f"{folder}: {what} is under way{many}{more}"
        return Finding(name="clone", state="ng" if conflicts else "warn", why=why, fix="\n".join(fixes), repo=repo.name)

    return [found for found in each(one, repos, session.jobs) if found]


def probed(
    session: Session, env: Environment, heads: Mapping[RepoName, Oid | None]
) -> tuple[list[Finding], dict[RepoName, list[Finding]]]:
    """What all probes found: about the account, and by repository in the order of the probes."""
    try:
        asked = list(patients(session.config, env, session.now(), heads, session.selection()))
    except Unfit as unfit:
        wrong = Finding(name="health", state="ng", why=unfit.message, fix="multigit config check")
        return [wrong], {}
    eye = Eye(ask=lambda check: _answer(session, env, heads, check))
    general = list(account(asked))
    if any(one.state in ("ng", "warn") and one.name == "aws" for one in general):
        eye = Eye(ask=eye.ask, account_known=False)
    jobs = [(patient, name) for patient in asked for name in NAMES]
    found: dict[RepoName, list[Finding]] = {}
    for (patient, _), findings in zip(jobs, each(partial(_one, session, eye), jobs, _LANES), strict=True):
        found.setdefault(patient.repo.name, []).extend(findings)
    if eye.denied:
        why = f"these credentials lack {', '.join(sorted(eye.denied))}: what needs them was not looked at"
        general.append(
            Finding(name="rights", state="warn", why=why, fix="aws sts get-caller-identity   (docs/doctor.md)")
        )
    return general, found


def _one(session: Session, eye: Eye, job: tuple[Patient, str]) -> list[Finding]:
    """The findings of one probe about one repository; one that hangs or breaks ends nothing else."""
    patient, name = job
    session.progress(patient.repo.name, name)
    module = import_module(f"multigit.probes.{name}")
    try:
        findings = within(lambda: list(module.probe(patient, eye)), LIMIT)
    except TimeoutError:
        return [patient.told(name, "warn", f"no answer within {LIMIT:.0f} s")]
    except MultigitError as no:
        return [patient.told(name, "warn", hide_secrets(f"{no.what}: {no.why}"), no.hint)]
    except Exception as broken:  # noqa: BLE001  an answer that nobody foresaw must not end the others
        return [patient.told(name, "warn", hide_secrets(f"the probe broke: {type(broken).__name__}: {broken}"))]
    return findings


def _answer(
    session: Session, env: Environment, heads: Mapping[RepoName, Oid | None], check: HealthCheck
) -> Verdict:  # fmt: skip
    subject = Serving(config=session.config, env=env, repo=check.repo, now=session.now(), folder=str(session.folder),
                      commit=heads.get(check.repo) if check.repo else None)  # fmt: skip
    return checks.ask(check, subject)


def account(asked: Sequence[Patient]) -> Iterator[Finding]:
    """Who is asking AWS, where anything is asked of it: the right account, a region, boto3."""
    patient = next((one for one in asked if one.uses_aws), None)
    if patient is None:
        return
    try:
        yield within(lambda: _account(patient), LIMIT)
    except TimeoutError:
        yield Finding(name="aws", state="warn", why=f"no answer within {LIMIT:.0f} s: nothing is asked of AWS",
                      fix="aws sts get-caller-identity")  # fmt: skip
    except clients.SignedOut as out:
        no_login = "Unable to locate credentials" in out.why
        yield Finding(
            name="aws", state="warn" if no_login else "ng", why=f"nothing is asked of AWS: {out.why}", fix=out.hint
        )
    except MultigitError as no:
        yield Finding(name="aws", state="warn", why=f"nothing is asked of AWS: {no.what}: {no.why}", fix=no.hint)


def _account(patient: Patient) -> Finding:
    """The finding about the account; any but "ok" means that AWS is not asked further."""
    infra = patient.config.infra or {}
    own, wanted = clients.own_region(), str(infra.get("account", ""))
    if not (own or patient.region):
        return Finding(
            name="aws", state="ng", why="no region is known", fix="export AWS_REGION=ap-northeast-2   (yours)"
        )
    with clients.asked("who is asking"):
        who = clients.aws("sts", region=patient.region or None, role=patient.role).get_caller_identity()
    if wanted and who["Account"] != wanted:
        why = f"this is the account {who['Account']} ({who['Arn']}), repos.yaml names {wanted}: nothing is asked of it"
        return Finding(name="aws", state="ng", why=why, fix="export AWS_PROFILE=…   (or mend infra.account)")
    region = patient.region or own
    note = f" (this machine's settings say {own})" if own and own != region else ""
    return Finding(name="aws", state="ok", why=f"account {who['Account']} as {who['Arn']}, {region}{note}")
