"""What merging one environment into another means in one repository, and what taking it back means.

The rules of rollback and of the promotion after it (mission R1-R4) live here, because only git can answer them:
a plain merge after a restore commit loses the features for good, and says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from multigit.model.fleet import Clean, CommitLine, Outcome, Pair, Restore, Trap, Unmergeable
from multigit.model.names import Branch, Oid, Tag
from multigit.model.objects import EMPTY_TREE, NewCommit, Signature
from multigit.model.trailers import ABSORBS, RESTORES, UNDOES
from multigit.vcs import read, write
from multigit.vcs.fork import Fork, History, parted
from multigit.vcs.mirror import Mirror
from multigit.vcs.run import git

_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{40,64})")
_NOBODY = Signature(name="multigit", email="multigit@localhost", when=datetime(2000, 1, 1, tzinfo=UTC))


def compare(
    mirror: Mirror,
    *,
    source: Branch,
    target: Branch,
    source_oid: Oid | None,
    target_oid: Oid | None,
    back: bool = False,
) -> Pair:
    """Everything a planner asks about merging `source` into `target`. `back`: a back-merge.

    A promotion neutralises the restore commits that stand on the target, a back-merge those on the source (R3).
    """
    found = Pair(
        repo=mirror.repo, source=source, target=target, source_oid=source_oid, target_oid=target_oid,
        outcome=Clean(tree=EMPTY_TREE[40], changed=()),
    )  # fmt: skip
    if source_oid is None or target_oid is None:
        names = " and ".join(str(name) for name, oid in ((source, source_oid), (target, target_oid)) if oid is None)
        nowhere = Unmergeable(why=f"no branch {names}", hint=f"multigit status -r {mirror.repo}")
        return replace(found, outcome=nowhere)
    if source_oid == target_oid:
        return found
    fork = parted(mirror, source_oid, target_oid, whole=source_oid if back else target_oid)
    own, other = (fork.source, fork.target) if back else (fork.target, fork.source)
    having, lacking = (source_oid, target_oid) if back else (target_oid, source_oid)
    restores = _unabsorbed(own)
    undone = _undone(mirror, other, having)
    lacks = (undone, restores) if back else (restores, undone)
    plainly = _plainly(mirror, fork, source_oid, target_oid) if not (restores or undone) else None
    outcome = plainly or _merge(mirror, source_oid, target_oid, source_lacks=lacks[0], target_lacks=lacks[1])
    owed = _debts(mirror, own, having=having, lacking=lacking)
    same = isinstance(outcome, Clean) and outcome.tree == fork.trees.get(source_oid)
    return replace(
        found,
        ahead=fork.ahead,
        outcome=outcome,
        commits=fork.lines,
        debts=() if back else owed,
        owed=owed if back else (),
        absorbs=(*restores, *undone),
        traps=_traps(mirror, source_oid, target_oid, outcome, own, restores, undone)
        if isinstance(outcome, Clean) and not back and not same
        else (),
    )


def _plainly(mirror: Mirror, fork: Fork, source: Oid, target: Oid) -> Clean | None:
    """The merge's result where it needs no merging: one side's content is still that of where the two parted.

    Then every path is the other's, whatever attributes, renames and drivers say. That is so in most promotions,
    because what stands on the target alone are the merges of earlier ones.
    """
    ours, theirs = fork.trees.get(target), fork.trees.get(source)
    if ours is None or theirs is None:
        return None
    if not fork.source:
        return Clean(tree=ours, changed=())
    if fork.target and not _since_untouched(mirror, fork, source, target):
        return None
    return Clean(tree=theirs, changed=read.changed_paths(mirror, target, theirs) if ours != theirs else ())


def _since_untouched(mirror: Mirror, fork: Fork, source: Oid, target: Oid) -> bool:
    """Whether the target has the content of the one commit where the two parted."""
    alike = [commit for commit in fork.meets if fork.trees[commit] == fork.trees[target]]
    return bool(alike) and (
        len(fork.meets) == 1 or read.merge_bases(mirror, source, target) in [(one,) for one in alike]
    )


def owes(mirror: Mirror, *, having: Oid, lacking: Oid) -> tuple[tuple[CommitLine, ...], bool]:
    """For `status`: commits of `having` that `lacking` is owed, and whether a release was taken back there."""
    own = read.messages(mirror, [having], [lacking], "")
    return _debts(mirror, own, having=having, lacking=lacking), bool(_unabsorbed(own))


def _debts(mirror: Mirror, own: History, *, having: Oid, lacking: Oid) -> tuple[CommitLine, ...]:
    """Commits of `own` that count: no merges, no restore commits, no cherry-picked copies of the other side's."""
    plain = {oid for oid, parents, message in own if len(parents) < 2 and not _trailers(message, RESTORES)}
    if not plain:
        return ()
    return tuple(line for line in read.commits(mirror, [having], [lacking], cherry=True) if line.oid in plain)


