"""Options of scripts/bench, and the order of things."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchlib import fleet, table
from benchlib.hosting import hosting, missing
from benchlib.races import Race, Races, start_up

_ROOM = 1 << 30
"""Bytes that must be free in memory (/dev/shm) to work there, where no disk adds its noise."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a contestant failed."""
    options = _options(argv)
    if absent := missing(options.transport):
        print(f"bench: {', '.join(absent)} not found, so plain paths are used and no distance", file=sys.stderr)
        options.transport = "path"
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # servers and folders go, too
    began = time.monotonic()
    try:
        races = _measure(options)
    except RuntimeError as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    found = table.rows(races)
    facts = _facts(options) | {"seconds_in_all": round(time.monotonic() - began)}
    print(json.dumps({**facts, "rows": found}, indent=2) if options.json else table.text(_heading(facts), found))
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="multigit against a shell loop, measured.")
    parser.add_argument("--repos", type=int, metavar="N", help="repositories (default 8; quick: 2)")
    parser.add_argument("--rounds", type=int, metavar="N", help="measured rounds (default 5; quick: 1)")
    parser.add_argument("--transport", choices=("ssh", "http", "path"), default="ssh")
    parser.add_argument("--rtt", type=float, default=20.0, metavar="MS", help="round trip in ms (default 20)")
    parser.add_argument("--quick", action="store_true", help="less of everything: under a minute")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    options = parser.parse_args(argv)
    options.repos = options.repos or (2 if options.quick else 8)
    options.rounds = options.rounds or (1 if options.quick else 5)
    return options


def _measure(options: argparse.Namespace) -> Sequence[Race]:
    commits = fleet.COMMITS // 10 if options.quick else fleet.COMMITS
    names = [f"repo-{number + 1}" for number in range(options.repos)]
    with tempfile.TemporaryDirectory(prefix="mg-bench-", dir=_place()) as folder:
        base = Path(folder)
        os.environ["HOME"] = folder  # what prepares the fleets sees no one's settings either
        (base / "hosts").mkdir()
        with hosting(options.transport, base / "hosts", options.rtt / 1000) as served:
            races = Races(base, served, names, commits)
            timed = ["time"] * options.rounds
            # Quick: counted while warming up, so that making the cached copies is in the numbers, too.
            for kind in ("count", *timed) if options.quick else ("warm", *timed, "count"):
                races.round(kind)
            return [*races.races.values(), *start_up(races.ours, options.rounds * 2)]


def _place() -> str | None:
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return str(memory) if roomy else None


def _facts(options: argparse.Namespace) -> dict[str, Any]:
    git = subprocess.run(["git", "--version"], check=True, capture_output=True, text=True).stdout.split()[2]
    return {
        "transport": options.transport,
        "rtt_ms": options.rtt if options.transport != "path" else 0,
        "repositories": options.repos,
        "rounds": options.rounds,
        "git": git,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "load": round(os.getloadavg()[0], 1),
        "place": _place() or tempfile.gettempdir(),
    }


def _heading(facts: dict[str, Any]) -> list[str]:
    return [
        "{repositories} repositories over {transport}, round trip {rtt_ms:g} ms, {rounds} rounds".format(**facts),
        "git {git}, Python {python}, {machine}, load {load}, files in {place}; {seconds_in_all} s in all".format(
            **facts
        ),
        "Medians; two numbers are multigit / the other; lowest-highest is the ratio's range over the rounds.",
    ]
