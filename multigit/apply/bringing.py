"""One step at one target: look, act where it is different, follow it to its end. Whoever is killed looks again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Event as Flag
from types import ModuleType
from typing import Any, Final

from multigit.clients import SignedOut
from multigit.errors import MultigitError, UsageError
from multigit.model.config import Environment, Repo
from multigit.model.deployments import StepState
from multigit.model.deployplan import DeployPlan, Step
from multigit.model.names import Oid, RepoName
from multigit.model.target import Artefact, Deployed, Progress, Release, Ticket
from multigit.model.template import filled
from multigit.model.urls import hide_secrets
from multigit.plugins import load
from multigit.targets import Clients, Unsure, settings_of

_PASSING: Final = ("MG-803", "MG-804", "MG-820")
"""Codes of errors after which it is worth asking again: asked for less, not reached, no answer."""
_HERE: Final = ("MG-800", "MG-810")
"""Codes of errors of this machine, which another may not have: no boto3, a secret that is not set."""
_TRIES: Final = 6
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
_SHORTEST_PAUSE = 0.5
_SLOWER: Final = 1.2
"""What does not change is asked about ever less often."""


class Unsettled(Exception):
    """It is not known how a step ends: it was stopped, or nobody answers. Going on later is safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a step happens."""

    module: ModuleType
    settings: Any
    clients: Clients


@dataclass(slots=True, kw_only=True)
class Bringer:
    """Brings steps of one deployment about. Safe for several threads."""

    plan: DeployPlan
    env: Environment
    folder: Path
    repo: Callable[[str], tuple[Repo, Path, str]]
    """Of a repository's name: what repos.yaml says, its clone's folder, its address without a login."""
    now: Callable[[], datetime]
    stop: Flag
    say: Callable[[str, str], None]
    """Repository and what goes on."""
    elapsed: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] | None = None
    """Waits that many seconds; until `stop` where it is None."""
    _places: dict[tuple[str, Oid], Place] = field(default_factory=dict)

    def bring(
        self, step: Step, known: StepState | None, tell: Callable[[Mapping[str, Any]], bool],
        before: Artefact | None = None,
    ) -> Progress:  # fmt: skip
        """Bring `step` about, or `before` back; how that ended, without secrets. Unsettled where it is not known.

        `known`: how it stands by the ledger; `tell` keeps how it stands, and says whether that is written.
        """
        try:
            return _clean(self._bring(step, known, tell, before))
        except Unsettled:
            raise
        except (SignedOut, UsageError) as here:  # of this machine, not of what is brought
            raise Unsettled(hide_secrets("; ".join(filter(None, (_said(here), here.hint))))) from None
        except MultigitError as refused:
            if refused.code in (*_PASSING, *_HERE):
                raise Unsettled(hide_secrets(_said(refused))) from None
            return _clean(Progress(state="failed", why=_said(refused), fault=_class(step),
                                   details=tuple(filter(None, (refused.hint,)))))  # fmt: skip
        except Exception as bug:
            why = hide_secrets(f"target {step.target} broke: {type(bug).__name__}: {bug}")
            if before is None:
                raise Unsettled(why) from bug
            return Progress(state="failed", why=why)  # else nobody could ever end it

    def _bring(
        self, step: Step, known: StepState | None, tell: Callable[[Mapping[str, Any]], bool], before: Artefact | None
    ) -> Progress:  # fmt: skip
        until = self.elapsed() + step.seconds
        release = self.release(step, before)
        place = self._place(step, release.commit)
        if known and known.state == "begun" and known.ticket:
            return self._follow(step, place, known.ticket, until)
        there = self._patiently(step, until, lambda: place.module.current(place.settings, release, place.clients))
        if there.state == "here":
            return Progress(state="ok", why=f"nothing to do: {there.what}", artefact=there.artefact)
        if there.state == "arriving":
            ticket = there.ticket
        else:
            # Whoever goes on may see half of what was begun: what ran before is what was seen first.
            first = before is None and not known
            if not tell({"state": "begun", "before": there.artefact} if first else {"state": "begun"}):
                raise Unsettled("the ledger could not be told, and nothing is done that it does not know of")
            self._say(step, f"{step.target}{f', instead of {there.what}' * bool(there.what)}")
            ticket = place.module.deploy(place.settings, release, place.clients)
        tell({"state": "begun", "ticket": ticket})
        return self._follow(step, place, ticket, until)

    def seen(self, step: Step) -> Deployed:
        """What is at the place of `step` now."""
        release = self.release(step)
        place = self._place(step, release.commit)
        found: Deployed = place.module.current(place.settings, release, place.clients)
        return found

    def release(self, step: Step, before: Artefact | None = None) -> Release:
        """What the target of `step` is asked to bring; with `before`, what ran there is brought back."""
        assert step.repo is not None
        back = before is not None
        if before is not None and not before:
            was = f"what ran there before: {step.was}" if step.was else "nothing ran there before, as far as is known"
            raise MultigitError("nothing is recorded that could be brought back", why=was)
        commit = (step.before_commit or step.commit) if back else step.commit
        _, _, url = self.repo(step.repo)
        return Release(
            env=self.plan.env, repo=step.repo, commit=commit or Oid("0" * 40), tag=self.plan.tag, url=url,
            branch=self.plan.branch, deployment=self.plan.id, step=f"{step.id}/back" if back else step.id,
            since=self.plan.created, artefact=before if before is not None else step.artefact,
        )  # fmt: skip

    def _follow(self, step: Step, place: Place, ticket: Ticket, until: float) -> Progress:
        last, slower = "", 1.0
        while True:
            seen: Progress = self._patiently(
                step, until, lambda: place.module.poll(place.settings, ticket, place.clients)
            )
            if seen.state != "running":
                return seen
            slower = _SLOWER * slower if seen.why == last else 1.0
            if seen.why != last:
                self._say(step, seen.why)
                last = seen.why
            if self.elapsed() >= until:
                limit = f"{step.seconds // 60}m" if step.seconds >= 60 else f"{step.seconds}s"
                return replace(seen, state="failed", why=f"not done within {limit}: {seen.why}", fault=_class(step))
            self._wait(max(_SHORTEST_PAUSE, min(seen.retry_after * slower, _LONGEST_PAUSE, until - self.elapsed())))

    def _patiently(self, step: Step, until: float, ask: Callable[[], Any]) -> Any:
        """The answer; what may pass is waited for, ever longer, a few times."""
        pause = _FIRST_PAUSE
        for left in reversed(range(_TRIES)):
            try:
                return ask()
            except MultigitError as failed:
                if failed.code not in _PASSING or isinstance(failed, Unsure) or not left or self.elapsed() >= until:
                    raise
                self._say(step, f"{failed.what}; asking again")
            self._wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        raise AssertionError  # the last try answers or raises

    def _say(self, step: Step, text: str) -> None:
        self.say(str(step.repo), hide_secrets(f"{step.stage}: {text}"))

    def _wait(self, seconds: float) -> None:
        if self.pause:
            self.pause(seconds)
        else:
            self.stop.wait(seconds)
        if self.stop.is_set():
            raise Unsettled("stopped here; what was begun goes on by itself")

    def _place(self, step: Step, commit: Oid) -> Place:
        """Where `step` happens; its templates speak of `commit`, which on the way back is the one before."""
        known = self._places.get((step.id, commit))
        if known is None:
            assert step.repo is not None
            _, clone, _ = self.repo(step.repo)
            module = load("targets", step.target)
            words = words_of(self.env, step.repo, commit, str(self.plan.tag or ""))
            say = lambda text: self._say(step, text)  # noqa: E731
            known = Place(module=module, settings=settings_of(module, rendered(module, step.settings, words)),
                          clients=Clients(folder=self.folder, clone=clone, say=say))  # fmt: skip
            self._places[step.id, commit] = known
        return known


def words_of(env: Environment, repo: RepoName, commit: Oid, tag: str) -> dict[str, str]:
    """What templates of a target may use."""
    return {**env.vars, "env": str(env.name), "repo": str(repo), "tag": tag, "sha": str(commit)}


def rendered(module: ModuleType, values: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """Settings with the templates among them filled in."""
    templates = getattr(module, "TEMPLATES", ())
    try:
        return {key: filled(value, words) if key in templates else value for key, value in values.items()}
    except ValueError as unknown:
        raise UsageError(str(unknown), hint="multigit config check") from None


def _clean(seen: Progress) -> Progress:
    """Without what looks like a secret: servers and logs say such things."""
    return replace(seen, why=hide_secrets(seen.why), details=tuple(map(hide_secrets, seen.details)),
                   link=hide_secrets(seen.link))  # fmt: skip


def _class(step: Step) -> Any:
    return "build" if step.stage == "build" else "deploy"


def _said(error: MultigitError) -> str:
    return f"{error.what}: {error.why}" if error.why else error.what
