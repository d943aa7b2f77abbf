"""The objects of a run: commits, tags, fences and their ids. Deterministic, so that any machine can rebuild them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from multigit.apply.vocabulary import Fence
from multigit.model.names import Branch, Oid, RepoName, RunId
from multigit.model.objects import EMPTY_TREE, NewCommit, NewTag, Signature
from multigit.model.ownrefs import KEPT, STAGE
from multigit.model.plan import Keep, Land, Plan
from multigit.model.trailers import RESTORES, UNDOES


def stage_ref(run: RunId) -> str:
    """Where a run's objects wait in every repository, seen by nobody."""
    return f"{STAGE}{run}"


def kept_ref(run: RunId) -> str:
    """Where the old tip goes when a branch is rewound (`--mode reset`)."""
    return f"{KEPT}{run}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """All that one repository takes part with."""

    repo: RepoName
    branch: Branch
    run: RunId
    old: Oid
    new: Oid
    lands: bool
    forced: bool
    commit: NewCommit | None
    tag: NewTag | None
    fence_before: Oid | None
    by: Signature
    from_clone: str = ""
    sources: Mapping[Branch, Oid] = field(default_factory=dict)
    """Where the plan saw the branch that is promoted."""

    @property
    def staged(self) -> Oid:
        """What the stage ref holds: the tag, which brings the commit along, or the commit."""
        return self.tag.oid if self.tag else self.new

    def fence(self, state: Fence, push: str) -> NewCommit:
        """The fence commit that says `state` of this run. `push` is a mark that no other push carries.

        Without the mark two pushes of one state would name the same object, and git leaves a ref that has the value
        already, and its lease, out of a push: a late one could then move the branch alone (docs/protocol.md). The
        parent is the fence before, so that a host which only takes fast-forwards takes it.
        """
        message = f"multigit fence\n\nrun: {self.run}\nrepo: {self.repo}\nstate: {state.value}\npush: {push}"
        parents = (self.fence_before,) if self.fence_before else ()
        return NewCommit(tree=EMPTY_TREE[len(self.old)], parents=parents, message=message, by=self.by)

    def fence_state(self, commit: bytes) -> Fence:
        """What a fence commit, as git stores it, means for this run."""
        lines = commit.decode("utf-8", "replace").splitlines()
        told = dict(line.split(": ", 1) for line in lines if ": " in line)
        ours = {state.value: state for state in Fence if state not in (Fence.NONE, Fence.FOREIGN)}
        return ours.get(told.get("state", ""), Fence.FOREIGN) if told.get("run") == self.run else Fence.FOREIGN

    def restore(self, old_tree: Oid) -> NewCommit:
        """The commit that undoes a landing where the host refuses to rewind: OLD's tree on top of NEW.

        The trailer makes the next promotion ship the work again (vcs/merging.py): NEW stays in the history, so that a
        plain merge would find nothing to do.
        """
        trailers = f"{RESTORES}: {self.old}\n{UNDOES}: {self.new}"
        message = f"Undo {self.run}: it could not land everywhere\n\n{trailers}"
        return NewCommit(tree=old_tree, parents=(self.new,), message=message, by=self.by)


def parcels(plan: Plan, signatures: Mapping[RepoName, str]) -> dict[RepoName, Parcel]:
    """What each repository of `plan` takes part with; `signatures` of its tags, {} where they are not signed."""
    tags = {repo: replace(tag, signature=signatures.get(repo, "")) for repo, tag in plan.tags().items()}
    fences: Mapping[RepoName, Oid | None] = {seen.repo: seen.fence for seen in plan.seen}
    heads = {seen.repo: seen.heads for seen in plan.seen} if plan.source else {}
    by = Signature(name="multigit", email="multigit@localhost", when=plan.created)
    run = plan.run
    found: dict[RepoName, Parcel] = {}
    steps: tuple[Land | Keep, ...] = (*plan.lands, *plan.keeps)
    for step in steps:
        land = step if isinstance(step, Land) else None
        at = step.new if isinstance(step, Land) else step.at
        found[step.repo] = Parcel(
            repo=step.repo,
            branch=step.branch,
            run=run,
            old=land.old if land else at,
            new=at,
            lands=land is not None,
            forced=bool(land and land.forced),
            commit=land.commit if land else None,
            tag=tags.get(step.repo),
            fence_before=fences.get(step.repo),
            by=by,
            from_clone=land.from_clone if land else "",
            sources={name: oid for name, oid in heads.get(step.repo, {}).items() if name != step.branch},
        )
    return found