def _unabsorbed(own: History) -> tuple[Oid, ...]:
    """Restore commits that no merge has neutralised yet, oldest first."""
    absorbed = {oid for _, _, message in own for oid in _trailers(message, ABSORBS)}
    return tuple(oid for oid, _, message in own if oid not in absorbed and _trailers(message, RESTORES))


def _trailers(message: str, key: str) -> list[str]:
    return re.findall(rf"^{key}: (\S+)$", message, flags=re.MULTILINE)


def _undone(mirror: Mirror, own: History, other: Oid) -> tuple[Oid, ...]:
    """Commits of `own` that put back, on top, a merge of `other`'s work which could not land everywhere.

    What they took away was never meant to go: `other` has it, and a merge must not carry the removal over.
    """
    found = []
    for oid in _unabsorbed(tuple(row for row in own if _trailers(row[2], UNDOES) or _trailers(row[2], ABSORBS))):
        merged = read.parents(mirror, read.parents(mirror, oid)[0])[1:]
        if merged and read.is_ancestor(mirror, merged[0], other):
            found.append(oid)
    return tuple(found)


def _merge(
    mirror: Mirror, source: Oid, target: Oid, *, source_lacks: Sequence[Oid], target_lacks: Sequence[Oid]
) -> Outcome:
    """The merge's result. Each restore commit is first merged into the side that lacks it with that side's content
    (an ours-merge of the restore commit alone), so that only other people's work remains to be merged.
    """
    ours = _absorbed(mirror, target, target_lacks)
    theirs = _absorbed(mirror, source, source_lacks)
    if not isinstance(ours, Oid):
        return ours
    if not isinstance(theirs, Oid):
        return theirs
    outcome = read.merge_trees(mirror, ours, theirs)
    if isinstance(outcome, Clean) and ours != target:
        return Clean(tree=outcome.tree, changed=read.changed_paths(mirror, target, outcome.tree))
    return outcome


def _absorbed(mirror: Mirror, side: Oid, restores: Sequence[Oid]) -> Oid | Outcome:
    """`side` with the restore commits in its history and not in its content; or why that cannot be had."""
    for restore in restores:
        before = read.parents(mirror, restore)[0]
        joined = read.merge_trees(mirror, side, before)
        if not isinstance(joined, Clean):
            return joined
        with_before = _virtual(mirror, joined.tree, side, before)
        side = _virtual(mirror, joined.tree, with_before, restore)
    return side


def _virtual(mirror: Mirror, tree: Oid, *parents: Oid) -> Oid:
    """A commit that only computes: it is never pushed and never referred to."""
    commit = NewCommit(tree=tree, parents=parents, message="computed by multigit", by=_NOBODY)
    return write.write_object(mirror, "commit", commit.body())


def _followed(mirror: Mirror, source: Oid, target: Oid, merged: Oid, paths: Collection[str]) -> set[str]:
    """New names of `paths`: a merge carries the target's work over to where the source moved the file or its folder."""
    moved = read.renames(mirror, target, merged)
    for base in read.merge_bases(mirror, source, target) if paths else ():
        moved |= read.renames(mirror, base, source)
    return {new for new, old in moved.items() if old in paths}


def _traps(
    mirror: Mirror,
    source: Oid,
    target: Oid,
    outcome: Clean,
    own: History,
    absorbed: Sequence[Oid],
    put_back: Sequence[Oid],
) -> tuple[Trap, ...]:
    """Paths that would silently keep the target's content although the target did no work of its own on them (R4).

    What `put_back` took from the source was the target's work.
    """
    different = read.changed_paths(mirror, source, outcome.tree)
    if not different:
        return ()
    by_message = {oid for oid, _, message in own if _takes_back(mirror, source, message)}
    by_content = _gone_back(mirror, target, own)
    reverts = tuple(oid for oid, _, _ in own if oid in by_message | by_content and oid not in absorbed)
    worked_on = read.own_paths(mirror, [target], [source], without={*absorbed, *reverts})
    for commit in put_back:
        worked_on |= set(read.changed_paths(mirror, read.parents(mirror, commit)[0], commit))
    worked_on |= _followed(mirror, source, target, outcome.tree, worked_on)
    undone = read.own_paths(mirror, [target], [source]) - worked_on if reverts else set()
    names = ", ".join(oid.short for oid in reverts)
    by_hand = f"it was taken back on the target by hand ({names}); a plain merge would keep it out for good"
    silent = "the target has no work of its own on it, yet a plain merge would keep the target's content"
    return tuple(
        Trap(path=path, why=by_hand if path in undone else silent) for path in different if path not in worked_on
    )


