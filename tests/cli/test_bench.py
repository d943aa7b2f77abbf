"""scripts/bench runs, does the work it times, and prints what docs/performance.md shows; how fast is not asked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parents[2] / "scripts" / "bench"
TASKS = [
    "promote dev stg",
    "status, all changed",
    "status, unchanged",
    "pull stg, unchanged",
    "pull stg, one changed",
    "multigit --version",
    "multigit --version",
    "multigit --help",
    "multigit --help",
]
SMALL = ("--quick", "--rounds", "1", "--repos", "2", "--transport", "path")


def bench(*args: str) -> str:
    argv = [sys.executable, str(BENCH), *args]
    done = subprocess.run(argv, capture_output=True, encoding="utf-8", timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_table_has_a_row_per_task_with_times_and_a_ratio() -> None:
    lines = bench(*SMALL).splitlines()
    assert lines[0] == "2 repositories over path, round trip 0 ms, 1 rounds"
    assert lines[1].startswith("git 2.")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert rows[0][:5] == ["task", "against", "multigit", "other", "ratio"]
    assert [row[0] for row in rows[1:]] == TASKS
    for row in rows[1:]:
        assert row[2].split()[1] in ("s", "ms")
        assert row[3].split()[1] in ("s", "ms")
        assert float(row[4].removesuffix("x")) >= 0
    assert len({len(line) for line in lines if line.startswith("|")}) == 1


def test_the_json_counts_processes_on_both_sides() -> None:
    told = json.loads(bench(*SMALL, "--json"))
    assert (told["repositories"], told["rounds"], told["transport"]) == (2, 1, "path")
    promote = told["rows"][0]
    assert promote["other"]["git"] == 2 * 8  # eight commands in each repository, none of them ours
    assert promote["multigit"]["git"] > 0
    assert promote["multigit"]["seconds"] > 0
