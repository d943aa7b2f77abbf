"""Targets: one file per kind of place that releases are brought to, named like the word in `deploy` of repos.yaml.
Files that start with `_` are helpers, not targets. A dotted name is a module from outside.

A target is a module with

- `Settings`: frozen dataclass, every field documented; `TEMPLATES`: names of its settings that are templates;
- `current(settings, release, clients) -> Deployed`: what is there now, and whether it is the release. Only looks. It is
  asked before the release is built, too: what is not there to be brought yet is "other", and `deploy` says so;
- `deploy(settings, release, clients) -> Ticket`: begin to bring it. Asked only after `current` said "other". Whoever
  asks may be killed at any moment in it and asks again: `current` must then see what was begun, or `deploy` must be
  harmless when it is repeated (a token from `release.token`, an upload that goes on);
- `poll(settings, ticket, clients) -> Progress`: how far it is. Only looks, returns soon, never waits.

Rolling back is `deploy` of a release with the `artefact` that was recorded. What cannot be done is a MultigitError
that says why; `Unsure` where it is not known whether what was asked for happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from multigit import clients, plugins, secrets
from multigit.errors import MultigitError
from multigit.model.references import Reference


class Unsure(MultigitError):
    """It was asked for, and no answer came: what is there has to be looked at again."""

    code = "MG-820"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """What a target reaches the world by."""

    folder: Path
    """Folder of repos.yaml."""
    clone: Path
    """Folder of the repository's clone; it may not exist."""
    say: Callable[[str], None] = lambda text: None
    """Progress of long work, for people, one line each time."""

    def aws(self, service: str, region: str = "", role: str = "") -> Any:
        """The client of an AWS service, made once for all; throttling is heeded by it."""
        return clients.aws(service, region=region or None, role=role)

    def secret(self, reference: Reference) -> str:
        """What `${env:NAME}` stands for; MultigitError where it is not set."""
        return secrets.resolved(reference)


def settings_of(module: ModuleType, values: Mapping[str, Any]) -> Any:
    """The target's own `Settings` made of what repos.yaml says; UsageError names every field that is wrong."""
    word = module.__name__.rpartition(".")[2].replace("_", "-")
    return plugins.settings_of(module, values, f"target {word!r}")
