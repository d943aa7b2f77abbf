"""What a release still owes its environment when nothing is open: its deployment, or its way back. Pure.

A process may end between the release and its deployment, or between what ran going back and the branches. The ledger
shows both; whoever looks next is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from multigit.model.config import Config, Environment
from multigit.model.deploying import Bringing, sections
from multigit.model.deployments import Deployment
from multigit.model.events import History, Run
from multigit.model.names import DeploymentId, EnvName, RunId, Tag

_DEPLOYED: Final = ("promote", "hotfix", "rollback")
"""Verbs whose release is deployed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What is missing after the newest release of one environment."""

    env: EnvName
    run: RunId
    tag: Tag | None
    what: Literal["deployment", "branches"]
    """`deployment`: it was never deployed; `branches`: what ran went back, the branches did not."""
    command: str

    @property
    def sentence(self) -> str:
        """For people."""
        name = self.tag or f"run {self.run}"
        if self.what == "deployment":
            return f"{name} was released to {self.env}, and never deployed"
        return f"{name} was taken back from {self.env}, its branches were not"


def owed(config: Config, history: History) -> tuple[Owed, ...]:
    """What is missing in each environment that releases are deployed to."""
    found = (_of(history, env) for env in config.environments.values() if _is_deployed(config, env))
    return tuple(one for one in found if one)


def release_before(history: History, env: str, tag: Tag | None) -> Tag | None:
    """The release of `env` before `tag` that stands, as far as the ledger tells; of None: the newest but one."""
    made = [run for run in history.runs.values() if _released(run, env, ("promote", "hotfix"))]
    tags = [run.tag for run in made if run.tag and not _taken_back(history, run)]
    earlier = tags[: tags.index(tag)] if tag in tags else [one for one in tags if tag is None or one < tag]
    return next(reversed(earlier), None)


def _of(history: History, env: Environment) -> Owed | None:
    run = next((run for run in reversed(list(history.runs.values())) if _released(run, env.name, _DEPLOYED)), None)
    if run is None:
        return None
    after = _begun_since(history, env, run)
    if not after:
        return Owed(env=env.name, run=run.id, tag=run.tag, what="deployment", command=f"multigit deploy {env.name}")
    last = after[-1]
    if last.outcome == "returned" and last.run == run.id:
        to = release_before(history, env.name, run.tag)
        command = f"multigit rollback {to}" if to else f"multigit deploy {env.name}"
        return Owed(env=env.name, run=run.id, tag=run.tag, what="branches", command=command)
    return None


def _begun_since(history: History, env: Environment, run: Run) -> list[Deployment]:
    """Deployments of `env` that began after `run` was released, in the ledger's order."""
    places: dict[DeploymentId, int] = {}
    ended = 0
    for number, event in enumerate(history.events):
        if event.kind == "deploying" and event.deployment:
            places.setdefault(event.deployment, number)
        if event.kind == "released" and event.run == run.id:
            ended = number
    known = [one for one in history.deployments.values() if one.env == env.name]
    return [one for one in known if one.open or places.get(one.id, 0) > ended]


def _is_deployed(config: Config, env: Environment) -> bool:
    return any(isinstance(one, Bringing) and one.named() for one in sections(config, env))


def _released(run: Run, env: str, verbs: tuple[str, ...]) -> bool:
    return run.phase == "released" and run.target == env and run.plan.get("verb") in verbs


def _taken_back(history: History, run: Run) -> bool:
    runs = list(history.runs.values())
    later: list[Any] = [one.plan.get("to") for one in runs[runs.index(run) + 1 :]
                        if _released(one, run.target, ("rollback",))]  # fmt: skip
    return any(to and run.tag and to < run.tag for to in later)
