"""A fleet on which everybody works at once: whatever the order, nothing of anybody's is lost and the ledger is true."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from multigit.ledger.journal import Journal
from multigit.model.names import Oid
from tests.support.fleetkit import FleetKit, Ran
from tests.support.killer import copied, portable, records
from tests.support.snapshots import changed, snapshot

NAMES = ("root", "api")
REPOS = st.sampled_from(NAMES)

Files = dict[str, str]


class Struck(BaseException):
    """The process ends here, as far as the command can tell."""


@contextmanager
def dying(k: int) -> Iterator[list[int]]:
    """Every journal entry from the k-th on ends the process; answers how many there were."""
    written, seen = Journal.note, [0]

    def note(self: Journal, *args: Any, **kwargs: Any) -> None:
        seen[0] += 1
        if seen[0] >= k:
            raise Struck
        written(self, *args, **kwargs)

    Journal.note = note  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        Journal.note = written  # type: ignore[method-assign]


@dataclass
class Told:
    """What others have pushed, by branch: commit and the file it brought."""

    commits: dict[tuple[str, str], list[tuple[Oid, str]]] = field(default_factory=dict)

    def add(self, repo: str, branch: str, commit: Oid, path: str) -> None:
        self.commits.setdefault((repo, branch), []).append((commit, path))


class Fleet(RuleBasedStateMachine):
    """dev brings files named d…, somebody on stg s…, hotfixes on main h…: so every merge has one right answer."""

    folders: Iterator[Path]
    home: Path
    prepared: FleetKit

    @initialize()
    def start(self) -> None:
        self.root = next(self.folders)
        self.kit = copied(self.prepared, self.root)
        self.told = Told()
        self.number = 0
        self.reset = False
        clone = self.kit.clone("api")
        (clone / "app.txt").write_text("my own work\n")
        (clone / "mine.txt").write_text("mine\n")
        self.clones = snapshot(clone)

    def teardown(self) -> None:
        if hasattr(self, "kit"):
            self.kit.fsck()
            shutil.rmtree(self.root)

    # --- the others ---

    def pushed(self, repo: str, branch: str, letter: str) -> None:
        self.number += 1
        path = f"{letter}{self.number}.txt"
        self.told.add(repo, branch, self.kit.commit(repo, branch, {path: f"{self.number}\n"}, f"add {path}"), path)

    @rule(repo=REPOS)
    def develop(self, repo: str) -> None:
        self.pushed(repo, "dev", "d")

    @rule(repo=REPOS)
    def a_fix_goes_all_the_way(self, repo: str) -> None:
        self.pushed(repo, "dev", "d")
        self.promote_to_stg()
        self.promote_to_main(reapply=True)

    @rule(repo=REPOS, which=st.integers(0, 3))
    def develop_further(self, repo: str, which: int) -> None:
        """Change or delete what dev has."""
        own = [path for path in self.files(repo, "dev") if path.startswith("d")]
        if own:
            self.number += 1
            path = own[which % len(own)]
            content = None if which == 3 else f"{self.number}\n"
            self.told.add(repo, "dev", self.kit.commit(repo, "dev", {path: content}, "change"), "")

    @rule(repo=REPOS)
    def somebody_pushes_to_stg(self, repo: str) -> None:
        self.pushed(repo, "stg", "s")

    @rule(repo=REPOS)
    def somebody_fixes_main(self, repo: str) -> None:
        self.pushed(repo, "main", "h")

    # --- multigit ---

    def ran(self, *args: str) -> Ran:
        before = self.kit.refs()
        done = self.kit.call(*args)
        assert done.code in (0, 2, 3, 4), done
        assert "trap" not in done.text
        assert "conflict" not in done.text
        if done.code in (2, 3):
            assert self.kit.refs() == before
        return done

    def promoted(self, source: str, target: str, *more: str) -> Ran:
        if target == "stg":
            return self.ran("promote", source, target, "--yes", *more)
        plan = self.root / "plan.json"
        shown = self.ran("plan", source, target, "--out", str(plan), *more)
        return shown if shown.code else self.ran("promote", source, target, "--plan", str(plan), "--confirm", "shop main", *more)

    @rule()
    def promote_to_stg(self) -> None:
        if self.promoted("dev", "stg").code == 0:
            self.arrived("dev", "stg", "sh")

    @rule(reapply=st.booleans())
    def promote_to_main(self, reapply: bool) -> None:
        held = self.quarantined()
        done = self.promoted("stg", "main", "--override", "no-backlog=known", *(["--reapply"] if reapply else []))
        if done.code == 0:
            self.arrived("stg", "main", "h")
        if "NOTHING TO DO" not in done.text and held and not reapply:
            assert done.code == 3 or not self.open_run
            assert "quarantine" in done.text or done.code == 0

    @rule(road=st.sampled_from([("main", "stg", "h"), ("stg", "dev", "sh")]))
    def merge_back(self, road: tuple[str, str, str]) -> None:
        source, target, letters = road
        before = {name: self.files(name, target) for name in NAMES}
        if self.ran("backmerge", source, target, "--yes").code == 0:
            for name in NAMES:
                after = self.files(name, target)
                assert {p: t for p, t in after.items() if p in before[name]} == before[name], "a back-merge deletes nothing"
                assert set(self.standing(name, source, letters)) <= set(after)

    @rule(mode=st.sampled_from(["restore", "restore", "restore", "revert", "reset"]), word=st.sampled_from(["previous", "first"]))
    def roll_back(self, mode: str, word: str) -> None:
        tags = self.kit.tags("deploy-")
        to = tags[0] if word == "first" else tags[-2]
        done = self.ran("rollback", to, "--mode", mode, "--confirm", "shop main")
        if done.code == 0:
            self.reset |= mode == "reset"
            for name in NAMES:
                if mode != "revert":
                    assert self.kit.tree(name, "main") == self.kit.tree(name, to)

    @precondition(lambda self: self.quarantined())
    @rule()
    def lift_the_quarantine(self) -> None:
        self.ran("hold", "release", "prod", "-m", "known")
        assert not self.quarantined()

    @rule(
        k=st.integers(1, 40), word=st.sampled_from(["resume", "abort"]),
        verb=st.sampled_from(["promote", "production", "backmerge", "rollback"]), elsewhere=st.booleans(),
    )  # fmt: skip
    def die_and_settle(self, k: int, word: str, verb: str, elsewhere: bool) -> None:
        with dying(k):
            try:
                self.one(verb)
            except Struck:
                pass
        if elsewhere:
            self.delete_the_cache()
            self.delete_the_journal()
        done = self.ran(word, "--yes")
        assert done.code == 0, done
        assert not self.open_run

    def one(self, verb: str) -> None:
        match verb:
            case "promote":
                self.promoted("dev", "stg")
            case "production":
                self.promoted("stg", "main", "--override", "no-backlog=known")
            case "backmerge":
                self.ran("backmerge", "main", "stg", "--yes")
            case _:
                self.ran("rollback", "previous", "--confirm", "shop main")

    @rule()
    def delete_the_cache(self) -> None:
        shutil.rmtree(self.home / ".cache", ignore_errors=True)

    @rule()
    def delete_the_journal(self) -> None:
        shutil.rmtree(self.home / ".local/state", ignore_errors=True)

    # --- what always holds ---

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return records(self.kit)

    @property
    def open_run(self) -> bool:
        ends = {"begin": True, "landed": True, "aborting": True, "take": True, "released": False, "aborted": False}
        told = [record["kind"] for record in self.ledger if record["kind"] in ends]
        return bool(told) and ends[told[-1]]

    def quarantined(self) -> bool:
        held: set[str] = set()
        for record in self.ledger:
            held |= {mark["hold"] for mark in record["data"].get("quarantine", ()) if record["kind"] == "released"}
            held -= {record["data"].get("hold", "")} if record["kind"] == "lift" else set()
            held -= set(record["data"].get("lifts", ()))
        return bool(held)

    def files(self, repo: str, rev: str) -> Files:
        rows = self.kit.hosts[repo].git("ls-tree", "-r", rev).splitlines()
        return {path: oid for oid, path in (row.split(" ")[2].split("\t") for row in rows)}

    def standing(self, repo: str, branch: str, letters: str) -> list[str]:
        """Files that came on `branch`, or further down, and whose commits it still has."""
        known = [pair for (name, _), pairs in self.told.commits.items() if name == repo for pair in pairs]
        return [path for oid, path in known if path and path[0] in letters and self.has(repo, oid, branch)]

    def has(self, repo: str, oid: Oid, rev: str) -> bool:
        return self.kit.hosts[repo].git("rev-list", "--count", "--max-count=1", oid, f"^{rev}") == "0"

    def arrived(self, source: str, target: str, own: str) -> None:
        """Afterwards the target has exactly what the source has, and what was done on the target itself."""
        for name in NAMES:
            here, there = self.files(name, source), self.files(name, target)
            extra = {path for path in there if path[0] in own}
            assert {p: t for p, t in there.items() if p not in extra or p in here} == here
            assert set(self.standing(name, target, own)) <= set(there)

    @invariant()
    def nobodys_commit_is_lost(self) -> None:
        for (repo, branch), pairs in self.told.commits.items():
            revs = [branch]
            if self.reset and branch == "main":
                revs += [ref for ref in self.kit.refs(inner=True)[repo] if ref.startswith("refs/multigit/kept/")]
            for oid, _ in pairs:
                assert any(self.has(repo, oid, rev) for rev in revs), f"{repo}: {oid} of {branch}"

    @invariant()
    def the_ledger_agrees_with_the_servers(self) -> None:
        plans = {record["run"]: record["data"]["plan"] for record in self.ledger if record["kind"] == "begin"}
        expected: dict[str, dict[str, str]] = {name: {} for name in NAMES}
        for record in self.ledger:
            if record["kind"] == "released" and (tag := plans[record["run"]]["tag"]):
                for step in plans[record["run"]]["steps"]:
                    expected[step["repo"]][tag] = step["new"] if step["kind"] == "land" else step["at"]
        found = {name: self.tags(name) for name in NAMES}
        if not self.open_run:
            assert found == expected
        assert self.kit.call("status").code == (4 if self.open_run else 0)

    def tags(self, repo: str) -> dict[str, str]:
        rows = self.kit.hosts[repo].git("for-each-ref", "--format=%(refname:lstrip=2) %(*objectname)", "refs/tags/")
        return dict(row.split(" ") for row in rows.splitlines())

    @invariant()
    def clones_are_left_alone(self) -> None:
        assert changed(self.clones, snapshot(self.kit.work / "api")) == []


def play(home: Path, tmp_path: Path, *, examples: int, steps: int) -> None:
    """`examples` fleets with two releases behind them, and `steps` things that happen to each."""
    prepared = portable(FleetKit.make(tmp_path / "prepared", NAMES))
    for number, name in enumerate(NAMES):
        prepared.commit(name, "dev", {f"d-{number}.txt": "good\n"}, "feat: good")
        prepared.release()
    folders = (tmp_path / f"fleet{n}" for n in itertools.count())
    machine = type("Play", (Fleet,), {"home": home, "folders": folders, "prepared": prepared})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.shows("I1", "I2", "I3", "I4", "I5", "I6", "R3", "X5", "X6", "X7")
def test_whatever_the_order(hermetic: Path, tmp_path: Path) -> None:
    play(hermetic, tmp_path, examples=12, steps=15)