def _takes_back(mirror: Mirror, source: Oid, message: str) -> bool:
    """Whether it is a commit made by `git revert` that takes back what the source still has."""
    undone = [Oid(name) for name in _REVERTS.findall(message)]
    return any(_came_from(mirror, source, commit) for commit in undone if read.exists(mirror, commit))


def _gone_back(mirror: Mirror, target: Oid, own: History) -> set[Oid]:
    """Plain commits of `own` that bring back, whole, an earlier state of the target's own line: rollbacks by hand."""
    plain = {oid: parents[0] for oid, parents, _ in own if len(parents) == 1}
    if not plain:
        return set()
    states: dict[Oid, list[Oid]] = {}
    for commit, tree in _line(mirror, target):
        states.setdefault(tree, []).append(commit)
    trees = read.trees_of(mirror, {*plain, *plain.values()})
    return {
        oid
        for oid, above in plain.items()
        if trees[oid] != trees[above]
        and any(old != oid and read.is_ancestor(mirror, old, oid) for old in states.get(trees[oid], ()))
    }


def _line(mirror: Mirror, head: Oid) -> list[tuple[Oid, Oid]]:
    """Commits of the branch's own line with their trees, newest first; nobody goes back further than this."""
    out = git("log", "--first-parent", "--max-count=5000", "--format=%H %T", head, at=mirror.path).out.decode()
    rows = (row.split() for row in out.splitlines())
    return [(Oid(commit), Oid(tree)) for commit, tree in rows]


def _came_from(mirror: Mirror, source: Oid, commit: Oid) -> bool:
    sides = (commit, *read.parents(mirror, commit)[1:])
    return any(read.is_ancestor(mirror, side, source) for side in sides)


def back_to(
    mirror: Mirror, *, branch: Branch, head: Oid | None, tag: Tag | None, commit: Oid | None, exact: bool, revert: bool
) -> Restore:
    """Everything a planner asks about taking `branch` back to `tag`, which stands on `commit`."""
    if head is None or commit is None:
        return Restore(repo=mirror.repo, branch=branch, head=head, tag=tag, exact=exact)
    line = _first_parents(mirror, head, commit)
    plain = [oid for oid, parents in line if len(parents) == 1]
    taken = read.commits(mirror, [head], [commit])
    restores = {oid for oid, _, text in read.messages(mirror, [head], [commit], RESTORES) if _trailers(text, RESTORES)}
    # A branch that was fast-forwarded has no merges: then its newest commit stands for the release.
    own = tuple(oid for oid in plain if oid not in restores)
    return Restore(
        repo=mirror.repo,
        branch=branch,
        head=head,
        head_tree=read.tree_of(mirror, head),
        tag=tag,
        exact=exact,
        commit=commit,
        tree=read.tree_of(mirror, commit),
        takes_back=tuple(line for line in taken if line.oid not in restores),
        count=read.count(mirror, [head], [commit]) - len(restores),
        releases=tuple(parents[1] for _, parents in line if len(parents) > 1) or own[:1],
        hotfixes=tuple(one for one in taken if one.oid in own),
        changed=read.changed_paths(mirror, head, commit),
        reverted=_reverted(mirror, head, line) if revert else None,
    )


def _first_parents(mirror: Mirror, head: Oid, since: Oid) -> list[tuple[Oid, tuple[Oid, ...]]]:
    """Commits of the branch's own line since `since`, newest first, with their parents."""
    out = git("rev-list", "--first-parent", "--parents", head, f"^{since}", at=mirror.path).out.decode()
    rows = [[Oid(word) for word in line.split()] for line in out.splitlines()]
    return [(row[0], tuple(row[1:])) for row in rows]


def _reverted(mirror: Mirror, head: Oid, line: Sequence[tuple[Oid, tuple[Oid, ...]]]) -> Outcome:
    """Revert the merges of `line`, newest first; hotfixes between them stay. Conflicts are found here, not later."""
    tree = read.tree_of(mirror, head)
    for merge, parents in line:
        if len(parents) < 2:
            continue
        now = _virtual(mirror, tree, head)
        undo = _virtual(mirror, read.tree_of(mirror, parents[0]), merge)
        outcome = read.merge_trees(mirror, now, undo)
        if not isinstance(outcome, Clean):
            return outcome
        tree = outcome.tree
    return Clean(tree=tree, changed=read.changed_paths(mirror, head, tree))
