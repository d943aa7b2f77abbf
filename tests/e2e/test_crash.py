"""SIGKILL at every event of every writing verb: afterwards a run is released everywhere or nowhere (G10, X5)."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.fleetkit import FleetKit
from tests.support.killer import copied, kinds, portable, records, stages, struck
from tests.support.moments import every

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CHUNKS = 3
OFTEN = {"promote": (0, 1), "production": (0,), "backmerge": (1,), "rollback": (2,), "resume": (0,), "abort": (1,)}
"""Which thirds of the events are killed at for every change; all of them by scripts/nightly."""
Refs = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Verb:
    """A verb on a fleet where two of three repositories change."""

    build: Callable[[FleetKit], None]
    args: tuple[str, ...]
    target: str
    tag: str
    production: bool = False


def ahead(branch: str) -> Callable[[FleetKit], None]:
    def build(kit: FleetKit) -> None:
        for name in ("root", "api"):
            kit.commit(name, branch, {"feature.txt": "good\n"}, "feat: good")

    return build


def released_twice(kit: FleetKit) -> None:
    for word in ("one", "two"):
        for name in ("root", "api"):
            kit.commit(name, "dev", {"feature.txt": f"{word}\n"}, f"feat: {word}")
        kit.release()


VERBS = {
    "promote": Verb(ahead("dev"), ("promote", "dev", "stg", "--yes"), "stg", "stg-deploy-"),
    "production": Verb(ahead("stg"), ("promote", "stg", "main"), "main", "deploy-", production=True),
    "backmerge": Verb(ahead("main"), ("backmerge", "main", "stg", "--yes"), "stg", ""),
    "rollback": Verb(released_twice, ("rollback", "previous", "--confirm", "shop main"), "main", "deploy-"),
}


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, FleetKit]]:
    """Fleets built so far in this process."""
    return tmp_path_factory.mktemp("shelf"), {}


@dataclass
class Bench:
    """Fresh copies of a prepared fleet; `home` makes another machine of this one."""

    tmp: Path
    prepared: FleetKit
    verb: Verb
    monkeypatch: pytest.MonkeyPatch
    number: Iterator[int]
    since: int
    """Length of the ledger of the fleet that was prepared."""

    def fresh(self, of: FleetKit | None = None) -> FleetKit:
        return copied(of or self.prepared, self.tmp / f"f{next(self.number)}")

    def args(self, kit: FleetKit) -> tuple[str, ...]:
        if not self.verb.production:
            return self.verb.args
        plan = kit.root / "plan.json"
        kit.call("plan", "stg", "main", "--out", str(plan)).ok()
        return (*self.verb.args, "--plan", str(plan), "--confirm", "shop main")

    def elsewhere(self) -> None:
        """Another machine: no cache, no journal."""
        home = self.tmp / f"home{next(self.number)}"
        home.mkdir()
        (home / ".gitconfig").write_text("[user]\n\tname = Lee\n\temail = lee@example.invalid\n")
        for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            self.monkeypatch.setenv(name, str(home / name))
        self.monkeypatch.setenv("HOME", str(home))


@pytest.fixture
def bench(
    request: pytest.FixtureRequest,
    shelf: tuple[Path, dict[str, FleetKit]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Bench:
    name = request.param
    folder, built = shelf
    if name not in built:
        kit = portable(FleetKit.make(folder / name))
        VERBS[name].build(kit)
        built[name] = kit
    return Bench(tmp_path, built[name], VERBS[name], monkeypatch, itertools.count(), len(records(built[name])))


def check_settled(kit: FleetKit, bench: Bench, before: Refs, *, thorough: bool) -> None:
    """Everything or nothing, told once, nothing left behind, and the next run goes through."""
    history, verb = kinds(kit, since=bench.since), bench.verb
    begun = next((r for r in reversed(records(kit)) if r["kind"] == "begin"), None) if "begin" in history else None
    if history and history[-1] == "released":
        assert begun
        all_there(kit, verb, before, begun["data"]["plan"])
    else:
        assert begun is None or history[-1] == "aborted"
        assert kit.refs() == before
    if begun:
        told_once(kit, begun["run"], history[-1])
    assert "nothing to do" in kit.call("abort" if thorough else "resume", "--yes").ok().text
    kit.call("status").ok()
    assert not list(Path(os.environ["XDG_CACHE_HOME"]).rglob("*.broken")), "a cached copy had to be thrown away"
    if thorough:
        kit.fsck()
        kit.commit("api", "dev", {"next.txt": "next\n"}, "feat: next")
        kit.promote().ok()
        assert kit.file("api", "stg", "next.txt") == "next"


def all_there(kit: FleetKit, verb: Verb, before: Refs, plan: dict[str, Any]) -> None:
    for step in plan["steps"]:
        wanted = step["new"] if step["kind"] == "land" else step["at"]
        assert kit.head(step["repo"], verb.target) == wanted
    tags = {name: sorted(set(kit.refs()[name]) - set(before[name])) for name in kit.names}
    expected = [f"refs/tags/{plan['tag']}"] if verb.tag else []
    assert all(new == expected for new in tags.values()), tags


def told_once(kit: FleetKit, run: str, kind: str) -> None:
    """deployment.log has one line for each repository of the run's end, and no line twice."""
    lines = [line for line in kit.log().splitlines() if f"run={run}" in line]
    assert len(lines) == len(set(lines))
    ends = [line for line in lines if " repo=" in line and " take" not in line]
    steps = next(r for r in records(kit) if r["run"] == run and r["kind"] == "begin")["data"]["plan"]["steps"]
    assert len(ends) == len(steps), (kind, lines)


