"""Checks: one file per question, named like the word after `kind:` in repos.yaml. Under `gates:` they are asked
before the plan is confirmed. Files that start with `_` are helpers, not checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from multigit.errors import MultigitError, UsageError
from multigit.model.building import built
from multigit.model.config import Gate
from multigit.model.plain import plain
from multigit.model.verdict import GateResult, Subject, Verdict
from multigit.plugins import load


def settings_of(module: ModuleType, values: Mapping[str, Any]) -> Any:
    """The check's own `Settings` made of what repos.yaml says; UsageError names every field that is wrong."""
    made = _plainly(module, values)
    if made is not None:
        return made
    from pydantic import TypeAdapter, ValidationError

    document = json.dumps(plain(values), default=str)  # as JSON, strict mode takes a list for a tuple and nothing else
    try:
        return TypeAdapter(module.Settings).validate_json(document)
    except ValidationError as problem:
        kind = module.__name__.rpartition(".")[2]
        wrong = (f"{'.'.join(map(str, error['loc'])) or kind}: {error['msg']}" for error in problem.errors())
        raise UsageError(
            f"the settings of check {kind!r} are not right", why="; ".join(wrong), hint="multigit config check"
        ) from None


def _plainly(module: ModuleType, values: Mapping[str, Any]) -> Any:
    """The settings of one of our own checks where they fit exactly; None leaves it to pydantic, which loads slowly."""
    if not module.__name__.startswith(f"{__name__}."):
        return None
    try:
        return built(module.Settings, plain(values))
    except (ValueError, TypeError, KeyError):
        return None


def evaluate(gates: Sequence[Gate], subject: Subject) -> tuple[GateResult, ...]:
    """Ask every gate, in order. A check that cannot be asked has failed, and its verdict says why."""
    return tuple(GateResult(gate=gate, verdict=_verdict(gate, subject)) for gate in gates)


def _verdict(gate: Gate, subject: Subject) -> Verdict:
    try:
        module = load("checks", gate.kind)
        verdict = module.evaluate(settings_of(module, gate.settings), subject)
    except MultigitError as problem:
        told = (problem.why, problem.hint)
        return Verdict(state="fail", why=f"{gate.name}: {problem.what}", details=tuple(line for line in told if line))
    except Exception as problem:  # noqa: BLE001  a check from outside may raise anything, and must not end the plan
        return Verdict(state="fail", why=f"{gate.name}: check {gate.kind!r} broke: {type(problem).__name__}: {problem}")
    if not isinstance(verdict, Verdict):
        return Verdict(state="fail", why=f"{gate.name}: check {gate.kind!r} gave no verdict but {verdict!r}")
    return verdict
