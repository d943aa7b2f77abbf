"""Brings an image to a service of ECS, by digest, and follows the one deployment that it began (G12, G13).

    ecs: {cluster: gli-api-cluster, service: "{long}-django-api-service", ecr: gli-api}

The task definition that runs now is taken as it is, with another image. ECS takes a deployment back by itself that
does not come up; that is a failure here, although the service is "stable" then. Without `ecr` it is only watched:
something else rolls the service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from multigit.clients import asked
from multigit.cloud import ecs
from multigit.errors import MultigitError
from multigit.model.config import STRICT
from multigit.model.image import image
from multigit.model.target import Deployed, Progress, Release, Ticket
from multigit.targets import Clients, Unsure
from multigit.targets._ecs import image as _ecs_image
from multigit.targets._ecs import strategy as _ecs_strategy
from multigit.targets._ecs import watch as _ecs_watch
from multigit.targets._ecs.service import (
    NOTHING,
    UNFIT,
    Definition,
    Door,
    alike,
    chosen,
    content,
    definition,
    door,
    recorded,
    registered,
    service,
    short,
)

TEMPLATES: Final = ("cluster", "service", "ecr", "image_tag", "container", "alarms", "account", "region", "role")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this target: `ecs: {…}` in `deploy`."""

    __pydantic_config__ = STRICT
    cluster: str
    """Name of the cluster; a template."""
    service: str
    """Name of the service; a template."""
    ecr: str = ""
    """ECR repository of the image, by name or with its host; left out, the service is only watched. A template."""
    image_tag: str = "{sha:8}"
    """Tag under which the build pushes the image of a commit; a template, `{sha}`, `{tag}` and `{branch}` as well."""
    container: str = ""
    """Container that gets the image; the only one, or the one whose image is of that repository. A template."""
    architectures: tuple[str, ...] = ()
    """Processors that the image must be there for: `amd64`, `arm64`. Any when left out."""
    strategy: Literal["keep", "rolling", "blue-green", "canary", "linear"] = "keep"
    """How ECS brings it; `keep`: as the service is set up."""
    percent: float = 0.0
    """canary: share of the traffic that comes first; linear: share of each step. ECS's own (5, 10) when left out."""
    step: str = ""
    """canary, linear: how long until the next share, whole minutes. ECS's own (10m, 6m) when left out."""
    bake: str = ""
    """blue-green, canary, linear: how long the old one stays when all traffic has moved, whole minutes."""
    breaker: Literal["rollback", "keep"] = "rollback"
    """`rollback`: rolling updates that do not come up are taken back by ECS; `keep`: as the service is set up."""
    alarms: tuple[str, ...] = ()
    """CloudWatch alarms that take a deployment back; those of the service when left out. Templates."""
    account: str = ""
    """AWS account that it must be in; any when left out. A template."""
    region: str = ""
    """Region; the one of this machine's settings when left out. A template."""
    role: str = ""
    """ARN of a role that is taken first. A template."""

    def __post_init__(self) -> None:
        if not self.cluster or not self.service:
            raise ValueError("cluster and service must not be empty")
        if wrong := _ecs_image.problem(self.ecr) or _ecs_strategy.problem(self):
            raise ValueError(wrong)

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.cluster}/{self.service}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A service and what it was asked to run last."""

    way: Door
    service: ecs.Service
    primary: ecs.Deployment
    definition: Definition


def current(settings: Settings, release: Release, clients: Clients) -> Deployed:
    """What the service runs, and whether it is the release, whose image may not be there yet. MultigitError: no such
    service, or not ours.
    """
    seen = _look(settings, clients)
    with asked(f"{settings.place}: ECS was not asked"):
        artefact = _artefact(seen, settings, clients)
        meant = _is_meant(seen, artefact.get("image", ""), settings, release, clients)
    what = _what(seen, artefact)
    if not meant or seen.primary["rolloutState"] == "FAILED":
        return Deployed(state="other", what=what, artefact=artefact)
    busy = _ecs_watch.busy(seen.service, seen.primary)
    ticket = _ticket(seen, settings, seen.primary, artefact.get("image", ""))
    return Deployed(state="arriving" if busy else "here", what=what, artefact=artefact, ticket=ticket)


def deploy(settings: Settings, release: Release, clients: Clients) -> Ticket:
    """Register the definition, unless it is, and ask ECS for it. Repeated, it finds what it registered."""
    seen = _look(settings, clients)
    if not release.artefact and not settings.ecr:
        raise MultigitError(f"{settings.place}: repos.yaml does not say which image to bring", code=UNFIT,
                            state=NOTHING, why="without `ecr` this service is only watched: a workflow rolls it",
                            hint="start that workflow, or name the repository: `ecr`")  # fmt: skip
    configuration = _ecs_strategy.changes(seen.way, seen.service, settings)
    with asked(f"{settings.place}: the task definition was not registered"):
        wanted, name, base = _wanted(seen, settings, release, clients)
        arn = registered(seen.way, wanted, base, seen.definition)
    clients.say(f"{settings.place}: {short(arn)}, {image(name) if name else 'as recorded'}")
    extra: dict[str, Any] = {"deploymentConfiguration": configuration} if configuration else {}
    if arn == seen.primary["taskDefinition"]:  # ECS would say that nothing changed
        extra["forceNewDeployment"] = True
    with _after(arn), asked(f"{settings.place}: ECS did not take {short(arn)}"):
        answer = seen.way.client.update_service(
            cluster=settings.cluster, service=settings.service, taskDefinition=arn, **extra
        )["service"]
    begun = ecs.primary(answer)
    if begun is None or begun["taskDefinition"] != arn:
        raise Unsure(f"{settings.place}: ECS did not say which deployment it began", why=f"asked for {short(arn)}",
                     hint="the same command again: it looks first")  # fmt: skip
    return _ticket(seen, settings, begun, name)


def poll(settings: Settings, ticket: Ticket, clients: Clients) -> Progress:
    """How far the deployment of the ticket is; ok only when it is the primary one, complete, and runs its image."""
    way = door(clients, f"{ticket['cluster']}/{ticket['service']}", str(ticket["region"]), settings.role)
    with asked(f"{way.place}: ECS was not asked"):
        found = service(way, str(ticket["cluster"]), str(ticket["service"]), settings.account)
        told = _ecs_watch.judged(way, found, ticket)
        if told.state != "ok":
            return told
        first = ecs.primary(found)
        assert first is not None  # or it would not be ok
        seen = _Seen(way=way, service=found, primary=first, definition=definition(way, first["taskDefinition"]))
        artefact = _artefact(seen, settings, clients)
    runs, wanted = image(str(artefact.get("image", ""))), image(str(ticket.get("image", "")))
    if wanted.digest and runs.digest != wanted.digest:
        return Progress(state="failed", why=f"{way.place}: its tasks run {runs}, not {wanted}", link=told.link)
    return Progress(state="ok", why=f"{told.why}, {_what(seen, artefact)}", artefact=artefact, link=told.link)


def _look(settings: Settings, clients: Clients) -> _Seen:
    way = door(clients, settings.place, settings.region, settings.role)
    with asked(f"{settings.place}: ECS was not asked"):
        found = service(way, settings.cluster, settings.service, settings.account)
        first = ecs.primary(found)
        assert first is not None  # or `service` had refused it
        return _Seen(way=way, service=found, primary=first, definition=definition(way, first["taskDefinition"]))


def _container(seen: _Seen, settings: Settings) -> str:
    where = _ecs_image.repository(settings.ecr, settings.region) if settings.ecr else None
    return chosen(seen.way, seen.definition, settings.container, where.name if where else "", (settings.service,))


def _artefact(seen: _Seen, settings: Settings, clients: Clients) -> dict[str, Any]:
    """What brings back what runs: the definition, and its image by digest."""
    arn = str(seen.primary["taskDefinition"])
    if not settings.ecr and not settings.container and len(_ecs_image.images_of(seen.definition)) > 1:
        return {"taskDefinition": arn}
    container = _container(seen, settings)
    written = _ecs_image.images_of(seen.definition)[container]
    pulled = () if image(written).digest else _ecs_watch.pulled(seen.way, seen.service, seen.primary, container)
    name = _ecs_image.pinned(written, pulled, settings, clients)
    return {"taskDefinition": arn, "image": name, "container": container}


def _is_meant(seen: _Seen, runs: str, settings: Settings, release: Release, clients: Clients) -> bool:
    """Whether the primary deployment brings what the release is."""
    if release.artefact:
        return alike(content(seen.way, seen.definition), _back(seen, settings, release)[0])
    if settings.ecr:
        return _is_of(runs, settings, release, clients)
    images = _ecs_image.images_of(seen.definition)
    names = [name for container, name in images.items() if settings.container in ("", container)]
    return _ecs_image.names_commit(names, settings, release, clients)


def _is_of(runs: str, settings: Settings, release: Release, clients: Clients) -> bool:
    """Whether it runs the image that the build pushed for the release; no while that is not there."""
    try:
        return image(runs).digest == _ecs_image.resolved(settings, release, clients).digest
    except MultigitError as missing:
        if missing.code != _ecs_image.MISSING:
            raise
        return False


def _wanted(
    seen: _Seen, settings: Settings, release: Release, clients: Clients
) -> tuple[dict[str, Any], str, Definition]:
    """The content to register, its image, and the definition that it was made from."""
    if release.artefact:
        wanted, name, then = _back(seen, settings, release)
        if name:
            _ecs_image.is_there(name, settings, clients)
        return wanted, name, then
    found = _ecs_image.resolved(settings, release, clients)
    name = f"{found.repository}@{found.digest}"
    return content(seen.way, seen.definition, _container(seen, settings), name), name, seen.definition


def _back(seen: _Seen, settings: Settings, release: Release) -> tuple[dict[str, Any], str, Definition]:
    """The same of what was recorded: that very definition. A tag in it may mean another image by now: it becomes the
    digest that it was then.
    """
    told = release.artefact
    if not isinstance(told.get("taskDefinition"), str):
        raise MultigitError(f"{settings.place}: what was recorded of that release names no task definition",
                            code=UNFIT, state=NOTHING, hint="release its commit again")  # fmt: skip
    name, container = str(told.get("image", "")), str(told.get("container", ""))
    then = seen.definition
    if told["taskDefinition"] != seen.primary["taskDefinition"]:
        then = recorded(seen.way, told["taskDefinition"])
    written = _ecs_image.images_of(then).get(container, "")
    if not image(name).digest or not written or image(written).digest:
        return content(seen.way, then), written, then
    return content(seen.way, then, container, name), name, then


def _ticket(seen: _Seen, settings: Settings, begun: ecs.Deployment, name: str) -> dict[str, Any]:
    return {
        "cluster": settings.cluster, "service": settings.service, "region": seen.way.region, "deployment": begun["id"],
        "taskDefinition": begun["taskDefinition"], "image": name, "since": begun["createdAt"].isoformat(),
    }  # fmt: skip


def _what(seen: _Seen, artefact: Mapping[str, Any]) -> str:
    names = [artefact["image"]] if "image" in artefact else _ecs_image.images_of(seen.definition).values()
    shown = ", ".join(ecs.said(str(image(str(name)))) for name in names)
    state = seen.primary["rolloutState"]
    under = "" if state == "COMPLETED" else f", deployment {seen.primary['id']} {state}"
    return f"{shown}, task definition {short(seen.primary['taskDefinition'])}{under}"


@contextmanager
def _after(arn: str) -> Iterator[None]:
    """Says of an error that the definition is registered; one without an answer is not sure to have failed."""
    try:
        yield
    except MultigitError as problem:
        if problem.code == "MG-804":
            raise Unsure(problem.what, why=problem.why, hint="the same command again: it looks first") from None
        problem.state = problem.state or f"{short(arn)} is registered; the service is as it was"
        raise
