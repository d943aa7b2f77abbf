"""How repositories are deployed: the `deploy` sections of repos.yaml, resolved. Pure.

    deploy: {default: {workflow: "deploy-{long}.yml", ecs: {cluster: "{long}-shop", service: api, ecr: shop-api}}}
    deploy: {prod: {migrate: {ecs-task: {…}, when: before}, build: {command: {run: [make, image]}}, s3: {bucket: …}}}

Of a repository at most three things are done, each by a target: `build` (`workflow` and `trigger` are short for the
target `actions`), `migrate`, and whatever else the section names. What `defaults.deploy` says holds where the section
is silent. Repositories without a section of their own are not deployed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from multigit.model.config import Config, Environment, Repo, seconds
from multigit.model.names import RepoName
from multigit.model.serving import Unfit, Where, section_of

WORDS: Final = ("env", "repo", "sha", "tag")
"""Words that templates may use besides the environment's `vars`."""
ALIASES: Final[Mapping[str, str]] = {"s3": "s3-site"}
LATER: Final = ("argocd", "canary", "k8s", "pin")
"""Kept as written: no version brings anything there yet."""
_NO_TARGETS: Final = (
    "build",
    "migrate",
    "workflow",
    "trigger",
    "inputs",
    "timeout",
    "doctor",
    "health",
    "logs",
    "doctor",
    "budget",
    *LATER,
)
_TIMEOUT: Final = "30m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A target that repos.yaml names, with its settings as written."""

    word: str
    """File name in multigit/targets, or a dotted module name."""
    settings: Mapping[str, Any]
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Bringing:
    """What is done to deploy one repository."""

    repo: RepoName
    build: Named | None = None
    migrate: Named | None = None
    migrate_when: Literal["before", "after"] = "before"
    """Before the service is replaced, or after it."""
    deploy: Named | None = None
    seconds: int = 1800
    """How long each of them may take."""
    later: tuple[str, ...] = ()
    """Words that no version acts on yet."""
    where: Where = field(default=())

    def named(self) -> tuple[Named, ...]:
        """The targets, in the order in which they come."""
        return tuple(one for one in (self.build, self.migrate, self.deploy) if one)


def bringings(config: Config, env: Environment) -> tuple[Bringing, ...]:
    """What is done in `env`, in the fleet's order; Unfit where a section makes no sense."""
    found = []
    for one in sections(config, env):
        if isinstance(one, Unfit):
            raise one
        found.append(one)
    return tuple(found)


def sections(config: Config, env: Environment) -> tuple[Bringing | Unfit, ...]:
    """The same, with what makes no sense among them."""
    if not env.deploys:
        return ()
    return tuple(one for repo in config.repos.values() for one in _of(config, repo, env))


def follows(config: Config, env: Environment) -> str:
    """What follows a release to `env`, on one line for people; '' where nothing does."""
    try:
        brought = [work for work in bringings(config, env) if work.named()]
    except Unfit:
        return ""
    by_word: dict[str, list[str]] = {}
    for work in brought:
        by_word.setdefault(work.named()[-1].word, []).append(str(work.repo))
    return "; ".join(f"{', '.join(repos)} by {word}" for word, repos in by_word.items())


def _of(config: Config, repo: Repo, env: Environment) -> Iterator[Bringing | Unfit]:
    section, where = section_of(repo, env)
    if not section:
        return
    if not isinstance(section, Mapping):
        yield Unfit(where, "what is deployed is a map, such as {workflow: deploy.yml}")
        return
    common = config.defaults.get("deploy")
    whole = {**(common if isinstance(common, Mapping) else {}), **section}
    try:
        made = Bringing(
            repo=repo.name, build=_build(whole, where), migrate=_migrate(whole, where), deploy=_deploy(section, where),
            migrate_when=_when(whole, where), seconds=_timeout(whole, where), where=where,
            later=tuple(word for word in LATER if word in whole),
        )  # fmt: skip
    except Unfit as unfit:
        yield unfit
        return
    if made.named() or made.later:
        yield made


def _build(section: Mapping[str, Any], where: Where) -> Named | None:
    if section.get("build") is not None:
        return _only(section["build"], (*where, "build"))
    if not section.get("workflow") or section.get("trigger") == "none":
        return None
    values = {key: section[key] for key in ("workflow", "trigger", "inputs") if key in section}
    return Named(word="actions", settings=values, where=where)


def _migrate(section: Mapping[str, Any], where: Where) -> Named | None:
    migrate = section.get("migrate")
    if migrate is None:
        return None
    at = (*where, "migrate")
    if not isinstance(migrate, Mapping):
        raise Unfit(at, "a migration is a map that names one target, such as {ecs-task: {…}}")
    return _only({key: value for key, value in migrate.items() if key != "when"}, at)


def _when(section: Mapping[str, Any], where: Where) -> Literal["before", "after"]:
    migrate = section.get("migrate")
    said = migrate.get("when", "before") if isinstance(migrate, Mapping) else "before"
    if said not in ("before", "after"):
        raise Unfit((*where, "migrate", "when"), "when is before or after")
    return "after" if said == "after" else "before"


def _deploy(section: Mapping[str, Any], where: Where) -> Named | None:
    words = [word for word in section if word not in _NO_TARGETS]
    if len(words) > 1:
        raise Unfit((*where, words[1]), f"{words[0]} and {words[1]}: a repository is brought to one place")
    return _named(words[0], section[words[0]], (*where, words[0])) if words else None


def _only(value: Any, where: Where) -> Named:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise Unfit(where, "name one target here, such as {command: {run: [make, image]}}")
    ((word, settings),) = value.items()
    return _named(str(word), settings, (*where, str(word)))


def _named(word: str, settings: Any, where: Where) -> Named:
    if settings is not None and not isinstance(settings, Mapping):
        raise Unfit(where, f"the settings of {word} are a map")
    return Named(word=ALIASES.get(word, word), settings=settings or {}, where=where)


def _timeout(section: Mapping[str, Any], where: Where) -> int:
    try:
        return seconds(str(section.get("timeout", _TIMEOUT)))
    except ValueError as wrong:
        raise Unfit((*where, "timeout"), str(wrong)) from None
