"""What is raced: tasks done by every contestant on fleets in the same state, in an order that chance decides."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchlib import judge
from benchlib.contestants import OURS, Contestant, own
from benchlib.fleet import Hosts, Story, Template
from benchlib.hosting import Hosting
from benchlib.measure import Counts, Took, counted, timed
from benchlib.workspace import Workspace


@dataclass(slots=True)
class Results:
    """One contestant in one task: a time per round, what was counted once, and why it was taken out."""

    times: list[Took] = field(default_factory=list)
    counts: Counts | None = None
    connections: int | None = None
    failed: str = ""


@dataclass(slots=True)
class Race:
    """One task, by contestant."""

    what: str
    results: dict[str, Results] = field(default_factory=dict)

    def of(self, name: str) -> Results:
        return self.results.setdefault(name, Results())


@dataclass(frozen=True, slots=True)
class Task:
    """`news`: what happens on the hosts before it (`all`, a `tenth`, one or `stg` of one repository changes).

    `again`: at once after the task before, whose connection is still open.
    """

    what: str
    verb: str
    news: str = ""
    again: bool = False


TASKS = (
    Task("promote, all changed", "promote", "all"),
    Task("promote, one in ten changed", "promote", "tenth"),
    Task("status, all changed", "status", "all"),
    Task("status, unchanged", "status"),
    Task("status, again within a minute", "status", again=True),
    Task("pull, unchanged", "pull"),
    Task("pull, again within a minute", "pull", again=True),
    Task("pull, one changed", "pull", "stg"),
)
GROWING = (
    Task("status, first run", "status"),
    Task("status, unchanged", "status"),
    Task("status, one in ten changed", "status", "tenth"),
    Task("pull, unchanged", "pull"),
    Task("pull, one changed", "pull", "stg"),
    Task("plan, first run", "plan", "tenth"),
    Task("promote, first run", "promote"),
    Task("plan, one in ten changed", "plan", "tenth"),
    Task("promote, one in ten changed", "promote"),
    Task("plan, one changed", "plan", "one"),
    Task("promote, one changed", "promote"),
)
"""For `scripts/bench scale`."""
_WRITE = ("promote", "plan")


class Races:
    """A fleet for each contestant that changes the hosts; one fleet, and clones for each, for what only reads them."""

    def __init__(
        self,
        folder: Path,
        hosting: Hosting,
        names: Sequence[str],
        commits: int,
        contestants: Sequence[Contestant],
        *,
        program: str | None = None,
        tasks: Sequence[Task] = TASKS,
    ) -> None:
        template = Template(folder / "template", commits)
        self.hosting, self.names, self.contestants, self.program = hosting, names, contestants, program
        self.stories = {kind: Story(template, names) for kind in ("read", "write")}
        read = Hosts(hosting.root / "read", self.stories["read"])
        read.make()
        self.readers: dict[str, Workspace] = {}
        self.writers: dict[str, Workspace] = {}
        for number, one in enumerate(contestants):
            self.readers[one.name] = self._space(folder / f"r{number}", read)
            if "promote" in one.ways:
                mine = Hosts(hosting.root / f"write{number}", self.stories["write"])
                mine.make()
                self.writers[one.name] = self._space(folder / f"w{number}", mine)
        self.tasks = [task for task in tasks if hosting.transport == "ssh" or not task.again]
        self.races = {
            task.what: Race(task.what, {one.name: Results() for one in contestants if task.verb in one.ways})
            for task in self.tasks
        }
        self.turn = self.runs = 0
        self.promoted = dict.fromkeys(self.writers, 0)
        self.chance = random.Random(len(names))
        for one in contestants:
            if one.prepare:
                one.prepare(self.readers[one.name])

    def _space(self, folder: Path, hosts: Hosts) -> Workspace:
        space = Workspace(folder, self.hosting, hosts)
        space.make()
        return space

    def round(self, kinds: Mapping[str, str], verbs: Iterable[str]) -> None:
        """All tasks once. `kinds`: contestant -> `warm` (thrown away), `time`, `count` or `both`; others rest."""
        for task, following in _paired([one for one in self.tasks if one.verb in verbs]):
            racing = [one for one in self.contestants if one.name in kinds and task.verb in one.ways]
            self.chance.shuffle(racing)
            self._news(task, [self._space_of(one, task).hosts for one in racing])
            trees: list[list[str]] = []
            for one in racing:
                self.runs += 1
                for what in (task, following) if following and one.keeps else (task,):
                    if self._turn(one, what, kinds[one.name]) and task.verb == "promote":
                        self.promoted[one.name] += 1
                        trees.append(judge.promoted(self.writers[one.name].hosts, self.promoted[one.name]))
            if any(found != trees[0] for found in trees):
                raise RuntimeError("the contestants did not end with the same files")

    def _news(self, task: Task, hosts: Sequence[Hosts]) -> None:
        """Make what happens on the hosts before the task."""
        self.turn += 1
        story = self.stories["write" if task.verb in _WRITE else "read"]
        one = self.names[self.turn % len(self.names)]
        who = {"all": self.names, "tenth": self.names[self.turn % 10 :: 10] or [one], "one": [one], "stg": [one]}
        unique = list({host.folder: host for host in hosts}.values())
        story.grow(self.turn, who.get(task.news, ()), unique)
        if task.news == "stg":
            for host in unique:
                host.advance(one)

    def _space_of(self, one: Contestant, task: Task) -> Workspace:
        return (self.writers if task.verb in _WRITE else self.readers)[one.name]

    def _turn(self, one: Contestant, task: Task, kind: str) -> bool:
        """Let one do one task; False where it failed, which takes it out for good."""
        result = self.races[task.what].results[one.name]
        if result.failed:
            return False
        try:
            began = time.time()
            self._run(one, task, kind, result)
            self._check(one, task, kind, began)
        except RuntimeError as error:
            if one.must:
                raise
            result.failed = str(error)
        return not result.failed

    def _run(self, one: Contestant, task: Task, kind: str, result: Results) -> None:
        space = self._space_of(one, task)
        argv = one.ways[task.verb](space, f"stg-deploy-20300101-{self.turn:06}")
        environment = space.environment(f"run{self.runs}")
        before = self.hosting.connections
        if kind in ("count", "both"):
            every = 0.02 if kind == "count" else 0.25
            took, result.counts = counted(argv, space.work, environment, every=every)
            result.connections = self.hosting.connections - before
        else:
            took = timed(argv, space.work, environment)
        if kind in ("time", "both"):
            result.times.append(took)

    def _check(self, one: Contestant, task: Task, kind: str, began: float) -> None:
        space = self._space_of(one, task)
        if one.name != OURS and task.verb in ("pull", "status"):
            judge.asked(space, began)
        if task.verb == "pull":
            judge.pulled(space)
        elif task.verb == "status" and one.name != OURS:
            judge.looked(space)
        elif task.verb == "status" and kind in ("count", "both"):
            judge.told(space, own(self.program))


def _paired(tasks: Sequence[Task]) -> Iterator[tuple[Task, Task | None]]:
    """Each task with the one that follows it at once, if any."""
    for number, task in enumerate(tasks):
        if not task.again:
            following = tasks[number + 1] if number + 1 < len(tasks) else None
            yield task, following if following and following.again else None
