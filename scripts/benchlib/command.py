"""Options of scripts/bench, and the order of things."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchlib import document, fleet, scale, table
from benchlib.contestants import OURS, Contestant, loop, multigit, plumbing
from benchlib.facts import facts, heading, place
from benchlib.hosting import Hosting, hosting, missing
from benchlib.installing import install, version
from benchlib.peers import PEERS, contestants
from benchlib.races import GROWING, Race, Races
from benchlib.site import AWS, site
from benchlib.startup import start_up

_VERBS = ("promote", "status", "pull", "plan", "start")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a contestant that must not fail did."""
    options = _options(argv)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # servers and folders go, too
    if options.install_peers:
        failed = install((*(peer.source for peer in PEERS), AWS))
        for package, why in failed.items():
            print(f"bench: {package} is not to be had here: {why}", file=sys.stderr)
        return 0
    try:
        runs = [site(options)] if options.what == "site" else [_run(options, one) for one in options.transports]
    except RuntimeError as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"runs": [{key: run[key] for key in run if key != "text"} for run in runs]}, indent=2))
    else:
        print("\n\n".join(run["text"] for run in runs))
    for run in runs if options.write else ():
        document.write(options.write, run["profile"], run["text"])
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="multigit and others, measured side by side.")
    add = parser.add_argument
    add(
        "what",
        nargs="?",
        choices=("race", "scale", "site"),
        default="race",
        help="race, how the cost grows, or a built site to S3 against aws s3 sync",
    )
    add("--repos", type=_numbers, metavar="N[,N]", help="repositories (default 8; quick: 4; scale: 8,50,200,1000)")
    add("--rounds", type=int, metavar="N", help="measured rounds (default 5; quick: 1)")
    add("--transport", choices=("ssh", "https", "http", "path"), help="default ssh; quick: path and http; scale: http")
    add("--rtt", type=float, default=20.0, metavar="MS", help="round trip in ms (default 20)")
    add("--tasks", type=_words, default=_VERBS, metavar="T[,T]", help=f"of {', '.join(_VERBS)} (default: all)")
    add("--against", type=_words, metavar="NAME[,NAME]", help="loop, xargs, peers, or peers by name (default: all)")
    add("--multigit", metavar="PROGRAM", help="the multigit to measure (default: that of this Python)")
    add("--quick", action="store_true", help="less of everything: under a minute")
    add("--json", action="store_true", help="one JSON document instead of tables")
    add("--write", type=Path, metavar="FILE", help="put each table into FILE, between the comments of its profile")
    add("--install-peers", action="store_true", help="fetch the tools of others into your cache, and stop")
    options = parser.parse_args(argv)
    rivals = {"loop", "xargs", "peers", *(peer.name for peer in PEERS)}
    if unknown := [*{*options.tasks} - {*_VERBS}, *{*(options.against or ())} - rivals]:
        parser.error(f"not known: {', '.join(unknown)}")
    options.repos = options.repos or ([4] if options.quick else [8, 50, 200, 1000] if options.what == "scale" else [8])
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.against = options.against or (("loop", "xargs") if options.quick else ("loop", "xargs", "peers"))
    usual = ["http"] if options.what == "scale" else ["path", "http"] if options.quick else ["ssh"]
    options.transports = _possible([options.transport] if options.transport else usual)
    return options


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _possible(transports: Sequence[str]) -> list[str]:
    found: list[str] = []
    for transport in transports:
        absent = missing(transport)
        if absent:
            print(f"bench: {', '.join(absent)} not found, so plain paths are used and no distance", file=sys.stderr)
        found.append("path" if absent else transport)
    return list(dict.fromkeys(found))


def _run(options: argparse.Namespace, transport: str) -> dict[str, Any]:
    """One profile: what was found, and as text."""
    began = time.monotonic()
    known = facts(options, transport)
    if options.what == "scale":
        found = scale.rows({count: _grown(options, transport, count) for count in options.repos})
        profile, notes = f"scale over {transport}", list[str]()
    else:
        races, notes = _raced(options, transport)
        found = table.rows(races)
        profile = f"{options.repos[0]} over {transport}"
    known |= {"profile": profile, "seconds_in_all": round(time.monotonic() - began), "rows": found, "notes": notes}
    top = heading(known)
    text = scale.text(top, found, known["rtt_ms"] / 1000) if options.what == "scale" else table.text(top, found, notes)
    return known | {"text": text}


def _raced(options: argparse.Namespace, transport: str) -> tuple[list[Race], list[str]]:
    racing, notes = _contestants(options)
    with _field(options, transport) as (base, served):
        races = _races(options, base, served, options.repos[0], racing)
        names = [one.name for one in racing]
        # What multigit keeps is made in the round before; the others keep nothing, so they are counted meanwhile.
        first = {name: "warm" if name == OURS and not options.quick else "count" for name in names}
        for kinds in (first, *[dict.fromkeys(names, "time")] * options.rounds, *[{OURS: "count"}][options.quick :]):
            races.round(kinds, options.tasks)
        starts = start_up(races.readers[OURS], options.multigit, options.rounds * 2) if "start" in options.tasks else []
    return [*races.races.values(), *starts], notes


def _grown(options: argparse.Namespace, transport: str, count: int) -> list[Race]:
    ours = multigit(options.multigit)
    with _field(options, transport) as (base, served):
        races = _races(options, base, served, count, [ours], tasks=GROWING)
        print(f"bench: {count} repositories", file=sys.stderr)
        races.round({OURS: "both"}, options.tasks)
    return list(races.races.values())


def _races(
    options: argparse.Namespace, base: Path, served: Hosting, count: int, racing: Sequence[Contestant], **more: Any
) -> Races:
    commits = fleet.COMMITS // 10 if options.quick else fleet.COMMITS
    names = [f"repo-{number + 1}" for number in range(count)]
    return Races(base, served, names, commits, racing, program=options.multigit, **more)


@contextmanager
def _field(options: argparse.Namespace, transport: str) -> Iterator[tuple[Path, Hosting]]:
    """A folder for everything, and hosts that serve from it."""
    home = os.environ.get("HOME", "")
    with tempfile.TemporaryDirectory(prefix="mg-bench-", dir=place()) as folder:
        base = Path(folder)
        os.environ["HOME"] = folder  # what prepares the fleets sees no one's settings either
        (base / "hosts").mkdir()
        try:
            with hosting(transport, base / "hosts", options.rtt / 1000) as served:
                yield base, served
        finally:
            os.environ["HOME"] = home


def _contestants(options: argparse.Namespace) -> tuple[list[Contestant], list[str]]:
    """Who takes part, and notes about the tools of others."""
    racing = [multigit(options.multigit)]
    racing += [make() for name, make in (("loop", loop), ("xargs", plumbing)) if name in options.against]
    wanted = [peer.name for peer in PEERS if {"peers", peer.name} & set(options.against)]
    found = list(contestants(wanted)) if wanted else []
    racing += [one for one in found if isinstance(one, Contestant)]
    known = [f"{p.name} {version(p.source)}".strip() for p in PEERS if p.name in {one.name for one in racing}]
    absent = [one for one in found if isinstance(one, str)]
    notes = [f"Raced: {', '.join(known)}."] if known else []
    notes += [f"Not installed here, so not raced: {', '.join(absent)}."] if absent else []
    return racing, notes
