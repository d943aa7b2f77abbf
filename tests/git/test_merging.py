"""Merging and taking back on real histories: nothing is lost, nothing is dropped silently, and it can be done again."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multigit.model.fleet import Clean, Conflicted, Pair
from multigit.model.names import Oid, Tag
from multigit.vcs import merging, read
from tests.support.gitkit import plain_git
from tests.support.histories import MAIN, STG, Doc, History, absorbing, merged, taking_back, tree_id, written

bounded = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=15
)
FILES = ("f0", "f1", "f2", "f3")


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """A new folder for each example; they are many."""
    return (tmp_path / f"h{number}" for number in itertools.count())


# --- like git merge ------------------------------------------------------------------------------------------------


@dataclass
class Anything:
    """Two branches on which everybody does what they like."""

    h: History
    docs: dict[str, dict[str, str]] = field(default_factory=dict)

    def do(self, what: str, branch: str, which: int, number: int) -> None:
        files = dict(self.docs[branch])
        path = sorted(files)[which % len(files)] if files else ""
        lines = files.get(path, "").splitlines()
        if what == "merge":
            self.merge(branch)
            return
        if what == "edit" and lines:
            lines[which % len(lines)] = f"{branch} {number}"
            files[path] = "\n".join(lines) + "\n"
        elif what == "add":
            files[f"n{which}"] = f"{branch} {number}\n" * 8
        elif what == "delete":
            files.pop(path, None)
        elif what == "rename" and files:
            files[f"r{number}"] = files.pop(path)
        if files != self.docs[branch]:
            self.docs[branch] = files
            self.h.commit(branch, files)

    def merge(self, branch: str) -> None:
        """Somebody merges the other branch by hand, where that works."""
        other = "main" if branch == "stg" else "stg"
        mine, theirs = self.h.head(branch), self.h.head(other)
        outcome = read.merge_trees(self.h.mirror, mine, theirs)
        if isinstance(outcome, Clean) and mine != theirs:
            self.h.join(branch, outcome.tree, f"Merge {other}", mine, theirs)
            names = self.h.host.git("ls-tree", "--name-only", outcome.tree).split()
            self.docs[branch] = {name: (self.h.has(outcome.tree, name) or "") + "\n" for name in names}


def git_merges(h: History, folder: Path) -> str | None:
    """The tree that a person's `git merge --no-ff` in a clone makes; None where it stops with a conflict."""
    plain_git("clone", "--quiet", "--branch", "main", h.host.url, str(folder), at=h.host.path)
    try:
        plain_git("merge", "--no-ff", "--quiet", "-m", "m", "origin/stg", at=folder)
    except AssertionError:
        assert plain_git("diff", "--name-only", "--diff-filter=U", at=folder)
        return None
    return plain_git("rev-parse", "HEAD^{tree}", at=folder)


DEEDS = st.tuples(
    st.sampled_from(["edit", "edit", "edit", "add", "delete", "rename", "merge"]),
    st.sampled_from(["stg", "main"]),
    st.integers(0, 11),
)


@pytest.mark.slow
@pytest.mark.shows("G3")
@bounded
@given(deeds=st.lists(DEEDS, min_size=2, max_size=9))
def test_without_a_rollback_it_is_what_git_merge_gives(
    folders: Iterator[Path], deeds: list[tuple[str, str, int]]
) -> None:
    folder = next(folders)
    h = History.make(folder / "host.git")
    first = {name: "".join(f"{name} {n}\n" for n in range(10)) for name in FILES}
    base = h.commit("main", first)
    h.host.git("update-ref", "refs/heads/stg", base)
    world = Anything(h, {"stg": dict(first), "main": dict(first)})
    for number, (what, branch, which) in enumerate(deeds):
        world.do(what, branch, which, number)
    pair = h.compare()
    if pair.source_oid == pair.target_oid:
        return
    told = git_merges(h, folder / "clone")
    if told is None:
        assert isinstance(pair.outcome, Conflicted)
        assert pair.outcome.paths
    else:
        assert isinstance(pair.outcome, Clean)
        assert pair.outcome.tree == told
        assert list(pair.outcome.changed) == h.differ("main", told)
    shown = int(h.host.git("rev-list", "--count", "--no-merges", "main..stg"))
    assert pair.ahead == len(pair.commits) == shown
    assert pair.absorbs == ()
    assert pair.traps == ()
    assert h.compare() == pair
    shutil.rmtree(folder)


# --- with rollbacks: as if there had been none ---------------------------------------------------------------------


