"""Asks CloudWatch whether alarms are quiet.

health: {kind: cloudwatch-alarm, names: ["{long}-api-5xx", "{long}-api-latency"]}
health: {kind: cloudwatch-alarm, prefix: "{long}-gli-", unknown: pass}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from multigit.clients import asked, aws
from multigit.model.config import STRICT
from multigit.model.serving import Serving
from multigit.model.verdict import Verdict

ASKS: Final = "serving"
TEMPLATES: Final = ("names", "prefix", "region")
_AT_ONCE: Final = 100
"""Names that one question may have (DescribeAlarms)."""
_AGAIN: Final = 60.0
"""Seconds: no alarm is judged more often, except those of high resolution."""
_NAMED: Final = 5
"""How many alarms a reason names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this check: `kind: cloudwatch-alarm`."""

    __pydantic_config__ = STRICT
    names: tuple[str, ...] = ()
    """Names of alarms, which must exist; templates."""
    prefix: str = ""
    """How names of more alarms begin, of which there must be one; a template."""
    unknown: Literal["pass", "wait", "fail"] = "wait"
    """What an alarm means that has too little data to tell."""
    region: str = ""
    """Region; the one of this machine's settings when left out. A template."""

    def __post_init__(self) -> None:
        if not self.names and not self.prefix:
            raise ValueError("names or prefix is missing")
        if "" in self.names:
            raise ValueError("a name must not be empty")


def evaluate(settings: Settings, subject: Serving, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where all are OK; the reason names those in ALARM, or without data, and why CloudWatch says so."""
    with asked("CloudWatch was not asked for alarms"):
        found = {str(one["AlarmName"]): one for one in alarms(settings)}
    missing = [name for name in settings.names if name not in found]
    if missing:
        return Verdict(state="fail", why=f"there is no alarm {_listed(missing)}")
    if not found:
        return Verdict(state="fail", why=f"no alarm begins with {settings.prefix}")
    ringing = [one for one in found.values() if one["StateValue"] == "ALARM"]
    if ringing:
        return Verdict(state="fail", why=_told(ringing, len(found), "in ALARM"), details=_reasons(ringing))
    unsure = [one for one in found.values() if one["StateValue"] != "OK"]
    if unsure and settings.unknown != "pass":
        return Verdict(state=settings.unknown, why=_told(unsure, len(found), "without enough data"),
                       details=_reasons(unsure), retry_after=_AGAIN)  # fmt: skip
    quiet = f"{len(found)} alarms are quiet" if len(found) > 1 else "the alarm is quiet"
    return Verdict(state="pass", why=f"{quiet}: {_listed([*found])}")


def alarms(settings: Settings) -> Iterator[Mapping[str, Any]]:
    """All that are meant; composite ones are told only to those who ask for them."""
    pages = aws("cloudwatch", region=settings.region or None).get_paginator("describe_alarms")
    chunks = [settings.names[i : i + _AT_ONCE] for i in range(0, len(settings.names), _AT_ONCE)]
    questions: list[dict[str, Any]] = [{"AlarmNames": [*chunk]} for chunk in chunks]
    if settings.prefix:
        questions.append({"AlarmNamePrefix": settings.prefix})
    for question in questions:
        for page in pages.paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"], **question):
            yield from (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ()))


def _told(some: Sequence[Mapping[str, Any]], of: int, state: str) -> str:
    one = some[0]
    rest = f", and {_listed([str(other['AlarmName']) for other in some[1:]])}" if some[1:] else ""
    return f"{len(some)} of {of} alarms {state}: {one['AlarmName']}, {_reason(one)}{rest}"


def _reasons(some: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(f"{one['AlarmName']}: {_reason(one)}" for one in some)


def _reason(one: Mapping[str, Any]) -> str:
    return " ".join(str(one.get("StateReason") or "no reason given").split())


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
