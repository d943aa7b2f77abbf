"""Runs one task of ECS to its end, such as a migration, from the new image and before the services (ruling 3).

    ecs-task: {cluster: gli-api-cluster, service: "{long}-django-api-service", ecr: gli-api,
               command: [python, manage.py, migrate, --noinput]}

Network, launch type and task definition are those of a service, or named. ECS is given a token of the deployment, so
that it starts one task however often it is asked. It forgets tasks about an hour after they stopped: whoever comes
back later runs the task again. On the way back nothing runs: what a migration did is never taken back silently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from multigit.clients import asked
from multigit.errors import MultigitError
from multigit.model.config import STRICT, seconds
from multigit.model.target import Deployed, Progress, Release, Ticket
from multigit.targets import Clients, Unsure
from multigit.targets._ecs import image as _ecs_image
from multigit.targets._ecs import log as _ecs_log
from multigit.targets._ecs.run import started, went_well
from multigit.targets._ecs.service import (
    ELSEWHERE,
    NOTHING,
    UNFIT,
    Definition,
    Door,
    chosen,
    content,
    definition,
    door,
    ended,
    here,
    registered,
    service,
    short,
    task_id,
    tasks,
)

TEMPLATES: Final = ("cluster", "service", "task_definition", "ecr", "image_tag", "container", "subnets",
                    "security_groups", "account", "region", "role")  # fmt: skip
NEVER_BACK: Final = "migrations are not taken back"
_BACK: Final = {"back": NEVER_BACK}
"""What is recorded of the time before: with it the way back finds nothing to do, instead of nothing recorded."""
_FRESH: Final = 300.0
"""Seconds in which ECS may not know a task yet that it has just started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this target: `ecs-task: {…}` in `deploy`."""

    __pydantic_config__ = STRICT
    cluster: str
    """Name of the cluster; a template."""
    service: str = ""
    """Service that lends its task definition, network and launch type. A template."""
    task_definition: str = ""
    """Task definition (family or family:revision) instead of the service's. A template."""
    subnets: tuple[str, ...] = ()
    """Subnets instead of the service's. Templates."""
    security_groups: tuple[str, ...] = ()
    """Security groups instead of the service's. Templates."""
    public_ip: bool = False
    """Whether the task gets a public address in `subnets`: without a NAT gateway it needs one to fetch its image."""
    launch: Literal["fargate", "ec2"] = "fargate"
    """Launch type, where no service says it."""
    container: str = ""
    """Container that runs the command from the image; found as for `ecs` when left out. A template."""
    command: tuple[str, ...] = ()
    """Words of the command, as they stand; the container's own when left out."""
    ecr: str = ""
    """ECR repository of the image; left out, the task definition is run as it is. A template."""
    image_tag: str = "{sha:8}"
    """Tag under which the build pushes the image of a commit; a template."""
    architectures: tuple[str, ...] = ()
    """Processors that the image must be there for."""
    timeout: str = "30m"
    """How long the task may run; then it has failed, and goes on running: nobody but you should end a migration."""
    account: str = ""
    """AWS account that it must be in; any when left out. A template."""
    region: str = ""
    """Region; the one of this machine's settings when left out. A template."""
    role: str = ""
    """ARN of a role that is taken first. A template."""

    def __post_init__(self) -> None:
        if not self.cluster:
            raise ValueError("cluster must not be empty")
        if not self.service and not self.task_definition:
            raise ValueError("service or task_definition is missing")
        if self.security_groups and not self.subnets:
            raise ValueError("security_groups need subnets")
        if wrong := _ecs_image.problem(self.ecr):
            raise ValueError(wrong)
        seconds(self.timeout)

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.cluster}/{self.service or self.task_definition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The tasks of a release: the one that ended well or runs, if any, and those that failed."""

    task: Mapping[str, Any] | None
    container: str
    failed: Sequence[Mapping[str, Any]]


def current(settings: Settings, release: Release, clients: Clients) -> Deployed:
    """Whether this release's task ran, or runs; on the way back there is nothing to do."""
    if release.artefact:
        return Deployed(state="here", what=NEVER_BACK, artefact=release.artefact)
    way = door(clients, settings.place, settings.region, settings.role)
    with asked(f"{settings.place}: ECS was not asked"):
        _cluster(way, settings)
        known = _known(way, settings, release)
    if known.task is None:
        failed = f"; {ended(known.failed[0])}" if known.failed else ""
        what = f"no task of this release has ended well{failed}"
        return Deployed(state="other", what=what, artefact=_BACK)
    name = f"task {task_id(known.task)[:8]}"
    if known.task["lastStatus"] == "STOPPED":
        return Deployed(state="here", what=f"{name} ended well", artefact=_artefact(known.task))
    ticket = _ticket(way, settings, known.task, known.container)
    return Deployed(state="arriving", what=f"{name} is {known.task['lastStatus']}", artefact=_BACK, ticket=ticket)


def deploy(settings: Settings, release: Release, clients: Clients) -> Ticket:
    """Start the task, once for a try of the release: ECS knows its token."""
    if release.artefact:
        raise MultigitError(f"{settings.place}: {NEVER_BACK}", why="nothing runs on the way back", code=UNFIT)
    way = door(clients, settings.place, settings.region, settings.role)
    with asked(f"{settings.place}: ECS was not asked"):
        _cluster(way, settings)
        known = _known(way, settings, release)
        if known.task is not None:  # since it was looked at
            return _ticket(way, settings, known.task, known.container)
        lent = service(way, settings.cluster, settings.service, settings.account) if settings.service else {}
        base = definition(way, settings.task_definition or str(lent["taskDefinition"]))
    container = _chosen(way, settings, base)
    with asked(f"{settings.place}: the task definition was not registered"):
        arn = _definition(way, base, container, settings, release, clients)
    clients.say(f"{settings.place}: {short(arn)} {' '.join(settings.command)}".rstrip())
    overrides = [{"name": container, "command": list(settings.command)}] if settings.command else []
    task = started(way, {
        "cluster": settings.cluster, "taskDefinition": arn, "count": 1, "startedBy": _started_by(release),
        "clientToken": _token(release, len(known.failed)), "overrides": {"containerOverrides": overrides},
        **_placed(settings, lent),
    })  # fmt: skip
    return _ticket(way, settings, task, container)


def poll(settings: Settings, ticket: Ticket, clients: Clients) -> Progress:
    """Whether the task of the ticket ended, and how: ok only with exit code 0, of its own accord."""
    way = door(clients, settings.place, str(ticket["region"]), settings.role)
    container = str(ticket.get("container", "")) or settings.container
    with asked(f"{way.place}: ECS was not asked"):
        found = way.client.describe_tasks(cluster=ticket["cluster"], tasks=[ticket["task"]])["tasks"]
    name = f"task {str(ticket['task']).rpartition('/')[2][:8]}"
    age = (_now() - datetime.fromisoformat(str(ticket["since"]))).total_seconds()
    if not found:
        if age < _FRESH:
            return Progress(state="running", why=f"{way.place}: ECS does not show {name} yet")
        raise Unsure(f"{way.place}: ECS no longer knows {name}", why="it forgets them an hour after they stopped",
                     hint="look in its log whether it ended well")  # fmt: skip
    task = found[0]
    if task["lastStatus"] == "STOPPED":
        return _judged(way, task, container, clients, settings)
    if age > seconds(settings.timeout):
        stop = f"aws ecs stop-task --region {way.region} --cluster {ticket['cluster']} --task {task_id(task)}"
        return Progress(state="failed", why=f"{way.place}: {name} is {task['lastStatus']} for more than "
                        f"{settings.timeout}; it was not ended", details=(stop,))  # fmt: skip
    return Progress(state="running", why=f"{way.place}: {name} is {task['lastStatus']}", retry_after=5.0)


def _now() -> datetime:
    return datetime.now(UTC)


def _cluster(way: Door, settings: Settings) -> None:
    """MultigitError where the cluster is not there, or in another account."""
    found = way.client.describe_clusters(clusters=[settings.cluster])["clusters"]
    if not found or found[0]["status"] != "ACTIVE":
        raise MultigitError(f"{way.place}: there is no such cluster in {way.region}", code=ELSEWHERE, state=NOTHING,
                            hint="look at cluster, region and role")  # fmt: skip
    here(way, str(found[0]["clusterArn"]), settings.account)


def _ours(way: Door, settings: Settings, release: Release) -> list[Mapping[str, Any]]:
    """The tasks that this release started, those that run first."""
    return [task for status in ("RUNNING", "STOPPED")
            for task in tasks(way, settings.cluster, startedBy=_started_by(release), desiredStatus=status)]  # fmt: skip


def _known(way: Door, settings: Settings, release: Release) -> _Known:
    found = [(task, _container(way, settings, task)) for task in _ours(way, settings, release)]
    well = [one for one in found if went_well(*one)]
    going = [one for one in found if one[0]["lastStatus"] != "STOPPED"]
    task, container = next(iter([*well, *going]), (None, ""))
    failed = [task for task, _ in found if task["lastStatus"] == "STOPPED"]
    return _Known(task=task, container=container, failed=failed)


def _chosen(way: Door, settings: Settings, base: Definition) -> str:
    where = _ecs_image.repository(settings.ecr, settings.region) if settings.ecr else None
    return chosen(way, base, settings.container, where.name if where else "", (settings.service,))


def _container(way: Door, settings: Settings, task: Mapping[str, Any]) -> str:
    """The one whose end counts: those beside it are ended when it ends."""
    return settings.container or _chosen(way, settings, definition(way, str(task["taskDefinitionArn"])))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _started_by(release: Release) -> str:
    """The same for every try: at most 36 letters, digits, `-`, `/` and `_`, as every region takes them."""
    return f"multigit/{_digest(release.token)[:24]}"


def _token(release: Release, before: int) -> str:
    """At most 64 characters. A new one when a task ended badly before: ECS would answer with that one."""
    return f"multigit-{_digest(f'{release.token}/{before}')[:40]}"


def _definition(
    way: Door, base: Definition, container: str, settings: Settings, release: Release, clients: Clients
) -> str:
    if not settings.ecr:
        return str(base["taskDefinitionArn"])
    found = _ecs_image.resolved(settings, release, clients)
    return registered(way, content(way, base, container, f"{found.repository}@{found.digest}"), base)


def _placed(settings: Settings, lent: Mapping[str, Any]) -> dict[str, Any]:
    """Where it runs: as the service's tasks do, unless repos.yaml says otherwise."""
    placed: dict[str, Any] = {}
    if settings.subnets:
        placed["networkConfiguration"] = {"awsvpcConfiguration": {
            "subnets": list(settings.subnets), "securityGroups": list(settings.security_groups),
            "assignPublicIp": "ENABLED" if settings.public_ip else "DISABLED",
        }}  # fmt: skip
    elif lent.get("networkConfiguration"):
        placed["networkConfiguration"] = lent["networkConfiguration"]
    if lent.get("capacityProviderStrategy"):
        placed["capacityProviderStrategy"] = lent["capacityProviderStrategy"]
    else:
        placed["launchType"] = lent.get("launchType") or settings.launch.upper()
    if lent.get("platformVersion"):
        placed["platformVersion"] = lent["platformVersion"]
    return placed


def _ticket(way: Door, settings: Settings, task: Mapping[str, Any], container: str) -> dict[str, Any]:
    since = task.get("createdAt") or _now()
    return {"cluster": settings.cluster, "region": way.region, "task": str(task["taskArn"]), "container": container,
            "since": since.isoformat()}  # fmt: skip


def _judged(way: Door, task: Mapping[str, Any], container: str, clients: Clients, settings: Settings) -> Progress:
    if went_well(task, container):
        return Progress(state="ok", why=f"{way.place}: task {task_id(task)[:8]} ended with exit code 0",
                        artefact=_artefact(task))  # fmt: skip
    lines = _ecs_log.end(way, task, container, clients, settings.role)
    return Progress(state="failed", why=f"{way.place}: {ended(task, container)}", details=tuple(lines))


def _artefact(task: Mapping[str, Any]) -> dict[str, str]:
    return {"task": str(task["taskArn"]), "taskDefinition": str(task["taskDefinitionArn"])}
