"""The embedded default: the demo is the product's own commands on real repositories, and it ends well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.shows("G1", "G3", "G6", "G8", "G9", "G10", "G11", "R2", "R3")
def test_the_demo_tells_its_whole_story_and_leaves_a_workspace_that_works(tmp_path: Path) -> None:
    place = tmp_path / "demo"
    told = run(tmp_path, "demo", "--keep", str(place))
    for word in ("1 conflict", "ABORTED", "EMERGENCY", "ROLLBACK prod", "quarantine", "ok live", "NOTHING TO DO"):
        assert word in told
    assert "Traceback" not in told
    status = run(place / "work", "status")
    assert "gli_api-server" in status
    assert "multigit plan stg main" in status
    assert "deploy-20260212-070014" in run(place / "work", "rollback", "deploy-20260212-0700", "--dry-run")


@pytest.mark.shows("G1")
def test_only_the_workspace_can_be_made_and_nothing_is_overwritten(tmp_path: Path) -> None:
    place = tmp_path / "demo"
    run(tmp_path, "demo", "--keep", str(place), "--setup-only")
    assert (place / "work" / ".git").is_dir()
    assert "4 commits in 3 wait for stg" in run(place / "work", "status")
    before = sorted(path.relative_to(place) for path in place.rglob("*"))
    run(tmp_path, "demo", "--keep", str(place), expect=2)
    assert sorted(path.relative_to(place) for path in place.rglob("*")) == before


def run(folder: Path, *args: str, expect: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "multigit", *args], cwd=folder, capture_output=True, encoding="utf-8", check=False,
        timeout=280, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr
