"""What `doctor ENV` probes: each repository that deploys there, by its `deploy` section. Pure.

    deploy: {default: {ecs: {cluster: "{long}-gli", service: api}, health: …, doctor: {rds: "{pre}gli-database"}}}

`doctor` says what no other key does; `defaults.deploy.doctor` is for all repositories.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from multigit.model.building import built
from multigit.model.config import STRICT, Config, Environment, Repo
from multigit.model.health import Finding, State
from multigit.model.names import Branch, Oid, RepoName
from multigit.model.references import Reference
from multigit.model.serving import HealthCheck, checks_of, section_of
from multigit.model.template import render

TEMPLATES: Final = ("rds", "secret", "cors", "region", "repository")
"""Settings below `doctor` that are templates."""


_ADDRESS: Final = re.compile(r"(https://[^/@?#\s]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[^@?#\s]*)?")


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
    repository: str = ""
    """`owner/name` on GitHub; from the repository's address when left out. A template."""
    token: Reference | None = None
    """`${env:NAME}` of a token that may read Actions; GITHUB_TOKEN or GH_TOKEN, if set, when left out."""
    github: str = "https://api.github.com"
    """Where GitHub's API is: `https://HOST/api/v3` for GitHub Enterprise Server."""

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.github):
            raise ValueError("github is an address that begins with https:// and holds no login")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One repository that deploys to one environment; templates are filled in."""

    config: Config
    env: Environment
    repo: Repo
    now: datetime
    head: Oid | None = None
    """Of the environment's branch, where it is known."""
    workflow: str = ""
    """File name of the workflow that deploys it; '' where none is named."""
    ecs: Mapping[str, str] = field(default_factory=dict)
    """`cluster` and `service`; empty where it is no ECS service."""
    s3: Mapping[str, str] = field(default_factory=dict)
    """`bucket` and perhaps `cdn`; empty where it is no site in a bucket."""
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
    infra = config.infra or {}
    for repo in config.repos.values():
        section, _ = section_of(repo, env)
        if not isinstance(section, Mapping) or not section or (only is not None and repo.name not in only):
            continue
        words = {**env.vars, "env": str(env.name), "repo": str(repo.name)}
        general = config.defaults.get("deploy") or {}
        doctor = doctor_of(config, section, words)
        ecs, s3 = (_texts(section.get(key), words) for key in ("ecs", "s3"))
        region = doctor.region or ecs.get("region") or s3.get("region") or str(infra.get("region", ""))
        yield Patient(
            config=config, env=env, repo=repo, now=now, head=heads.get(repo.name), doctor=doctor, region=region,
            workflow=_filled(_workflow(section) or _workflow(general), words),
            ecs=ecs if ecs.get("cluster") and ecs.get("service") else {}, s3=s3 if s3.get("bucket") else {},
            role=str(infra.get("role", "")), checks=tuple(check for check in checks if check.repo == repo.name),
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


def _workflow(section: Mapping[str, Any]) -> str:
    """As it is written beside the targets, or in the target `actions`."""
    actions = section.get("actions")
    return str(section.get("workflow") or (actions.get("workflow") if isinstance(actions, Mapping) else "") or "")


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
