"""What the engine does with a target, in a few lines, for tests of targets by themselves."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from multigit.model.target import Progress, Release
from multigit.targets import Clients


def bring(module: ModuleType, settings: Any, release: Release, clients: Clients, polls: int = 50) -> Progress:
    """Look, deploy where something else is there, and ask until it is no longer under way."""
    there = module.current(settings, release, clients)
    if there.state == "here":
        return Progress(state="ok", why=there.what, artefact=there.artefact)
    ticket = there.ticket if there.state == "arriving" else module.deploy(settings, release, clients)
    progress: Progress = module.poll(settings, ticket, clients)
    for _ in range(polls):
        if progress.state != "running":
            break
        progress = module.poll(settings, ticket, clients)
    return progress
