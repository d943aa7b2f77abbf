"""Traps, debts and restore commits, case by case: what a merge would drop, what is owed, what a rollback takes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from multigit.model.fleet import Clean, Conflicted, Unmergeable
from multigit.model.names import Branch, Oid, Tag
from multigit.model.trailers import ABSORBS
from multigit.vcs import merging
from tests.support.gitkit import plain_git
from tests.support.histories import MAIN, STG, History, absorbing, taking_back, tree_id


@pytest.fixture
def released(tmp_path: Path) -> History:
    """A release that brought bad.txt and a change of app.txt; since then stg has more.txt."""
    h = History.make(tmp_path / "host.git")
    first = {"app.txt": "one\n", "keep.txt": "keep\n"}
    base = h.commit("main", first)
    h.commit("stg", {**first, "app.txt": "two\n", "bad.txt": "bad\n"}, "feat: bad", base)
    h.join("main", h.tree("stg"), "Merge stg into main", base, h.head("stg"))
    h.commit("stg", {**first, "app.txt": "two\n", "bad.txt": "bad\n", "more.txt": "more\n"}, "feat: more")
    return h


def before(h: History) -> Oid:
    """main before the release."""
    return Oid(h.host.git("rev-parse", "main^1"))


def by_ours_merge(h: History) -> None:
    h.join("main", h.tree("main"), "Merge stg (ours)", h.head("main"), h.head("stg"))


def by_git_revert(h: History) -> None:
    merge = h.head("main")
    said = f'Revert "Merge stg into main"\n\nThis reverts commit {merge}, reversing\nchanges made to {before(h)}.'
    h.join("main", h.tree(before(h)), said)


def by_git_revert_after_a_hotfix(h: History) -> None:
    merge, was = h.head("main"), files(h, before(h))
    h.commit("main", {**files(h, "main"), "hot.txt": "hot\n"}, "fix: hot")
    h.commit("main", {**was, "hot.txt": "hot\n"}, f'Revert "Merge"\n\nThis reverts commit {merge}, reversing')


def by_a_pull_request_that_goes_back(h: History) -> None:
    main, was = h.head("main"), h.tree(before(h))
    revert = h.join("revert", was, "back to yesterday", main)
    h.join("main", was, "Merge pull request #12", main, revert)


def by_reverting_the_commit(h: History) -> None:
    done = Oid(h.host.git("rev-parse", "main^2"))
    h.join("main", h.tree(before(h)), f'Revert "feat: bad"\n\nThis reverts commit {done}.')


def by_a_revert_with_another_message(h: History) -> None:
    h.join("main", h.tree(before(h)), "rollback, prod is down")


def by_copying_the_old_state(h: History) -> None:
    h.commit("main", {**files(h, "main"), "hot.txt": "hot\n"}, "fix: hot")
    h.join("main", h.tree(before_the_release(h)), "back to yesterday")


def before_the_release(h: History) -> Oid:
    return Oid(h.host.git("rev-list", "--max-parents=0", "main"))


def files(h: History, rev: str) -> dict[str, str]:
    return {name: (h.has(rev, name) or "") + "\n" for name in h.host.git("ls-tree", "--name-only", rev).split()}


TAKEN_BACK: dict[Callable[[History], None], set[str]] = {
    by_git_revert: {"app.txt", "bad.txt"},
    by_git_revert_after_a_hotfix: {"app.txt", "bad.txt"},
    by_a_pull_request_that_goes_back: {"app.txt", "bad.txt"},
    by_reverting_the_commit: {"app.txt", "bad.txt"},
    by_a_revert_with_another_message: {"app.txt", "bad.txt"},
    by_copying_the_old_state: {"app.txt", "bad.txt"},
    by_ours_merge: {"more.txt"},
}


@pytest.mark.shows("R4")
@pytest.mark.parametrize("how", TAKEN_BACK)
def test_a_silent_drop_is_a_trap(released: History, how: Callable[[History], None]) -> None:
    how(released)
    pair = released.compare()
    assert isinstance(pair.outcome, Clean)
    assert {trap.path for trap in pair.traps} == TAKEN_BACK[how]
    assert all(trap.why for trap in pair.traps)


@pytest.mark.shows("R4")
@pytest.mark.parametrize("how", TAKEN_BACK)
def test_once_the_content_is_back_it_is_no_trap_any_more(released: History, how: Callable[[History], None]) -> None:
    """Brought back on stg with a change, so that a merge carries it; or given up on stg as well."""
    how(released)
    wanted = {**files(released, "stg"), "app.txt": "three\n", "bad.txt": "good\n", "more.txt": "more still\n"}
    released.commit("stg", wanted, "fix: bad")
    pair = released.compare()
    if isinstance(pair.outcome, Clean):
        assert released.has(pair.outcome.tree, "bad.txt") == "good" or pair.traps
    released.commit("stg", files(released, "main"), "give it up")
    assert released.compare().traps == ()


@pytest.mark.shows("R4")
def test_work_of_the_target_is_no_trap(released: History) -> None:
    """A hotfix that changes, deletes, renames or adds keeps its result; so does its own revert."""
    h = released
    main = files(h, "main")
    h.commit("main", {**main, "keep.txt": "kept\n", "hot.txt": "hot\n"}, "fix: change and add")
    hot = h.head("main")
    h.commit("main", main, f'Revert "fix"\n\nThis reverts commit {hot}.')
    h.commit("main", {name: text for name, text in main.items() if name != "keep.txt"}, "fix: delete")
    pair = h.compare()
    assert isinstance(pair.outcome, Clean)
    assert pair.traps == ()
    assert h.has(pair.outcome.tree, "more.txt") == "more"
    assert h.has(pair.outcome.tree, "keep.txt") is None


@pytest.mark.shows("R4")
def test_work_of_the_target_follows_a_file_that_the_source_has_moved(released: History) -> None:
    h = released
    text = "".join(f"{number}\n" for number in range(20))
    h.commit("stg", {**files(h, "stg"), "long.txt": text}, "feat: long")
    h.commit("main", files(h, "stg"), "Merge stg", h.head("main"), h.head("stg"))
    moved = {name: content for name, content in files(h, "stg").items() if name != "long.txt"}
    h.commit("stg", {**moved, "moved.txt": text}, "feat: move")
    h.commit("main", {**files(h, "main"), "long.txt": text + "hot\n"}, "fix: long")
    pair = h.compare()
    assert isinstance(pair.outcome, Clean)
    assert (h.has(pair.outcome.tree, "moved.txt") or "").endswith("hot")
    assert pair.traps == ()


@pytest.mark.shows("R4")
def test_a_conflict_that_a_person_settled_while_merging_is_work(released: History) -> None:
    h = released
    h.commit("main", {**files(h, "main"), "app.txt": "main's\n"}, "fix: app")
    h.commit("stg", {**files(h, "stg"), "app.txt": "stg's\n"}, "feat: app")
    settled = tree_id({**files(h, "stg"), "app.txt": "both\n"})
    h.commit("main", {**files(h, "stg"), "app.txt": "both\n"}, "Merge stg", h.head("main"), h.head("stg"))
    assert h.tree("main") == settled
    h.commit("stg", {**files(h, "stg"), "next.txt": "next\n"}, "feat: next")
    assert h.compare().traps == ()


# --- debts ---


@pytest.mark.shows("G8")
def test_debts_are_commits_that_the_source_has_in_no_form(released: History) -> None:
    h = released
    h.join("main", h.tree(before(h)), taking_back())
    h.commit("main", {**files(h, "main"), "copied.txt": "1\n"}, "fix: copied")
    h.commit("stg", {**files(h, "stg"), "copied.txt": "1\n"}, "fix: cherry-picked")
    owed = h.commit("main", {**files(h, "main"), "hot.txt": "1\n"}, "fix: hot")
    assert [line.oid for line in h.compare().debts] == [owed]
    assert [line.oid for line in h.compare(MAIN, STG, back=True).owed] == [owed]
    assert h.compare(MAIN, STG, back=True).debts == ()
    lines, restored = merging.owes(h.mirror, having=h.head("main"), lacking=h.head("stg"))
    assert [line.oid for line in lines] == [owed]
    assert restored


@pytest.mark.shows("G9")
def test_a_squashed_back_merge_still_owes_the_commits_and_a_back_merge_pays_without_changing_anything(
    released: History,
) -> None:
    h = released
    for name in ("a.txt", "b.txt"):
        h.commit("main", {**files(h, "main"), name: "1\n"}, f"fix: {name}")
    h.commit("stg", {**files(h, "stg"), "a.txt": "1\n", "b.txt": "1\n"}, "Merge main back (#12), squashed")
    pair = h.compare(MAIN, STG, back=True)
    assert isinstance(pair.outcome, Clean)
    assert len(pair.owed) == 2
    assert pair.outcome.changed == ()
    assert h.compare().traps == ()
    h.join("stg", pair.outcome.tree, absorbing(pair), h.head("stg"), h.head("main"))
    assert h.compare().debts == ()
    assert h.compare(MAIN, STG, back=True).owed == ()


@pytest.mark.shows("G8")
def test_one_squashed_hotfix_is_paid(released: History) -> None:
    h = released
    h.commit("main", {**files(h, "main"), "hot.txt": "1\n"}, "fix: hot")
    h.commit("stg", {**files(h, "stg"), "hot.txt": "1\n"}, "fix: hot (#12)")
    assert h.compare().debts == ()


# --- restore commits on their way upstream ---


@pytest.mark.shows("R3")
def test_an_absorbed_restore_commit_takes_nothing_from_dev_either(released: History) -> None:
    h, dev = released, Branch("dev")
    h.commit("dev", {**files(h, "stg"), "next.txt": "next\n"}, "feat: next", h.head("stg"))
    h.join("main", h.tree(before(h)), taking_back())
    h.commit("main", {**files(h, "main"), "hot.txt": "hot\n"}, "fix: hot")
    pair = h.compare(MAIN, STG, back=True)
    assert isinstance(pair.outcome, Clean)
    assert pair.absorbs == (Oid(h.host.git("rev-parse", "main^")),)
    h.join("stg", pair.outcome.tree, absorbing(pair), h.head("stg"), h.head("main"))
    assert set(files(h, "stg")) == {"app.txt", "keep.txt", "bad.txt", "more.txt", "hot.txt"}
    upstream = h.compare(STG, dev, back=True)
    assert isinstance(upstream.outcome, Clean)
    assert upstream.absorbs == ()
    assert set(files(h, upstream.outcome.tree)) == {*files(h, "stg"), "next.txt"}
    assert h.compare(dev, STG).absorbs == ()


@pytest.mark.shows("G10", "R3")
def test_the_printed_way_out_of_a_conflict_loses_nothing(released: History, tmp_path: Path) -> None:
    """After a rollback a hotfix conflicts with stg: what the refusal prints is done by a person, then it merges."""
    h = released
    restore = h.join("main", h.tree(before(h)), taking_back())
    h.commit("main", {**files(h, "main"), "keep.txt": "main's\n"}, "fix: keep")
    h.commit("stg", {**files(h, "stg"), "keep.txt": "stg's\n"}, "feat: keep")
    assert isinstance(h.compare().outcome, Conflicted)
    clone = tmp_path / "clone"
    plain_git("clone", "--quiet", "--branch", "stg", h.host.url, str(clone), at=tmp_path)
    plain_git("merge", "--quiet", f"{restore}^", at=clone)
    plain_git("merge", "--quiet", "-s", "ours", "-m", "Absorb", "-m", f"{ABSORBS}: {restore}", restore, at=clone)
    with pytest.raises(AssertionError):
        plain_git("merge", "--quiet", "origin/main", at=clone)
    (clone / "keep.txt").write_text("both\n")
    plain_git("commit", "--quiet", "-am", "Merge main into stg", at=clone)
    plain_git("push", "--quiet", "origin", "stg", at=clone)
    pair = h.compare()
    assert isinstance(pair.outcome, Clean)
    assert pair.traps == ()
    assert set(files(h, pair.outcome.tree)) == {"app.txt", "keep.txt", "bad.txt", "more.txt"}
    assert h.has(pair.outcome.tree, "keep.txt") == "both"


# --- what a rollback takes back ---


@pytest.mark.shows("R2", "R6")
def test_what_is_taken_back_is_told_release_by_release(released: History) -> None:
    h, first = released, before(released)
    release = Oid(h.host.git("rev-parse", "main^2"))
    hot = h.commit("main", {**files(h, "main"), "hot.txt": "hot\n"}, "fix: hot")
    back = merging.back_to(h.mirror, branch=MAIN, head=hot, tag=Tag("deploy-1"), commit=first, exact=True, revert=True)
    assert back.releases == (release,)
    assert [line.oid for line in back.hotfixes] == [hot]
    assert {line.oid for line in back.takes_back} == {release, hot}
    assert back.count == 2
    assert set(back.changed) == {"app.txt", "bad.txt", "hot.txt"}
    assert isinstance(back.reverted, Clean)
    assert set(files(h, back.reverted.tree)) == {"app.txt", "keep.txt", "hot.txt"}


@pytest.mark.shows("R2")
def test_a_release_that_was_no_merge_is_quarantined_all_the_same(released: History) -> None:
    """main was fast-forwarded to stg by hand: its head is the release's source."""
    h, first = released, released.head("main")
    h.host.git("update-ref", "refs/heads/stg", h.commit("main", {**files(h, "main"), "x.txt": "x\n"}, "feat: x"))
    back = merging.back_to(
        h.mirror, branch=MAIN, head=h.head("main"), tag=Tag("deploy-1"), commit=first, exact=True, revert=False
    )
    assert back.releases == (h.head("stg"),)


def test_going_forward_again_takes_nothing_back(released: History) -> None:
    h, shipped = released, released.head("main")
    restore = h.join("main", h.tree(before(h)), taking_back())
    back = merging.back_to(
        h.mirror, branch=MAIN, head=restore, tag=Tag("deploy-2"), commit=shipped, exact=True, revert=False
    )
    assert (back.releases, back.hotfixes, back.count) == ((), (), 0)


def test_branches_that_cannot_be_merged_say_why(released: History) -> None:
    missing = merging.compare(
        released.mirror, source=STG, target=MAIN, source_oid=None, target_oid=released.head("main")
    )
    assert isinstance(missing.outcome, Unmergeable)
    assert "no branch stg" in missing.outcome.why
    released.host.git("update-ref", "-d", "refs/heads/stg")
    released.commit("stg", {"other.txt": "1\n"}, "another beginning")
    unrelated = released.compare()
    assert isinstance(unrelated.outcome, Unmergeable)
    assert "unrelated" in unrelated.outcome.why
