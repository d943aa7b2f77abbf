"""What services wrote, and where repos.yaml says that it is kept. Pure.

deploy: {default: {logs: "/gli/api-server/{long}"}}
deploy: {prod: {logs: [/gli/api/web, {group: /gli/api/worker, region: eu-west-1}]}}
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from multigit.errors import DONE
from multigit.model.config import Config, Environment, Repo
from multigit.model.names import EnvName, RepoName
from multigit.model.serving import Unfit, Where, section_of
from multigit.model.template import fields, flaw, render

WORDS: Final = ("env", "repo")
_KEYS: Final = ("group", "region")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A log group of CloudWatch that belongs to a repository."""

    repo: RepoName
    group: str
    region: str = ""
    """'' = as this machine's own settings say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One thing that a service wrote. `text` is from outside: escape before showing (X8)."""

    repo: RepoName
    at: datetime
    stream: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProblem:
    """A group that was not read, and why."""

    repo: RepoName
    group: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsDocument:
    """`multigit logs`, schema `multigit.logs/1`."""

    schema: Literal["multigit.logs/1"] = "multigit.logs/1"
    env: EnvName
    lines: tuple[LogLine, ...] = ()
    """Oldest first."""
    more: bool = False
    """Whether older lines were left out, because there are too many."""
    problems: tuple[LogProblem, ...] = ()
    exit_code: int = DONE


def sources_of(config: Config, env: Environment, chosen: Collection[RepoName] | None = None) -> tuple[Source, ...]:
    """The log groups of what runs in `env`, of the `chosen` repositories (None: all); Unfit: one makes no sense."""
    found = []
    for one in described(config, env):
        if isinstance(one, Unfit):
            raise one
        if chosen is None or one.repo in chosen:
            found.append(one)
    return tuple(found)


def described(config: Config, env: Environment) -> Iterator[Source | Unfit]:
    """All of them, with what makes no sense among them."""
    for repo in config.repos.values() if env.deploys else ():
        section, where = section_of(repo, env)
        logs = section.get("logs") if isinstance(section, Mapping) else None
        many = logs if isinstance(logs, list | tuple) else () if logs is None else (logs,)
        for number, one in enumerate(many):
            yield _source(repo, env, one, (*where, "logs", number) if many is logs else (*where, "logs"))


def _source(repo: Repo, env: Environment, one: Any, where: Where) -> Source | Unfit:
    told = {"group": one} if isinstance(one, str) else one
    if not isinstance(told, Mapping) or not isinstance(told.get("group"), str):
        return Unfit(where, "a log is the name of its group, or a map with group and region")
    if unknown := next((key for key in told if key not in _KEYS), ""):
        return Unfit((*where, unknown), f'unknown key "{unknown}": a log has group and region')
    if not all(isinstance(value, str) for value in told.values()):
        return Unfit(where, "group and region are texts")
    words = {**env.vars, "env": str(env.name), "repo": str(repo.name)}
    for text in told.values():
        odd = next((name for name in fields(text) if name not in words), "")
        wrong = f"{{{odd}}} is not known here; known: {', '.join(words)}" if odd else flaw(text)
        if wrong:
            return Unfit(where, wrong)
    made = {key: render(text, words) for key, text in told.items()}
    return Source(repo=repo.name, group=made["group"], region=made.get("region", ""))
