"""What a deployment is going to do, as data: steps, and what each of them waits for. Pure.

Builds come first and side by side, because a push started them all. Then wave by wave (`after` in repos.yaml): migrate,
deploy, health. A wave begins when everything of the wave before is well. Last, the whole is watched for a while.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from multigit.model.actor import Actor
from multigit.model.building import built
from multigit.model.names import Branch, DeploymentId, EnvName, Oid, RepoName, RunId, Tag
from multigit.model.plain import plain
from multigit.model.target import Artefact

Stage = Literal["build", "migrate", "deploy", "health", "soak"]
AutoRollback = Literal["ask", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that is brought about and awaited."""

    id: str
    """`gli_api-server/deploy`; `soak` for the last one."""
    stage: Stage
    wave: int
    """0: builds; then the waves; the last: soak."""
    repo: RepoName | None = None
    target: str = ""
    """Word of the target; '' where health checks are asked."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The target's, templates rendered."""
    commit: Oid | None = None
    """What should serve afterwards."""
    artefact: Artefact = field(default_factory=dict)
    """Recorded of an earlier release: exactly this is brought."""
    before: Artefact = field(default_factory=dict)
    """What brings back what ran before; empty where nothing did, or it is not known."""
    before_commit: Oid | None = None
    """The commit that served before, as far as the ledger tells."""
    was: str = ""
    """What ran before, for people."""
    seconds: int = 1800
    """How long it may take. Of `soak`: how long it lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A repository of which nothing has to be done, and why."""

    repo: RepoName
    why: str


@dataclass(frozen=True, kw_only=True)
class DeployPlan:
    """One deployment of one environment, schema `multigit.deployplan/1`."""

    schema: Literal["multigit.deployplan/1"] = "multigit.deployplan/1"
    system: EnvName
    env: EnvName
    production: bool
    branch: Branch | None = None
    tag: Tag | None = None
    """The release that is deployed, where one is."""
    run: RunId | None = None
    """The run that released it."""
    back: bool = False
    """Whether an earlier release is brought back."""
    auto_rollback: AutoRollback = "ask"
    """Whether it goes back by itself when it fails."""
    operator: Actor
    created: datetime
    reason: str = ""
    commits: Mapping[RepoName, Oid]
    """What should serve, also of repositories of which nothing has to be done."""
    heads: Mapping[RepoName, Oid] = field(default_factory=dict)
    """Where the environment's branch was: after a rollback something else serves than the commit that took it back."""
    steps: tuple[Step, ...]
    skips: tuple[Skip, ...] = ()

    @cached_property
    def digest(self) -> str:
        """sha256 (hex) of the canonical JSON."""
        return hashlib.sha256(json.dumps(plain(self), sort_keys=True).encode()).hexdigest()

    @property
    def id(self) -> DeploymentId:
        """Id of the deployment that follows it."""
        return DeploymentId(f"d-{self.digest[:12]}")


def read(document: Mapping[str, Any]) -> DeployPlan:
    """A plan from its JSON form; ValueError, TypeError or KeyError where it is none."""
    plan: DeployPlan = built(DeployPlan, document)
    if plan.created.tzinfo is None:
        raise ValueError("created: the time needs its zone")
    if len({step.id for step in plan.steps}) < len(plan.steps):
        raise ValueError("steps: an id stands there twice")
    if homeless := [step.id for step in plan.steps if step.repo is None and step.stage != "soak"]:
        raise ValueError(f"steps: {homeless[0]} is of no repository")
    return plan
