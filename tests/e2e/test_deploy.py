"""Deployments: waves, failures, the way back, resume; on real repositories, with a shelf as the place of releases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from multigit.apply import bringing
from tests.support.fleetkit import ENVIRONMENTS, FleetKit

PHRASE = "shop main"


def repos(shelf: Path) -> str:
    place = f'deploy: {{default: {{tests.support.shelf: {{place: "{shelf}/{{env}}"}}}}}}'
    return f"  root: {{}}\n  api: {{{place}}}\n  web: {{after: [api], {place}}}\n"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing, "_FIRST_PAUSE", 0.01)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for env in ("stg", "prod"):
        (tmp_path / "shelf" / env).mkdir(parents=True)
    return tmp_path / "shelf"


@pytest.fixture
def kit(tmp_path: Path, shelf: Path) -> FleetKit:
    return FleetKit.make(tmp_path, repos=repos(shelf), environments=ENVIRONMENTS)


def there(shelf: Path, repo: str, env: str = "stg") -> str:
    file = shelf / env / f"{repo}.json"
    return str(json.loads(file.read_text())["commit"]) if file.exists() else ""


def acts(shelf: Path, env: str = "stg") -> list[str]:
    file = shelf / env / "acts"
    return [" ".join(line.split()[:2]) for line in file.read_text().splitlines()] if file.exists() else []


def test_what_is_promoted_is_deployed_wave_by_wave(kit: FleetKit, shelf: Path) -> None:
    kit.commit("api", "dev", {"app.txt": "new\n"})
    kit.commit("web", "dev", {"app.txt": "new\n"})
    ran = kit.promote("dev", "stg").exits(0)
    assert "deployed, and well" in ran.out
    assert acts(shelf) == ["put api", "put web"]
    assert there(shelf, "api") == kit.hosts["api"].head("stg")
    again = kit.call("deploy", "stg", "--yes").exits(0)
    assert "nothing to do: commit" in again.out
    assert acts(shelf) == ["put api", "put web"]