def each_kill(bench: Bench, chunk: int, *words: str) -> Iterator[tuple[int, FleetKit]]:
    """The fleet as a command leaves it that is killed before its event k, for k = chunk + 1, chunk + 1 + CHUNKS, …"""
    for k in itertools.count(chunk + 1, CHUNKS):
        kit = bench.fresh()
        killed = struck(kit, str(k), "before", "kill", *(words or bench.args(kit)))
        if killed.code != -9:
            killed.ok()
            assert k > 12, "a run has more events than that"
            return
        yield k, kit


def thirds(*words: str) -> list[tuple[str, int]]:
    return [(word, chunk) for word in words for chunk in (range(CHUNKS) if every() else OFTEN[word])]


@pytest.mark.shows("G10", "X5")
@pytest.mark.parametrize(("bench", "chunk"), thirds(*VERBS), indirect=["bench"])
@pytest.mark.fault("sigkill-each-step")
def test_killed_at_any_event_then_resumed_or_aborted(bench: Bench, chunk: int) -> None:
    before = bench.prepared.refs()
    for k, kit in each_kill(bench, chunk):
        other = bench.fresh(kit)
        is_open = bool(kinds(kit, since=bench.since)) and kinds(kit, since=bench.since)[-1] in ("begin", "landed")
        kit.call("status").exits(4 if is_open else 0)
        # One goes on where it was killed, the other from a machine that knows nothing; in turns.
        words = ("resume", "abort") if k % 2 else ("abort", "resume")
        for fleet, word in ((kit, words[0]), (other, words[1])):
            if fleet is other:
                bench.elsewhere()
            fleet.call(word, "--yes").ok()
            if is_open and word == "abort":
                assert kinds(fleet, since=bench.since)[-1] == (
                    "released" if "landed" in kinds(fleet, since=bench.since) else "aborted"
                )
            if is_open and word == "resume":
                assert kinds(fleet, since=bench.since)[-1] == "released"
                assert stages(fleet) == []
            check_settled(fleet, bench, before, thorough=k % 5 == 0)


@pytest.mark.shows("G10", "X5")
@pytest.mark.parametrize(("word", "chunk"), thirds("resume", "abort"))
@pytest.mark.parametrize("bench", ["promote"], indirect=True)
@pytest.mark.fault("sigkill-resume-abort")
def test_resume_and_abort_may_be_killed_as_well(bench: Bench, word: str, chunk: int) -> None:
    before = bench.prepared.refs()
    half = bench.fresh()
    assert struck(half, "result:branch new", "before", "kill", *bench.args(half)).code == -9
    bench.prepared = half
    for k, kit in each_kill(bench, chunk, word, "--yes"):
        again = bench.fresh(kit)
        kit.call(word, "--yes").ok()
        check_settled(kit, bench, before, thorough=False)
        bench.elsewhere()
        crossed = again.call("resume" if word == "abort" else "abort", "--yes")
        assert crossed.code in (0, 3), crossed
        check_settled(again, bench, before, thorough=k == 4)
