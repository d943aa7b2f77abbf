"""What `ecs` and `ecs-task` both do: look at a service, choose the container, make a task definition. Not a target."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from multigit.clients import asked, code_of
from multigit.cloud import ecs
from multigit.cloud.ecs import said
from multigit.errors import MultigitError
from multigit.model.image import image
from multigit.targets import Clients
from multigit.targets._ecs.image import images_of

NOTHING: Final = "nothing was changed"
ELSEWHERE: Final = "MG-831"
UNFIT: Final = "MG-832"
_ARN: Final = re.compile(r"arn:[a-z-]+:ecs:([a-z0-9-]+):(\d{12}):")
_KEPT_TASKS: Final = 100
"""As many tasks as one DescribeTasks takes."""
Definition = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """ECS of one region, asked in the name of one role."""

    client: Any
    region: str
    place: str
    """For people: cluster and service."""


def door(clients: Clients, place: str, region: str, role: str) -> Door:
    """The way to ECS; MultigitError without credentials or a region."""
    with asked(f"{place}: ECS was not asked"):
        client = clients.aws("ecs", region=region, role=role)
        return Door(client=client, region=str(client.meta.region_name), place=place)


def service(way: Door, cluster: str, name: str, account: str = "") -> ecs.Service:
    """The service, deployed by ECS itself; MultigitError where it is not there, elsewhere, or not ours to deploy."""
    found = ecs.service(way.client, cluster, name)
    if found is None:
        raise MultigitError(f"{way.place}: there is no such service in {way.region}", code=ELSEWHERE, state=NOTHING,
                            why=_where(account), hint="look at cluster, service, region and role")  # fmt: skip
    here(way, str(found["serviceArn"]), account)
    if found["status"] != "ACTIVE":
        raise MultigitError(f"{way.place}: the service is {found['status']}", code=UNFIT, state=NOTHING,
                            why="only an active service takes deployments")  # fmt: skip
    by = found.get("deploymentController", {}).get("type", "ECS")
    first = ecs.primary(found)
    if by != "ECS" or first is None:
        raise MultigitError(f"{way.place}: ECS does not deploy this service itself", code=UNFIT, state=NOTHING,
                            why=f"its deployment controller is {by}", hint="let a workflow deploy it")  # fmt: skip
    if "rolloutState" not in first:
        raise MultigitError(f"{way.place}: ECS says nothing of its rollouts", code=UNFIT, state=NOTHING,
                            why="as for a service behind a Classic Load Balancer",
                            hint="move it behind an Application Load Balancer")  # fmt: skip
    return found


def here(way: Door, arn: str, account: str) -> None:
    """MultigitError where what was found belongs to another account than repos.yaml names."""
    found = _ARN.match(arn)
    if account and found and found[2] != account:
        raise MultigitError(f"{way.place} is in the AWS account {found[2]}, repos.yaml names {account}",
                            code=ELSEWHERE, state=NOTHING, hint="use the right profile, or `role`")  # fmt: skip


def _where(account: str) -> str:
    found = f"repos.yaml names the account {account}; " if account else ""
    return f"{found}the cluster or the service does not exist there, or has another name"


def definition(way: Door, name: str) -> Definition:
    """A task definition by ARN, `family:revision` or family, with its `tags`; also one that was deregistered."""
    answer = way.client.describe_task_definition(taskDefinition=name, include=["TAGS"])
    tags = [tag for tag in answer.get("tags", ()) if not tag["key"].startswith("aws:")]
    return {**answer["taskDefinition"], "tags": tags}


def recorded(way: Door, name: str) -> Definition:
    """The same of one that a release recorded; MultigitError where it was deleted since."""
    try:
        found = definition(way, name)
    except Exception as error:
        if code_of(error) in ("ClientException", "InvalidParameterException"):
            raise _deleted(way, name, said(str(error))) from None
        raise
    if found.get("status") == "DELETE_IN_PROGRESS":
        raise _deleted(way, name, "its status is DELETE_IN_PROGRESS")
    return found


def _deleted(way: Door, name: str, why: str) -> MultigitError:
    return MultigitError(f"{way.place}: the recorded task definition {short(name)} is gone", code=ELSEWHERE, why=why,
                         state=NOTHING, hint="release the commit again instead of going back")  # fmt: skip


def chosen(way: Door, wanted: Definition, named: str, repository: str, also: Sequence[str] = ()) -> str:
    """The container that gets the image: the named one, the only one from that repository, the only one at all,
    or the one called like the service or the family. MultigitError where none of this tells.
    """
    images = images_of(wanted)
    if named:
        if named in images:
            return named
        raise _unclear(way, f"its tasks have no container {named!r}", images)
    same = [name for name, written in images.items() if repository and _same(image(written).repository, repository)]
    alike = [name for name in (*also, str(wanted["family"])) if name in images]
    if len(same) == 1:
        return same[0]
    if len(images) == 1:
        return next(iter(images))
    if alike and not same:
        return alike[0]
    raise _unclear(way, "it is not said which container gets the image", images)


def _same(one: str, other: str) -> bool:
    return one == other or f"/{one}".endswith(f"/{other}")


def _unclear(way: Door, why: str, images: Mapping[str, str]) -> MultigitError:
    return MultigitError(f"{way.place}: {why}", why=f"there are {', '.join(images)}", code=UNFIT, state=NOTHING,
                         hint="name one of them: `container`")  # fmt: skip


def content(way: Door, described: Definition, container: str = "", name: str = "") -> dict[str, Any]:
    """What has to be registered for it, without what ECS adds; `container` with the image `name` instead of its own."""
    known = way.client.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    kept = {key: described[key] for key in known if described.get(key) not in (None, [], {}, "")}
    kept["containerDefinitions"] = [
        {**one, "image": name} if name and one["name"] == container else one for one in kept["containerDefinitions"]
    ]
    return kept


def alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two contents start the same tasks: order does not matter where ECS does not keep it; nor do tags."""
    return bool(_sorted({**one, "tags": ()}) == _sorted({**other, "tags": ()}))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(inner) for key, inner in value.items() if inner not in (None, [], {}, "")}
    if isinstance(value, list | tuple) and any(isinstance(inner, Mapping) for inner in value):
        return sorted((_sorted(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return value


def registered(way: Door, wanted: Mapping[str, Any], *candidates: Definition) -> str:
    """The ARN of an active definition with this content: one of `candidates`, the newest of its family, or a new one.

    Whoever was killed after registering finds it again and registers no second one.
    """
    for one in (*candidates, _newest(way, str(wanted["family"]))):
        if one and one.get("status") == "ACTIVE" and alike(content(way, one), wanted):
            return str(one["taskDefinitionArn"])
    made = way.client.register_task_definition(**wanted)["taskDefinition"]
    return str(made["taskDefinitionArn"])


def _newest(way: Door, family: str) -> Definition | None:
    try:
        return definition(way, family)
    except Exception as error:
        if code_of(error) == "ClientException":  # all of them were deregistered
            return None
        raise


def tasks(way: Door, cluster: str, **which: str) -> list[Mapping[str, Any]]:
    """Tasks by `startedBy` or `serviceName`, and `desiredStatus`; those that stopped are known for about an hour."""
    pages = way.client.get_paginator("list_tasks").paginate(cluster=cluster, **which)
    arns = [arn for page in pages for arn in page["taskArns"]][:_KEPT_TASKS]
    return list(way.client.describe_tasks(cluster=cluster, tasks=arns)["tasks"]) if arns else []


def ended(task: Mapping[str, Any], container: str = "") -> str:
    """How a task ended, on one line: `task 0123abcd: Essential container in task exited; api: exit code 1`."""
    parts = [f"task {task_id(task)[:8]}: {said(task.get('stoppedReason') or 'no reason given')}"]
    for one in task.get("containers", ()):
        if container in ("", one.get("name")) and ("exitCode" in one or one.get("reason")):
            code = f"exit code {one['exitCode']}" if one.get("exitCode") is not None else "did not run"
            parts.append(f"{one.get('name')}: {code}{', ' + said(one['reason']) if one.get('reason') else ''}")
    return "; ".join(parts)


def task_id(task: Mapping[str, Any]) -> str:
    """The last part of its ARN."""
    return str(task["taskArn"]).rpartition("/")[2]


def short(arn: str) -> str:
    """`gli-api:12` of a task definition's ARN."""
    return arn.rpartition("/")[2]