@dataclass
class Releases:
    """stg and main with releases, rollbacks, hotfixes and back-merges, and what they would hold without rollbacks."""

    h: History
    stg: dict[str, Doc] = field(default_factory=dict)
    main: dict[str, Doc] = field(default_factory=dict)
    owed: set[Oid] = field(default_factory=set)
    """Hotfixes that stg has not got."""
    live: list[tuple[Oid, dict[str, Doc], set[Oid]]] = field(default_factory=list)
    """States of main that were released: what a rollback may go back to."""
    number: int = 0

    @classmethod
    def make(cls, folder: Path) -> Releases:
        world = cls(History.make(folder))
        world.stg = world.main = {name: Doc(name) for name in FILES}
        world.h.host.git("update-ref", "refs/heads/stg", world.h.commit("main", written(world.main)))
        world.note()
        return world

    def note(self) -> None:
        self.live.append((self.h.head("main"), dict(self.main), set(self.owed)))

    def on_stg(self, what: str, which: int) -> None:
        self.number += 1
        own = sorted(name for name in self.stg if not name.startswith("hot"))
        name = own[which % len(own)]
        docs = dict(self.stg)
        if what == "edit":
            docs[name] = replace(docs[name], top=f"top {self.number}")
        elif what == "add":
            docs[f"new{self.number}"] = Doc(f"new{self.number}")
        elif what == "rename":
            docs[name] = replace(docs[name], path=f"moved{self.number}")
        elif what == "delete":
            added = [other for other in own if other.startswith("new")]
            docs.pop(added[which % len(added)] if added else "", None)
        if docs != self.stg:
            self.stg = docs
            self.h.commit("stg", written(docs), f"feat: {what}")

    def hotfix(self, which: int) -> None:
        """On what main holds now, rolled back or not; each touches what no other does."""
        self.number += 1
        seen = {doc.path: name for name, doc in self.main.items()} | {name: name for name in FILES}
        docs = dict(self.main)
        tree = self.h.host.git("ls-tree", "--name-only", "main").split()
        files = {path: (self.h.has("main", path) or "") + "\n" for path in tree}
        left = [path for path in tree if files[path].endswith("\nbottom\n") and self.untouched(seen.get(path, ""))]
        if which % 2 and left:
            path = left[which % len(left)]
            files[path] = files[path].removesuffix("bottom\n") + f"bottom {self.number}\n"
            docs[seen[path]] = replace(docs[seen[path]], bottom=f"bottom {self.number}")
        else:
            docs[f"hot{self.number}"] = Doc(f"hot{self.number}")
            files |= written({f"hot{self.number}": docs[f"hot{self.number}"]})
        self.main = docs
        self.owed.add(self.h.commit("main", files, "fix: hot"))

    def untouched(self, name: str) -> bool:
        """Whether no hotfix has ever changed its bottom."""
        return name in FILES and self.main[name].bottom == self.stg[name].bottom == "bottom"

    def promote(self) -> None:
        pair = self.h.compare()
        self.check(pair)
        assert {line.oid for line in pair.debts} == self.owed
        self.main = merged(self.stg, self.main)
        assert isinstance(pair.outcome, Clean)
        if pair.source_oid == pair.target_oid:
            return
        self.right(pair.outcome, self.main)
        if pair.ahead or pair.outcome.changed:
            self.h.join("main", pair.outcome.tree, absorbing(pair), self.h.head("main"), self.h.head("stg"))
            self.note()

    def merge_back(self) -> None:
        pair = self.h.compare(MAIN, STG, back=True)
        self.check(pair)
        assert {line.oid for line in pair.owed} == self.owed
        self.stg = merged(self.stg, self.main)
        assert isinstance(pair.outcome, Clean)
        if pair.source_oid == pair.target_oid:
            return
        self.right(pair.outcome, self.stg)
        if pair.owed or pair.outcome.changed:
            self.h.join("stg", pair.outcome.tree, absorbing(pair), self.h.head("stg"), self.h.head("main"))
            self.owed = set()

    def check(self, pair: Pair) -> None:
        assert isinstance(pair.outcome, Clean), pair.outcome
        assert pair.traps == ()

    def right(self, outcome: Clean, docs: dict[str, Doc]) -> None:
        expected = written(docs)
        if outcome.tree != tree_id(expected):
            names = self.h.host.git("ls-tree", "--name-only", outcome.tree).split()
            found = {name: (self.h.has(outcome.tree, name) or "") + "\n" for name in names}
            assert found == expected

    def roll_back(self, which: int, mode: str) -> None:
        commit, docs, owed = self.live[which % len(self.live)]
        head = self.h.head("main")
        back = merging.back_to(
            self.h.mirror,
            branch=MAIN,
            head=head,
            tag=Tag("deploy-1"),
            commit=commit,
            exact=True,
            revert=mode == "revert",
        )
        if mode == "reset":
            self.h.host.git("update-ref", "refs/heads/main", commit)
            self.main, self.owed = docs, {oid for oid in owed if oid in self.owed}
            return
        tree = back.tree
        if mode == "revert":
            if not isinstance(back.reverted, Clean):
                return
            tree = back.reverted.tree
        if tree != back.head_tree:
            assert tree
            self.h.join("main", tree, taking_back())


STEPS = st.tuples(
    st.sampled_from(["edit", "add", "rename", "delete", "hotfix", "promote", "promote", "back", "back", "restore",
                     "restore", "revert", "reset"]),
    st.integers(0, 5),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.shows("R3", "R4", "G8", "G9")
@bounded
@given(steps=st.lists(STEPS, min_size=3, max_size=12))
def test_with_rollbacks_it_is_as_if_there_had_been_none(folders: Iterator[Path], steps: list[tuple[str, int]]) -> None:
    folder = next(folders)
    world = Releases.make(folder)
    for what, which in [*steps, ("promote", 0), ("back", 0), ("promote", 0)]:
        if what == "hotfix":
            world.hotfix(which)
        elif what == "promote":
            world.promote()
        elif what == "back":
            world.merge_back()
        elif what in ("restore", "revert", "reset"):
            world.roll_back(which, what)
        else:
            world.on_stg(what, which)
    shutil.rmtree(folder)
