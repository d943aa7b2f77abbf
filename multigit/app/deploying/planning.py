"""What a deployment would do: what is there now is asked of every place, side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from typing import Final

from multigit.app.session import Session
from multigit.apply.bringing import Bringer
from multigit.errors import UsageError
from multigit.lanes import each
from multigit.model import deployments
from multigit.model.config import Config, Environment, Repo
from multigit.model.deploying import bringings
from multigit.model.deployplan import DeployPlan, Step
from multigit.model.events import History
from multigit.model.names import Oid, RepoName
from multigit.model.plain import plain
from multigit.model.serving import checks_of
from multigit.planners import deploy as planner
from multigit.planners.deploy import Asked, Sight

_LANES: Final = 16
_LOGIN: Final = re.compile(r"(?<=://)[^/@]*@")


def deployed_there(config: Config, env: Environment) -> bool:
    """Whether anything follows when a release lands in `env`."""
    return any(work.named() for work in bringings(config, env))


def watched(config: Config, env: Environment) -> int:
    """For how many seconds `env` is watched after a deployment: as the road to it says."""
    from multigit.model.config import seconds

    roads = [road for road in config.promotions if road.to == env.name and road.watch]
    return seconds(roads[0].watch) if roads and roads[0].watch and checks_of(config, env) else 0


def plan(session: Session, asked: Asked, history: History) -> DeployPlan:
    """The plan, with what runs now; MultigitError where a place cannot be asked at all."""
    config, now = session.config, session.now()
    bare = planner.plan(config, asked, {}, now)
    if not bare.steps:
        return bare
    bringer = bringer_for(session, bare, Flag(), session.progress)
    before = deployments.released(history.deployments.values(), str(asked.env.name))
    places = [step for step in bare.steps if step.stage == "deploy"]

    def one(step: Step) -> tuple[RepoName, Sight]:
        assert step.repo is not None
        session.progress(step.repo, "what runs")
        known = before.get(step.repo)
        commit = known.commit if known else asked.previous.get(step.repo)
        return step.repo, Sight(now=bringer.seen(step), commit=commit)

    return planner.plan(config, asked, dict(each(one, places, _LANES)), now)


def bringer_for(session: Session, made: DeployPlan, stop: Flag, say: Callable[[str, str], None]) -> Bringer:
    """What brings the steps of `made` about, from this machine."""
    config = session.config

    def known(name: str) -> tuple[Repo, Path, str]:
        repo = config.repos.get(RepoName(name))
        if repo is None:
            raise unknown(made, name)
        return repo, session.clone_path(repo), _LOGIN.sub("", session.url(repo))

    return Bringer(plan=made, env=config.environments[made.env], folder=session.folder, repo=known, now=session.now,
                   stop=stop, say=say)  # fmt: skip


def as_configured(config: Config, made: DeployPlan, step: Step) -> bool:
    """Whether repos.yaml names the target of `step` with just these settings: the ledger is no place for commands."""
    if step.stage not in ("build", "migrate", "deploy"):
        return False
    known = [
        getattr(work, step.stage) for work in bringings(config, config.environments[made.env]) if work.repo == step.repo
    ]
    return any(one and (one.word, plain(one.settings)) == (step.target, plain(step.settings)) for one in known)


def unknown(made: DeployPlan, name: str) -> UsageError:
    """A repository that repos.yaml lacks."""
    return UsageError(f"deployment {made.id} is about {name}, which repos.yaml does not have",
                      hint="use the file it was begun with: -f FILE, or put the repository back")  # fmt: skip


def asked_for(session: Session, env: Environment, commits: Mapping[RepoName, Oid]) -> Asked:
    """A deployment of what stands on the branch of `env`."""
    return Asked(env=env, operator=session.actor, commits=commits, heads=commits, repos=session.selection(),
                 watch=watched(session.config, env))  # fmt: skip


def without_builds(config: Config, asked: Asked, recorded: Mapping[RepoName, deployments.Running]) -> Asked:
    """After a rollback: what no workflow builds anew from the restore commit stays as it was recorded then."""
    built = {work.repo for work in bringings(config, asked.env) if work.build}
    return replace(asked, recorded={repo: one for repo, one in recorded.items() if repo not in built and one.artefact})
