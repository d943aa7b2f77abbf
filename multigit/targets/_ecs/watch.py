"""How a deployment of ECS is going, seen from the one who began it (G13). Not a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from multigit.clients import code_of
from multigit.cloud import ecs
from multigit.cloud.ecs import said
from multigit.model.target import Progress, Ticket
from multigit.targets._ecs.service import Door, definition, ended, short, tasks

_TOLD: Final = 5
"""As many stopped tasks, and as many events, help to understand."""


def judged(way: Door, service: ecs.Service, ticket: Ticket) -> Progress:
    """`ok` when the ticket's deployment is the only one, complete, with as many tasks as are wanted; failed when ECS
    gave it up or went back, or when somebody else's came after it.
    """
    link = _link(ticket)
    wanted = str(ticket["deployment"])
    first = ecs.primary(service)
    if first is None or first["id"] != wanted:
        why = _lost(way, service, first, ticket)
    elif first["rolloutState"] == "FAILED":
        why = ecs.failure(service, wanted)
    elif first["taskDefinition"] != ticket["taskDefinition"]:
        why = f"deployment {wanted} brings {short(first['taskDefinition'])}, not {short(str(ticket['taskDefinition']))}"
    else:
        going = busy(service, first)
        if going:
            return Progress(state="running", why=f"{way.place}: {going}", link=link)
        count = f"{service['runningCount']} of {service['desiredCount']} tasks"
        return Progress(state="ok", why=f"{way.place}: {count}, deployment {wanted} completed", link=link)
    details = (*_stopped(way, str(ticket["cluster"]), wanted), *_events(service, wanted))
    return Progress(state="failed", why=f"{way.place}: {why}", details=details, link=link)


def busy(service: ecs.Service, primary: ecs.Deployment) -> str:
    """What keeps a deployment that did not fail from being over; '' where it is."""
    if going := ecs.under_way(service, primary):
        return going
    if not service["desiredCount"]:
        return "0 tasks are wanted, so nothing serves"
    if primary["runningCount"] != primary["desiredCount"]:
        return f"{primary['runningCount']} of {primary['desiredCount']} tasks of deployment {primary['id']} run"
    return ""


def pulled(way: Door, service: ecs.Service, primary: ecs.Deployment, container: str) -> Sequence[str]:
    """The digests that the running tasks of a deployment pulled for a container; none where it has no tasks."""
    found = tasks(way, str(service["clusterArn"]), serviceName=str(service["serviceName"]), desiredStatus="RUNNING")
    mine = [task for task in found if task["taskDefinitionArn"] == primary["taskDefinition"]]
    return sorted({str(one["imageDigest"]) for task in mine for one in task.get("containers", ())
                   if one.get("name") == container and one.get("imageDigest")})  # fmt: skip


def _lost(way: Door, service: ecs.Service, first: ecs.Deployment | None, ticket: Ticket) -> str:
    """Why the ticket's deployment is not the primary one."""
    wanted = str(ticket["deployment"])
    now = "none is primary now" if first is None else f"{first['id']} ({short(first['taskDefinition'])}) is primary now"
    if words := ecs.failure(service, wanted):
        return f"ECS went back by itself: {words}; {now}"
    reason = str(first.get("rolloutStateReason", "")) if first is not None else ""
    if first is not None and "rolling back" in reason.lower():
        return f"ECS went back by itself: {said(reason)}; {now}"
    if first is None or first["createdAt"] < datetime.fromisoformat(str(ticket["since"])):
        return f"ECS went back by itself from deployment {wanted}: {now}; it does not say why"
    return f"deployment {wanted} was superseded: {now}, {_by(way, first, ticket)}"


def _by(way: Door, first: ecs.Deployment, ticket: Ticket) -> str:
    """Who brought what came after it, as far as ECS knows."""
    if first["taskDefinition"] == ticket["taskDefinition"]:
        return f"a new one of the same definition, begun {first['createdAt']:%Y-%m-%d %H:%M:%S %Z}"
    by = definition(way, str(first["taskDefinition"])).get("registeredBy")
    whose = f", registered by {said(str(by))}" if by else ""
    return f"begun {first['createdAt']:%Y-%m-%d %H:%M:%S %Z}{whose}"


def _stopped(way: Door, cluster: str, deployment: str) -> list[str]:
    """How its tasks ended; what cannot be read only helps less."""
    try:
        found = tasks(way, cluster, startedBy=deployment, desiredStatus="STOPPED")
    except Exception as error:
        if code_of(error) not in ("AccessDeniedException", "AccessDenied", "InvalidParameterException"):
            raise
        return [f"its stopped tasks cannot be read: {said(str(error))}"]
    found.sort(key=_when, reverse=True)
    return [ended(task) for task in found[:_TOLD]]


def _when(task: Mapping[str, Any]) -> float:
    stopped = task.get("stoppedAt") or task.get("createdAt")
    return float(stopped.timestamp()) if stopped else 0.0


def _events(service: ecs.Service, deployment: str) -> list[str]:
    """What ECS said since, the oldest first."""
    about = list(ecs.about(service, deployment))
    if not about:
        return []
    since = about[-1]["createdAt"]
    newer = [event for event in service["events"] if event["createdAt"] >= since][:_TOLD]
    return [f"{event['createdAt']:%H:%M:%S} {said(str(event['message']))}" for event in reversed(newer)]


def _link(ticket: Ticket) -> str:
    region = str(ticket["region"])
    host = "console.amazonaws.cn" if region.startswith("cn-") else "console.aws.amazon.com"
    names = (quote(str(ticket[key]), safe="") for key in ("cluster", "service"))
    return f"https://{region}.{host}/ecs/v2/clusters/{'/services/'.join(names)}/deployments?region={region}"
