"""A fleet on which everybody works at once: whatever the order, nothing of anybody's is lost and the ledger is true."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.fleetkit import FleetKit, Ran
from tests.support.killer import copied, portable
from tests.support.snapshots import changed, snapshot
from tests.support.witness import Struck, Witness, dying

STORIES = int(os.environ.get("MULTIGIT_STORIES", "5"))
"""How many are told; scripts/nightly tells more."""

NAMES = ("root", "api")
REPOS = st.sampled_from(NAMES)


class Everybody(RuleBasedStateMachine):
    """dev brings files named d…, somebody on stg s…, hotfixes on main h…: so every merge has one right answer."""

    folders: Iterator[Path]
    home: Path
    prepared: FleetKit

    @initialize()
    def start(self) -> None:
        self.root = next(self.folders)
        self.kit = copied(self.prepared, self.root)
        self.seen = Witness(self.kit)
        self.was_reset = False
        clone = self.kit.clone("api")
        (clone / "app.txt").write_text("my own work\n")
        (clone / "mine.txt").write_text("mine\n")
        self.clone = snapshot(clone)

    def teardown(self) -> None:
        if hasattr(self, "kit"):
            self.kit.fsck()
            shutil.rmtree(self.root)

    # --- the others ---

    @rule(repo=REPOS)
    def develop(self, repo: str) -> None:
        self.seen.pushed(repo, "dev", "d")

    @rule(repo=REPOS, which=st.integers(0, 3), gone=st.booleans())
    def develop_further(self, repo: str, which: int, gone: bool) -> None:
        own = [path for path in self.seen.files(repo, "dev") if path.startswith("d")]
        if own:
            self.seen.number += 1
            path = own[which % len(own)]
            self.seen.changed(repo, "dev", path, None if gone else f"{self.seen.number}\n")

    @rule(repo=REPOS)
    def somebody_pushes_to_stg(self, repo: str) -> None:
        self.seen.pushed(repo, "stg", "s")

    @rule(repo=REPOS)
    def somebody_fixes_main(self, repo: str) -> None:
        self.seen.pushed(repo, "main", "h")

    # --- multigit ---

    def ran(self, *args: str) -> Ran:
        before = self.kit.refs()
        done = self.kit.call(*args)
        assert done.code in (0, 3), done
        assert "trap" not in done.text
        assert "conflict" not in done.text or "revert" in args
        assert done.code == 0 or self.kit.refs() == before
        return done

    def promoted(self, source: str, target: str, *more: str) -> Ran:
        if target == "stg":
            return self.ran("promote", source, target, "--yes", *more)
        plan = self.root / "plan.json"
        shown = self.ran("plan", source, target, "--out", str(plan), *more)
        consent = ("--plan", str(plan), "--confirm", "shop main")
        return shown if shown.code else self.ran("promote", source, target, *consent, *more)

    @rule()
    def promote_to_stg(self) -> None:
        assert self.promoted("dev", "stg").code == 0
        self.arrived("dev", "stg", "sh")

    @rule(reapply=st.booleans())
    def promote_to_main(self, reapply: bool) -> None:
        held = self.seen.quarantined()
        done = self.promoted("stg", "main", "--override", "no-backlog=known", *(["--reapply"] if reapply else []))
        if done.code == 0:
            self.arrived("stg", "main", "h")
            assert reapply or not held or "NOTHING TO DO" in done.text
        else:
            assert held
            assert "quarantine" in done.text

    def arrived(self, source: str, target: str, own: str) -> None:
        """Afterwards the target has exactly what the source has, and what was done on the target itself."""
        for name in NAMES:
            here, there = self.seen.files(name, source), self.seen.files(name, target)
            assert {path: blob for path, blob in there.items() if path in here or path[0] not in own} == here
            assert self.seen.standing(name, target, own) <= set(there)

    @rule(road=st.sampled_from([("main", "stg", "h"), ("stg", "dev", "sh")]))
    def merge_back(self, road: tuple[str, str, str]) -> None:
        """Everything of the target stays, and everything that was done downstream is there."""
        source, target, letters = road
        before = {name: self.seen.files(name, target) for name in NAMES}
        assert self.ran("backmerge", source, target, "--yes").code == 0
        for name in NAMES:
            after = self.seen.files(name, target)
            assert {path: blob for path, blob in after.items() if path in before[name]} == before[name]
            assert self.seen.standing(name, source, letters) <= set(after)

    @rule(repo=REPOS)
    def a_fix_goes_all_the_way(self, repo: str) -> None:
        self.develop(repo)
        self.promote_to_stg()
        self.promote_to_main(reapply=True)

    @rule(mode=st.sampled_from(["restore", "restore", "revert", "reset"]), which=st.sampled_from([0, -2]))
    def roll_back(self, mode: str, which: int) -> None:
        to = self.kit.tags("deploy-")[which]
        code = self.ran("rollback", to, "--mode", mode, "--confirm", "shop main").code
        assert code == 0 or (mode == "revert" and code == 3)  # what was fixed since may not be revertible: refused
        self.was_reset |= mode == "reset"
        assert mode == "revert" or all(self.kit.tree(name, "main") == self.kit.tree(name, to) for name in NAMES)

    @rule(repo=REPOS, back=st.booleans())
    def a_release_is_taken_back_and_fixed(self, repo: str, back: bool) -> None:
        self.roll_back("restore", 0)
        if back:
            self.somebody_fixes_main(repo)
            self.merge_back(("main", "stg", "h"))
        self.a_fix_goes_all_the_way(repo)

    @precondition(lambda self: self.seen.quarantined())
    @rule()
    def lift_the_quarantine(self) -> None:
        assert self.ran("hold", "release", "prod", "-m", "known").code == 0
        assert not self.seen.quarantined()

    # --- misfortune ---

    @rule(
        k=st.integers(1, 30), word=st.sampled_from(["resume", "abort"]), elsewhere=st.booleans(),
        verb=st.sampled_from(["promote", "production", "backmerge", "rollback"]),
    )  # fmt: skip
    def die_and_settle(self, k: int, word: str, verb: str, elsewhere: bool) -> None:
        branch, letter = {"promote": ("dev", "d"), "production": ("stg", "s")}.get(verb, ("main", "h"))
        for repo in NAMES:
            self.seen.pushed(repo, branch, letter)
        with dying(k), suppress(Struck):
            self.begin(verb)
        self.the_ledger_agrees_with_the_servers()
        if elsewhere:
            self.delete_the_cache()
            self.delete_the_journal()
        assert self.kit.call(word, "--yes").code in ((0, 3) if word == "resume" else (0,))
        assert not self.seen.open_run()

    def begin(self, verb: str) -> None:
        match verb:
            case "promote":
                self.promoted("dev", "stg")
            case "production":
                self.promoted("stg", "main", "--override", "no-backlog=known", "--reapply")
            case "backmerge":
                self.ran("backmerge", "main", "stg", "--yes")
            case _:
                self.ran("rollback", self.kit.tags("deploy-")[0], "--confirm", "shop main")

    @rule()
    def delete_the_cache(self) -> None:
        shutil.rmtree(self.home / ".cache", ignore_errors=True)

    @rule()
    def delete_the_journal(self) -> None:
        shutil.rmtree(self.home / ".local/state", ignore_errors=True)

    # --- what always holds ---

    @invariant()
    def nobodys_commit_is_lost(self) -> None:
        assert self.seen.lost(kept=self.was_reset) == []

    @invariant()
    def the_ledger_agrees_with_the_servers(self) -> None:
        is_open = self.seen.open_run()
        assert is_open or self.seen.tags() == self.seen.promised_tags()
        assert self.kit.call("status").code == (4 if is_open else 0)

    @invariant()
    def clones_are_left_alone(self) -> None:
        assert changed(self.clone, snapshot(self.kit.work / "api")) == []


def play(home: Path, tmp_path: Path, *, examples: int, steps: int) -> None:
    """`examples` fleets with two releases behind them, and `steps` things that happen to each."""
    prepared = portable(FleetKit.make(tmp_path / "prepared", NAMES))
    for number, name in enumerate(NAMES):
        prepared.commit(name, "dev", {f"d-{number}.txt": "good\n"}, "feat: good")
        prepared.release()
    folders = (tmp_path / f"fleet{number}" for number in itertools.count())
    machine = type("Play", (Everybody,), {"home": home, "folders": folders, "prepared": prepared})
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.shows("I1", "I2", "I3", "I4", "I5", "I6", "R3", "X5", "X6", "X7")
def test_whatever_the_order(hermetic: Path, tmp_path: Path) -> None:
    play(hermetic, tmp_path, examples=STORIES, steps=15)
