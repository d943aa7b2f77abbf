"""The fleet that most tests of failing hosts and machines begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from multigit.apply import engine
from tests.support.fleetkit import FleetKit


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FleetKit:
    """root, api and web, each with a feature on dev; tries follow each other at once. Other fleets override it."""
    monkeypatch.setattr(engine, "PAUSES", (0.0,))
    kit = FleetKit.make(tmp_path)
    for name in kit.names:
        kit.commit(name, "dev", {"feature.txt": "good\n"}, "feat: good")
    return kit
