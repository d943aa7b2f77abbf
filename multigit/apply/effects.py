"""From action to effect: what the protocol decided is done to a real repository, and what came of it is read back.

A push's own answer never decides anything: it only tells why, when the read-back shows that nothing moved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import uuid4

from multigit.apply import objects
from multigit.apply.objects import Parcel
from multigit.apply.vocabulary import (
    Fence,
    LandIt,
    Look,
    Observation,
    PutTag,
    Saw,
    Settle,
    Stage,
    Staged,
    TagState,
    Tip,
    Unseen,
)
from multigit.errors import MultigitError
from multigit.model.names import Branch, Oid
from multigit.model.ownrefs import FENCE
from multigit.vcs import clones, read, write
from multigit.vcs.lsrefs import list_refs
from multigit.vcs.mirror import Mirror, fetch, fetch_from_folder, present
from multigit.vcs.run import git_in
from multigit.vcs.wire import RefSeen
from multigit.vcs.write import PushReport, RefUpdate


@dataclass(frozen=True, slots=True)
class Hands:
    """One repository's parcel and the mirror to work from."""

    parcel: Parcel
    mirror: Mirror
    fences: dict[Oid, Fence] = field(default_factory=dict)
    """Fence values whose meaning is known."""
    moved: dict[Branch, Oid] = field(default_factory=dict)
    """Source branches that went on after the plan was made, and how far; what was planned is promoted all the same."""

    def do(self, action: Stage | Look | LandIt | PutTag | Settle) -> Observation:
        """Perform one action; whatever goes wrong becomes an observation."""
        try:
            match action:
                case Stage():
                    return self._stage()
                case Look():
                    return self._look()
                case LandIt():
                    return self._look(self._land())
                case PutTag(attempt=attempt):
                    return self._look(self._tag(attempt))
                case Settle(to=to):
                    return self._look(self._settle(Fence(to)))
        except MultigitError as failed:
            why = f"{failed.what}{': ' + failed.why if failed.why else ''}"
            return Staged(action.repo, why) if isinstance(action, Stage) else Unseen(action.repo, why)

    # --- the deeds -----------------------------------------------------------------------------------------------

    def _stage(self) -> Observation:
        self.build()
        if refused := self._asked_hook():
            return Staged(self.parcel.repo, f"the clone's pre-push hook: {refused}")
        ref = objects.stage_ref(self.parcel.run)
        report = write.push(self.mirror, [RefUpdate(ref=ref, old=None, new=self.parcel.staged)])
        # The same plan applied twice at once has the same objects; which of the two goes on, the ledger decides.
        if report.done or (report.stale and self._is_staged(ref)):
            return Staged(self.parcel.repo)
        return Staged(self.parcel.repo, report.refused or _why(report))

    def _is_staged(self, ref: str) -> bool:
        seen = self._refs().get(ref)
        return seen is not None and seen.oid == self.parcel.staged

    def build(self) -> None:
        """Make the run's commit and tag in the mirror, from the clone's objects where they come from one."""
        parcel = self.parcel
        if not parcel.lands:
            # A repository that only gets the tag may not have been compared this time, and its commit never fetched.
            fetch(self.mirror, {"refs/multigit/seen/kept": parcel.old})
        if parcel.from_clone:
            self._take_from_clone()
        if parcel.commit:
            _made(self.mirror, "commit", parcel.commit.body(), parcel.new)
        if parcel.tag:
            _made(self.mirror, "tag", parcel.tag.body(), parcel.tag.oid)

    def recover(self) -> None:
        """Get the run's objects on a machine that did not make them: from the stage, or made again from the plan."""
        refs = self._refs()
        own = [objects.stage_ref(self.parcel.run), FENCE, self.parcel.branch.full]
        fetch(self.mirror, {f"refs/multigit/seen/run/{n}": refs[ref].oid for n, ref in enumerate(own) if ref in refs})
        if not present(self.mirror, [self.parcel.staged]) and self._has_parts():
            self.build()

    def _has_parts(self) -> bool:
        """Whether all that the run's objects refer to is here, or comes with `build`.

        A mirror with a commit whose parents are missing tells hosts that it has them, and gets no more of them.
        """
        parcel = self.parcel
        if parcel.from_clone or not parcel.lands or present(self.mirror, [parcel.new]):
            return True
        parts = {parcel.commit.tree, *parcel.commit.parents} if parcel.commit else {parcel.new}
        return present(self.mirror, list(parts)) == parts

    def _asked_hook(self) -> str:
        """A person's pre-push hook is kept (it may scan for secrets, or upload large files)."""
        parcel = self.parcel
        if not parcel.from_clone:
            return ""
        folder = Path(parcel.from_clone)
        if parcel.commit:
            git_in(folder, "hash-object", "-t", "commit", "-w", "--stdin", stdin=parcel.commit.body())
        line = f"{parcel.branch.full} {parcel.new} {parcel.branch.full} {parcel.old}"
        return clones.pre_push(folder, self.mirror.url, line)

    def _take_from_clone(self) -> None:
        if (commit := self.parcel.commit) and not present(self.mirror, [commit.tree]):
            # Planning only looked; the objects of the changes are made now, and must be what was consented to.
            tree, _ = clones.tracked_tree(Path(self.parcel.from_clone), commit.parents[0])
            if tree != commit.tree:
                raise MultigitError("the clone's files changed after the plan was made", hint="make the plan again")
        wants = (*self.parcel.commit.parents, self.parcel.commit.tree) if self.parcel.commit else (self.parcel.new,)
        fetch_from_folder(
            self.mirror,
            Path(self.parcel.from_clone),
            {f"refs/multigit/from-clone/{number}": oid for number, oid in enumerate(wants)},
        )

    def _land(self) -> PushReport:
        parcel = self.parcel
        updates = [
            RefUpdate(ref=parcel.branch.full, old=parcel.old, new=parcel.new, forced=parcel.forced),
            RefUpdate(ref=FENCE, old=parcel.fence_before, new=self._fence(Fence.LANDED)),
        ]
        if parcel.forced:
            updates.append(RefUpdate(ref=objects.kept_ref(parcel.run), old=None, new=parcel.old))
        return write.push(self.mirror, updates)

    def _tag(self, attempt: int) -> PushReport:
        tag = self.parcel.tag
        assert tag is not None
        updates = [RefUpdate(ref=tag.tag.full, old=None, new=tag.oid)]
        # The stage ref is almost always as we left it; asking first would cost everyone a round trip.
        expected = [RefUpdate(ref=objects.stage_ref(self.parcel.run), old=self.parcel.staged, new=None)]
        return self._pushed(updates, self._drop_stage(self._refs()) if attempt else expected)

    def _settle(self, to: Fence) -> PushReport:
        parcel, refs = self.parcel, self._refs()
        fence = refs.get(FENCE)
        updates = [RefUpdate(ref=FENCE, old=fence.oid if fence else None, new=self._fence(to))]
        if to is Fence.UNDONE:
            updates.insert(0, RefUpdate(ref=parcel.branch.full, old=parcel.new, new=parcel.old, forced=True))
        if to is Fence.RESTORED:
            restore = parcel.restore(read.tree_of(self.mirror, parcel.old))
            made = _made(self.mirror, "commit", restore.body(), restore.oid)
            updates.insert(0, RefUpdate(ref=parcel.branch.full, old=parcel.new, new=made))
        expected = Fence.NONE if to is Fence.VOID else Fence.LANDED
        if self._fence_state(fence.oid if fence else None) is not expected:
            return PushReport(done=False, stale=True)
        return self._pushed(updates, self._drop_stage(refs))

    def _pushed(self, updates: list[RefUpdate], drops: list[RefUpdate]) -> PushReport:
        """The stage ref goes along; a host that lets nobody delete refs must not stop what matters."""
        report = write.push(self.mirror, [*updates, *drops])
        return write.push(self.mirror, updates) if drops and report.refused else report

    def forget(self) -> None:
        """Drop the stage ref, if it is there: nothing needs it any more."""
        drops = self._drop_stage(self._refs())
        # Another run's objects of the same plan (signed by somebody else, say) are not ours to drop.
        if drops and drops[0].old == self.parcel.staged:
            write.push(self.mirror, drops)

    # --- what is there -------------------------------------------------------------------------------------------

    def _look(self, report: PushReport | None = None) -> Observation:
        refs = self._refs()
        head, fence = refs.get(self.parcel.branch.full), refs.get(FENCE)
        seen = {name: refs[name.full].oid for name in self.parcel.sources if name.full in refs}
        self.moved.update({name: oid for name, oid in seen.items() if oid != self.parcel.sources[name]})
        return Saw(
            self.parcel.repo,
            self._tip(head.oid if head else None),
            self._fence_state(fence.oid if fence else None),
            self._tag_state(refs),
            report.refused if report and not report.done else "",
        )

    def _refs(self) -> dict[str, RefSeen]:
        wanted = [self.parcel.branch.full, "refs/multigit/", *(name.full for name in self.parcel.sources)]
        if self.parcel.tag:
            wanted.append(self.parcel.tag.tag.full)
        return list_refs(self.mirror.url, wanted)

    def _tip(self, head: Oid | None) -> Tip:
        parcel = self.parcel
        if head == parcel.old:
            return Tip.OLD
        if head == parcel.new:
            return Tip.NEW
        if head is None:
            return Tip.OTHER
        fetch(self.mirror, {"refs/multigit/seen/tip": head})
        known = present(self.mirror, [parcel.new])
        return Tip.BUILT if known and read.is_ancestor(self.mirror, parcel.new, head) else Tip.OTHER

    def _tag_state(self, refs: dict[str, RefSeen]) -> TagState:
        tag = self.parcel.tag
        seen = refs.get(tag.tag.full) if tag else None
        if tag is None or seen is None:
            return TagState.ABSENT
        return TagState.OURS if seen.oid == tag.oid else TagState.OTHER

    def _fence_state(self, seen: Oid | None) -> Fence:
        if seen == self.parcel.fence_before:
            return Fence.NONE
        if seen is None:
            return Fence.FOREIGN  # somebody deleted it
        if seen not in self.fences:
            fetch(self.mirror, {"refs/multigit/seen/fence": seen})
            self.fences[seen] = self.parcel.fence_state(read.read_object(self.mirror, seen))
        return self.fences[seen]

    def _fence(self, state: Fence) -> Oid:
        commit = self.parcel.fence(state, uuid4().hex)
        self.fences[commit.oid] = state
        return _made(self.mirror, "commit", commit.body(), commit.oid)

    def _drop_stage(self, refs: dict[str, RefSeen]) -> list[RefUpdate]:
        ref = objects.stage_ref(self.parcel.run)
        seen = refs.get(ref)
        return [RefUpdate(ref=ref, old=seen.oid, new=None)] if seen else []


def _made(mirror: Mirror, kind: Literal["commit", "tag"], body: bytes, expected: Oid) -> Oid:
    """Write an object whose id is known already; another id would mean that git and the plan disagree."""
    oid = write.write_object(mirror, kind, body)
    if oid != expected:
        raise MultigitError(
            f"{mirror.repo}: git made {oid.short} of the {kind} that the plan calls {expected.short}",
            why="the plan was made with another object format or by another version",
            hint="make the plan anew",
            state="nothing was pushed to this repository",
        )
    return oid


def _why(report: PushReport) -> str:
    if report.stale:
        return "another run's objects are there"
    return report.problem.why if report.problem else "the push failed without saying why"
