"""A deployment, driven to its end: wave by wave, each repository's steps in order, everything told to the ledger.

Nothing is decided here that is not in the plan or in the ledger: whoever goes on later, on any machine, does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event as Flag
from typing import Any, Final, Literal

from multigit.apply.bringing import Bringer, Unsettled
from multigit.apply.keeping import Keeper
from multigit.lanes import each
from multigit.ledger.journal import Journal
from multigit.model.deployments import Deployment, StepState
from multigit.model.deployplan import DeployPlan, Step
from multigit.model.plain import plain
from multigit.model.target import Artefact, Progress

_LANES: Final = 16
End = Literal["well", "failed", "returned", "open", "lost"]


@dataclass(frozen=True, slots=True)
class Result:
    """How far a deployment came. `open`: it goes on with `resume`; `lost`: somebody else has it."""

    end: End
    why: str = ""


@dataclass(slots=True, kw_only=True)
class Rollout:
    """All that a deployment needs."""

    plan: DeployPlan
    keeper: Keeper
    journal: Journal
    bringer: Bringer
    healthy: Callable[[Step, float, bool], Progress]
    """Asks the health checks of a step (all, of `soak`) for what is left of its time, in seconds; whether after going
    back. Unsettled where it was stopped.
    """
    stop: Flag
    say: Callable[[str, str], None]

    @property
    def deployment(self) -> Deployment:
        """As the ledger has it."""
        return self.keeper.deployment

    def go(self) -> Result:
        """Every step that is not done yet, until the end, the first failure, or `stop`. Nothing is ended here."""
        for wave in _waves(self.plan.steps):
            ends = each(self._chain, wave, _LANES)
            if failed := [end for end in ends if end.end != "well"]:
                worst = next((end for end in failed if end.end == "failed"), failed[0])
                return Result("lost", "somebody else goes on with it") if self.keeper.lost.is_set() else worst
        return Result("lost") if self.keeper.lost.is_set() else Result("well")

    def _chain(self, steps: Sequence[Step]) -> Result:
        """The steps of one repository in one wave."""
        for step in steps:
            end = self._one(step)
            if end.end != "well":
                return end
        return Result("well")

    def _one(self, step: Step) -> Result:
        known = self.deployment.steps.get(step.id)
        if known and known.state != "begun":
            return Result("well" if known.state == "ok" else "failed", known.why)
        if self.stop.is_set() or self.keeper.lost.is_set():
            return Result("open", "stopped")
        self.journal.note("intent", self.plan.id, step.stage, repo=str(step.repo or ""))
        tell = partial(self.keeper.told, step.id)
        try:
            ended = self.bringer.bring(step, known, tell) if step.target else self._health(step, known, tell)
        except Unsettled as why:
            return Result("open", f"{step.id}: {why}")
        tell(_state(ended))
        self.journal.note("result", self.plan.id, f"{step.stage} {ended.state}: {ended.why}", repo=str(step.repo or ""))
        self.say(
            str(step.repo or self.plan.env), f"{step.stage}: {'ok' if ended.state == 'ok' else 'FAILED'}, {ended.why}"
        )
        return Result("well") if ended.state == "ok" else Result("failed", f"{step.id}: {ended.why}")

    def _health(self, step: Step, known: StepState | None, tell: Callable[[dict[str, Any]], object]) -> Progress:
        left = float(step.seconds)
        if step.stage == "soak":
            if known is None:
                tell({"state": "begun"})
            else:
                left -= max(0.0, (self.keeper.now() - known.at).total_seconds())  # another machine's clock may be ahead
        return self.healthy(step, max(0.0, left), False)

    # --- the way back ----------------------------------------------------------------------------------------------

    def back(self, reason: str) -> Result:
        """What ran before runs again: the last wave first, of each step that was begun. Then its health is asked.

        A build may have brought its site by itself already: what was seen there before goes back as well.
        """
        if not self.deployment.returning and not self.keeper.turn_back(reason):
            return Result("lost" if self.keeper.lost.is_set() else "open", self.keeper.unwritten)
        known = self.deployment.steps
        touched = [step for step in self.plan.steps if step.stage == "deploy"
                   and (step.id in known or (step.before and f"{step.repo}/build" in known))]  # fmt: skip
        failed: list[str] = []
        for wave in reversed(_waves(touched)):
            ends = each(lambda steps: self._back(steps[-1]), wave, _LANES)
            if bad := next((end for end in ends if end.end not in ("well", "failed")), None):
                return Result("lost") if self.keeper.lost.is_set() else bad
            failed += [end.why for end in ends if end.end == "failed"]  # what can go back does all the same
        return Result("failed", "; ".join(failed)) if failed else self._well_again(touched)

    def _back(self, step: Step) -> Result:
        known = self.deployment.backs.get(step.id)
        if known and known.state == "ok":
            return Result("well")
        self.journal.note("intent", self.plan.id, "back", repo=str(step.repo or ""))
        tell = partial(self.keeper.told, step.id, back=True)
        try:
            ended = self.bringer.bring(step, known, tell, self._before(step))
        except Unsettled as why:
            return Result("open", f"{step.id}: {why}")
        tell(_state(ended))
        self.say(str(step.repo or ""), f"back: {'ok' if ended.state == 'ok' else 'FAILED'}, {ended.why}")
        return Result("well") if ended.state == "ok" else Result("failed", f"{step.id}: {ended.why}")

    def _before(self, step: Step) -> Artefact:
        """What ran there before: as it was seen just before the step acted, or when the plan was made."""
        known = self.deployment.steps.get(step.id)
        return (known.before if known else {}) or step.before

    def _well_again(self, touched: Sequence[Step]) -> Result:
        repos = {step.repo for step in touched}
        asked = [step for step in self.plan.steps if step.stage == "health" and step.repo in repos]
        try:
            ends = each(lambda step: self.healthy(step, float(step.seconds), True), asked, _LANES)
        except Unsettled as why:
            return Result("open", str(why))
        ill = [f"{step.repo}: {end.why}" for step, end in zip(asked, ends, strict=True) if end.state != "ok"]
        return Result("returned", f"yet it is not well: {'; '.join(ill)}" if ill else "")


def _waves(steps: Sequence[Step]) -> list[list[list[Step]]]:
    """Wave by wave, the steps of each repository."""
    waves: dict[int, dict[str, list[Step]]] = {}
    for step in sorted(steps, key=lambda step: step.wave):
        waves.setdefault(step.wave, {}).setdefault(str(step.repo or ""), []).append(step)
    return [list(chains.values()) for chains in waves.values()]


def _state(ended: Progress) -> dict[str, Any]:
    """How a step ended, as the ledger keeps it."""
    said: dict[str, Any] = {"state": ended.state, "why": ended.why, "artefact": plain(ended.artefact)}
    if ended.state == "failed":
        said |= {"fault": ended.fault, "details": list(ended.details)}
    return said | ({"link": ended.link} if ended.link else {})
