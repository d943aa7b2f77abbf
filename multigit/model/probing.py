"""What `doctor ENV` probes: each repository that deploys there, by its `deploy` section. Pure.

    deploy: {default: {ecs: {cluster: "{long}-gli", service: api}, health: …, doctor: {rds: "{pre}gli-database"}}}

`doctor` says what no other key does; `defaults.deploy.doctor` is for all repositories.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from multigit.model.building import built
from multigit.model.config import STRICT, Config, Environment, Repo
from multigit.model.deploying import bringings
from multigit.model.health import Finding, State
from multigit.model.names import Branch, Oid, RepoName
from multigit.model.serving import HealthCheck, checks_of, section_of
from multigit.model.template import render

TEMPLATES: Final = ("rds", "secret", "cors", "region")
"""Settings below `doctor` that are templates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """What `doctor` in a `deploy` section says."""

    __pydantic_config__ = STRICT
    rds: str = ""
    """RDS instance that the repository's tasks use; a template."""
    secret: str = ""
    """Secret in Secrets Manager, beside those that the task definition names; its value is never read. A template."""
    cors: tuple[str, ...] = ()
    """Origins that fetch files of the bucket from other addresses, such as `https://www.example.com`; templates."""
    region: str = ""
    """AWS region; that of `ecs` or `s3`, then of `infra`, when left out. A template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One repository that deploys to one environment; templates are filled in."""

    config: Config
    env: Environment
    repo: Repo
    now: datetime
    head: Oid | None = None
    """Of the environment's branch, where it is known."""
    actions: Mapping[str, str] = field(default_factory=dict)
    """Settings of the target `actions`, `workflow` among them; empty where no workflow builds it."""
    ecs: Mapping[str, str] = field(default_factory=dict)
    """`cluster`, `service` and whatever else the target says; empty where it is no ECS service."""
    s3: Mapping[str, str] = field(default_factory=dict)
    """`bucket` and perhaps `cdn`, `index`, `prefix`; empty where it is no site in a bucket."""
    region: str = ""
    """'': that of this machine's settings."""
    role: str = ""
    """ARN of the role that `infra` takes first."""
    doctor: Doctor = field(default_factory=Doctor)
    checks: tuple[HealthCheck, ...] = ()

    @property
    def branch(self) -> Branch | None:
        """The branch of the environment."""
        return self.config.branch(self.repo, self.env)

    @property
    def uses_aws(self) -> bool:
        """Whether anything is asked of AWS."""
        return bool(self.ecs or self.s3 or self.doctor.rds or self.doctor.secret)

    def words(self) -> dict[str, str]:
        """What templates may use."""
        return {**self.env.vars, "env": str(self.env.name), "repo": str(self.repo.name)}

    def told(self, name: str, state: State, why: str, *fixes: str) -> Finding:
        """A finding about it; `fixes`: commands."""
        return Finding(name=name, state=state, why=why, fix="\n".join(fixes), repo=self.repo.name)


def patients(
    config: Config, env: Environment, now: datetime, heads: Mapping[RepoName, Oid | None],
    only: Collection[RepoName] | None = None,
) -> Iterator[Patient]:  # fmt: skip
    """Every repository that says how it gets to `env`, in the fleet's order; `only`: those that are chosen."""
    if not env.deploys:
        return
    checks = checks_of(config, env)
    brought = {one.repo: one for one in bringings(config, env)}
    infra = config.infra or {}
    for repo in config.repos.values():
        section, _ = section_of(repo, env)
        if not isinstance(section, Mapping) or not section or (only is not None and repo.name not in only):
            continue
        words = {**env.vars, "env": str(env.name), "repo": str(repo.name)}
        doctor = doctor_of(config, section, words)
        by = {
            one.word: _texts(one.settings, words)
            for one in (brought[repo.name].named() if repo.name in brought else ())
        }
        ecs, s3, actions = by.get("ecs", {}), by.get("s3-site", {}), by.get("actions", {})
        place = ecs or s3
        yield Patient(
            config=config, env=env, repo=repo, now=now, head=heads.get(repo.name), doctor=doctor, ecs=ecs, s3=s3,
            region=doctor.region or place.get("region") or str(infra.get("region", "")),
            role=place.get("role") or str(infra.get("role", "")),
            actions=actions, checks=tuple(check for check in checks if check.repo == repo.name),
        )  # fmt: skip


def doctor_of(config: Config, section: Mapping[str, Any], words: Mapping[str, str]) -> Doctor:
    """What `doctor` says: of the section, over that of all. Checked by `config check`."""
    said = {**doctoring(config.defaults.get("deploy")), **doctoring(section)}
    made: Doctor = built(Doctor, {key: _deep(value, words) if key in TEMPLATES else value
                                  for key, value in said.items() if key in _KNOWN})  # fmt: skip
    return made


def doctoring(deploy: Any) -> Mapping[str, Any]:
    """The map `doctor` of a `deploy` section, as written; empty where there is none."""
    said = deploy.get("doctor") if isinstance(deploy, Mapping) else None
    return said if isinstance(said, Mapping) else {}


_KNOWN: Final = {one.name for one in fields(Doctor)}


def _texts(section: Any, words: Mapping[str, str]) -> dict[str, str]:
    """The texts of a section, filled in as far as they can be: those about a commit stay as they are."""
    if not isinstance(section, Mapping):
        return {}
    return {str(key): _filled(value, words) for key, value in section.items() if isinstance(value, str)}


def _deep(value: Any, words: Mapping[str, str]) -> Any:
    return [_filled(one, words) for one in value] if isinstance(value, list | tuple) else _filled(str(value), words)


def _filled(text: str, words: Mapping[str, str]) -> str:
    try:
        return render(text, words)
    except ValueError:
        return text
