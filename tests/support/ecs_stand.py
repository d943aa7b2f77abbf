"""A service of ECS with its images in ECR, for tests of the targets `ecs` and `ecs-task`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from multigit.model.names import EnvName, Oid, RepoName
from multigit.model.target import Deployed, Progress, Release
from multigit.targets import Clients, settings_of
from tests.support.awscloud import aws_cloud
from tests.support.cloud import Cloud, Killed, watched
from tests.support.ecs_rollout import Rollouts, rolling
from tests.support.targets import bring

HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
SINGLE = "application/vnd.oci.image.manifest.v1+json"
OLD, NEW, BAD = (f"{HOST}/gli-api@sha256:{digit * 64}" for digit in "abc")
COMMITS = {OLD: Oid("a1" * 20), NEW: Oid("b2" * 20), BAD: Oid("c3" * 20)}


@dataclass
class Stand:
    """The service `api` of the cluster `gli`, running OLD; OLD, NEW and BAD are pushed, BAD never comes up."""

    cloud: Cloud
    rollouts: Rollouts
    folder: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ecs, self.ecr = self.cloud.aws("ecs"), self.cloud.aws("ecr")
        self.ecr.create_repository(repositoryName="gli-api")
        for name, commit in COMMITS.items():
            self.push(commit[:8], name.partition("@")[2])
        self.ecs.create_cluster(clusterName="gli")
        self.ecs.create_service(cluster="gli", serviceName="api", desiredCount=2, launchType="FARGATE",
                                taskDefinition=self.define(OLD), networkConfiguration=self.network())  # fmt: skip

    def network(self) -> dict[str, Any]:
        ec2 = self.cloud.aws("ec2")
        subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:1]
        groups = [one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]][:1]
        return {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": groups, "assignPublicIp": "DISABLED"}}

    def push(self, tag: str, digest: str, repository: str = "gli-api") -> None:
        layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": 1}
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 1}
        manifest = {"schemaVersion": 2, "mediaType": SINGLE, "config": config, "layers": [layer]}
        self.ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=json.dumps(manifest),
                           imageManifestMediaType=SINGLE, imageDigest=digest)  # fmt: skip

    def define(self, name: str, family: str = "gli-api", **more: Any) -> str:
        log = {"logDriver": "awslogs", "options": {"awslogs-group": "/gli/api", "awslogs-region": "ap-northeast-2",
                                                   "awslogs-stream-prefix": "run"}}  # fmt: skip
        containers = [
            {"name": "log", "image": "fluent-bit:3", "memory": 64, "cpu": 0, "essential": False},
            {"name": "api", "image": name, "memory": 128, "logConfiguration": log, "command": ["serve", "--all"],
             "environment": [{"name": "MODE", "value": "b"}, {"name": "DB_PASSWORD", "value": "geheim123"}]},
        ]  # fmt: skip
        made = self.ecs.register_task_definition(
            family=family, containerDefinitions=containers, cpu="256", memory="512", networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"], executionRoleArn="arn:aws:iam::123456789012:role/run",
            tags=[{"key": "team", "value": "gli"}], **more,
        )  # fmt: skip
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def service(self) -> Any:
        """As moto keeps it, to be bent."""
        from moto.backends import get_backend

        backend: Any = get_backend("ecs")["123456789012"]["ap-northeast-2"]
        return backend.services["gli:api"]

    def images(self) -> list[str]:
        """What the definition of the service names now."""
        named = self.service().task_definition
        told = self.ecs.describe_task_definition(taskDefinition=named)["taskDefinition"]["containerDefinitions"]
        return [one["image"] for one in told]

    def revisions(self) -> int:
        return len(self.ecs.list_task_definitions(familyPrefix="gli-api")["taskDefinitionArns"])

    def wait(self) -> None:
        """Until the rollout of somebody else is over."""
        for _ in range(9):
            self.ecs.describe_services(cluster="gli", services=["api"])

    @property
    def clients(self) -> Clients:
        return Clients(folder=self.folder, clone=self.folder / "api", say=self.said.append)

    @contextmanager
    def ours(self) -> Iterator[None]:
        """What is asked inside is multigit's: counted and spoiled."""
        self.cloud.ours = True
        try:
            yield
        finally:
            self.cloud.ours = False

    def current(self, module: ModuleType, release: Release, **settings: Any) -> Deployed:
        with self.ours():
            told: Deployed = module.current(self.settings(module, **settings), release, self.clients)
        return told

    def deploy(self, module: ModuleType, release: Release, **settings: Any) -> Any:
        with self.ours():
            return module.deploy(self.settings(module, **settings), release, self.clients)

    def poll(self, module: ModuleType, ticket: Any, **settings: Any) -> Progress:
        with self.ours():
            told: Progress = module.poll(self.settings(module, **settings), ticket, self.clients)
        return told

    def bring(self, module: ModuleType, release: Release, polls: int = 50, **settings: Any) -> Progress:
        with self.ours():
            return bring(module, self.settings(module, **settings), release, self.clients, polls)

    def settings(self, module: ModuleType, **values: Any) -> Any:
        values = {"cluster": "gli", "service": "api", "ecr": "gli-api"} | values
        return settings_of(module, {key: value for key, value in values.items() if value is not None})


def release(name: str = NEW, **more: Any) -> Release:
    """The release whose image is `name`; with `artefact` the way back to it."""
    fixed: dict[str, Any] = {
        "env": EnvName("stg"), "repo": RepoName("gli_api-server"), "commit": COMMITS[name], "deployment": "d-7",
        "step": "gli_api-server/deploy", "since": datetime(2026, 2, 12, 3, tzinfo=UTC),
    }  # fmt: skip
    return Release(**fixed | more)


@contextmanager
def one_loader() -> Iterator[None]:
    """What the services look like is read once for all tests: it takes seconds."""
    loader = _loader()
    with mock.patch("botocore.loaders.create_loader", return_value=loader):
        with mock.patch("botocore.session.create_loader", return_value=loader):
            yield


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


@contextmanager
def standing(folder: Path, *, rollback: bool = True) -> Iterator[Stand]:
    """An account with a Stand in it."""
    with one_loader(), aws_cloud(), rolling(BAD, rollback=rollback) as rollouts, watched(Cloud(folder)) as cloud:
        yield Stand(cloud, rollouts, folder)


def killed_after_every_call(folder: Path, go: Callable[[Stand], Progress], most: int = 60) -> Iterator[Stand]:
    """A Stand for every call that `go` makes, where it was killed after that call and then done again, to its end."""
    for number in range(1, most):
        with standing(folder) as stand:

            def strike(name: str, stand: Stand = stand, number: int = number) -> None:
                if len(stand.cloud.calls) >= number:
                    raise Killed

            stand.cloud.after = strike
            try:
                go(stand)
            except Killed:
                pass
            else:
                assert number > 5, "it makes so few calls?"
                return
            stand.cloud.after = lambda name: None
            again = go(stand)
            assert again.state == "ok", f"killed after call {number}, {stand.cloud.calls[number - 1]}: {again.why}"
            yield stand
    raise AssertionError("it never ends")
