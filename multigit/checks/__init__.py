"""Checks: one file per question, named like the word after `kind:` in repos.yaml. Under `gates:` they are asked
before the plan is confirmed, under `health:` of what runs. Files that start with `_` are helpers, not checks.

A check of what runs says so by `ASKS = "serving"`, is given a `Serving` instead of a `Subject`, and names its settings
that are templates in `TEMPLATES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from multigit import plugins
from multigit.errors import MultigitError, UsageError
from multigit.model.config import Gate
from multigit.model.plan import Land
from multigit.model.serving import HealthCheck, Serving
from multigit.model.template import filled
from multigit.model.verdict import GateResult, Subject, Verdict
from multigit.plugins import asks_what_runs, load


def settings_of(module: ModuleType, values: Mapping[str, Any]) -> Any:
    """The check's own `Settings` made of what repos.yaml says; UsageError names every field that is wrong."""
    return plugins.settings_of(module, values, f"check {module.__name__.rpartition('.')[2]!r}")


def evaluate(gates: Sequence[Gate], subject: Subject) -> tuple[GateResult, ...]:
    """Ask every gate, in order. A check that cannot be asked has failed, and its verdict says why."""
    return tuple(GateResult(gate=gate, verdict=_verdict(gate, subject)) for gate in gates)


def _verdict(gate: Gate, subject: Subject) -> Verdict:
    said = _answer(gate.kind, gate.settings, lambda module: _serving(subject) if asks_what_runs(module) else subject)
    return said if isinstance(said, Verdict) else Verdict(state="fail", why=f"{gate.name}: {said[0]}", details=said[1])


def ask(check: HealthCheck, subject: Serving) -> Verdict:
    """The answer of what runs. A check that cannot be asked has failed, and its verdict says why."""

    def fitting(module: ModuleType) -> Serving:
        if not asks_what_runs(module):
            raise UsageError(f"the check {check.kind!r} judges plans, not what runs", hint="name it under gates")
        return subject

    said = _answer(check.kind, check.settings, fitting)
    return said if isinstance(said, Verdict) else Verdict(state="fail", why=said[0], details=said[1])


def _serving(subject: Subject) -> Serving:
    """For a check of what runs that is named as a gate: it is asked where the release comes from."""
    name = subject.plan.source or subject.plan.target
    assert name is not None
    env = subject.config.environments[name]
    commits = {step.repo: step.source for step in subject.plan.steps if isinstance(step, Land) and step.source}
    return Serving(config=subject.config, env=env, repo=None, now=subject.now, folder=subject.folder, commits=commits)


def _answer(
    kind: str, values: Mapping[str, Any], subject_for: Callable[[ModuleType], Subject | Serving]
) -> Verdict | tuple[str, tuple[str, ...]]:
    """What the check says, or why it could not be asked and what helps."""
    try:
        module = load("checks", kind)
        subject = subject_for(module)
        if isinstance(subject, Serving):
            values = filled_in(module, values, subject.words())
        verdict = module.evaluate(settings_of(module, values), subject)
    except MultigitError as problem:
        return problem.what, tuple(line for line in (problem.why, problem.hint) if line)
    except Exception as problem:  # noqa: BLE001  a check from outside may raise anything, and must not end the plan
        return f"check {kind!r} broke: {type(problem).__name__}: {problem}", ()
    if not isinstance(verdict, Verdict):
        return f"check {kind!r} gave no verdict but {verdict!r}", ()
    return verdict


def filled_in(module: ModuleType, values: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """The settings with the templates among them rendered; UsageError where a word is not known."""
    templates = getattr(module, "TEMPLATES", ())
    try:
        return {key: filled(value, words) if key in templates else value for key, value in values.items()}
    except ValueError as unknown:
        raise UsageError(str(unknown), hint="multigit config check") from None
