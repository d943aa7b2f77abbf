"""Deployments for unit tests: small plans, records and step states, and a history that is folded of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from multigit.model.actor import Actor
from multigit.model.deployplan import DeployPlan, Skip, Step
from multigit.model.names import Branch, DeploymentId, EnvName, Oid, RepoName, RunId, Tag
from multigit.model.plain import plain
from multigit.model.record import Event, Kind

KIM = Actor(name="김민수", email="kim@example.invalid", user="kim", host="desk")
START = datetime(2026, 2, 11, 22, 0, tzinfo=UTC)
STG, PROD = EnvName("stg"), EnvName("prod")
API, WEB = RepoName("api"), RepoName("web")
TAG = Tag("stg-deploy-20260212-070000")
RUN = RunId("r-0123456789ab")
OLD, NEW = Oid("a" * 40), Oid("b" * 40)


def step(repo: RepoName = API, stage: Any = "deploy", wave: int = 1, **more: Any) -> Step:
    given: dict[str, Any] = {"target": "" if stage == "health" else "tests.support.shelf", "commit": NEW}
    return Step(id=f"{repo}/{stage}", stage=stage, wave=wave, repo=repo, **{**given, **more})


def plan(*steps: Step, env: EnvName = STG, minute: int = 0, skips: tuple[Skip, ...] = (), **more: Any) -> DeployPlan:
    """A plan; each `minute` makes another one."""
    given: dict[str, Any] = {"commits": {API: NEW, WEB: NEW}, "heads": {API: NEW, WEB: NEW}, "tag": TAG, **more}
    return DeployPlan(system=EnvName("shop"), env=env, production=env == PROD, branch=Branch(env), operator=KIM,
                      created=START + timedelta(minutes=minute), steps=steps, skips=skips, **given)  # fmt: skip


def began(made: DeployPlan, owner: str = "me", **data: Any) -> Event:
    return record("deploying", made.id, owner, plan=plain(made), **data)


def record(kind: Kind, deployment: str, owner: str = "me", *, reason: str = "", at: int = 0, **data: Any) -> Event:
    return Event(kind=kind, deployment=DeploymentId(deployment), at=START + timedelta(minutes=at), by=KIM, owner=owner,
                 reason=reason, data=data)  # fmt: skip


def stood(made: DeployPlan, owner: str = "me", *, backs: Any = None, **states: Any) -> Event:
    """`api="ok"`: how the deploy step of api stands; or the whole state."""
    told = {f"{repo}/deploy": {"state": one} if isinstance(one, str) else one for repo, one in states.items()}
    data: dict[str, Any] = {**({"steps": told} if told else {}), **({"backs": backs} if backs else {})}
    return record("step", made.id, owner, **data)


def ended(made: DeployPlan, outcome: str = "well", owner: str = "me", reason: str = "") -> Event:
    return record("deployed", made.id, owner, reason=reason, outcome=outcome)
