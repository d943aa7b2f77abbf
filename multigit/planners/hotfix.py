"""hotfix and push: publish what people's clones have, past the road from environment to environment (G8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from multigit.model.config import Config, Repo
from multigit.model.fleet import CloneState, Fleet
from multigit.model.names import Branch, Oid
from multigit.model.objects import NewCommit, Signature
from multigit.model.plan import Keep, Land, Plan, Refusal, Request, Step
from multigit.planners import common


def plan(config: Config, fleet: Fleet, request: Request, now: datetime) -> Plan:
    """Push what the clones' branch is ahead by; with a message, commit the tracked changes first."""
    target = common.env_of(config, request.target)
    steps, refusals = common.sort_out(
        _one(config, fleet, request, repo, config.branch(repo, target), now) for repo in config.fleet
    )
    notes = [
        note
        for repo in config.fleet
        for note in _notes(fleet.clones.get(repo.name), request, config.branch(repo, target))
    ]
    drafted = common.frame(
        config,
        fleet,
        request,
        now,
        branches=(target,),
        steps=steps,
        refusals=refusals,
        notes=notes,
        tag=common.next_tag(target.tag, fleet, now) if request.verb == "hotfix" else None,
    )
    return replace(drafted, emergency=request.verb == "hotfix")


def _one(
    config: Config, fleet: Fleet, request: Request, repo: Repo, branch: Branch | None, now: datetime
) -> Step | Refusal:
    state = fleet.state(repo.name)
    if refusal := common.unreadable(state):
        return refusal
    head = state.heads.get(branch) if branch else None
    if branch is None or head is None:
        return common.missing_branch(repo.name, branch)
    clone = fleet.clones.get(repo.name)
    if not request.selects(repo.name) or clone is None or not clone.exists or not clone.heads:
        odd = clone.foreign if clone else ""
        why = "not selected" if not request.selects(repo.name) else odd or "no clone here"
        return Keep(repo=repo.name, branch=branch, at=head, why=why)
    if clone.foreign:
        return Refusal(repo=repo.name, code="clone", why=clone.foreign, hint=f"look into {clone.path}")
    commits_here = bool(request.message and clone.dirty and clone.current == branch)
    if not commits_here and clone.relation in ("same", "behind", "absent"):
        return Keep(repo=repo.name, branch=branch, at=head, why="nothing to push")
    return _refusal(config, repo, clone, branch, commits_here) or _push(clone, branch, head, request, now, commits_here)


def _refusal(config: Config, repo: Repo, clone: CloneState, branch: Branch, commits_here: bool) -> Refusal | None:
    folder = config.folder(repo)
    if branch not in clone.heads:
        return Refusal(
            repo=repo.name,
            code="no-local-branch",
            why=f"the clone has no commit on {branch}",
            hint=f"cd {folder} && git fetch origin && git switch {branch}, then again",
        )
    if clone.relation in ("diverged", "behind", "unknown"):
        return Refusal(
            repo=repo.name,
            code="diverged",
            why=f"the clone's {branch} does not contain the remote's {branch}",
            hint=f"cd {folder} && git pull --rebase origin {branch}, then again",
        )
    if commits_here and clone.busy:
        return Refusal(repo=repo.name, code="busy", why=clone.busy, hint=f"cd {folder} && git status")
    if clone.suspects:
        return Refusal(
            repo=repo.name,
            code="secret",
            why="the changes look like something that must not be published",
            hint=f"cd {folder} && git status   (restore the file, or take it out of the commits), then again",
            details=tuple(f"{path}: {why}" for path, why in clone.suspects),
        )
    return None


def _push(
    clone: CloneState,
    branch: Branch,
    head: Oid,
    request: Request,
    now: datetime,
    commits_here: bool,
) -> Land:
    tip = clone.heads[branch]
    commit = None
    if commits_here:
        assert clone.work_tree is not None
        by = Signature(name=request.operator.name, email=request.operator.email, when=now.replace(microsecond=0))
        commit = NewCommit(tree=clone.work_tree, parents=(tip,), message=request.message, by=by)
    stat = tuple(f"{path} +{added} -{removed}" for added, removed, path in clone.diffstat) if commits_here else ()
    return Land(
        repo=clone.repo,
        branch=branch,
        old=head,
        new=commit.oid if commit else tip,
        how="push",
        commit=commit,
        source=tip,
        commits=len(clone.commits) + bool(commit),
        files=len(clone.diffstat) if commits_here else 0,
        from_clone=clone.path,
        notes=(*(common.commit_text(line) for line in clone.commits[:10]), *stat),
    )


def _notes(clone: CloneState | None, request: Request, branch: Branch | None) -> list[str]:
    """What stays behind in the clones, so that nobody believes it was published."""
    if clone is None or not clone.exists or not request.selects(clone.repo):
        return []
    notes = []
    if clone.dirty and not request.message:
        notes.append(
            f"{clone.repo}: {len(clone.dirty)} changed files are not committed and not pushed (-m commits them)"
        )
    if clone.dirty and request.message and clone.current != branch:
        where = clone.current or "a detached head"
        notes.append(
            f"{clone.repo}: its changes stay, because it is on {where} and not on {branch} (git switch {branch})"
        )
    if clone.untracked and request.message:
        count = "1 untracked file" if len(clone.untracked) == 1 else f"{len(clone.untracked)} untracked files"
        notes.append(f"{clone.repo}: {count} stay (git add them to include them)")
    return notes
