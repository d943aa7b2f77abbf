"""The k-th effect fails: of all commands that a run sends to a host, one does not get there, or its answer does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

from multigit.vcs import run
from multigit.vcs.run import Output
from multigit.vcs.ssh.way import Way
from multigit.vcs.web import push
from multigit.vcs.wire import Unheard
from tests.support.fleetkit import FleetKit, Ran
from tests.support.judged import Before, judge
from tests.support.killer import kinds
from tests.support.kills import is_open

Kind = Literal["unsent", "unheard", "silent"]
"""It never gets to the host; the host does it and the answer is lost; nothing happens until our own deadline."""
KINDS: tuple[Kind, ...] = ("unsent", "unheard", "silent")
EFFECTS, PUSHES = ("push", "fetch", "ls-remote"), ("push",)
_DEADLINE = 0.3
Execute = Callable[..., tuple[Output, float]]


@dataclass(slots=True)
class Failpoint:
    """Fails the `k`-th command (from 1) of the `counted` ones that go to a host; `hit` is what that was."""

    k: int
    kind: Kind
    counted: Sequence[str]
    hit: str = ""
    sent: int = 0
    lock: Lock = field(default_factory=Lock)

    def execute(
        self, real: Execute, argv: Any, cwd: Any, stdin: bytes, timeout: float, env: Any, shown: Any = (), **more: Any
    ) -> tuple[Output, float]:
        """Stands in for the door's `_execute`."""
        if not self._mine(shown):
            return real(argv, cwd, stdin, timeout, env, shown, **more)
        if self.kind == "silent":
            return real(["sleep", "60"], cwd, b"", _DEADLINE, env, shown)
        if self.kind == "unheard":
            real(argv, cwd, stdin, timeout, env, shown, **more)
            return Output(128, b"", "fatal: the remote end hung up unexpectedly"), 0.0
        return Output(128, b"", "fatal: unable to access it: Connection reset by peer"), 0.0

    def send(self, real: Callable[[Any, bytes, float], Any], way: Any, body: bytes, timeout: float) -> Any:
        """Stands in for what sends a push without git."""
        if not self._mine(("push", "without git")):
            return real(way, body, timeout)
        if self.kind == "unheard":
            real(way, body, timeout)
        if self.kind == "silent":
            raise TimeoutError
        raise Unheard("Connection reset by peer")

    def _mine(self, shown: Sequence[str]) -> bool:
        with self.lock:
            counts = bool(shown) and shown[0] in self.counted
            self.sent += counts
            mine = counts and self.sent == self.k
            self.hit = " ".join(shown) if mine else self.hit
        return mine


@contextmanager
def failing(k: int, kind: Kind, counted: Sequence[str] = EFFECTS) -> Iterator[Failpoint]:
    """Within it the k-th command to a host fails, once."""
    real: Execute = run._execute
    over_http, over_ssh = push._answer, Way.ask
    point = Failpoint(k, kind, counted)
    run._execute = lambda *args, **more: point.execute(real, *args, **more)
    push._answer = lambda *args: point.send(over_http, *args)
    Way.ask = lambda *args: point.send(over_ssh, *args)  # type: ignore[method-assign]
    try:
        yield point
    finally:
        run._execute = real
        push._answer = over_http
        Way.ask = over_ssh  # type: ignore[method-assign]


def tried(kit: FleetKit, k: int, kind: Kind, *settle: str, counted: Sequence[str] = EFFECTS) -> tuple[str, list[str]]:
    """A promotion whose k-th effect fails, then `settle`: what failed ('' = the run has fewer), and what is wrong."""
    before = Before.of(kit)
    with failing(k, kind, counted) as point:
        ran = kit.call("promote", "dev", "stg", "--yes", "--jobs", "1")
    wrong = _answered(kit, ran)
    return point.hit, [*wrong, *_settled(kit, before, settle)]


def tried_settling(kit: FleetKit, before: Before, k: int, kind: Kind, word: str) -> tuple[str, list[str]]:
    """The same for `word` itself, on a run that was left open; `before`: the fleet before that run."""
    with failing(k, kind) as point:
        ran = kit.call(word, "--yes", "--jobs", "1")
    return point.hit, [*_answered(kit, ran, settling=True), *_settled(kit, before, (word,))]


def _settled(kit: FleetKit, before: Before, settle: Sequence[str]) -> list[str]:
    wrong = []
    if is_open(kit):
        ran = kit.call(*settle, "--yes")
        wrong += [f"{' '.join(settle)}: {one}" for one in _answered(kit, ran)]
    wrong += [f"it stays open: {kinds(kit)}"] * is_open(kit)
    return [*wrong, *judge(kit, before).wrong]


def _answered(kit: FleetKit, ran: Ran, *, settling: bool = False) -> list[str]:
    """Whether the exit code is a documented one and agrees with the ledger.

    4 although nothing is open is right: where a record got no answer it may be there or arrive later. Without 4 while
    a run is open is right where the command never got as far as taking it up (`settling`).
    """
    history, wrong, tail = kinds(kit), [], ran.text[-300:]
    if ran.code not in (0, 1, 3, 4) or "Traceback" in ran.text:
        wrong.append(f"exit {ran.code}: {tail}")
    if is_open(kit) and ran.code != 4 and not (settling and ran.code):
        wrong.append(f"exit {ran.code}, and the ledger has {history}: {tail}")
    if "RELEASED" in ran.out and history[-1:] != ["released"]:
        wrong.append(f"it says released, the ledger has {history}")
    if ran.code == 4 and "multigit resume" not in ran.text:
        wrong.append(f"exit 4 without the way on: {tail}")
    return wrong
