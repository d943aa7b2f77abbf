"""A deployment from its first record to its last: driven, ended, taken back where it has to be, and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event as Flag

from multigit.app import report
from multigit.app.deploying.planning import bringer_for
from multigit.app.serving import Vigil
from multigit.app.session import Session
from multigit.apply import signals
from multigit.apply.bringing import Unsettled
from multigit.apply.keeping import Keeper
from multigit.apply.rollout import Result, Rollout
from multigit.errors import Interrupted, MultigitError, PartlyApplied, Refused
from multigit.model import deployreport, notice
from multigit.model.deployments import Deployment
from multigit.model.deployplan import DeployPlan, Step
from multigit.model.deployreport import DeploymentReport
from multigit.model.names import Oid, RepoName
from multigit.model.owing import owed, release_before
from multigit.model.target import Progress
from multigit.ui import ask
from multigit.ui.lang import Lang, sentence
from multigit.ui.screen import Screen

Undo = Callable[[DeployPlan, str], "dict[str, object] | None"]
"""Takes the branches back to the release before; the document of that run. None: there is none to go back to."""


@dataclass(slots=True)
class Drive:
    """One deployment, driven from this machine."""

    session: Session
    screen: Screen
    plan: DeployPlan
    lang: Lang = "en"
    undo: Undo | None = None
    stop: Flag = field(default_factory=Flag)
    rollout: Rollout = field(init=False)

    def __post_init__(self) -> None:
        keeper = Keeper(plan=self.plan, ledger=self.session.ledger, actor=self.session.actor, now=self.session.now)
        self.rollout = Rollout(
            plan=self.plan, keeper=keeper, journal=self.session.journal, healthy=self._healthy, stop=self.stop,
            bringer=bringer_for(self.session, self.plan, self.stop, self._say), say=self._say,
        )  # fmt: skip

    def begin(self, supersedes: str = "") -> DeploymentReport:
        """Begin it and drive it to its end; Refused where another deployment of the environment is open."""
        if refused := self.rollout.keeper.begin(supersedes):
            raise Refused(
                f"the deployment of {self.plan.env} did not begin", why=refused.why,
                hint=f"multigit watch {self.plan.env}", state="nothing was deployed", code="MG-850",
            )  # fmt: skip
        self._tell()
        return self.go_on()

    def take(self) -> None:
        """Become the owner of one that is open."""
        if refused := self.rollout.keeper.take():
            raise Refused(f"deployment {self.plan.id} could not be taken over", why=refused.why, code="MG-850",
                          hint="multigit watch")  # fmt: skip

    def go_on(self) -> DeploymentReport:
        """Drive it on, wherever it stands, to its end."""
        returning = self._found().returning
        with signals.stopping(self.stop, self.screen.warn):
            result = self._back("") if returning else self.rollout.go()
        if result.end == "failed" and not returning:
            result = self._failed(result)
        return self._ended(result)

    def _failed(self, result: Result) -> Result:
        """It goes back, or stays as it is; open where nobody says which."""
        try:
            if not self._goes_back(result.why):
                return result
        except Interrupted:
            return Result("open", f"{result.why}; nobody has said yet whether it goes back")
        self.screen.warn(f"{result.why}: going back to what ran before")
        with signals.stopping(self.stop, self.screen.warn):
            return self._back(result.why)

    def give_up(self, reason: str) -> DeploymentReport:
        """Take it back, as somebody asked for (`abort`)."""
        with signals.stopping(self.stop, self.screen.warn):
            result = self._back(reason)
        return self._ended(result, asked=True)

    def _back(self, why: str) -> Result:
        return self.rollout.back(why)

    def _goes_back(self, why: str) -> bool:
        """As repos.yaml says, or as a person at the terminal does."""
        if self.plan.auto_rollback != "ask":
            return self.plan.auto_rollback == "always"
        if not self.screen.interactive or self.stop.is_set():
            return False
        self.screen.warn(why)
        return ask.yes(self.screen, sentence(self.lang, "take_back", target=str(self.plan.env)))

    def _ended(self, result: Result, *, asked: bool = False) -> DeploymentReport:
        """`asked`: somebody typed `abort`; then the branches stay as they are."""
        end, warnings = result.end, []
        if end in ("well", "failed", "returned") and not self.rollout.keeper.end(end, result.why):
            if not self.rollout.keeper.lost.is_set():
                warnings.append(f"the ledger was not told: {self.rollout.keeper.unwritten}")
            end = "lost" if self.rollout.keeper.lost.is_set() else "open"
        told = replace(deployreport.of(self._found(), end, result.why), warnings=tuple(warnings))
        if end == "returned" and not asked and self.undo and self.plan.run:
            told = self._undone(told)
        told = replace(told, next=self._next(told))
        report.tell_log(self.session, self.screen)
        self._tell(told, asked=asked)
        return told

    def _undone(self, told: DeploymentReport) -> DeploymentReport:
        """The branches go back as well: what runs and what they say is the same again."""
        assert self.undo is not None
        try:
            restored = self.undo(self.plan, told.why)
        except MultigitError as failed:
            what = f"what ran before runs again, the branches were not taken back: {failed.what}"
            return replace(told, warnings=(*told.warnings, what, *filter(None, (failed.why, failed.hint))))
        if restored is None:
            what = "the branches stay as they are: there is no release before this one"
            return replace(told, warnings=(*told.warnings, what))
        if restored.get("outcome") not in ("released", "nothing"):
            what = "what ran before runs again, the branches were not taken back"
            why = str(restored.get("why", "") or restored.get("outcome", ""))
            return replace(told, restored=restored, warnings=(*told.warnings, f"{what}: {why}"))
        return replace(told, restored=restored)

    def _next(self, told: DeploymentReport) -> tuple[str, ...]:
        if told.outcome == "open":
            return (f"multigit resume {self.plan.id}", f"multigit abort {self.plan.id}")
        if told.outcome == "lost":
            return (f"multigit watch {self.plan.env}",)
        env, history = self.plan.env, self.session.ledger.history
        if told.outcome == "failed":
            before = None if self.plan.back else release_before(history, env, self.plan.tag)
            back = (f"multigit rollback {before}   (if {env} has to go back)",) if before else ()
            return (f"multigit deploy {env}   (after it is mended)", *back)
        if told.outcome == "well" and self.plan.back and self.plan.tag:
            return (f"multigit rollback {self.plan.tag}   (the branches, which did not go back yet)",)
        return tuple(one.command for one in owed(self.session.config, history) if one.env == env)

    def _healthy(self, step: Step, seconds: float, back: bool) -> Progress:
        """What the health checks say of the commit that should serve."""
        commits: dict[RepoName, Oid | None] = {**self.plan.commits}
        if back:
            commits |= {one.repo: one.before_commit for one in self.plan.steps if one.repo and one.stage == "deploy"}
        vigil = Vigil(self.session, self.session.config.environments[self.plan.env], commits,
                      None if back else self.plan.tag, only=step.repo, everyone=True,
                      stopped=self.stop.is_set)  # fmt: skip
        served = vigil.through(seconds if step.stage == "soak" else 0.0)
        if self.stop.is_set():
            raise Unsettled("stopped here; nothing was found ill")
        ill = [one for one in served if one.state == "ill"]
        flaps = sum(one.bad for one in served)
        if not ill:
            odd = f", {flaps} answers were not good" if flaps else ""
            return Progress(state="ok", why=f"{len(served)} of {len(served)} checks well{odd}")
        lines = [f"{one.repo or self.plan.env} {one.check}: {one.why}" for one in ill]
        details = tuple(line for one in ill for line in one.details)
        return Progress(state="failed", why="; ".join(lines), details=details)

    def _found(self) -> Deployment:
        return self.rollout.deployment

    def _say(self, repo: str, text: str) -> None:
        self.screen.progress(repo or None, text)

    def _tell(self, told: DeploymentReport | None = None, *, asked: bool = False) -> None:
        config, now = self.session.config, self.session.now()
        began = partial(notice.deploying, config, self.plan, now)
        ended = partial(notice.deployed, config, self.plan, asked=asked)
        self.session.teller.tell(partial(ended, told, now) if told else began)


def held_up(found: Deployment) -> PartlyApplied:
    """Another deployment is open: what may be typed."""
    who = found.taken_by or found.by
    return PartlyApplied(
        f"deployment {found.id} of {found.env} is open", why=f"{who.user}@{who.host} began it", code="MG-850",
        hint=f"multigit watch {found.env}\nmultigit resume {found.id}\nmultigit abort {found.id}",
        state="nothing was changed",
    )  # fmt: skip
