"""What is raced: the same task for multigit and for a shell loop, on fleets in the same state."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchlib.fleet import Hosts, Workspace
from benchlib.hosting import Hosting
from benchlib.measure import Took, counted, timed

LOOP = 'set -e; for name in "$@"; do cd "{work}/$name"; {each}; done'
PROMOTE = (
    "git checkout -q dev; git pull -q; git checkout -q stg; git pull -q; git merge -q --no-ff -m 'Merge dev' dev; "
    "git tag -a -m release {tag}; git push -q origin stg; git push -q origin {tag}"
)
PULL = "git pull -q --ff-only"
STATUS = (
    "git fetch -q; git rev-list --count origin/stg..origin/dev; git rev-list --count origin/main..origin/stg; "
    "git describe --tags --abbrev=0 origin/stg"
)


@dataclass(slots=True)
class Race:
    """Results of one task, one of each list per round; `counts` by contestant."""

    what: str
    ours: list[Took] = field(default_factory=list)
    theirs: list[Took] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    against: str = "loop"


Command = tuple[Sequence[str], Workspace]


def program() -> list[str]:
    """The installed multigit of this Python."""
    script = Path(sys.executable).with_name("multigit")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "multigit"]


def loop(space: Workspace, each: str) -> list[str]:
    """A shell that does `each` in every clone, one after another."""
    return ["bash", "-c", LOOP.format(work=space.work, each=each), "loop", *space.hosts.names]


class Races:
    """Two fleets alike for what changes the hosts, one fleet for what only reads them."""

    def __init__(self, folder: Path, hosting: Hosting, names: Sequence[str], commits: int) -> None:
        hosts = [Hosts(hosting.root / kind, names) for kind in ("ours", "theirs", "read")]
        for one in hosts:
            one.make(commits)
        self.hosting = hosting
        self.ours, self.theirs, self.reader, self.read_loop = (
            Workspace(folder / name, hosting, one)
            for name, one in zip(("m", "l", "rm", "rl"), (*hosts, hosts[2]), strict=True)
        )
        for space in (self.ours, self.theirs, self.reader, self.read_loop):
            space.make()
        self.turn = 0
        self.runs = 0
        self.races = {
            what: Race(what)
            for what in (
                "promote dev stg", "status, all changed", "status, unchanged", "status, connection open",
                "pull stg, unchanged", "pull stg, one changed",
            )
        }  # fmt: skip
        if hosting.transport != "ssh":
            del self.races["status, connection open"]

    def round(self, kind: str) -> None:
        """All races once. `kind`: `warm` (thrown away), `time`, or `count`."""
        self.turn += 1
        for what, ours, theirs in self._tasks():
            race = self.races[what]
            runtime = "run-open" if what.endswith("open") else f"r{self.runs}"
            if what.endswith("open"):
                self._run(race, "warm", ours, runtime, mine=True)
            both: list[Callable[[], None]] = [
                lambda o=ours, r=race, t=runtime: self._run(r, kind, o, t, mine=True),  # type: ignore[misc]
                lambda o=theirs, r=race, t=runtime: self._run(r, kind, o, t, mine=False),  # type: ignore[misc]
            ]
            if kind == "warm" and theirs[1] is self.read_loop:
                both.pop()  # nothing is cached there
            for one in both if self.turn % 2 else reversed(both):
                one()
            self.runs += 1
        self._same_result()

    def _tasks(self) -> Iterator[tuple[str, Command, Command]]:
        """What is raced now; the hosts get their news in between."""
        for hosts in (self.ours.hosts, self.theirs.hosts, self.reader.hosts):
            hosts.grow(self.turn)
        mine = [*program(), "promote", "dev", "stg", "--yes"]
        yield (
            "promote dev stg",
            (mine, self.ours),
            (loop(self.theirs, PROMOTE.format(tag=f"r{self.turn}")), self.theirs),
        )
        status = ([*program(), "status"], self.reader), (loop(self.read_loop, STATUS), self.read_loop)
        pull = ([*program(), "pull", "stg"], self.reader), (loop(self.read_loop, PULL), self.read_loop)
        yield "status, all changed", *status
        yield "status, unchanged", *status
        if "status, connection open" in self.races:
            yield "status, connection open", *status
        yield "pull stg, unchanged", *pull
        names = self.reader.hosts.names
        self.reader.hosts.advance(names[self.turn % len(names)])
        yield "pull stg, one changed", *pull

    def _run(self, race: Race, kind: str, command: Command, runtime: str, *, mine: bool) -> None:
        argv, space = command
        environment = space.environment(runtime)
        if kind == "count":
            before = self.hosting.connections
            found = counted(argv, space.work, environment)
            race.counts["ours" if mine else "theirs"] = {**found, "connections": self.hosting.connections - before}
            return
        took = timed(argv, space.work, environment)
        if kind == "time":
            (race.ours if mine else race.theirs).append(took)

    def _same_result(self) -> None:
        """Both did the same work: stg is what dev is, and is tagged, on both sides."""
        wanted = self.ours.hosts.trees("dev")
        for space in (self.ours, self.theirs):
            if space.hosts.trees("stg") != wanted or set(space.hosts.tagged()) != {1}:
                raise RuntimeError(f"{space.folder}: not everything was promoted and tagged once")


def start_up(space: Workspace, times: int) -> list[Race]:
    """How long it takes until a command can begin: against an empty Python, and against git."""
    races = [
        Race(f"multigit {option}", against=name)
        for option in ("--version", "--help")
        for name in ("python -c pass", "git --version")
    ]
    rivals = {"python -c pass": [sys.executable, "-c", "pass"], "git --version": ["git", "--version"]}
    for _ in range(times):
        for race in races:
            race.ours.append(timed([*program(), race.what.split()[1]], space.work, space.environment()))
            race.theirs.append(timed(rivals[race.against], space.work, space.environment()))
    return races
