"""pull and clone: bring people's clones up to date. Never merges, never discards, never commits (G2)."""

from __future__ import annotations

from datetime import datetime

from multigit.model.config import Config, Repo
from multigit.model.fleet import CloneState, Fleet
from multigit.model.names import Branch, Oid
from multigit.model.plan import Forward, Leave, MakeClone, Plan, Request, Step


def plan(config: Config, fleet: Fleet, request: Request, now: datetime) -> Plan:
    """One step for each selected repository; `request.branch` (pull) or the default branch (clone)."""
    steps = tuple(_one(config, fleet, request, repo) for repo in config.repos.values() if request.selects(repo.name))
    return Plan(
        verb=request.verb,
        system=config.system.name,
        title=config.title,
        created=now.replace(microsecond=0),
        operator=request.operator,
        config=request.config_digest,
        steps=steps,
    )


def _one(config: Config, fleet: Fleet, request: Request, repo: Repo) -> Step:
    state = fleet.state(repo.name)
    clone = fleet.clones[repo.name]
    branch = _branch(config, repo, request)
    if state.problem:
        return Leave(repo=repo.name, verdict="failed", why=state.problem.why, hint=state.problem.hint)
    if clone.foreign:
        return Leave(
            repo=repo.name, verdict="failed", why=clone.foreign, hint=f"look into {clone.path}; nothing was touched"
        )
    head = state.heads.get(branch) if branch else None
    if not clone.exists:
        if branch and head is None:
            return Leave(repo=repo.name, verdict="no such branch", why=f"no branch {branch} on the remote")
        return MakeClone(repo=repo.name, url=config.url(repo), path=clone.path, branch=branch)
    if request.verb == "clone" or branch is None:
        return Leave(repo=repo.name, verdict="up to date", why="cloned already")
    if head is None:
        return Leave(repo=repo.name, verdict="no such branch", why=f"no branch {branch} on the remote")
    return _forward(config.url(repo), clone, branch, head)


def _branch(config: Config, repo: Repo, request: Request) -> Branch | None:
    """The branch of this repository: an environment's, or the name as typed."""
    if request.target is not None:
        return config.branch(repo, config.environments[request.target])
    return request.branch


def _forward(url: str, clone: CloneState, branch: Branch, head: Oid) -> Step:
    current = clone.current == branch
    if clone.relation == "same":
        return Leave(repo=clone.repo, verdict="up to date")
    if clone.relation == "ahead":
        return Leave(repo=clone.repo, verdict="ahead", why=f"{len(clone.commits)} commits are not pushed yet")
    if current and (clone.busy or clone.dirty):
        why = clone.busy if clone.busy else f"{len(clone.dirty)} changed files"
        return Leave(repo=clone.repo, verdict="dirty", why=why, hint=f"cd {clone.path} && git status")
    if clone.relation == "diverged":
        why = f"local {branch} and the remote's have both moved"
        return Leave(
            repo=clone.repo,
            verdict="diverged",
            why=why,
            hint=f"cd {clone.path} && git log --oneline --left-right {branch}...{head.short}",
        )
    old = clone.heads.get(branch)
    return Forward(repo=clone.repo, path=clone.path, url=url, branch=branch, old=old, new=head, checked_out=current)
