"""What a reader must know to judge a table: when, where, with what."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

_ROOM = 4 << 30
"""Bytes that must be free in memory (/dev/shm) to work there, where no disk adds its noise."""


def place() -> str | None:
    """The folder to work in: in memory where there is room; None for the usual one."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return str(memory) if roomy else None


def facts(options: argparse.Namespace, transport: str) -> dict[str, Any]:
    """Before the run: the load is what others do on this machine."""
    git = subprocess.run(["git", "--version"], check=True, capture_output=True, text=True).stdout.split()[2]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return {
        "what": options.what,
        "transport": transport,
        "rtt_ms": options.rtt if transport != "path" else 0,
        "repositories": options.repos if options.what == "scale" else options.repos[0],
        "rounds": 1 if options.what == "scale" else options.rounds,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "git": git,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB",
        "load": round(os.getloadavg()[0], 1),
        "place": "memory" if place() else tempfile.gettempdir(),
    }


def heading(known: dict[str, Any]) -> list[str]:
    """Two or three lines above a table."""
    fleets = known["repositories"]
    many = ", ".join(str(count) for count in fleets) if isinstance(fleets, list) else str(fleets)
    distance = f", a round trip of {known['rtt_ms']:g} ms" if known["rtt_ms"] else ", no distance"
    rounds = f", {known['rounds']} {'round' if known['rounds'] == 1 else 'rounds'}" if known["what"] == "race" else ""
    told = "{date}. git {git}, Python {python}, {machine}, load {load} before, files in {place}; {seconds_in_all} s."
    lines = [f"{many} repositories over {known['transport']}{distance}{rounds}.", told.format(**known)]
    if known["what"] == "race":
        lines.append("Medians; two numbers are multigit / the other; lowest-highest is the ratio's range.")
    return lines
