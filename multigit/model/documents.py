"""Documents that are not one value of the model: what --json prints beside status, run and plan.

Each carries its schema's name; multigit/schemas/ describes them. Times are UTC, names and ids plain strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from multigit.errors import DONE
from multigit.model.config import Config
from multigit.model.delivery import Delivery
from multigit.model.deployreport import DeploymentReport
from multigit.model.events import Hold
from multigit.model.fleet import CommitLine
from multigit.model.names import Branch, EnvName, Oid, RepoName, RunId
from multigit.model.record import Event
from multigit.model.releases import ReleaseRow


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryDocument:
    """`history`, newest release first."""

    schema: Literal["multigit.history/1"] = "multigit.history/1"
    env: EnvName | None = None
    """None: all environments."""
    releases: tuple[ReleaseRow, ...] = ()
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoDiff:
    """What one repository's source has that its target lacks."""

    repo: RepoName
    source: Branch | None = None
    target: Branch | None = None
    source_oid: Oid | None = None
    target_oid: Oid | None = None
    ahead: int = 0
    """Commits, merges not counted."""
    commits: tuple[CommitLine, ...] = ()
    """The newest of them, at most 200."""
    files: tuple[str, ...] = ()
    """Paths whose content would change in the target."""
    conflicts: tuple[str, ...] = ()
    """Paths that git cannot merge by itself."""
    problem: str = ""
    """Why nothing could be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffDocument:
    """`diff SRC DST`."""

    schema: Literal["multigit.diff/1"] = "multigit.diff/1"
    source: EnvName
    target: EnvName
    repos: tuple[RepoDiff, ...]
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoLog:
    """Commits of one repository, newest first."""

    repo: RepoName
    commits: tuple[CommitLine, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDocument:
    """`log`; `range` is what was asked for: `SRC..DST` or a REF."""

    schema: Literal["multigit.log/1"] = "multigit.log/1"
    range: str
    repos: tuple[RepoLog, ...]
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowDocument:
    """`show REF|RUN`: one run with its plan and its events, oldest first, and its deployments."""

    schema: Literal["multigit.show/1"] = "multigit.show/1"
    run: RunId | None = None
    """None: a tag that no run tells of."""
    phase: str = ""
    tag: str | None = None
    plan: Mapping[str, Any]
    """The plan's JSON document as the ledger has it."""
    statuses: Mapping[RepoName, str]
    """What became of each repository whose branch was to move."""
    commits: Mapping[RepoName, Oid]
    """Where the tag stands, per repository."""
    events: tuple[Event, ...] = ()
    deployments: tuple[DeploymentReport, ...] = ()
    """What was deployed of it, oldest first."""
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsDocument:
    """A command of several runs (`hotfix --backmerge`, `push --then`): its runs in order, and what ended it early."""

    schema: Literal["multigit.runs/1"] = "multigit.runs/1"
    runs: tuple[Mapping[str, Any], ...]
    """Documents of schema multigit.run/1."""
    error: ErrorDocument | None = None
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldsDocument:
    """`hold list|set|release`: the holds in force."""

    schema: Literal["multigit.holds/1"] = "multigit.holds/1"
    holds: tuple[Hold, ...]
    notices: tuple[Delivery, ...] = ()
    """Who was told, and who could not be."""
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleDocument:
    """`resume` and `abort` when no run is open."""

    schema: Literal["multigit.settle/1"] = "multigit.settle/1"
    outcome: Literal["nothing"] = "nothing"
    next: tuple[str, ...] = ()
    """What a release still owes: its deployment, or its way back."""
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDocument:
    """`config show`: repos.yaml as it was understood, defaults filled in."""

    schema: Literal["multigit.config/1"] = "multigit.config/1"
    file: str
    digest: str
    """sha256 (hex) of the file."""
    config: Config
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDocument:
    """`multigit approve`: the plan, and whose approvals it has now."""

    schema: Literal["multigit.approval/1"] = "multigit.approval/1"
    plan: str
    digest: str
    run: RunId
    target: str
    approved_by: tuple[str, ...]
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyDocument:
    """`notify test|send`: what became of each notice."""

    schema: Literal["multigit.notify/1"] = "multigit.notify/1"
    notices: tuple[Delivery, ...]
    waiting: int = 0
    """Notices that still wait in the outbox of this machine."""
    exit_code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDocument:
    """Why a command ended without its own document."""

    schema: Literal["multigit.error/1"] = "multigit.error/1"
    code: str
    """Stable, `MG-300`."""
    what: str
    why: str = ""
    hint: str = ""
    """The command to type next."""
    state: str = ""
    """What has changed so far."""
    exit_code: int
