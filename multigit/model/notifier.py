"""Who is told, and of what: an entry of `notify:` in repos.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from multigit.model.names import EnvName
from multigit.model.strict import STRICT

Severity = Literal["info", "warning", "critical"]
When = Literal[
    "started",
    "finished",
    "failed",
    "aborted",
    "rolled-back",
    "back-merged",
    "hotfix",
    "held",
    "init",
    "build",
    "deploy",
]
"""`deploy`: a deployment begins and ends. `init` and `build` name stages of a version to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """Who is told, and of what. Written flat, the notifier first: `{slack: "${env:SLACK_URL}", when: [failed]}`."""

    __pydantic_config__ = STRICT
    kind: str
    """File name of the notifier in multigit/notifiers, or a dotted module name."""
    name: str = ""
    """What `notify test NAME` calls it; the notifier's word, numbered where it is used again, when left out."""
    when: tuple[When, ...] = ()
    """What is told; everything when left out. `hotfix`: an emergency from its start; `held`: hold set and released;
    `deploy`: a deployment, from its start; `failed` and `finished` tell of its end as well."""
    envs: tuple[EnvName, ...] = ()
    """Environments it is told of; all when left out."""
    severity: Severity = "info"
    """The least that is told: `warning` and `critical` leave out what went as it should."""
    lang: Literal["ko", "en"] | None = None
    """Language; the system's own when left out."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the notifier itself understands, `address` among it: the reference behind its word."""
