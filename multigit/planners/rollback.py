"""rollback: bring an environment's content back to what it was at a tag, everywhere (G11, R1, R2, R5, R6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatch
from typing import Any

from multigit.model.config import Config, Repo
from multigit.model.fleet import Clean, Fleet, Restore
from multigit.model.names import Oid, RepoName
from multigit.model.objects import NewCommit, Signature
from multigit.model.plan import Keep, Land, Plan, Quarantine, Refusal, Request, Step
from multigit.model.trailers import RESTORES, TAKES_BACK
from multigit.planners import common


def plan(config: Config, fleet: Fleet, request: Request, now: datetime) -> Plan:
    """Go back to `request.to` by `request.mode`; what is taken back is quarantined where the configuration says so."""
    target = common.env_of(config, request.target)
    steps, refusals = common.sort_out(_one(fleet, request, repo, now) for repo in config.fleet)
    drafted = common.frame(
        config,
        fleet,
        request,
        now,
        branches=(target,),
        steps=steps,
        refusals=refusals,
        notes=tuple(_notes(config, fleet, steps, request)),
        tag=common.next_tag(target.tag, fleet, now),
    )
    return replace(
        drafted, mode=request.mode, to=request.to, quarantine=_quarantine(config, fleet, request, steps, drafted.tag)
    )


def _one(fleet: Fleet, request: Request, repo: Repo, now: datetime) -> Step | Refusal:
    state = fleet.state(repo.name)
    if refusal := common.unreadable(state):
        return refusal
    back = fleet.restores[repo.name]
    if back.head is None:
        return common.missing_branch(repo.name, back.branch)
    if not request.selects(repo.name) or repo.rollback == "never":
        why = "not selected" if not request.selects(repo.name) else "rollback: never"
        return Keep(repo=repo.name, branch=back.branch, at=back.head, why=why)
    if back.doubt:
        return Refusal(
            repo=repo.name,
            code="tag",
            why=f"{request.to} is not to be trusted: {back.doubt}",
            hint=f"multigit verify {request.target}   (it says how to put it right)",
        )
    if back.tag is None or back.tree is None or back.commit is None:
        return Refusal(
            repo=repo.name,
            code="no-tag",
            why=f"it has neither {request.to} nor an older release tag",
            hint=f"leave it where it is: multigit rollback {request.to} -x {repo.name}",
        )
    if back.head_tree == back.tree:
        return Keep(repo=repo.name, branch=back.branch, at=back.head, why="already there")
    return _go_back(back, request, now)


def _go_back(back: Restore, request: Request, now: datetime) -> Step | Refusal:
    assert back.head is not None
    assert back.commit is not None
    if request.mode == "reset":
        return _land(back, request, new=back.commit, commit=None)
    tree = back.tree
    if request.mode == "revert":
        if not isinstance(back.reverted, Clean):
            return _not_revertible(back, request)
        tree = back.reverted.tree
        if tree == back.head_tree:
            return Keep(
                repo=back.repo, branch=back.branch, at=back.head, why="nothing to revert: no merge since the tag"
            )
    assert tree is not None
    by = Signature(name=request.operator.name, email=request.operator.email, when=now.replace(microsecond=0))
    commit = NewCommit(tree=tree, parents=(back.head,), message=_message(back, request), by=by)
    return _land(back, request, new=commit.oid, commit=commit)


def _land(back: Restore, request: Request, *, new: Oid, commit: NewCommit | None) -> Land:
    assert back.head is not None
    older = () if back.exact else (f"has no such tag: its state then is {back.tag}",)
    return Land(
        repo=back.repo,
        branch=back.branch,
        old=back.head,
        new=new,
        how="reset" if request.mode == "reset" else "revert" if request.mode == "revert" else "restore",
        commit=commit,
        source=back.commit,
        commits=back.count,
        files=len(back.changed),
        forced=request.mode == "reset",
        notes=older,
    )


def _not_revertible(back: Restore, request: Request) -> Refusal:
    fix = f"multigit rollback {request.to} --mode restore"
    outcome = back.reverted
    refusal = common.cannot_merge(back.repo, outcome, back.branch, back.branch, fix) if outcome else None
    return refusal or Refusal(
        repo=back.repo, code="conflict", why="the releases cannot be reverted one by one", hint=fix
    )


def _message(back: Restore, request: Request) -> str:
    subject = f"Roll {back.branch} back to {request.to}"
    trailers = [f"{RESTORES}: {back.tag}", *(f"{TAKES_BACK}: {oid}" for oid in back.releases)]
    return "\n\n".join(part for part in (subject, request.message, "\n".join(trailers)) if part)


def _notes(config: Config, fleet: Fleet, steps: Sequence[Step], request: Request) -> Iterator[str]:
    """R6: what a rollback loses besides the release itself."""
    for step in steps:
        if not isinstance(step, Land):
            continue
        back = fleet.restores[step.repo]
        if request.mode != "revert":
            for hotfix in back.hotfixes:
                yield f"{step.repo}: a hotfix would be undone: {common.commit_text(hotfix)}"
        migrations = [path for path in back.changed if _is_migration(config, step.repo, path)]
        if migrations:
            named = ", ".join(migrations[:5])
            yield f"{step.repo}: {len(migrations)} migrations since the tag stay in the database: {named}"


def _is_migration(config: Config, repo: RepoName, path: str) -> bool:
    """Whether a `paths` gate of the configuration watches this path."""
    watched: list[Any] = [
        gate.settings.get("paths", {}).get(repo, ()) for gate in config.gates.values() if gate.kind == "paths"
    ]
    return any(fnmatch(path, glob.removeprefix("**/")) or fnmatch(path, glob) for globs in watched for glob in globs)


def _quarantine(
    config: Config, fleet: Fleet, request: Request, steps: Sequence[Step], tag: object
) -> tuple[Quarantine, ...]:
    lands = [step.repo for step in steps if isinstance(step, Land)]
    sources = {repo: fleet.restores[repo].releases for repo in lands if fleet.restores[repo].releases}
    if not config.rollback.hold or not sources or request.target is None:
        return ()
    reason = request.message or f"rolled back to {request.to}"
    return (Quarantine(hold=f"q-{tag or request.to}", env=request.target, reason=reason, sources=sources),)
