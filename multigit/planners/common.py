"""What every planner needs: the plan's frame, the tag, the refusals that are the same for all verbs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from multigit.model.config import Config, Environment, Repo
from multigit.model.fleet import CommitLine, Conflicted, Fleet, Outcome, RepoState, Unmergeable
from multigit.model.names import Branch, EnvName, Oid, RepoName, Tag
from multigit.model.plan import Keep, Land, Plan, Refusal, Request, Seen, Step
from multigit.tagschemes import scheme_for


def env_of(config: Config, name: EnvName | None) -> Environment:
    """The environment a request names; the command line has made sure that it exists."""
    assert name is not None
    return config.environments[name]


def frame(
    config: Config,
    fleet: Fleet,
    request: Request,
    now: datetime,
    *,
    branches: Sequence[Environment],
    steps: Sequence[Step],
    refusals: Sequence[Refusal],
    notes: Sequence[str] = (),
    phrase: str = "",
    tag: Tag | None = None,
) -> Plan:
    """The plan without what is special to the verb (`dataclasses.replace` adds that)."""
    target = env_of(config, request.target)
    return Plan(
        verb=request.verb,
        system=config.system.name,
        title=config.title,
        source=request.source,
        target=target.name,
        production=target.production,
        phrase=phrase or config.phrase(target),
        created=now.replace(microsecond=0),
        operator=request.operator,
        tag=tag if any(isinstance(step, Land) for step in steps) else None,
        reason=request.message,
        reapply=request.reapply,
        ledger=fleet.history.base,
        config=request.config_digest,
        steps=tuple(steps),
        refusals=(*_open_run(fleet), *refusals),
        notes=tuple(notes),
        waves=tuple(tuple(repo.name for repo in wave) for wave in config.waves()),
        seen=tuple(_seen(config, config.repos[state.repo], state, branches) for state in fleet.repos),
    )


def _seen(config: Config, repo: Repo, state: RepoState, branches: Iterable[Environment]) -> Seen:
    names = [branch for env in branches if (branch := config.branch(repo, env))]
    return Seen(repo=repo.name, heads={n: state.heads[n] for n in names if n in state.heads}, fence=state.fence)


def _open_run(fleet: Fleet) -> tuple[Refusal, ...]:
    run = fleet.history.open_run
    if run is None:
        return ()
    who = run.taken_by or run.by
    return (
        Refusal(
            repo=None,
            code="open-run",
            why=f"run {run.id} of {who.user}@{who.host} is open ({run.phase}, since {run.started:%Y-%m-%d %H:%M %Z})",
            hint=f"multigit resume {run.id} | multigit abort {run.id}",
        ),
    )


def next_tag(template: str | None, fleet: Fleet, now: datetime) -> Tag | None:
    """The one name this run tags with: free in every repository and later than every release before it (G5)."""
    if template is None:
        return None
    taken = {tag for state in fleet.repos for tag in state.tags}
    return scheme_for(template).next_tag(template, now=now, taken=taken, values={})


def unreadable(state: RepoState) -> Refusal | None:
    """A repository that cannot be read refuses the run: nobody is left out silently."""
    if state.problem is None:
        return None
    return Refusal(repo=state.repo, code=state.problem.kind, why=state.problem.why, hint=state.problem.hint)


def missing_branch(repo: RepoName, branch: Branch | None) -> Refusal:
    """The repository has no such branch on its remote."""
    return Refusal(
        repo=repo,
        code="missing-branch",
        why=f"there is no branch {branch} on the remote",
        hint=f"git push origin HEAD:refs/heads/{branch} (in {repo}), or take {repo} out of repos.yaml",
    )


def keep(repo: RepoName, branch: Branch | None, at: Oid | None, why: str) -> Keep | Refusal:
    """Leave a repository where it is; it still needs the branch, because the tag goes there."""
    if branch is None or at is None:
        return missing_branch(repo, branch)
    return Keep(repo=repo, branch=branch, at=at, why=why)


def cannot_merge(repo: RepoName, outcome: Outcome, source: Branch, target: Branch, fix: str) -> Refusal | None:
    """The refusal for a merge that has no single result (G10). `fix`: the command that leads out."""
    match outcome:
        case Conflicted(paths=paths):
            details = [
                line for path in paths for line in _conflict_lines(path.path, path.kinds, path.ours, path.theirs)
            ]
            return Refusal(
                repo=repo,
                code="conflict",
                why=f"{len(paths)} file{'s' * (len(paths) != 1)} cannot be merged from {source} into {target}",
                hint=fix,
                details=tuple(details),
            )
        case Unmergeable(why=why, hint=hint):
            code = "missing-branch" if why.startswith("no branch") else "unrelated"
            return Refusal(repo=repo, code=code, why=why, hint=hint)
        case _:
            return None


def _conflict_lines(path: str, kinds: tuple[str, ...], ours: CommitLine | None, theirs: CommitLine | None) -> list[str]:
    lines = [f"conflict {path} ({', '.join(kinds)})"]
    lines += [f"  target {commit_text(ours)}"] if ours else []
    lines += [f"  source {commit_text(theirs)}"] if theirs else []
    return lines


def commit_text(line: CommitLine) -> str:
    """`0b1f22c kim "hotfix: CORS"`."""
    return f'{line.oid.short} {line.author} "{line.subject}"'


def sort_out(results: Iterable[Step | Refusal]) -> tuple[list[Step], list[Refusal]]:
    """Steps and refusals apart, in the order given."""
    steps: list[Step] = []
    refusals: list[Refusal] = []
    for result in results:
        if isinstance(result, Refusal):
            refusals.append(result)
        else:
            steps.append(result)
    return steps, refusals
