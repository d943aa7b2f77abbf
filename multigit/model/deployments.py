"""What became of deployments: the ledger's records of them, folded. Pure.

Of a deployment the ledger keeps `deploying` (the whole plan), `step` (how steps stand), `following` (somebody else goes
on with it), `returning` (one-way: from here what runs goes back to what ran before) and `deployed` (its end). An
environment has one open deployment at most; there is no other lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, get_args

from multigit.model.actor import Actor
from multigit.model.names import DeploymentId, EnvName, Oid, RepoName, RunId, Tag
from multigit.model.record import Event
from multigit.model.target import Artefact, Ticket

Standing = Literal["begun", "ok", "failed"]
Outcome = Literal["", "well", "failed", "returned", "superseded"]
"""'' while it is open; `failed`: it is left as it is; `returned`: what ran before runs again."""
KINDS: Final = ("deploying", "step", "following", "returning", "deployed")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """How one step stands."""

    state: Standing
    why: str = ""
    at: datetime
    ticket: Ticket = field(default_factory=dict)
    """What follows it, where it was begun."""
    before: Artefact = field(default_factory=dict)
    """What ran before it, as seen just before; what brings that back."""
    artefact: Artefact = field(default_factory=dict)
    """`ok`: what brings this back later."""
    fault: str = ""
    """`failed`: build, test or deploy (G12)."""
    details: tuple[str, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment, as far as the ledger tells. `plan`: its JSON document."""

    id: DeploymentId
    env: EnvName
    owner: str
    by: Actor
    started: datetime
    plan: Mapping[str, Any]
    taken_by: Actor | None = None
    returning: bool = False
    steps: Mapping[str, StepState] = field(default_factory=dict)
    backs: Mapping[str, StepState] = field(default_factory=dict)
    """While it goes back: how each step's place stands."""
    outcome: Outcome = ""
    ended: datetime | None = None
    reason: str = ""

    @property
    def open(self) -> bool:
        """Whether somebody still has to go on with it."""
        return not self.outcome

    @property
    def tag(self) -> Tag | None:
        """The release it is about."""
        return Tag(self.plan["tag"]) if self.plan.get("tag") else None

    @property
    def run(self) -> RunId | None:
        """The run whose release it deploys."""
        return RunId(self.plan["run"]) if self.plan.get("run") else None


def misplaced(known: Mapping[DeploymentId, Deployment], event: Event) -> str:
    """Why a record of a deployment cannot follow what happened so far, or ''."""
    if event.deployment is None:
        return "it names no deployment"
    here = known.get(event.deployment)
    if event.kind == "deploying":
        if here:
            return "the deployment had begun before"
        other = open_one(known.values(), str(event.data.get("plan", {}).get("env", "")))
        if other and event.data.get("supersedes") != other.id:
            return f"{other.id} of the same environment is open"
        return ""
    if here is None:
        return "its deployment never began"
    if not here.open:
        return f"its deployment is over: {here.outcome}"
    return "another took its deployment over" if event.kind != "following" and event.owner != here.owner else ""


def after(known: dict[DeploymentId, Deployment], event: Event) -> None:
    """Put a record, which is not misplaced, into what is known."""
    assert event.deployment is not None
    if event.kind == "deploying":
        plan = event.data["plan"]
        before = open_one(known.values(), plan["env"])
        if before and event.data.get("supersedes") == before.id:
            known[before.id] = replace(before, outcome="superseded", ended=event.at,
                                       reason=f"{event.deployment} took its place")  # fmt: skip
        known[event.deployment] = Deployment(id=event.deployment, env=EnvName(plan["env"]), owner=event.owner,
                                             by=event.by, started=event.at, plan=plan)  # fmt: skip
        return
    here = known[event.deployment]
    match event.kind:
        case "following":
            here = replace(here, owner=event.owner, taken_by=event.by)
        case "returning":
            here = replace(here, returning=True, reason=event.reason or here.reason)
        case "step":
            here = replace(here, steps=_states(here.steps, event, "steps"), backs=_states(here.backs, event, "backs"))
        case "deployed":
            here = replace(here, outcome=event.data["outcome"], ended=event.at, reason=event.reason or here.reason)
        case _:
            pass  # not about deployments
    known[event.deployment] = here


def _states(known: Mapping[str, StepState], event: Event, which: str) -> dict[str, StepState]:
    """`known` with what the record adds; what ran before a step is what was seen first: later it may be half of it."""
    found = dict(known)
    for name, one in event.data.get(which, {}).items():
        if one["state"] not in get_args(Standing):
            raise ValueError(f"state: {one['state']!r}")
        earlier = found[name].before if name in found else {}
        found[name] = StepState(
            state=one["state"], why=str(one.get("why", "")), at=event.at, ticket=_of(dict, one.get("ticket", {})),
            before=earlier or _of(dict, one.get("before", {})), artefact=_of(dict, one.get("artefact", {})),
            fault=str(one.get("fault", "")), details=tuple(map(str, _of((list, tuple), one.get("details", ())))),
            link=str(one.get("link", "")),
        )  # fmt: skip
    return found


def _of(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is not what belongs here")
    return value


def open_one(known: Iterable[Deployment], env: str) -> Deployment | None:
    """The open deployment of `env`."""
    return next((one for one in known if one.open and one.env == env), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What one repository runs in an environment, by the ledger."""

    commit: Oid
    artefact: Artefact = field(default_factory=dict)
    deployment: DeploymentId


def released(known: Iterable[Deployment], env: str, tag: Tag | None = None) -> dict[RepoName, Running]:
    """What deployments brought to `env`, the newest counting. With `tag`: as that release, where it ended well."""
    found: dict[RepoName, Running] = {}
    for one in known:
        if one.env == env and (tag is None or (one.outcome == "well" and one.tag == tag)):
            for step in _places(one):
                if running := _left(one, step):
                    found[RepoName(step["repo"])] = running
    return found


def _places(one: Deployment) -> list[Mapping[str, Any]]:
    return [step for step in one.plan["steps"] if step["stage"] == "deploy"]


def _left(one: Deployment, step: Mapping[str, Any]) -> Running | None:
    """What runs at the place of `step` since; None where the deployment left there what was before, or nobody knows."""
    state, back = one.steps.get(step["id"]), one.backs.get(step["id"])
    brought, commit = (back, step.get("before_commit")) if back else (state, step.get("commit"))
    if brought is None or brought.state != "ok" or not commit:
        return None
    return Running(commit=Oid(commit), deployment=one.id, artefact=brought.artefact)


def serving(known: Iterable[Deployment], env: str, heads: Mapping[RepoName, Oid | None]) -> dict[RepoName, Oid | None]:
    """The commit that should serve of each repository: the branch's head, unless a deployment left something else."""
    last = next((one for one in reversed(list(known)) if one.env == env and one.outcome in ("well", "returned")), None)
    if last is None:
        return dict(heads)
    left = {RepoName(repo): Oid(commit) for repo, commit in last.plan["commits"].items()}
    if last.outcome == "returned":
        before = {step["repo"]: step.get("before_commit") for step in _places(last)}
        left |= {RepoName(repo): Oid(commit) for repo, commit in before.items() if commit}
    seen = last.plan.get("heads", {})
    return {repo: left.get(repo, head) if head and seen.get(repo) == head else head for repo, head in heads.items()}
