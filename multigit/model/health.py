"""Findings: whether this machine and every remote are fit for a release. Pure: what was seen, judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from multigit.errors import DONE, FAILED
from multigit.model.names import EnvName, RepoName

State = Literal["ok", "warn", "ng", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `warn` is worth a look and does not stop a release; `skip` was not looked at."""

    name: str
    state: State
    why: str
    """What was seen, or why it is not well."""
    fix: str = ""
    """Commands that may be typed, one a line; '' where none helps."""
    repo: RepoName | None = None
    """None: this machine, or the fleet as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What `doctor` found, schema `multigit.doctor/1`."""

    schema: Literal["multigit.doctor/1"] = "multigit.doctor/1"
    title: str
    env: EnvName | None = None
    """None: all environments."""
    repos: int = 0
    wrote: bool = False
    """Whether throw-away refs were pushed and deleted (--write)."""
    findings: tuple[Finding, ...] = ()
    exit_code: int = DONE


def exit_code(findings: Iterable[Finding]) -> int:
    """1 where anything is not well."""
    return FAILED if any(finding.state == "ng" for finding in findings) else DONE


def skew(seconds: float, source: str, *, limit: float = 60.0) -> Finding:
    """The clock, that many seconds ahead of `source` (negative: behind). Tags are named by it."""
    if abs(seconds) <= limit:
        return Finding(name="clock", state="ok", why=f"agrees with {source}")
    which = "ahead of" if seconds > 0 else "behind"
    why = f"this machine is {abs(seconds):.0f} s {which} {source}; release tags carry the time"
    return Finding(name="clock", state="ng", why=why, fix="timedatectl set-ntp true")


def size(count: float) -> str:
    """Bytes as people say them: `120 MB`, `3.4 GB`."""
    mega = count / 1_000_000
    return f"{mega:.0f} MB" if mega < 1000 else f"{mega / 1000:.1f} GB"
