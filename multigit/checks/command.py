"""Asks a program of the team. It gets the plan and answers with its exit status: 0 pass, 75 wait, anything else fail.

    e2e: {kind: command, run: [scripts/e2e-passed, --env, staging], timeout: 5m}

It runs without a shell in the folder of repos.yaml. Its environment holds MULTIGIT_PLAN (id), MULTIGIT_SOURCE,
MULTIGIT_TARGET, MULTIGIT_TAG and the few variables in `programs.KEPT`, so no token of the caller reaches it; the
plan's JSON (schema `multigit.plan/1`) is on stdin. It is asked for every plan, dry runs included, and so should only
look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from multigit import programs
from multigit.model.config import STRICT, seconds
from multigit.model.plan import to_json
from multigit.model.verdict import Subject, Verdict

WAIT: Final = 75
"""EX_TEMPFAIL of sysexits(3)."""
_LINES: Final = 10
"""How many lines of the output are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this gate."""

    __pydantic_config__ = STRICT
    run: tuple[str, ...]
    """The program and its arguments, one by one; a program named with a slash lies relative to repos.yaml."""
    timeout: str = "5m"
    """How long it may take, for example `5m`; then it and its children are ended."""

    def __post_init__(self) -> None:
        programs.check_words(self.run)
        seconds(self.timeout)


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Run the program and judge its exit status; the details are the last lines it wrote, as written."""
    program = settings.run[0]
    try:
        ended = _run(settings, subject)
    except OSError as problem:
        return Verdict(state="fail", why=f"{program} cannot be run: {problem.strerror or problem}")
    lines = ended.lines(_LINES)
    if ended.status is None:
        return Verdict(state="fail", why=f"{program} {ended.told(settings.timeout)}", details=lines)
    if ended.status == 0:
        return Verdict(state="pass", why=lines[-1] if lines else f"{program} agrees")
    if ended.status == WAIT:
        return Verdict(state="wait", why=f"{program} asks to wait", details=lines)
    return Verdict(state="fail", why=f"{program}: {ended.told(settings.timeout)}", details=lines)


def _run(settings: Settings, subject: Subject) -> programs.Ended:
    plan = subject.plan
    named = {
        "MULTIGIT_PLAN": plan.id,
        "MULTIGIT_SOURCE": plan.source or "",
        "MULTIGIT_TARGET": plan.target or "",
        "MULTIGIT_TAG": plan.tag or "",
    }
    document = to_json(plan).encode()
    return programs.run(settings.run, folder=subject.folder, env=named, limit=seconds(settings.timeout), stdin=document)
