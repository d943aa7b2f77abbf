"""How a run ended, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from multigit.errors import DONE, PARTLY, REFUSED
from multigit.model.delivery import Delivery
from multigit.model.deployreport import DeploymentReport
from multigit.model.names import RepoName
from multigit.model.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How a run ended, schema `multigit.run/1`."""

    schema: Literal["multigit.run/1"] = "multigit.run/1"
    run: str
    plan: Plan
    outcome: Literal["released", "aborted", "refused", "race", "lost", "open", "nothing"]
    statuses: Mapping[RepoName, str]
    why: str = ""
    warnings: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    took: float = 0.0
    notices: tuple[Delivery, ...] = ()
    """Who was told, and who could not be."""
    deployment: DeploymentReport | None = None
    """What followed the release; None where nothing does."""

    @property
    def clean(self) -> bool:
        """Whether everything is as it was before the run."""
        return self.outcome == "aborted" and "diverged" not in self.statuses.values()

    @property
    def exit_code(self) -> int:
        """0 released or nothing to do; 3 refused or taken back (nothing changed); 4 open, or somebody built on it.

        Of a release that is deployed: how that ended, 5 where it failed.
        """
        if self.outcome in ("released", "nothing"):
            return self.deployment.exit_code if self.deployment else DONE
        return REFUSED if self.clean or self.outcome in ("refused", "race") else PARTLY
