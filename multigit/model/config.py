"""repos.yaml as declared models, frozen. The JSON Schema for editors and docs/configuration.md come from here.

Maps in the file stay maps here, keyed by name; each entry also carries its own `name` (filled in by
`configfile`, never written by people). Plain dataclasses: pydantic validates them, but only when a file
has to be read, so that start-up does not pay for it (docs/adr/0002).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from multigit.model import strict
from multigit.model.names import Branch, EnvName, RepoName
from multigit.model.notifier import Notifier

Settings = Mapping[str, Any]
"""Settings of a plug-in, checked by the plug-in's own `Settings` when it is used."""


STRICT: Any = strict.STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The product whose repositories these are."""

    __pydantic_config__ = STRICT
    name: EnvName
    """Short id: part of the phrase that confirms a production release."""
    title: str = ""
    """Name shown to people; `name` when left out."""
    timezone: str = "UTC"
    """IANA zone of tags, windows and printed times. JSON is always UTC."""
    lang: Literal["ko", "en"] = "en"
    """Language of prompts and notices."""
    home: RepoName | None = None
    """Repository that holds the ledger branch `multigit-ledger`; the first one when left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One station of the road to production. The order in the file is the order of promotion."""

    __pydantic_config__ = STRICT
    name: EnvName
    branch: Branch | None = None
    """Branch that is this environment; left out where promotion is by tag."""
    alias: tuple[EnvName, ...] = ()
    """Other words for it on the command line."""
    tier: Literal["development", "staging", "production"] | None = None
    """`production` asks for a checklist and a typed phrase; the others for one yes."""
    tag: str | None = None
    """Template of the release tag, for example `deploy-{now:%Y%m%d-%H%M%S}`; no tag when left out."""
    deploys: bool = True
    """False: nothing runs there (a developer's machine)."""
    vars: Mapping[str, str] = field(default_factory=dict)
    """Words for templates of this environment."""
    url: str | None = None
    """Where people see it."""
    auto_rollback: Literal["ask", "always", "never"] = "ask"
    """Whether a deployment that fails, or is not well, is taken back: `always` at once, `ask` on a terminal."""
    image: str | None = None
    """Template of the image tag."""
    schedule: str | None = None
    """When a dev deployment starts by itself, for example `mon-fri 07:00`."""
    release: Literal["none", "prerelease", "full"] | None = None
    """Kind of GitHub Release made with the tag."""
    regions: tuple[str, ...] = ()
    """Regions that are deployed one after another."""
    signers: tuple[str, ...] = ()
    """Addresses from `signing.signers` whose releases count here; every release must then be signed by one of them."""
    approvals: int = 0
    """How many others must approve a plan before it is applied (`multigit approve`); never its author."""
    approvers: tuple[str, ...] = ()
    """Addresses from `signing.signers` that may approve; the environment's `signers` when left out."""

    @property
    def production(self) -> bool:
        """Whether a mistake here reaches customers."""
        return self.tier == "production"

    @property
    def may_approve(self) -> tuple[str, ...]:
        """Addresses whose approval counts."""
        return self.approvers or self.signers


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """One repository of the fleet. Its key is its name, its folder and its name on the host, unless said otherwise."""

    __pydantic_config__ = STRICT
    name: RepoName
    path: str | None = None
    """Folder of the clone, relative to repos.yaml; `.` for the repository that holds repos.yaml."""
    url: str | None = None
    """Address, where it differs from the template in `remotes`."""
    desc: str = ""
    """One line for people."""
    after: tuple[RepoName, ...] = ()
    """Repositories that go first; from these come the waves."""
    branches: Mapping[EnvName, Branch] = field(default_factory=dict)
    """Branch per environment, where it differs from the environment's own."""
    role: Literal["code", "config"] = "code"
    """`config`: written by pins, never merged."""
    rollback: Literal["restore", "never"] = "restore"
    """`never`: a rollback leaves it where it is (schemas go forward only)."""
    components: Mapping[str, Settings] = field(default_factory=dict)
    """Things built from this repository."""
    deploy: Settings = field(default_factory=dict)
    """How it is deployed, per environment or `default`: docs/deploy.md."""
    migrate: Settings = field(default_factory=dict)
    """Database migrations. Kept for the deployment verbs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A road from one environment to the next."""

    __pydantic_config__ = STRICT
    from_: EnvName
    """Source environment."""
    to: EnvName
    """Target environment."""
    message: str = "Merge {from} into {to}"
    """Message of the merge commit; `{from}` and `{to}` are the branches."""
    gates: tuple[str, ...] = ()
    """Names of gates that are asked before anything is confirmed."""
    phrase: str | None = None
    """What is typed to confirm production; `<system> <branch>` when left out."""
    by: Literal["merge", "tag", "pin"] = "merge"
    """merge: branch to branch. tag and pin: for the deployment verbs."""
    watch: str | None = None
    """How long the health of the target is watched after its deployment, for example `30m`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A condition under which a promotion may go on. Written flat: `{kind: window, allow: [...]}`."""

    __pydantic_config__ = STRICT
    name: str
    kind: str
    """File name of the check in multigit/checks, or a dotted module name."""
    level: Literal["block", "warn"] = "block"
    """`warn`: shown, does not stop."""
    settings: Settings = field(default_factory=dict)
    """What the check itself understands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotfix:
    """The emergency path round staging."""

    __pydantic_config__ = STRICT
    allow: tuple[EnvName, ...] = ()
    """Environments that may be pushed to directly."""
    backmerge: tuple[EnvName, ...] = ()
    """Environments that are owed the fix, in order."""
    never_commit: tuple[str, ...] = ("**/.DS_Store", "**/.env*", "**/*.pem")
    """Paths that are refused in a commit made by multigit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """How a release is taken back."""

    __pydantic_config__ = STRICT
    mode: Literal["restore", "revert", "reset"] = "restore"
    """restore: a commit with the tag's tree, no force-push. The others are explained in docs/rollback.md."""
    runtime_first: bool = True
    """What runs goes back to what is recorded of that release, before git does."""
    hold: bool = True
    """Quarantine the release taken back, so that `promote` does not ship it again unasked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The file the team greps."""

    __pydantic_config__ = STRICT
    file: str = "deployment.log"
    """Name of the file next to repos.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Whose signatures are known. How a person signs is said by their own git (`gpg.format`, `user.signingKey`)."""

    __pydantic_config__ = STRICT
    signers: Mapping[str, str] = field(default_factory=dict)
    """Address to public key: the line of an ssh `.pub` file, or `openpgp:` and a fingerprint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole of repos.yaml."""

    __pydantic_config__ = STRICT
    version: Literal[1]
    """Version of this format."""
    system: System
    environments: Mapping[EnvName, Environment]
    """In order of promotion."""
    repos: Mapping[RepoName, Repo]
    """The fleet."""
    remotes: Mapping[str, str] = field(default_factory=dict)
    """`origin`: template of the repositories' addresses with `{repo}`."""
    defaults: Settings = field(default_factory=dict)
    """Deployment settings shared by all repositories."""
    groups: Mapping[str, tuple[RepoName, ...]] = field(default_factory=dict)
    """Names for sets of repositories, for `--repo`."""
    promotions: tuple[Promotion, ...] = ()
    """Roads that may be taken; neighbours in `environments` when left out."""
    gates: Mapping[str, Gate] = field(default_factory=dict)
    """Gates by name."""
    hotfix: Hotfix = field(default_factory=Hotfix)
    rollback: Rollback = field(default_factory=Rollback)
    notify: tuple[Notifier, ...] = ()
    """Who is told of what happens."""
    log: Log = field(default_factory=Log)
    signing: Signing = field(default_factory=Signing)
    infra: Settings | None = None
    """What `multigit infra` makes and mends in AWS, checked; `model.infra.settings.infra_of` gives it as models."""

    @property
    def title(self) -> str:
        """Name of the system for people."""
        return self.system.title or self.system.name

    @property
    def home(self) -> Repo:
        """The repository that holds the ledger."""
        return self.repos[self.system.home] if self.system.home else next(iter(self.repos.values()))

    @property
    def fleet(self) -> tuple[Repo, ...]:
        """The repositories that are merged, in the file's order."""
        return tuple(repo for repo in self.repos.values() if repo.role == "code")

    def environment(self, word: str) -> Environment | None:
        """The environment meant by `word`: its id, then an alias, then its branch."""
        if word in self.environments:
            return self.environments[EnvName(word)]
        by_alias = [env for env in self.environments.values() if word in env.alias]
        by_branch = [env for env in self.environments.values() if word == env.branch]
        return next(iter(by_alias + by_branch), None)

    def target(self, name: EnvName | None) -> Environment | None:
        """The environment a plan is for, by its `target`; None where it is for none."""
        return self.environments[name] if name else None

    def branch(self, repo: Repo, env: Environment) -> Branch | None:
        """The branch of `repo` that is `env`."""
        return repo.branches.get(env.name, env.branch)

    def url(self, repo: Repo) -> str:
        """Where `repo` is fetched from and pushed to; '' where the file does not say."""
        return repo.url or self.remotes.get("origin", "").replace("{repo}", repo.name)

    def folder(self, repo: Repo) -> str:
        """Folder of the clone, relative to repos.yaml."""
        return repo.path or str(repo.name)

    def promotion(self, source: Environment, target: Environment) -> Promotion | None:
        """The declared road between two environments; a plain one between neighbours where none is declared."""
        for road in self.promotions:
            if (road.from_, road.to) == (source.name, target.name):
                return road
        names = list(self.environments)
        follows = names.index(target.name) == names.index(source.name) + 1
        return Promotion(from_=source.name, to=target.name) if follows and not self.promotions else None

    def phrase(self, target: Environment, road: Promotion | None = None) -> str:
        """What has to be typed before production changes: `gli main`."""
        return (road.phrase if road else None) or f"{self.system.name} {target.branch or target.name}"

    def waves(self) -> tuple[tuple[Repo, ...], ...]:
        """The fleet in layers: every repository stands after those it names in `after`."""
        left = {repo.name: repo for repo in self.fleet}
        layers: list[tuple[Repo, ...]] = []
        while left:
            ready = tuple(r for r in left.values() if not any(name in left for name in r.after))
            layers.append(ready or tuple(left.values()))  # a cycle is refused by configfile; never loop here
            for repo in layers[-1]:
                del left[repo.name]
        return tuple(layers)


_DURATION = re.compile(r"(\d+)([smhd])")


def seconds(duration: str) -> int:
    """`90s`, `10m`, `24h`, `2d` in seconds; ValueError otherwise."""
    found = _DURATION.fullmatch(duration)
    if not found:
        raise ValueError(f"{duration!r} is no duration: a whole number and s, m, h or d, for example 10m")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
