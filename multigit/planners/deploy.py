"""deploy: what has to be done so that an environment runs what its branch says, or an earlier release again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from multigit.model.actor import Actor
from multigit.model.config import Config, Environment
from multigit.model.deploying import Bringing, Named, bringings
from multigit.model.deployments import Running
from multigit.model.deployplan import DeployPlan, Skip, Stage, Step
from multigit.model.names import Oid, RepoName, RunId, Tag
from multigit.model.serving import checks_of, watch_of
from multigit.model.target import Deployed


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be deployed."""

    env: Environment
    operator: Actor
    tag: Tag | None = None
    run: RunId | None = None
    reason: str = ""
    watch: int = 0
    """Seconds for which all is watched at the end."""
    repos: frozenset[RepoName] | None = None
    """Only these; None: all."""
    commits: Mapping[RepoName, Oid] = field(default_factory=dict)
    """What should serve, of every repository whose branch is there."""
    heads: Mapping[RepoName, Oid] = field(default_factory=dict)
    """Where the environment's branch is."""
    previous: Mapping[RepoName, Oid] = field(default_factory=dict)
    """Where the branch was before it moved, where that is known."""
    recorded: Mapping[RepoName, Running] = field(default_factory=dict)
    """What is brought exactly as it was recorded of an earlier release; the others as their commit says."""
    back: bool = False
    """Only what is recorded goes back; nothing is built, and no migration runs."""
    migrates: bool = True
    """False after a rollback: what an earlier release migrates has run, and tools refuse a database ahead of them."""
    automatic: bool = True
    """Whether a failure may take it back by itself, as repos.yaml says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen of one repository's place before anything is done."""

    now: Deployed
    commit: Oid | None = None
    """What served, as far as the ledger tells."""


def plan(config: Config, asked: Asked, seen: Mapping[RepoName, Sight], now: datetime) -> DeployPlan:
    """Builds first and together, then wave by wave: migrate, deploy, health; then a watch of all. Skips have a reason.

    `seen`: of every repository that is brought somewhere. What is there already is neither built nor migrated.
    """
    skips: list[Skip] = []
    steps: list[Step] = []
    waves = {repo.name: number for number, wave in enumerate(config.waves(), 1) for repo in wave}
    last = max(waves.values(), default=0) + 1
    for work in bringings(config, asked.env):
        if why := _nothing_for(work, asked):
            skips.append(Skip(repo=work.repo, why=why))
        else:
            steps += _steps(config, asked, work, seen.get(work.repo), waves.get(work.repo, last))
    if asked.watch and asked.repos is None and checks_of(config, asked.env):
        steps.append(Step(id="soak", stage="soak", wave=last + 1, seconds=asked.watch))
    exactly = {repo: one.commit for repo, one in asked.recorded.items() if one.artefact and repo in asked.commits}
    return DeployPlan(
        system=config.system.name, env=asked.env.name, production=asked.env.production, branch=asked.env.branch,
        tag=asked.tag, run=asked.run, back=asked.back, operator=asked.operator, created=now, reason=asked.reason,
        auto_rollback=asked.env.auto_rollback if asked.automatic and not asked.back else "never",
        commits={**asked.commits, **exactly}, heads=asked.heads,
        steps=tuple(sorted(steps, key=lambda step: step.wave)), skips=tuple(skips),
    )  # fmt: skip


def _nothing_for(work: Bringing, asked: Asked) -> str:
    if asked.repos is not None and work.repo not in asked.repos:
        return "not selected"
    if not work.named():
        return f"{work.later[0]} is not acted on by this version"
    if asked.back and work.deploy is None:
        return "it is not brought anywhere"
    if asked.back and not (work.repo in asked.recorded and asked.recorded[work.repo].artefact):
        return "what it ran then is not recorded"
    return "" if work.repo in asked.commits else f"it has no branch {asked.env.branch or f'for {asked.env.name}'}"


def _steps(config: Config, asked: Asked, work: Bringing, seen: Sight | None, wave: int) -> list[Step]:
    exactly = asked.recorded.get(work.repo)
    commit = exactly.commit if exactly else asked.commits[work.repo]
    there = exactly is not None or (seen is not None and seen.now.state == "here" and work.deploy is not None)

    def one(stage: Stage, named: Named | None, **more: Any) -> list[Step]:
        if named is None:
            return []
        return [Step(id=f"{work.repo}/{stage}", stage=stage, wave=0 if stage == "build" else wave, repo=work.repo,
                     target=named.word, settings=named.settings, commit=commit, seconds=work.seconds,
                     **more)]  # fmt: skip

    build = [] if there else one("build", work.build)
    migrate = one("migrate", work.migrate) if asked.migrates and not there else []
    before: dict[str, Any] = (
        {"before": seen.now.artefact, "was": seen.now.what, "before_commit": seen.commit} if seen else {}
    )
    deploy = one("deploy", work.deploy, artefact=exactly.artefact if exactly else {}, **before)
    middle = [*migrate, *deploy] if work.migrate_when == "before" else [*deploy, *migrate]
    return [*build, *middle, *_health(config, asked, work, commit, wave)]


def _health(config: Config, asked: Asked, work: Bringing, commit: Oid, wave: int) -> list[Step]:
    if not any(check.repo == work.repo for check in checks_of(config, asked.env)):
        return []
    watch = watch_of(config, asked.env, work.repo)
    return [Step(id=f"{work.repo}/health", stage="health", wave=wave, repo=work.repo, commit=commit,
                 seconds=watch.seconds_to_be_well())]  # fmt: skip
