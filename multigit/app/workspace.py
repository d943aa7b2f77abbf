"""pull and clone: people's clones, brought up to date and never harmed (G2)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from multigit.app import look
from multigit.errors import DONE, FAILED, MultigitError
from multigit.lanes import each
from multigit.model.actor import Actor
from multigit.model.names import Branch
from multigit.model.plan import Forward, Leave, MakeClone, Plan, Request, Step
from multigit.model.pulled import PullDocument, PullResult, failed_results
from multigit.planners import pull as planner
from multigit.ui.reports import pull_text

if TYPE_CHECKING:
    from multigit.app.session import Session
    from multigit.model.config import Environment
    from multigit.ui.screen import Screen

_NOBODY: Final = Actor(name="", email="", user="", host="")
"""What is not recorded needs no name, and git is not asked for one."""


def pull(session: Session, screen: Screen, word: str, *, dry_run: bool) -> int:
    """Clone what is missing, fetch, fast-forward one branch in every clone."""
    env = session.config.environment(word)
    branch = None if env else Branch(word) if not Branch.problem(word) else None
    if env is None and branch is None:
        session.environment(word)  # says what is known
    return _bring(session, screen, dry_run, env=env, branch=branch)


def clone(session: Session, screen: Screen, *, dry_run: bool) -> int:
    """Clone what is missing."""
    return _bring(session, screen, dry_run, env=None, branch=None)


def _bring(session: Session, screen: Screen, dry_run: bool, *, env: Environment | None, branch: Branch | None) -> int:
    config = session.config
    seen = look.fleet(session, (env,) if env else (), (branch,) if branch else ())
    seen = look.clone_states(session, seen, lambda repo: config.branch(repo, env) if env else branch)
    request = Request(
        verb="pull" if env or branch else "clone", target=env.name if env else None, branch=branch,
        operator=session.actor if dry_run else _NOBODY, repos=session.selection(), config_digest=session.loaded.digest,
    )  # fmt: skip
    plan = planner.plan(config, seen, request, session.now())
    if dry_run:
        from multigit.ui.documents import plan_document
        from multigit.ui.plans import plan_text

        screen.say(plan_text(plan, width=screen.width))
        screen.document(plan_document(plan))
        return _exit_code([_left(step) for step in plan.steps if isinstance(step, Leave)])
    code = _do(session, screen, plan, branch)
    if seen.history.events:
        from multigit.app import report

        report.tell_log(session, screen)
    return code


def _do(session: Session, screen: Screen, plan: Plan, branch: Branch | None) -> int:
    def one(step: Step) -> PullResult:
        session.progress(step.repo, plan.verb)
        try:
            return _step(step)
        except MultigitError as failed:
            return PullResult(repo=step.repo, verdict="failed", why=failed.why or failed.what, hint=failed.hint)

    results = tuple(each(one, plan.steps, session.jobs))
    told = PullDocument(branch=branch, results=results, exit_code=_exit_code(list(results)))
    screen.close()
    screen.say(pull_text(results, width=screen.width))
    screen.document(told)
    return told.exit_code


def _step(step: Step) -> PullResult:
    if isinstance(step, Leave):
        return _left(step)
    from multigit.vcs import clones

    match step:
        case MakeClone(repo=repo, url=url, path=path, branch=branch):
            clones.clone(url, Path(path), branch)
            return PullResult(repo=repo, verdict="cloned")
        case Forward(repo=repo, path=path, url=url, branch=branch, old=old, new=new, checked_out=checked_out):
            clones.forward(Path(path), url, branch, old, new, checked_out)
            return PullResult(repo=repo, verdict="updated", old=old, new=new)
        case _:
            raise AssertionError(f"a pull has no step {step.kind}")


def _left(step: Leave) -> PullResult:
    return PullResult(repo=step.repo, verdict=step.verdict, why=step.why, hint=step.hint)


def _exit_code(results: list[PullResult]) -> int:
    return FAILED if failed_results(results) else DONE
