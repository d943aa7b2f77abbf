"""Asks whether whoever is here can sign for the environment. Asked wherever `signers` are named; never overridden.

    signed: {kind: signed}    # with   environments: {prod: {signers: [kim@example.com]}}

The key is tried: one that is locked, or on a token that is not plugged in, is found before anything is pushed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from multigit.model.config import STRICT
from multigit.model.signatures import address_of
from multigit.model.verdict import Subject, Verdict
from multigit.vcs.signing import signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Nothing to set: the environment is the plan's target."""

    __pydantic_config__ = STRICT


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Fail where there is no key, where it is not one of the environment's signers, or where it does not sign."""
    env = subject.config.target(subject.plan.target)
    allowed = env.signers if env else ()
    mine = signer(Path(subject.folder))
    address = address_of(mine.public, subject.config.signing.signers)
    if address not in allowed:
        return Verdict(
            state="fail",
            why=f"{address or 'your key'} may not release {subject.plan.target}: {', '.join(allowed)} may",
            details=(f"your key: {mine.public}",),
        )
    mine.sign(b"multigit\n")
    return Verdict(state="pass", why=f"signed by {address}")
