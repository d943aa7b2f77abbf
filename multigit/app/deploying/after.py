"""What follows a release: planned before it lands, so that a place that cannot be asked is found in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from multigit.app.consent import Options
from multigit.app.deploying import planning
from multigit.app.deploying.driving import Drive, Undo, held_up
from multigit.app.session import Session
from multigit.errors import MultigitError, PartlyApplied, UsageError
from multigit.model import deployreport
from multigit.model.config import Environment
from multigit.model.deployments import Running, open_one, released
from multigit.model.deployplan import DeployPlan
from multigit.model.deployreport import DeploymentReport
from multigit.model.events import History
from multigit.model.names import Oid, RepoName
from multigit.model.plan import Plan
from multigit.planners.deploy import Asked
from multigit.ui.deployments import plan_text
from multigit.ui.screen import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """The deployment that follows one run."""

    session: Session
    screen: Screen
    run: Plan
    options: Options
    undo: Undo | None
    made: DeployPlan

    def then(self) -> DeploymentReport:
        """Deploy what was released, and watch it as long as its road says."""
        self.screen.progress(None, f"deploy {self.made.env}")
        return _begun(self.session, self.screen, self.made, self.options, self.undo, over=self.run.verb != "promote")

    def first(self) -> bool:
        """Before the branches go back, what ran as that release runs again, where it is recorded (R6); whether so."""
        back = _back(self.session, self.run, self.made)
        if back is None:
            return False
        self.screen.progress(None, f"{back.env}: what runs goes back first")
        told = _begun(self.session, self.screen, back, self.options, None, over=True)
        if told.outcome in ("open", "lost"):
            raise PartlyApplied(f"what runs in {back.env} is on its way back, the branches are not", why=told.why,
                                hint="\n".join(told.next), state="no branch was moved", code="MG-851")  # fmt: skip
        if told.outcome != "well":
            self.screen.warn(f"what runs did not go back: {told.why}; the branches go back all the same")
        return told.outcome == "well"


def _begun(
    session: Session, screen: Screen, made: DeployPlan, options: Options, undo: Undo | None, *, over: bool
) -> DeploymentReport:  # fmt: skip
    """`over`: in place of one that is open."""
    before = open_one(session.ledger.history.deployments.values(), str(made.env)) if over else None
    return Drive(session, screen, made, options.lang, undo).begin(supersedes=before.id if before else "")


def following(
    session: Session, screen: Screen, run: Plan, history: History, options: Options, undo: Undo | None = None
) -> Following | None:
    """What will follow `run`; None: nothing. An error where it could not be done, before anything is changed."""
    env = session.config.target(run.target)
    if env is None or not options.deploy or not planning.deployed_there(session.config, env):
        return None
    before = open_one(history.deployments.values(), str(env.name))
    if before and run.verb == "promote":
        raise held_up(before)
    try:
        made = planning.plan(session, _asked(session, env, run, history), history)
    except UsageError:
        raise
    except MultigitError as failed:
        raise MultigitError(
            f"what follows in {env.name} cannot be done: {failed.what}", why=failed.why, code=failed.code,
            hint="\n".join(filter(None, (failed.hint, f"{options.again} --no-deploy   (only the branches move)"))),
            state="nothing was changed",
        ) from failed  # fmt: skip
    if not made.steps:
        return None
    screen.say(plan_text(made, deployreport.of_plan(made, "planned"), width=screen.width), always=screen.interactive)
    return Following(session=session, screen=screen, run=run, options=options, undo=undo, made=made)


def _asked(session: Session, env: Environment, run: Plan, history: History) -> Asked:
    config = session.config
    commits = {repo: oid for repo, oid in run.commits().items() if config.branch(config.repos[repo], env)}
    asked = replace(
        planning.asked_for(session, env, commits), tag=run.tag, run=run.run, reason=run.reason, repos=None,
        previous={**commits, **{land.repo: land.old for land in run.lands}},
        automatic=run.verb in ("promote", "hotfix"), migrates=run.verb != "rollback",
    )  # fmt: skip
    return planning.without_builds(config, asked, _as_of(history, run)) if run.verb == "rollback" else asked


def _as_of(history: History, run: Plan) -> Mapping[RepoName, Running]:
    """What ran as the release that `run` goes back to."""
    return released(history.deployments.values(), str(run.target), run.to) if run.to else {}


def _back(session: Session, run: Plan, then: DeployPlan) -> DeployPlan | None:
    """The way back of what runs; None where nothing is recorded."""
    history = session.ledger.history
    heads: dict[RepoName, Oid] = {**run.commits(), **{land.repo: land.old for land in run.lands}}
    env = session.config.environments[then.env]
    asked = replace(
        planning.asked_for(session, env, {repo: oid for repo, oid in heads.items() if repo in then.commits}),
        tag=run.to, reason=run.reason, recorded=_as_of(history, run), back=True, watch=0, repos=None,
    )  # fmt: skip
    made = planning.plan(session, asked, history)
    return made if any(step.stage == "deploy" for step in made.steps) else None
