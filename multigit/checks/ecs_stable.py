"""Asks ECS whether a service runs what it should, and not what its circuit breaker went back to.

    health: {kind: ecs-stable, cluster: gli-api-cluster, service: "{long}-api-service", image: "gli-api:{sha:8}"}

Well is: one deployment, which is the primary one and completed, with as many tasks as are wanted, of that image. That
ECS is "steady" is not enough: after an automatic rollback it is, too, and `aws ecs wait services-stable` is content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from multigit.clients import asked, aws
from multigit.cloud import ecs
from multigit.model.config import STRICT
from multigit.model.image import image, wanted
from multigit.model.serving import Serving
from multigit.model.verdict import Verdict

ASKS: Final = "serving"
TEMPLATES: Final = ("cluster", "service", "image", "container", "region")
_AGAIN: Final = 15.0
"""Seconds after which a rollout has moved on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this check: `kind: ecs-stable`."""

    __pydantic_config__ = STRICT
    cluster: str
    """Name of the cluster; a template."""
    service: str
    """Name of the service; a template."""
    image: str = ""
    """Image that must run: `name:tag`, `name@sha256:…`, or a tag or digest alone; a template. Any when left out."""
    container: str = ""
    """Container that must run it; one of the task's when left out. A template."""
    region: str = ""
    """Region; the one of this machine's settings when left out. A template."""

    def __post_init__(self) -> None:
        if not self.cluster or not self.service:
            raise ValueError("cluster and service must not be empty")
        if self.image and "{" not in self.image:
            wanted(self.image)


def evaluate(settings: Settings, subject: Serving, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where what should run does; wait while ECS is at it; fail with ECS's own words otherwise."""
    place = f"{settings.cluster}/{settings.service}"
    client = aws("ecs", region=settings.region or None)
    with asked(f"{place}: ECS was not asked"):
        service = ecs.service(client, settings.cluster, settings.service)
        if service is None:
            return Verdict(state="fail", why=f"{place}: there is no such service")
        primary = ecs.primary(service)
        if wrong := _not_serving(service, primary) or gave_up(service, primary):
            return Verdict(state="fail", why=f"{place}: {wrong}")
        assert primary is not None  # or it would not be serving
        images = _images(client, primary["taskDefinition"], settings)
    if wrong := _other_image(images, settings):
        return Verdict(state="fail", why=f"{place}: {wrong}")
    if going := ecs.under_way(service, primary):
        return Verdict(state="wait", why=f"{place}: {going}", retry_after=_AGAIN)
    tasks = f"{service['runningCount']} of {service['desiredCount']} tasks"
    what = ", ".join(str(image(name)) for name in images)
    return Verdict(state="pass", why=f"{place}: {tasks}, deployment {primary['id']} completed, image {what}")


def _not_serving(service: Mapping[str, Any], primary: Mapping[str, Any] | None) -> str:
    """Why nothing can be serving at all."""
    if service["status"] != "ACTIVE":
        return f"the service is {service['status']}"
    if service["desiredCount"] == 0:
        return "0 tasks are wanted, so nothing serves"
    if primary is None or "rolloutState" not in primary:
        by = service.get("deploymentController", {}).get("type", "ECS")
        return f"ECS says nothing of a rollout (deployed by {by}); this check knows rolling updates"
    return ""


def gave_up(service: Mapping[str, Any], primary: Mapping[str, Any] | None) -> str:
    """Why what was deployed last is not what runs: it failed, or ECS went back by itself."""
    assert primary is not None
    since = primary["createdAt"]
    failed = next((one for one in service["deployments"] if one.get("rolloutState") == "FAILED"
                   and (one is primary or one["createdAt"] > since)), None)  # fmt: skip
    if failed is not None:
        return f"deployment {failed['id']} failed: {ecs.said(failed.get('rolloutStateReason', 'no reason given'))}"
    return ecs.went_back(service, primary)


def _images(client: Any, definition: str, settings: Settings) -> Sequence[str]:
    """The images of the task definition that may be meant, as written there."""
    described = client.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]
    return [one["image"] for one in described if settings.container in ("", one["name"])]


def _other_image(images: Sequence[str], settings: Settings) -> str:
    if not images:
        return f"its tasks have no container {settings.container!r}"
    if not settings.image or any(image(name).is_meant_by(wanted(settings.image)) for name in images):
        return ""
    return f"its tasks run {', '.join(str(image(name)) for name in images)}, not {wanted(settings.image)}"
