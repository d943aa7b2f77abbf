"""What deployments and their targets say to each other. Pure; every value is JSON, because the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from multigit.model.names import Branch, EnvName, Oid, RepoName, Tag

Artefact = Mapping[str, Any]
"""What a target needs to bring a release back exactly: an image's digest, a task definition, versions of files."""
Ticket = Mapping[str, Any]
"""What a target needs to follow something that it began, also from another machine."""
Class = Literal["build", "test", "deploy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What should run in one environment, of one repository."""

    env: EnvName
    repo: RepoName
    commit: Oid
    """The commit that should serve. Of what goes back: the one it was made from."""
    tag: Tag | None = None
    """The fleet's release that it belongs to."""
    branch: Branch | None = None
    """The environment's branch."""
    url: str = ""
    """Address of the repository, without a login."""
    deployment: str
    """Id of the deployment; with the step it is unique: made for idempotence tokens and CallerReferences."""
    step: str
    """Id of the step, such as `gli_api-server/deploy`."""
    since: datetime
    """When the deployment began, aware: nothing that ended before that was started by it."""
    artefact: Artefact = field(default_factory=dict)
    """Recorded of an earlier release: then exactly this is brought back. Empty: it is found by the commit."""

    @property
    def token(self) -> str:
        """The same for every try of one step of one deployment, and for nothing else."""
        return f"{self.deployment}/{self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What is there now, seen from one release."""

    state: Literal["other", "arriving", "here"]
    """`here`: what the release asks for; `arriving`: somebody began to bring it, follow `ticket`; `other`: act."""
    what: str
    """What runs, for people, on one line: `gli-api@sha256:0123456789ab, task definition gli-api:12`."""
    artefact: Artefact = field(default_factory=dict)
    """What would bring back what runs now; empty where nothing does, or where it cannot be brought back."""
    ticket: Ticket = field(default_factory=dict)
    """Of what is arriving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far it is."""

    state: Literal["running", "ok", "failed"]
    why: str
    """What is going on, or how it ended, on one line."""
    retry_after: float = 15.0
    """Seconds after which to ask again."""
    artefact: Artefact = field(default_factory=dict)
    """`ok`: what brings this very release back later."""
    fault: Class = "deploy"
    """`failed`: in what kind of work (G12)."""
    details: tuple[str, ...] = ()
    """`failed`: what helps to understand it: failing jobs and steps, the end of a log, events."""
    link: str = ""
    """Where a person can look, if anywhere."""
