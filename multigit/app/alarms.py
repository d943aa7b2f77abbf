"""Whether alarms ring, for `status`: asked in the background while the hosts are, never waited for long.

Environments are asked about whose health names a check of the kind `cloudwatch-alarm`, and those for which `infra`
defines alarms where this machine uses AWS. Only then is anything of AWS loaded. What is not known says why, and never
fails the command.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from multigit.errors import MultigitError
from multigit.lanes import begun
from multigit.model.summary import Alarms, Ringing
from multigit.model.urls import hide_secrets

if TYPE_CHECKING:
    from multigit.app.session import Session
    from multigit.model.config import Environment
    from multigit.model.serving import HealthCheck

LIMIT: Final = 2.0
"""Seconds from the beginning of the command."""
_KIND: Final = "cloudwatch-alarm"
_LONGEST: Final = 160
"""Letters of a reason: somebody's proxy may answer with a page."""
_SIGNS: Final = (
    "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip
"""Variables of those who use AWS; machines in AWS with a role of their own name their region by one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An environment, and what is being answered."""

    env: Environment
    answer: Future[Alarms]
    until: float


def asked(session: Session) -> list[Asked]:
    """Begin to ask about every environment that has alarms; nothing where none has."""
    infra = session.config.infra or {}
    if not infra.get("alarms") and not any(_KIND in repr(repo.deploy) for repo in session.config.repos.values()):
        return []
    from multigit.model.serving import Unfit, checks_of

    until, found = time.monotonic() + LIMIT, list[Asked]()
    selection = session.selection()
    for env in session.config.environments.values():
        try:
            checks = [check for check in checks_of(session.config, env) if check.kind == _KIND
                      and (selection is None or check.repo in selection)]  # fmt: skip
        except Unfit:  # config check says so
            continue
        if not checks and selection is None and not _hopeless():
            checks = _defined(infra, env)
        if checks:
            found.append(Asked(env, begun(partial(_look, env, checks)), until))
    return found


def _defined(infra: Mapping[str, Any], env: Environment) -> list[HealthCheck]:
    """The alarms that `multigit infra apply` makes for `env`, as one check; none where nothing runs there."""
    from multigit.model.serving import HealthCheck
    from multigit.model.template import fields, render

    words = {**env.vars, "env": str(env.name)}
    names = [render(name, words) for name in infra.get("alarms", ()) if env.deploys and set(fields(name)) <= set(words)]
    settings = {"names": names, "region": infra.get("region", ""), "unknown": "pass"}
    return [HealthCheck(repo=None, kind=_KIND, settings=settings, where=("infra", "alarms"))] if names else []


def told(asked: Sequence[Asked]) -> tuple[Alarms, ...]:
    """What is known by now, or within what is left of the time."""
    return tuple(_told(one) for one in asked)


def _told(one: Asked) -> Alarms:
    try:
        return one.answer.result(timeout=max(0.0, one.until - time.monotonic()))
    except TimeoutError:
        return _unknown(one.env, f"CloudWatch has not answered within {LIMIT:.0f} s")
    except MultigitError as no:
        return _unknown(one.env, no.why or no.what)
    except Exception as broken:  # noqa: BLE001  whatever it is, status goes on without it
        return _unknown(one.env, f"{type(broken).__name__}: {broken}")


def _unknown(env: Environment, why: str) -> Alarms:
    text = hide_secrets(" ".join(why.split()))
    return Alarms(env=env.name, state="unknown", why=text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def _look(env: Environment, checks: Sequence[HealthCheck]) -> Alarms:
    if why := _hopeless():
        return _unknown(env, why)
    from multigit import clients

    found: dict[str, Mapping[str, Any]] = {}
    missing: list[str] = []
    quiet: set[str] = set()  # those for which no data is well
    with clients.asked("CloudWatch was not asked"):
        for check in checks:
            settings, some = _alarms(env, check)
            found |= some
            missing += [name for name in settings.names if name not in some]
            if settings.prefix and not any(name.startswith(settings.prefix) for name in some):
                missing.append(f"{settings.prefix}…")
            quiet |= some.keys() if settings.unknown == "pass" else set()
    if missing:
        return _unknown(env, f"there is no alarm {', '.join(missing)}")
    ringing = tuple(Ringing(name=name, since=_since(one)) for name, one in found.items() if _is(one, "ALARM"))
    unsure = sum(_is(one, "INSUFFICIENT_DATA") and name not in quiet for name, one in found.items())
    state: Literal["ringing", "unsure", "quiet"] = "ringing" if ringing else "unsure" if unsure else "quiet"
    return Alarms(env=env.name, state=state, of=len(found), ringing=ringing, unsure=unsure)


def _hopeless() -> str:
    """Why asking would only take time; '' where it may be answered. Nothing of AWS is loaded for it."""
    if find_spec("boto3") is None:
        return "boto3 is not installed: pip install 'multigit-release[aws]'"
    home = Path(os.environ.get("HOME") or "~").expanduser()
    if not any(os.environ.get(name) for name in _SIGNS) and not (home / ".aws").is_dir():
        return "this machine has no credentials of AWS"
    return ""


def _alarms(env: Environment, check: HealthCheck) -> tuple[Any, dict[str, Mapping[str, Any]]]:
    """The settings of one check, and its alarms by name."""
    from multigit.checks import cloudwatch_alarm, filled_in, settings_of

    words = {**env.vars, "env": str(env.name), "repo": str(check.repo or "")}
    settings = settings_of(cloudwatch_alarm, filled_in(cloudwatch_alarm, check.settings, words))
    return settings, {str(one["AlarmName"]): one for one in cloudwatch_alarm.alarms(settings)}


def _is(one: Mapping[str, Any], state: str) -> bool:
    return str(one["StateValue"]) == state


def _since(one: Mapping[str, Any]) -> Any:
    return one.get("StateTransitionedTimestamp") or one.get("StateUpdatedTimestamp")
