"""What `doctor` says of the notifiers: whether what their references stand for is there. Nobody is told anything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import fields
from importlib.util import find_spec
from typing import Any

from multigit.app.session import Session
from multigit.errors import MultigitError
from multigit.model.config import Environment
from multigit.model.health import Finding
from multigit.model.notifier import Notifier
from multigit.model.references import Reference
from multigit.notifiers import settings_of


def notifiers(session: Session, envs: Sequence[Environment]) -> Iterator[Finding]:
    """One finding for each notifier that is told of one of `envs`."""
    names = {env.name for env in envs}
    rules = [rule for rule in session.config.notify if not rule.envs or names & _meant(session, rule)]
    if not rules:
        yield Finding(name="notices", state="skip", why="repos.yaml tells nobody")
    for rule in rules:
        yield _judged(rule)
    if rules and (waiting := _waiting(session)):
        why = f"{waiting} could not be sent yet; the next command tries again"
        yield Finding(name="notices", state="warn", why=why, fix="multigit notify send")


def _meant(session: Session, rule: Notifier) -> set[str]:
    return {env.name for word in rule.envs if (env := session.config.environment(word))}


def _judged(rule: Notifier) -> Finding:
    try:
        _, settings = settings_of(rule)
    except MultigitError as wrong:
        return Finding(name="notices", state="warn", why=f"{rule.name}: {wrong.what}: {wrong.why}", fix=wrong.hint)
    named = [reference.variable for reference in _references(settings)]
    missing = [name for name in dict.fromkeys(named) if not os.environ.get(name, "").strip()]
    if missing:
        why = f"{rule.name}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: nobody would be told"
        return Finding(name="notices", state="warn", why=why, fix="\n".join(f"export {name}=…" for name in missing))
    if any(os.environ[name].startswith("xox") for name in named) and find_spec("slack_sdk") is None:
        why = f"{rule.name}: a bot token needs slack_sdk"
        return Finding(name="notices", state="warn", why=why, fix='pip install "multigit-release[slack]"')
    return Finding(
        name="notices", state="ok", why=f"{rule.name}: {', '.join(named)} set; multigit notify test tries it"
    )


def _references(settings: Any) -> Iterator[Reference]:
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Reference):
            yield value


def _waiting(session: Session) -> int:
    try:
        return len(session.teller.outbox.waiting())
    except MultigitError:
        return 0  # the journal has a finding of its own
