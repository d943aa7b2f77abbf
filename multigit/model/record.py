"""One record of the ledger: something that happened, and that everyone must agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from multigit.model.actor import Actor
from multigit.model.names import DeploymentId, Oid, RunId

Kind = Literal[
    "begin", "take", "aborting", "landed", "released", "aborted", "failed", "hold", "lift",
    "deploying", "step", "following", "returning", "deployed",
]  # fmt: skip
"""Those of the second line are about deployments (deployments.py), not about runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One record. `data` holds what the kind needs: the whole plan for `begin`, statuses for `aborted`."""

    kind: Kind
    at: datetime
    by: Actor
    run: RunId | None = None
    deployment: DeploymentId | None = None
    owner: str = ""
    """Token of the process that holds the run or deployment; a new one after `take` and `following`."""
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    oid: Oid | None = None
    """The ledger commit that holds it; None before it was written."""
