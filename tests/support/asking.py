"""Checks of what runs, asked as `verify ENV` asks them and as a gate does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from multigit.checks import ask
from multigit.configfile import parse
from multigit.model.config import Config
from multigit.model.names import EnvName, Oid, RepoName
from multigit.model.serving import HealthCheck, Serving
from multigit.model.verdict import Verdict

CONFIG = """\
version: 1
system: {{name: gli, timezone: Asia/Seoul}}
remotes: {{origin: "git@github.com:team/{{repo}}.git"}}
environments:
  dev:  {{branch: dev, deploys: false}}
  stg:  {{branch: stg, vars: {{long: staging}}}}
  prod: {{branch: main, vars: {{long: production}}, tier: production}}
repos:
  api: {{deploy: {{default: {{health: {health}}}}}}}
  web: {{}}
gates: {gates}
"""
AT = Oid("ab" * 20)
NOON = datetime(2026, 2, 12, 12, tzinfo=UTC)


def config(health: str = "https://a.example", gates: str = "{}") -> Config:
    """A repos.yaml with a health check and gates; ConfigError where they make no sense."""
    return parse(CONFIG.format(health=health, gates=gates).encode(), "repos.yaml")


def asked(kind: str, commit: Oid | None = AT, now: datetime = NOON, **settings: Any) -> Verdict:
    """What a health check of `api` in `stg` says."""
    here = config()
    serving = Serving(
        config=here, env=here.environments[EnvName("stg")], repo=RepoName("api"), folder="/", now=now, commit=commit,
    )  # fmt: skip
    return ask(HealthCheck(repo=RepoName("api"), kind=kind, settings=settings, where=()), serving)
