"""A target, asked as deployments ask it: look, begin, follow."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

from multigit.model.target import Progress, Release
from multigit.targets import Clients


def bring(module: ModuleType, settings: Any, release: Release, clients: Clients, polls: int = 50) -> Progress:
    """Bring `release` unless it is there, and follow it until it is no longer running, or `polls` times."""
    there = module.current(settings, release, clients)
    if there.state == "here":
        return Progress(state="ok", why=there.what, artefact=there.artefact)
    ticket = there.ticket if there.state == "arriving" else module.deploy(settings, release, clients)
    ticket = json.loads(json.dumps(dict(ticket)))  # the ledger keeps it
    progress = Progress(state="running", why="not asked yet")
    for _ in range(polls):
        progress = module.poll(settings, ticket, clients)
        json.dumps(dict(progress.artefact))
        if progress.state != "running":
            break
    return progress
