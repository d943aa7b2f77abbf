"""The client is killed with all it started, at a chosen point, while its server lives on; then the run is settled."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support.fleetkit import FleetKit
from tests.support.judged import Before, Verdict, judge
from tests.support.killer import busy, kinds, records
from tests.support.processes import Family, wait_until
from tests.support.stand import Environment, Stand, pushes, ran, words

Word = Literal["resume", "abort"]
PATIENCE = 120.0
"""Seconds until a point is reached; the machine may be busy."""
PROMOTE = ("promote", "dev", "stg", "--yes")
_HOLD = """\
while read old new ref; do case "$ref" in {ref})
  echo x >> hold.count
  if [ $(wc -l < hold.count) = {nth} ]; then
    touch hold.held; i=0
    until [ -e {go} ] || [ $i -gt 9000 ]; do sleep 0.02; i=$((i+1)); done
  fi;;
esac; done; exit 0"""
"""A pre-receive that takes its time over the nth push of a ref."""


@dataclass(frozen=True, slots=True)
class Point:
    """`when`: before or after the journal writes the event that begins with `where`; or while the host of `repo`
    holds its nth push of the ref `where`, which it finishes before or after the run was settled.
    """

    when: Literal["before", "after", "held"]
    where: str
    repos: tuple[str, ...] = ()
    nth: int = 1
    arrives: Literal["", "first", "last"] = ""

    @property
    def name(self) -> str:
        if self.when != "held":
            return f"{self.when} {self.where}"
        late = "settled first" if self.arrives == "last" else "lands first"
        return f"{self.where} held in {'+'.join(self.repos)} ({self.nth}), {late}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: how it was judged, and what the commands said that closed it."""

    point: Point
    word: Word
    colleague: bool
    verdict: Verdict


def run(stand: Stand, point: Point, word: Word, *, colleague: bool) -> Outcome:
    """A promotion that is killed at `point`, perhaps a colleague's push, then `word` until the run is closed."""
    kit = stand.fresh()
    before = Before.of(kit)
    go, kim, lee = kit.root / "go", stand.machine(kit, "kim"), stand.machine(kit, "lee")
    wrong = [] if _killed(kit, point, kim, go) else [f"the run was over before {point.name}"]
    theirs = {}
    if point.arrives == "first":
        _let_go(kit, go)
    if colleague:
        theirs["api"] = pushes(kit, lee, _url(stand, kit, "api"), "stg")
    # In turns from the machine that was killed and from one that knows nothing.
    wrong += _settle(kit, word, kim if word == "resume" else lee)
    if point.arrives == "last":
        _let_go(kit, go)
        wrong += _settle(kit, word, kim)
    wait_until(lambda: not busy(str(kit.root)), seconds=PATIENCE, what="no push is under way on the server")
    verdict = judge(kit, before, theirs)
    kit.fsck()
    return Outcome(point, word, colleague, Verdict(verdict.end, verdict.diverged, (*wrong, *verdict.wrong)))


def _url(stand: Stand, kit: FleetKit, name: str) -> str:
    path = kit.hosts[name].path
    return stand.server.url(str(path.relative_to(stand.server.root))) if stand.server else str(path)


def _killed(kit: FleetKit, point: Point, env: Environment, go: Path) -> bool:
    """Whether the client got to `point`, where it was killed."""
    family = Family()
    module = ["tests.support.killer", point.where, point.when, "stop"] if point.when != "held" else ["multigit"]
    for name in point.repos if point.when == "held" else ():
        kit.hosts[name].hook("pre-receive", _HOLD.format(ref=point.where, nth=point.nth, go=go))
    try:
        argv = [sys.executable, "-m", *module, *words(kit, *PROMOTE)]
        child = family.start(argv, environment=env, log=kit.root / "client.log")
        held = [kit.hosts[name].path / "hold.held" for name in point.repos]

        def reached() -> bool:
            return all(file.exists() for file in held) if held else _asleep(child.pid)

        wait_until(lambda: child.poll() is not None or reached(), seconds=PATIENCE, what=point.name)
        return child.poll() is None
    finally:
        family.kill()


def _asleep(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


def _let_go(kit: FleetKit, go: Path) -> None:
    """The held pushes go on; wait until each has ended, one way or the other."""
    go.touch()
    wait_until(lambda: not busy(str(kit.root)), seconds=PATIENCE, what="the held pushes end")


def _settle(kit: FleetKit, word: Word, env: Mapping[str, str]) -> list[str]:
    """Type `word` until no run is open, at most three times; what was said that should not be."""
    wrong = []
    for _ in range(3):
        done = ran(kit, env, word, "--yes")
        if done.code not in (0, 3, 4) or "Traceback" in done.text:
            wrong.append(f"{word} ended with {done.code}: {done.text[-300:]}")
        if not is_open(kit):
            return wrong
    return [*wrong, f"{word} three times left it open: {kinds(kit)}"]


def is_open(kit: FleetKit) -> bool:
    """Whether the ledger has a run that began and was not closed."""
    told = [record["kind"] for record in records(kit)]
    return told.count("begin") > told.count("released") + told.count("aborted")
