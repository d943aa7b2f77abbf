"""What people are told: a notice is one event of a run, or of a hold, as data. Pure.

Its JSON form is public (schema `multigit.notice/1`): the body that the webhook notifier sends. Nothing in it is a
secret: what looks like one is hidden when the notice is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from multigit.model.actor import Actor
from multigit.model.config import Config
from multigit.model.deployplan import DeployPlan
from multigit.model.deployreport import DeploymentReport
from multigit.model.notifier import Notifier, Severity
from multigit.model.plan import Plan
from multigit.model.runreport import RunReport
from multigit.model.urls import hide_secrets

Happened = Literal[
    "started", "finished", "failed", "aborted", "rolled-back", "back-merged", "held", "lifted", "test",
    "deploying", "deployed",
]  # fmt: skip
_RANK: Mapping[str, int] = {"info": 0, "warning": 1, "critical": 2}
_DONE: Mapping[str, Happened] = {"rollback": "rolled-back", "backmerge": "back-merged"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened to one repository."""

    repo: str
    branch: str
    old: str
    new: str
    commits: int = 0
    status: str = ""
    """As in `multigit.run/1`: landed, void, undone, restored, diverged, untouched; '' while the run goes on. Of a
    deployment: waits, begun, ok, failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that happened."""

    schema: Literal["multigit.notice/1"] = "multigit.notice/1"
    id: str
    """New for each notice: who gets one twice can tell by it."""
    event: Happened
    severity: Severity
    at: datetime
    system: str
    title: str
    timezone: str
    env: str = ""
    """Id of the environment that changes; '' for a test."""
    source: str = ""
    verb: str = ""
    run: str = ""
    """Id of the run or of the hold."""
    tag: str = ""
    to: str = ""
    """Rollback: the tag whose state comes back."""
    production: bool = False
    emergency: bool = False
    by: str = ""
    email: str = ""
    """The operator, as git knows them."""
    host: str = ""
    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    """Repositories that stayed where they are."""
    reason: str = ""
    """The operator's own words (-m)."""
    why: str = ""
    """Why it failed or was taken back."""
    open: bool = False
    """Whether the run is left open: `resume` or `abort` settles it."""
    next: tuple[str, ...] = ()
    """Commands that may be typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A notice put into words of one language, without control characters. Escaping for a medium is the notifier's."""

    notice: Notice
    headline: str
    lines: tuple[str, ...]
    details: tuple[str, ...] = ()
    """A line for each repository."""


def began(config: Config, plan: Plan, at: datetime) -> Notice:
    """A run begins: it was consented to."""
    changes = tuple(Change(repo=str(land.repo), branch=str(land.branch), old=str(land.old), new=str(land.new),
                           commits=land.commits) for land in plan.lands)  # fmt: skip
    severity: Severity = "warning" if plan.emergency or plan.verb == "hotfix" else "info"
    return _clean(_of_plan(config, plan, "started", severity, at, changes))


def ended(config: Config, report: RunReport, at: datetime, *, asked: bool = False) -> Notice | None:
    """How a run ended; `asked`: somebody typed `abort`. None where whoever took it over will tell."""
    if report.outcome in ("lost", "nothing"):
        return None
    plan = report.plan
    changes = tuple(Change(repo=str(land.repo), branch=str(land.branch), old=str(land.old), new=str(land.new),
                           commits=land.commits, status=report.statuses.get(land.repo, "untouched"))
                    for land in plan.lands)  # fmt: skip
    event: Happened = _DONE.get(plan.verb, "finished") if report.outcome == "released" else "failed"
    if event == "failed" and asked and report.clean:
        event = "aborted"
    notice = _of_plan(config, plan, event, _severity(event, report), at, changes)
    return _clean(replace(notice, why=report.why, open=report.outcome == "open", next=report.next))


def held(config: Config, event: Literal["held", "lifted"], env: str, hold: str, reason: str, by: Actor,
         at: datetime) -> Notice:  # fmt: skip
    """An environment was frozen, or is free again."""
    notice = _bare(config, event, "warning" if event == "held" else "info", at)
    production = any(one.production for one in config.environments.values() if one.name == env)
    return _clean(replace(notice, env=env, run=hold, verb="hold", reason=reason, by=by.name, email=by.email,
                          host=by.host, production=production))  # fmt: skip


def deploying(config: Config, plan: DeployPlan, at: datetime) -> Notice:
    """A deployment begins."""
    return _clean(_of_deployment(config, plan, "deploying", "info", at, {}))


