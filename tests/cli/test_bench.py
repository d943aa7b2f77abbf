"""scripts/bench runs, judges the work it times, and writes tables; how fast anything is, is not asked here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parents[2] / "scripts" / "bench"
SMALL = ("--quick", "--repos", "2", "--transport", "path")
IDLE = """\
#!/bin/sh
[ "$1" != pull ] || exit 0
exec {python} -m multigit "$@"
"""
"""A multigit that is very quick at pulling."""


def bench(*args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(BENCH), *args]
    done = subprocess.run(argv, capture_output=True, encoding="utf-8", timeout=110, check=False)
    assert done.returncode == code, done.stderr
    return done


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:2] == "| "]


def test_a_race_writes_its_table_between_the_comments_of_its_profile(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("# Before\n\n<!-- bench: 2 over path -->\nold\n<!-- bench end -->\n\nafter\n")
    told = bench(*SMALL, "--tasks", "pull", "--write", str(document)).stdout
    written = document.read_text()
    assert written.startswith(
        "# Before\n\n<!-- bench: 2 over path -->\n2 repositories over path, no distance, 1 round.\n"
    )
    assert written.endswith("<!-- bench end -->\n\nafter\n")
    assert told.strip() in written
    assert "old" not in written
    head, *body = rows(told)
    assert head[:5] == ["task", "against", "multigit", "other", "multigit / other"]
    assert [(row[0], row[1]) for row in body] == [
        (task, rival) for task in ("pull, unchanged", "pull, one changed") for rival in ("loop", "xargs -P8")
    ]
    assert all(float(row[4].removesuffix("x")) > 0 for row in body)
    assert len({len(line) for line in told.splitlines() if line.startswith("|")}) == 1


def test_the_json_counts_processes_and_memory_on_both_sides() -> None:
    told: dict[str, Any] = json.loads(bench(*SMALL, "--tasks", "promote", "--against", "loop", "--json").stdout)
    (run,) = told["runs"]
    assert (run["repositories"], run["rounds"], run["transport"]) == (2, 1, "path")
    promote = run["rows"][0]
    assert promote["task"] == "promote, all changed"
    assert promote["other"]["git"] == 2 * 8  # eight commands in each repository, none of them ours
    assert promote["multigit"]["git"] > 0
    assert promote["multigit"]["together"] >= promote["multigit"]["largest"] > 10 << 20


def test_who_leaves_the_work_out_does_not_win(tmp_path: Path) -> None:
    idle = tmp_path / "multigit"
    idle.write_text(IDLE.format(python=sys.executable))
    idle.chmod(0o755)
    done = bench(*SMALL, "--tasks", "pull", "--against", "xargs", "--multigit", str(idle), code=1)
    assert done.stderr == "bench: 1 clones are not where the host is, repo-1 first\n"
    assert not done.stdout


def test_the_scale_has_a_row_per_task_and_size_and_says_what_one_more_costs() -> None:
    told = bench("scale", "--quick", "--repos", "1,2", "--transport", "path", "--tasks", "pull").stdout
    head, *body = rows(told)
    assert head[:3] == ["task", "repositories", "time"]
    tasks = ("pull, unchanged", "pull, one changed")
    assert [(row[0], row[1]) for row in body] == [(task, count) for task in tasks for count in ("1", "2")]
    assert "- pull, unchanged: one repository more costs " in told


@pytest.mark.skipif(not shutil.which("aws"), reason="aws (awscli) is not installed")
def test_a_site_is_raced_against_aws_s3_sync_and_both_buckets_are_looked_at() -> None:
    told: dict[str, Any] = json.loads(bench("site", "--quick", "--json").stdout)
    (run,) = told["runs"]
    assert (run["profile"], run["files"]) == ("site", 200)
    tasks = ("cold", "unchanged", "built anew, same content", "one in ten changed")
    assert [row["task"] for row in run["rows"]] == [f"site, {task}" for task in tasks]
    assert all(row["ratio"] > 0 and row["against"] == "aws s3 sync" for row in run["rows"])
