"""Targets as deployments use them: look, begin, follow."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from multigit.model.target import Progress, Release
from multigit.targets import Clients


def bring(module: ModuleType, settings: Any, release: Release, clients: Clients, polls: int = 50) -> Progress:
    """Bring `release` by one target, without waiting between the questions; the last answer."""
    found = module.current(settings, release, clients)
    if found.state == "here":
        return Progress(state="ok", why=found.what, artefact=found.artefact)
    ticket = found.ticket if found.state == "arriving" else module.deploy(settings, release, clients)
    for _ in range(polls):
        said: Progress = module.poll(settings, ticket, clients)
        if said.state != "running":
            break
    return said
