"""What runs in an environment and how one can tell: the health checks of repos.yaml, resolved. Pure.

    deploy: {default: {health: "https://{pre}api.example.com/health/"}}
    deploy: {prod: {health: [{kind: http, url: "https://example.com"}, {kind: tls, host: example.com}]}}

`health` is an address, a check, a list of those, or a map with `checks` and how they are watched (`Watch`). An
environment with a `url` of its own and no check at all is asked there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from multigit.model.config import STRICT, Config, Environment, Repo, seconds
from multigit.model.names import Oid, RepoName, Tag

Where = tuple[str | int, ...]
"""Place inside repos.yaml."""

BY_SCHEME: Final = {"http": "http", "https": "http", "ws": "websocket", "wss": "websocket"}
"""Which check an address alone means."""
WORDS: Final = ("env", "repo", "sha", "tag")
"""Words that are filled in besides the environment's `vars`: what should be running there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How health is watched: `health:` in `defaults.deploy`, or beside `checks`."""

    __pydantic_config__ = STRICT
    within: str = "5m"
    """How long it may take after a deployment until all is well."""
    stable: int = 3
    """How many answers in a row count, good or bad; one alone is chance."""
    every: str = "5s"
    """How long from one question to the next."""

    def __post_init__(self) -> None:
        if not 1 <= self.stable <= 100:
            raise ValueError("stable must be a number from 1 to 100")
        if seconds(self.every) < 1:
            raise ValueError("every must be at least 1s")
        seconds(self.within)

    def seconds_to_be_well(self) -> int:
        """`within`, in seconds."""
        return seconds(self.within)

    def seconds_between(self) -> int:
        """`every`, in seconds."""
        return seconds(self.every)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """One question to what serves. `repo` is None for the environment's own address."""

    repo: RepoName | None
    kind: str
    """File name of the check in multigit/checks, or a dotted module name."""
    settings: Mapping[str, Any]
    where: Where
    """Where repos.yaml says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What a check is asked about that judges what runs, not a plan."""

    config: Config
    env: Environment
    repo: RepoName | None
    now: datetime
    """Aware, in the system's zone. No check reads a clock of its own."""
    folder: str
    """Folder of repos.yaml."""
    commit: Oid | None = None
    """What should be running: the head of the environment's branch. None: not known."""
    tag: Tag | None = None
    """The release it belongs to."""
    commits: Mapping[RepoName, Oid] = field(default_factory=dict)
    """As a gate: what the plan would bring, by repository."""

    def words(self) -> dict[str, str]:
        """What templates may use."""
        named = {"env": str(self.env.name), "repo": str(self.repo or ""), "tag": str(self.tag or "")}
        return {**self.env.vars, **named, **({"sha": str(self.commit)} if self.commit else {})}


class Unfit(Exception):
    """A health section that cannot be understood."""

    def __init__(self, where: Where, message: str) -> None:
        super().__init__(message)
        self.where, self.message = where, message


def checks_of(config: Config, env: Environment) -> tuple[HealthCheck, ...]:
    """Every check of what runs in `env`, in the fleet's order; Unfit where a section makes no sense."""
    found = []
    for one in sections(config, env):
        if isinstance(one, Unfit):
            raise one
        found.append(one)
    return tuple(found)


def sections(config: Config, env: Environment) -> tuple[HealthCheck | Unfit, ...]:
    """The same, with what makes no sense among them."""
    if not env.deploys:
        return ()
    found = tuple(check for repo in config.repos.values() for check in _of_repo(repo, env))
    if found or not env.url:
        return found
    return (_addressed(None, env.url, ("environments", env.name, "url")),)


def watch_of(config: Config, env: Environment, repo: RepoName | None) -> Watch:
    """How health is watched there: as the fleet says, and over that the repository."""
    general = watching(config.defaults.get("deploy"))
    section, _ = section_of(config.repos[repo], env) if repo else ({}, ())
    return Watch(**{**general, **watching(section)})


def watching(deploy: Any) -> dict[str, Any]:
    """What the `health` of a `deploy` section says about `Watch`."""
    health = deploy.get("health") if isinstance(deploy, Mapping) else None
    if not isinstance(health, Mapping) or "kind" in health:
        return {}
    return {key: value for key, value in health.items() if key != "checks"}


def section_of(repo: Repo, env: Environment) -> tuple[Any, Where]:
    """What `deploy` says of `repo` in `env`, and where that stands."""
    name = next((name for name in (env.name, *env.alias, "default") if name in repo.deploy), "default")
    return repo.deploy.get(name, {}), ("repos", repo.name, "deploy", name)


def _of_repo(repo: Repo, env: Environment) -> Iterator[HealthCheck | Unfit]:
    section, where = section_of(repo, env)
    if not isinstance(section, Mapping) or section.get("health") is None:
        return
    health, at = section["health"], (*where, "health")
    if isinstance(health, Mapping) and "kind" not in health:
        health, at = health.get("checks", ()), (*at, "checks")
    many = health if isinstance(health, list | tuple) else (health,)
    for number, one in enumerate(many):
        place = (*at, number) if many is health else at
        yield _addressed(repo.name, one, place) if isinstance(one, str) else _described(repo.name, one, place)


def _addressed(repo: RepoName | None, url: str, where: Where) -> HealthCheck | Unfit:
    kind = BY_SCHEME.get(url.partition("://")[0].lower())
    if kind is None:
        return Unfit(where, f'"{url}" is no address that can be asked: it begins with https, http, wss or ws')
    return HealthCheck(repo=repo, kind=kind, settings={"url": url}, where=where)


def _described(repo: RepoName, one: Any, where: Where) -> HealthCheck | Unfit:
    if not isinstance(one, Mapping) or not isinstance(one.get("kind"), str):
        return Unfit(where, "a health check is an address, or a map with its kind")
    settings = {key: value for key, value in one.items() if key != "kind"}
    return HealthCheck(repo=repo, kind=one["kind"], settings=settings, where=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one check found in the end."""

    repo: RepoName | None
    """None: the environment as a whole."""
    check: str
    state: Literal["well", "ill"]
    why: str
    """What the last answer said."""
    details: tuple[str, ...] = ()
    asked: int = 0
    bad: int = 0
    """How many of the answers were not good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What the answers of one check were so far: `fold` makes the next one."""

    asked: int = 0
    well: int = 0
    """Good answers in a row."""
    ill: int = 0
    """Answers in a row that were not good."""
    bad: int = 0
    """Answers that were not good, all together."""
    proved: bool = False
    """Whether it was well long enough once."""
    why: str = ""
    """What the last answer said."""
    details: tuple[str, ...] = field(default=())

    def fold(self, ok: bool, why: str, details: tuple[str, ...], stable: int) -> Pulse:
        """With one more answer."""
        well = self.well + 1 if ok else 0
        return Pulse(
            asked=self.asked + 1, well=well, ill=0 if ok else self.ill + 1, bad=self.bad + (not ok),
            proved=self.proved or well >= stable, why=why, details=details,
        )  # fmt: skip

    def failed(self, stable: int, *, late: bool) -> bool:
        """Whether it is ill: `stable` bad answers in a row after it was well, or not well when that is `late`."""
        return self.ill >= stable if self.proved else late

    def told(self, check: HealthCheck, *, well: bool) -> Served:
        """The end of it."""
        return Served(repo=check.repo, check=check.kind, state="well" if well else "ill", why=self.why,
                      details=self.details, asked=self.asked, bad=self.bad)  # fmt: skip
