"""Asks whether what runs in an environment is well, by its own health checks (`health:` of `deploy`).

    stg-healthy: {kind: health, env: stg}

Each is asked once; one that is not well is asked twice more, a second apart, because one bad answer is chance.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from multigit.lanes import each
from multigit.model.config import STRICT
from multigit.model.names import EnvName
from multigit.model.serving import HealthCheck, Serving, Unfit, checks_of
from multigit.model.verdict import Subject, Verdict

_TRIES, _PAUSE = 3, 1.0
_ALL_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this gate."""

    __pydantic_config__ = STRICT
    env: EnvName
    """Environment that must be well, by id or alias."""


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where every check of the environment is well; what is not well is named."""
    env = subject.config.environment(settings.env)
    if env is None:
        return Verdict(state="fail", why=f"repos.yaml has no environment {settings.env!r} to ask")
    try:
        checks = checks_of(subject.config, env)
    except Unfit as odd:
        return Verdict(state="fail", why=odd.message, details=("multigit config check",))
    if not checks:
        return Verdict(state="fail", why=f"{env.name} has no health check to ask",
                       details=("write health: under deploy of its repositories",))  # fmt: skip
    said = each(lambda check: _tried(check, _serving(subject, check, settings.env)), checks, _ALL_AT_ONCE)
    bad = [f"{check.repo or env.name}: {verdict.why}" for check, verdict in zip(checks, said, strict=True)
           if verdict.state != "pass"]  # fmt: skip
    if bad:
        why = f"{len(bad)} of {len(checks)} health checks of {env.name} are not well: {bad[0]}"
        return Verdict(state="fail", why=why, details=(*bad, f"multigit verify {env.name}"))
    return Verdict(state="pass", why=f"{env.name} is well: {len(checks)} health checks")


def _serving(subject: Subject, check: HealthCheck, word: str) -> Serving:
    env = subject.config.environment(word)
    assert env is not None
    branch = subject.config.branch(subject.config.repos[check.repo], env) if check.repo else None
    state = next((state for state in subject.fleet.repos if state.repo == check.repo), None)
    head = state.heads.get(branch) if state and branch else None
    return Serving(config=subject.config, env=env, repo=check.repo, now=subject.now, folder=subject.folder, commit=head)


def _tried(check: HealthCheck, serving: Serving) -> Verdict:
    from multigit.checks import ask

    for left in range(_TRIES - 1, -1, -1):
        said = ask(check, serving)
        if said.state == "pass" or not left:
            return said
        time.sleep(_PAUSE)
    raise AssertionError("the last try returns")
