"""Long campaigns with figures: `python -m tests.support.campaign --help`; exit code 1 = violations."""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from multigit.apply import engine
from tests.support import failpoints, kills, races
from tests.support.kills import Outcome, Point, Word
from tests.support.servers import HttpGit, SshGit
from tests.support.stand import Stand

NAMES = ("root", "api", "web", "admin", "auth", "pay", "mail", "docs")
CHANGED = ("root", "api", "web", "pay", "docs")
_SAW = "result:branch new, fence landed, tag"
_STG, _LEDGER = "refs/heads/stg", "refs/heads/multigit-ledger"
EVENTS = (
    Point("before", "planned"), Point("before", "intent:stage:api"), Point("after", "result:staged:web"),
    Point("before", "intent:ledger begin"), Point("before", "result:wrote begin"), Point("after", "result:wrote begin"),
    Point("before", "intent:land:root"), Point("after", "intent:land:docs"), Point("before", f"{_SAW} absent:api"),
    Point("after", f"{_SAW} absent:web"), Point("before", "intent:ledger landed"),
    Point("before", "result:wrote landed"), Point("after", "result:wrote landed"), Point("after", "intent:tag:root"),
    Point("before", "intent:tag:mail"), Point("before", f"{_SAW} ours:pay"), Point("after", f"{_SAW} ours:api"),
    Point("before", "intent:ledger released"), Point("before", "result:wrote released"), Point("before", "ended"),
)  # fmt: skip
HELD = tuple(
    Point("held", ref, repos, nth, arrives)
    for ref, repos, nth in (
        ("refs/multigit/stage/*", ("api",), 1), (_LEDGER, ("root",), 1), (_STG, ("api",), 1), (_STG, ("root",), 1),
        (_STG, ("api", "web", "docs"), 1), (_LEDGER, ("root",), 2), ("refs/tags/*", ("web",), 1),
        (_LEDGER, ("root",), 3),
    )
    for arrives in ("first", "last")
)  # fmt: skip
WORDS: tuple[Word, ...] = ("resume", "abort")
OVER_SSH = (EVENTS[5], EVENTS[8], EVENTS[12], HELD[2], HELD[4], HELD[5], HELD[7], HELD[12])


def main() -> int:
    """Run one campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=("kills", "failpoints", "races"))
    parser.add_argument("--ssh", action="store_true", help="over ssh, not HTTP; kills: a handful of points")
    parser.add_argument("--rounds", type=int, default=20, help="races: how many")
    parser.add_argument("--people", type=int, default=8, help="races: how many at once")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mg-campaign-"))
    started = time.monotonic()
    try:
        if asked.which == "races":
            wrong = races.campaign(folder, asked.rounds, asked.people)
        else:
            kind = SshGit if asked.ssh else HttpGit
            points = OVER_SSH if asked.ssh else (*EVENTS, *HELD)
            wrong = _failpoints(folder, kind) if asked.which == "failpoints" else _kills(folder, kind, points)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


def _kills(folder: Path, kind: type[HttpGit | SshGit], points: tuple[Point, ...]) -> int:
    with kind(folder) as server:
        stand = Stand.make(folder, NAMES, CHANGED, server)
        return told(len(NAMES), list(_each(stand, points)))


def _failpoints(folder: Path, kind: type[HttpGit | SshGit]) -> int:
    """Every command that a run over two repositories sends fails once, in every way."""
    engine.PAUSES = (0.0,)
    with kind(folder) as server:
        stand = Stand.make(folder, NAMES[:2], NAMES[:2], server)
        return sum(_failing(stand, way) for way in failpoints.KINDS)


def _failing(stand: Stand, way: failpoints.Kind) -> int:
    found = 0
    for k in itertools.count(1):
        kit = stand.fresh()
        os.environ.update(stand.machine(kit, "kim"))
        hit, wrong = failpoints.tried(kit, k, way, WORDS[k % 2])
        for one in wrong:
            print(f"VIOLATION {way} {k}, {hit}: {one}", flush=True)
        shutil.rmtree(kit.root)
        found += len(wrong)
        if not hit:
            break
    print(f"{way}: each of {k - 1} effects failed once, {found} violations", flush=True)
    return found


def _each(stand: Stand, points: tuple[Point, ...]) -> Iterator[Outcome]:
    for number, (point, word, colleague) in enumerate(product(points, WORDS, (False, True)), 1):
        outcome = kills.run(stand, point, word, colleague=colleague)
        print(f"{number:4} {point.name}, {word}{', a colleague' * colleague}: {outcome.verdict.end}", flush=True)
        for wrong in outcome.verdict.wrong:
            print(f"     VIOLATION {wrong}", flush=True)
        yield outcome
        shutil.rmtree(stand.root / f"f{number}")


def told(repos: int, outcomes: list[Outcome]) -> int:
    """Print the table; the number of violations."""
    rows = defaultdict(list)
    for outcome in outcomes:
        rows[outcome.point.name].append(outcome)
    print(f"\n{repos} repositories; each point x resume, abort x nobody, a colleague pushes")
    print(f"{'killed':58} runs released aborted never-begun diverged violations")
    for name, group in [*rows.items(), (f"{len(rows)} points", outcomes)]:
        ends = [outcome.verdict.end for outcome in group]
        diverged = sum(bool(outcome.verdict.diverged) for outcome in group)
        wrong = sum(len(outcome.verdict.wrong) for outcome in group)
        figures = [ends.count(end) for end in ("released", "aborted", "never begun")]
        print(f"{name:58} {len(group):4} {figures[0]:8} {figures[1]:7} {figures[2]:11} {diverged:8} {wrong:10}")
    return sum(len(outcome.verdict.wrong) for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