def deployed(
    config: Config, plan: DeployPlan, told: DeploymentReport, at: datetime, *, asked: bool = False
) -> Notice | None:  # fmt: skip
    """How a deployment ended; `asked`: somebody typed `abort`. None where whoever took it over will tell."""
    if told.outcome in ("lost", "superseded"):
        return None
    back: Happened = "aborted" if asked else "rolled-back"
    ends: Mapping[str, Happened] = {"well": "deployed", "returned": back}
    event = ends.get(told.outcome, "failed")
    grave: Severity = "critical" if plan.production and event != "aborted" else "warning"
    severity: Severity = "info" if event == "deployed" else grave
    stands = {row.repo: "undone" if row.back == "ok" else row.back or row.state
              for row in told.steps if row.stage in ("deploy", "build")}  # fmt: skip
    notice = _of_deployment(config, plan, event, severity, at, stands)
    return _clean(replace(notice, why=told.why, open=told.outcome == "open", next=told.next))


def trial(config: Config, by: Actor, at: datetime) -> Notice:
    """What `notify test` sends."""
    return _clean(replace(_bare(config, "test", "info", at), by=by.name, email=by.email, host=by.host))


def wanted(config: Config, rule: Notifier, notice: Notice) -> bool:
    """Whether `rule` of repos.yaml asks for `notice`."""
    if notice.event == "test":
        return True
    if rule.when and not words(notice) & set(rule.when):
        return False
    named = [config.environment(word) for word in rule.envs]
    if rule.envs and notice.env not in [env.name for env in named if env]:
        return False
    return _RANK[notice.severity] >= _RANK[rule.severity]


def words(notice: Notice) -> frozenset[str]:
    """The words under `when` that mean this notice."""
    more = {"hotfix"} if notice.verb == "hotfix" else set()
    if notice.event in ("rolled-back", "back-merged"):
        more.add("finished")
    elif notice.event == "aborted":
        more.add("failed")  # who was told of the failure is told how the story ended
    elif notice.event == "lifted":
        more.add("held")
    if notice.verb == "deploy":
        more.add("deploy")
    if notice.event == "deployed":
        more.add("finished")
    if notice.verb == "deploy" and notice.event == "rolled-back":
        more.add("failed")
    return frozenset({notice.event, *more})


def read(document: Mapping[str, Any]) -> Notice:
    """A notice from its JSON form; ValueError, TypeError or KeyError where it is none. Unknown keys are left out."""
    from multigit.model.building import built

    known = {field.name for field in fields(Notice)}
    notice: Notice = built(Notice, {key: value for key, value in document.items() if key in known})
    return notice


def _severity(event: Happened, report: RunReport) -> Severity:
    if event in ("failed", "aborted"):
        grave = report.plan.production or report.outcome == "open" or "diverged" in report.statuses.values()
        return "critical" if grave and event == "failed" else "warning"
    return "warning" if event == "rolled-back" or report.plan.verb == "hotfix" else "info"


def _bare(config: Config, event: Happened, severity: Severity, at: datetime) -> Notice:
    return Notice(id=uuid4().hex, event=event, severity=severity, at=at.astimezone(UTC), system=str(config.system.name),
                  title=config.title, timezone=config.system.timezone)  # fmt: skip


def _of_plan(config: Config, plan: Plan, event: Happened, severity: Severity, at: datetime,
             changes: Sequence[Change]) -> Notice:  # fmt: skip
    who = plan.operator
    return replace(
        _bare(config, event, severity, at), env=plan.target or "", source=plan.source or "", verb=plan.verb,
        run=plan.run, tag=plan.tag or "", to=plan.to or "", production=plan.production,
        emergency=plan.emergency or plan.verb == "hotfix", by=who.name, email=who.email, host=who.host,
        changes=tuple(changes), unchanged=len(plan.keeps), reason=plan.reason,
    )  # fmt: skip


def _of_deployment(config: Config, plan: DeployPlan, event: Happened, severity: Severity, at: datetime,
                   stands: Mapping[str, str]) -> Notice:  # fmt: skip
    who = plan.operator
    moved = {step.repo: step for step in plan.steps if step.repo and step.stage in ("build", "deploy")}
    changes = tuple(Change(repo=str(repo), branch=str(plan.branch or ""), old=str(step.before_commit or ""),
                           new=str(step.commit or ""), status=stands.get(str(repo), ""))
                    for repo, step in moved.items())  # fmt: skip
    return replace(
        _bare(config, event, severity, at), env=plan.env, verb="deploy", run=plan.run or plan.id, tag=plan.tag or "",
        production=plan.production, by=who.name, email=who.email, host=who.host, changes=changes,
        unchanged=len(plan.commits) - len(changes), reason=plan.reason,
    )  # fmt: skip


def _clean(notice: Notice) -> Notice:
    """Without what looks like a secret: servers and people write such things into reasons."""
    texts = {field.name: getattr(notice, field.name) for field in fields(notice)}
    hidden: dict[str, Any] = {name: hide_secrets(text) for name, text in texts.items() if type(text) is str}
    return replace(notice, **hidden, next=tuple(map(hide_secrets, notice.next)))
