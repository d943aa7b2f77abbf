"""deploy: the story of one deployment on one screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from multigit.app import look, refs
from multigit.app.consent import Options
from multigit.app.deploying import planning
from multigit.app.deploying.driving import Drive, held_up
from multigit.app.session import Session
from multigit.errors import CHANGES, DONE, MultigitError, Refused, UsageError
from multigit.model import deployreport
from multigit.model.config import Environment
from multigit.model.deployments import open_one, released
from multigit.model.deployplan import DeployPlan
from multigit.model.deployreport import DeploymentReport
from multigit.model.fleet import Fleet
from multigit.model.names import Oid, RepoName, Tag
from multigit.planners.deploy import Asked
from multigit.ui import ask, problems
from multigit.ui.deployments import plan_text, report_text
from multigit.ui.documents import document
from multigit.ui.lang import sentence
from multigit.ui.screen import Screen


def deploy(session: Session, screen: Screen, word: str, ref: str | None, options: Options) -> int:
    """Bring ENV to what its branch says, or to a release; every step followed to its end."""
    env = session.environment(word)
    if not planning.deployed_there(session.config, env):
        raise UsageError(f"nothing is deployed to {env.name}", why="no repository names a target for it in repos.yaml",
                         hint="docs/deploy.md")  # fmt: skip
    fleet = look.fleet(session, (env,))
    _readable(fleet)
    if found := open_one(fleet.history.deployments.values(), str(env.name)):
        raise held_up(found)
    plan = planning.plan(session, _asked(session, env, fleet, ref), fleet.history)
    screen.close()
    told = deployreport.of_plan(plan, "planned")
    screen.say(plan_text(plan, told, width=screen.width), always=screen.interactive and not options.dry_run)
    if options.dry_run or not plan.steps:
        screen.document(document("", told if plan.steps else replace(told, outcome="nothing")))
        return CHANGES if options.exit_code and plan.steps else DONE
    _not_held(fleet, env)
    _agree(screen, session, env, plan, options)
    session.ledger.read(fleet.history.head)
    return tell(session, screen, Drive(session, screen, plan, options.lang).begin())


def _asked(session: Session, env: Environment, fleet: Fleet, ref: str | None) -> Asked:
    branches = {repo.name: session.config.branch(repo, env) for repo in session.config.fleet}
    heads = {state.repo: head for state in fleet.repos
             if (branch := branches.get(state.repo)) and (head := state.heads.get(branch))}  # fmt: skip
    asked = planning.asked_for(session, env, heads)
    if ref is None:
        return replace(asked, tag=_tag_of(fleet, env, heads))
    there, tag = refs.meant(session, fleet, ref, env)
    if there.name != env.name:
        raise UsageError(f"{tag} is a release of {there.name}, not of {env.name}", hint="multigit history")
    commits = {state.repo: state.tags[tag].commit for state in fleet.repos if tag in state.tags}
    recorded = {repo: one for repo, one in released(fleet.history.deployments.values(), str(env.name), tag).items()
                if one.artefact}  # fmt: skip
    return replace(asked, tag=tag, commits={**heads, **commits}, recorded=recorded)


def _tag_of(fleet: Fleet, env: Environment, heads: Mapping[RepoName, Oid]) -> Tag | None:
    """The release that stands exactly where the branches are, if one does."""
    runs = [
        run for run in fleet.history.runs.values() if run.target == env.name and run.tag and run.phase == "released"
    ]
    tag = runs[-1].tag if runs else None
    at = {state.repo: state.tags[tag].commit for state in fleet.repos if tag and tag in state.tags}
    return tag if tag and all(at.get(repo) == head for repo, head in heads.items()) else None


def _readable(fleet: Fleet) -> None:
    """A repository that cannot be read cannot be deployed, nor the ledger told."""
    for state in fleet.repos:
        if state.problem:
            raise MultigitError(f"{state.repo} cannot be read", why=state.problem.why, hint=state.problem.hint,
                                state="nothing was deployed")  # fmt: skip


def _not_held(fleet: Fleet, env: Environment) -> None:
    """A frozen environment gets nothing; what was released before the freeze waits with the rest."""
    for hold in fleet.history.holds:
        if hold.env == env.name and not hold.quarantine:
            raise Refused(f"{env.name} is on hold", why=f"{hold.by.name}: {hold.reason}", code="MG-320",
                          hint=f'multigit hold release {env.name} -m "…"', state="nothing was deployed")  # fmt: skip


def _agree(screen: Screen, session: Session, env: Environment, plan: DeployPlan, options: Options) -> None:
    """One yes; before production also its phrase. Without a terminal the phrase, or --yes elsewhere."""
    phrase = session.config.phrase(env)
    if options.confirm is not None or not screen.interactive or (options.yes and not env.production):
        if options.confirm is not None and options.confirm != phrase:
            raise problems.wrong_phrase(given=options.confirm, phrase=phrase, command=options.again)
        if env.production and options.confirm is None:
            raise problems.rollback_needs_phrase(command=options.again, phrase=phrase)
        if not options.spoken:
            raise problems.nobody_to_ask(command=options.again)
        return
    if not ask.yes(screen, sentence(options.lang, "deploy", target=str(plan.env))):
        raise problems.said_no(command=options.again)
    if env.production and not ask.typed(screen, sentence(options.lang, "phrase", phrase=phrase), phrase):
        raise problems.wrong_phrase(given=None, phrase=phrase, command=options.again)


def tell(session: Session, screen: Screen, found: DeploymentReport) -> int:
    """How a deployment ended, for people and programs."""
    screen.close()
    screen.say(report_text(found, session.zone, session.now(), width=screen.width), always=True)
    told, warnings = session.teller.settle()
    for warning in warnings:
        screen.warn(warning)
    screen.document(document("", replace(found, notices=told)))
    return found.exit_code
