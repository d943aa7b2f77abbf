"""Services of ECS as DescribeServices tells of them: whether a rollout is over, failed, or was taken back by ECS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from multigit.clients import code_of
from multigit.cloud.gathering import Gathering

Service = Mapping[str, Any]
Deployment = Mapping[str, Any]
_GATHERED: Final = Gathering[Service](10)
"""As many as one DescribeServices takes."""
_WENT_BACK: Final = re.compile(r"rolling back|rolled back", re.IGNORECASE)
_FAILED: Final = re.compile(r"deployment failed", re.IGNORECASE)


def service(ecs: Any, cluster: str, name: str) -> Service | None:
    """What ECS knows of a service; None where there is none, or no such cluster. Services that are asked about at the
    same time are asked about in one call.
    """

    def call(names: Sequence[str]) -> dict[str, Service]:
        found = ecs.describe_services(cluster=cluster, services=[*names])["services"]
        return {one[key]: one for one in found for key in ("serviceName", "serviceArn") if key in one}

    try:
        return _GATHERED.ask((id(ecs), cluster), name, call)
    except Exception as error:
        if code_of(error) == "ClusterNotFoundException":
            return None
        raise


def primary(service: Service) -> Deployment | None:
    """The deployment that was asked for last."""
    return next((one for one in service["deployments"] if one["status"] == "PRIMARY"), None)


def went_back(service: Service, primary: Deployment) -> str:
    """ECS's own words where what it runs is what it went back to by itself; '' otherwise."""
    since: datetime = primary["createdAt"]
    if _WENT_BACK.search(primary.get("rolloutStateReason", "")):
        return f"ECS went back by itself: {said(primary['rolloutStateReason'])}"
    for event in service.get("events", ()):  # the newest first
        text = str(event["message"])
        if _WENT_BACK.search(text) and (event["createdAt"] > since or primary["id"] in text):
            return f"ECS went back by itself at {event['createdAt']:%Y-%m-%d %H:%M:%S %Z}: {said(text)}"
    return ""


def failure(service: Service, deployment: str) -> str:
    """ECS's own words of why the deployment with this id failed; '' where it says nothing of the kind."""
    mine = next((one for one in service["deployments"] if one["id"] == deployment), None)
    if mine is not None and mine.get("rolloutState") == "FAILED":
        return f"deployment {deployment} failed: {said(mine.get('rolloutStateReason', 'no reason given'))}"
    told = [said(str(event["message"])) for event in about(service, deployment) if _FAILED.search(event["message"])]
    return told[-1] if told else ""  # the first that was said: what came later follows from it


def about(service: Service, deployment: str) -> Iterator[Mapping[str, Any]]:
    """The events that name a deployment, the newest first."""
    named = re.compile(rf"{re.escape(deployment)}(?![\w-])")
    return (event for event in service.get("events", ()) if named.search(str(event["message"])))


def under_way(service: Service, primary: Deployment) -> str:
    """What ECS is still doing; '' where it is done."""
    if primary["rolloutState"] != "COMPLETED":
        failed = f", {primary['failedTasks']} failed" if primary.get("failedTasks") else ""
        new = f"{primary['runningCount']} of {primary['desiredCount']} tasks run{failed}"
        return f"deployment {primary['id']} is {primary['rolloutState']}: {new}"
    if len(service["deployments"]) > 1:
        return f"{len(service['deployments']) - 1} older deployments still have tasks"
    well = service["runningCount"] == service["desiredCount"]
    return "" if well else f"{service['runningCount']} of {service['desiredCount']} tasks run"


def said(text: str) -> str:
    """What AWS or a program said, on one line; characters that no terminal should see are written out."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
