"""How ECS brings a new definition: what `ecs` asks it for, and what the service must have for it. Not a target.

ECS itself knows four strategies (DeploymentConfiguration.strategy; developer guide, "service deployment controllers and
strategies"): rolling, and those that run old and new side by side and move the traffic. The latter three move traffic
by a load balancer whose `advancedConfiguration` names a second target group, or by Service Connect; canary and linear
need one of both. The circuit breaker is for rolling updates; alarms take all of them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

from multigit.cloud import ecs
from multigit.errors import MultigitError
from multigit.model.config import seconds
from multigit.targets._ecs.service import NOTHING, UNFIT, Door

Strategy = Literal["keep", "rolling", "blue-green", "canary", "linear"]
_DAY: Final = 1440
"""Minutes: as long as ECS waits at most."""
_MOVING: Final = ("BLUE_GREEN", "CANARY", "LINEAR")
_OF: Final = {
    "bakeTimeInMinutes": _MOVING, "lifecycleHooks": _MOVING, "canaryConfiguration": ("CANARY",),
    "linearConfiguration": ("LINEAR",), "deploymentCircuitBreaker": ("ROLLING", "BLUE_GREEN"),
}  # fmt: skip
"""What a deployment configuration may hold for which strategies."""


class Settings(Protocol):
    """The settings that say how."""

    @property
    def strategy(self) -> Strategy: ...
    @property
    def percent(self) -> float: ...
    @property
    def step(self) -> str: ...
    @property
    def bake(self) -> str: ...
    @property
    def breaker(self) -> Literal["rollback", "keep"]: ...
    @property
    def alarms(self) -> tuple[str, ...]: ...


def problem(settings: Settings) -> str:
    """What is wrong with them whatever the service is like; ''."""
    gradual = settings.strategy in ("canary", "linear")
    if (settings.percent or settings.step) and not gradual:
        return "percent and step belong to the strategies canary and linear"
    least = 3.0 if settings.strategy == "linear" else 0.1
    if settings.percent and (not least <= settings.percent <= 100 or round(settings.percent * 10, 6) % 1):
        return f"percent must be a multiple of 0.1 from {least} to 100"
    if settings.bake and settings.strategy in ("keep", "rolling"):
        return "bake belongs to the strategies blue-green, canary and linear"
    for word in filter(None, (settings.step, settings.bake)):
        if seconds(word) % 60 or seconds(word) > _DAY * 60:
            return f"{word!r} must be whole minutes, at most a day"
    if not all(settings.alarms):
        return "the name of an alarm must not be empty"
    return ""


def changes(way: Door, service: ecs.Service, settings: Settings) -> dict[str, Any]:
    """`deploymentConfiguration` to send with the update; empty where the service has it all.

    MultigitError, before anything changes, where the service is not made for it.
    """
    now: Mapping[str, Any] = service.get("deploymentConfiguration") or {}
    wanted = {**_breaker(now, settings), **_alarms(settings), **_strategy(now, settings)}
    if not any(_differs(now.get(key), value) for key, value in wanted.items()):
        return {}
    _refuse(way, service, settings, str(now.get("strategy", "ROLLING")))
    sent = {**{key: value for key, value in now.items() if value not in (None, [], {})}, **wanted}
    for key, kinds in _OF.items():  # ECS lists also what it does not take for another strategy
        if sent.get("strategy", "ROLLING") not in kinds:
            sent.pop(key, None)
    if sent.get("alarms") and not sent["alarms"].get("alarmNames"):
        del sent["alarms"]
    return sent


def _word(strategy: Strategy) -> str:
    return strategy.upper().replace("-", "_")


def _breaker(now: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    kind = str(now.get("strategy", "ROLLING")) if settings.strategy == "keep" else _word(settings.strategy)
    if settings.breaker == "keep" or kind != "ROLLING":
        return {}
    return {"deploymentCircuitBreaker": {**now.get("deploymentCircuitBreaker", {}), "enable": True, "rollback": True}}


def _alarms(settings: Settings) -> dict[str, Any]:
    if not settings.alarms:
        return {}
    return {"alarms": {"alarmNames": list(settings.alarms), "enable": True, "rollback": True}}


def _strategy(now: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    if settings.strategy == "keep":
        return {}
    wanted: dict[str, Any] = {"strategy": _word(settings.strategy)}
    if settings.bake:
        wanted["bakeTimeInMinutes"] = seconds(settings.bake) // 60
    elif settings.strategy == "blue-green" and now.get("strategy") != "BLUE_GREEN":
        wanted["bakeTimeInMinutes"] = 5  # ECS demands one
    if settings.strategy in ("canary", "linear"):
        first, key = ("canary" if settings.strategy == "canary" else "step"), f"{settings.strategy}Configuration"
        percent = {f"{first}Percent": settings.percent} if settings.percent else {}
        pause = {f"{first}BakeTimeInMinutes": seconds(settings.step) // 60} if settings.step else {}
        wanted[key] = {**now.get(key, {}), **percent, **pause}
    return wanted


def _differs(now: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(now, Mapping):
        return any(_differs(now.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(now, list):
        return sorted(wanted) != sorted(now)
    return bool(now != wanted) and not (now is None and wanted in ({}, "ROLLING"))


def _refuse(way: Door, service: ecs.Service, settings: Settings, now: str) -> None:
    what = f"{way.place}: ECS cannot deploy it {settings.strategy}"
    if settings.strategy == "keep":
        return
    first = ecs.primary(service) or {}
    if now != _word(settings.strategy) and first.get("rolloutState") == "IN_PROGRESS":
        raise MultigitError(what, why=f"it is {now}, and ECS changes that only between deployments", code=UNFIT,
                            state=NOTHING, hint=f"when deployment {first['id']} is over, again")  # fmt: skip
    if settings.strategy == "rolling":
        return
    balancers = service.get("loadBalancers") or []
    single = [one for one in balancers if not one.get("advancedConfiguration", {}).get("alternateTargetGroupArn")]
    if single:
        raise MultigitError(what, why="its load balancer has no second target group (advancedConfiguration)",
                            state=NOTHING, code=UNFIT,
                            hint="aws ecs update-service --load-balancers …   with alternateTargetGroupArn,"
                                 " productionListenerRule and roleArn")  # fmt: skip
    connect = first.get("serviceConnectConfiguration", {}).get("enabled", False)
    if settings.strategy in ("canary", "linear") and not balancers and not connect:
        raise MultigitError(what, why="it has neither a load balancer nor Service Connect to move traffic with",
                            code=UNFIT, state=NOTHING, hint="strategy: rolling")  # fmt: skip
