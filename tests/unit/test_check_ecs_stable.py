"""The check `ecs-stable`: what ECS says of a rollout, through boto3, against moto with rollouts (G13)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from multigit.clients import aws
from multigit.configfile import ConfigError
from multigit.model.image import image, wanted
from multigit.model.verdict import Verdict
from tests.support.asking import asked, config
from tests.support.awscloud import aws_cloud
from tests.support.ecs_rollout import Rollouts, rolling

pytestmark = pytest.mark.slow
HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
OLD, NEW, BAD = (f"{HOST}/gli-api@sha256:{digit * 64}" for digit in "abc")


class Api:
    """The service `api` in the cluster `staging-gli-cluster`, running OLD."""

    def __init__(self, desired: int = 2) -> None:
        self.ecs = aws("ecs")
        self.ecs.create_cluster(clusterName="staging-gli-cluster")
        self.ecs.create_service(cluster="staging-gli-cluster", serviceName="api", desiredCount=desired,
                                taskDefinition=self.define(OLD), launchType="FARGATE")  # fmt: skip

    def define(self, name: str) -> str:
        containers = [{"name": "log", "image": "fluent-bit:3", "memory": 64},
                      {"name": "api", "image": name, "memory": 128}]  # fmt: skip
        made = self.ecs.register_task_definition(family="api", containerDefinitions=containers)
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def deploy(self, name: str) -> None:
        self.update(taskDefinition=self.define(name))

    def update(self, **values: Any) -> None:
        self.ecs.update_service(cluster="staging-gli-cluster", service="api", **values)

    def says(self, name: str = "", **settings: Any) -> Verdict:
        return asked("ecs-stable", **{"cluster": "{long}-gli-cluster", "service": "api", "image": name} | settings)


@pytest.fixture
def rollouts() -> Iterator[Rollouts]:
    with aws_cloud(), rolling(BAD) as rollouts:
        yield rollouts


@pytest.fixture
def api(rollouts: Rollouts) -> Api:
    return Api()


@pytest.mark.shows("G13")
def test_a_release_is_well_when_its_rollout_is_complete_and_waits_until_then(api: Api, rollouts: Rollouts) -> None:
    assert "its tasks run fluent-bit:3, gli-api@sha256:aaaaaaaaaaaa, not gli-api@sha256:bbb" in api.says(NEW).why
    api.deploy(NEW)
    hold, rollouts.poll = rollouts.poll, lambda *_: None  # type: ignore[method-assign]
    going = api.says(NEW)
    assert (going.state, going.retry_after) == ("wait", 15.0)
    assert "deployment ecs-svc/002 is IN_PROGRESS: 0 of 2 tasks run" in going.why
    rollouts.poll = hold  # type: ignore[method-assign]
    said = api.says(NEW, container="api")
    assert (said.state, said.why) == (
        "pass",
        "staging-gli-cluster/api: 2 of 2 tasks, deployment ecs-svc/002 completed, image gli-api@sha256:bbbbbbbbbbbb",
    )


@pytest.mark.shows("G13")
def test_a_service_that_went_back_by_itself_is_not_well_although_boto3_says_it_is_stable(api: Api) -> None:
    api.deploy(BAD)
    api.ecs.get_waiter("services_stable").wait(
        cluster="staging-gli-cluster", services=["api"], WaiterConfig={"Delay": 0, "MaxAttempts": 20}
    )
    (service,) = api.ecs.describe_services(cluster="staging-gli-cluster", services=["api"])["services"]
    assert [(one["status"], one["rolloutState"]) for one in service["deployments"]] == [("PRIMARY", "COMPLETED")]
    for expected in (BAD, OLD, ""):  # whatever is asked for: what was deployed last is not what runs
        said = api.says(expected)
        assert said.state == "fail"
        assert "ECS went back by itself at 2026-02-12 03:" in said.why
        assert "rolling back to deployment ecs-svc/001" in said.why
    api.deploy(NEW)  # the next good one is not held against what came before it
    assert api.says(NEW).state == "pass"


@pytest.mark.shows("G13")
def test_a_rollout_that_failed_is_named_at_once_with_the_tasks_that_failed_before(api: Api) -> None:
    api.deploy(BAD)
    assert "IN_PROGRESS: 0 of 2 tasks run, 1 failed" in api.says(BAD).why
    assert api.says(BAD).state == "wait"
    said = api.says(BAD)  # old deployment PRIMARY again and in progress, failed one still listed
    assert said.state == "fail"
    assert said.why.endswith("deployment ecs-svc/002 failed: ECS deployment circuit breaker: tasks failed to start.")


def test_without_rollback_the_failed_deployment_stays_and_is_a_failure() -> None:
    with aws_cloud(), rolling(BAD, rollback=False):
        api = Api()
        api.deploy(BAD)
        said = [api.says(BAD) for _ in range(4)]
    assert [one.state for one in said] == ["wait", "wait", "fail", "fail"]
    assert "circuit breaker" in said[-1].why


def test_nothing_wanted_is_nothing_served_although_it_is_stable(rollouts: Rollouts) -> None:
    said = Api(desired=0).says()
    assert (said.state, "0 tasks are wanted, so nothing serves" in said.why) == ("fail", True)


def test_tasks_that_died_after_a_rollout_are_missed(api: Api) -> None:
    from moto.backends import get_backend

    backend: Any = get_backend("ecs")["123456789012"]["ap-northeast-2"]
    next(iter(backend.services.values())).running_count = 1
    assert (api.says().state, "1 of 2 tasks run" in api.says().why) == ("wait", True)


def test_a_service_or_cluster_that_is_not_there_or_no_longer_is_named(api: Api) -> None:
    assert "other/api: there is no such service" in api.says(cluster="other").why
    assert "staging-gli-cluster/web: there is no such service" in api.says(service="web").why
    assert "no container 'web'" in api.says(container="web").why
    api.ecs.delete_service(cluster="staging-gli-cluster", service="api", force=True)
    assert "the service is INACTIVE" in api.says().why


def test_many_services_are_asked_side_by_side(api: Api) -> None:
    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(lambda _: api.says(OLD).state, range(32)))
    assert said == ["pass"] * 32


def test_a_template_that_names_no_image_is_a_mistake_in_the_file() -> None:
    health = "{{kind: ecs-stable, cluster: a, service: b, image: {}}}"
    config(health.format('"gli-api:{sha:8}"'))
    for name, told in {"team/api": "neither which tag nor which digest", "api@sha256:12": "no digest"}.items():
        with pytest.raises(ConfigError) as caught:
            config(health.format(f'"{name}"'))
        assert told in caught.value.why


@pytest.mark.parametrize(
    ("written", "asks", "meant"),
    [
        (NEW, f"gli-api@sha256:{'b' * 64}", True),
        (NEW, f"sha256:{'b' * 64}", True),
        (NEW, f"sha256:{'a' * 64}", False),
        (f"{HOST}/gli-api:1.2@sha256:{'b' * 64}", "gli-api:1.2", True),
        (f"{HOST}/gli-api:1.2", "1.2", True),
        (f"{HOST}/gli-api:1.2", "gli-api:1.3", False),
        (f"{HOST}/other-gli-api:1.2", "gli-api:1.2", False),
        (f"{HOST}/gli-api:1.2", f"gli-api@sha256:{'b' * 64}", False),
        ("localhost:5000/gli-api", "latest", True),
        ("localhost:5000/gli-api", "5000", False),
    ],
)
def test_an_image_is_meant_by_what_is_said_of_it(written: str, asks: str, meant: bool) -> None:
    assert image(written).is_meant_by(wanted(asks)) is meant
