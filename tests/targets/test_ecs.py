"""The target `ecs`, through boto3, against moto with rollouts and ECR."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from multigit.clients import SignedOut
from multigit.errors import MultigitError, UsageError
from multigit.targets import Unsure, ecs
from tests.support.cloud import refuse
from tests.support.ecs_stand import BAD, HOST, NEW, OLD, Stand, killed_after_every_call, release, standing

pytestmark = pytest.mark.slow
BACK = {"taskDefinition": "arn:aws:ecs:ap-northeast-2:123456789012:task-definition/gli-api:1", "image": OLD,
        "container": "api"}  # fmt: skip


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as stand:
        yield stand


def refused(stand: Stand, **settings: Any) -> MultigitError:
    """What `deploy` says; nothing may have been changed by it."""
    with pytest.raises(MultigitError) as caught:
        stand.deploy(ecs, release(), **settings)
    assert "UpdateService" not in stand.cloud.calls
    assert "RegisterTaskDefinition" not in stand.cloud.calls
    return caught.value


# --- there and back ---


@pytest.mark.shows("G12", "G13")
def test_a_release_is_brought_by_digest_followed_to_its_end_and_then_it_is_there(stand: Stand) -> None:
    before = stand.current(ecs, release())
    assert before.state == "other"
    assert before.what == "gli-api@sha256:aaaaaaaaaaaa, task definition gli-api:1"
    assert before.artefact == BACK
    done = stand.bring(ecs, release())
    assert done.state == "ok"
    assert done.why == ("gli/api: 2 of 2 tasks, deployment ecs-svc/002 completed, "
                        "gli-api@sha256:bbbbbbbbbbbb, task definition gli-api:2")  # fmt: skip
    assert done.artefact == BACK | {"taskDefinition": BACK["taskDefinition"][:-1] + "2", "image": NEW}
    assert stand.images() == ["fluent-bit:3", NEW]
    after = stand.current(ecs, release())
    assert (after.state, after.artefact) == ("here", done.artefact)
    calls = len(stand.cloud.calls)
    assert stand.bring(ecs, release()).state == "ok"
    assert not [name for name in stand.cloud.calls[calls:] if name.startswith(("Update", "Register"))]


def test_the_definition_that_runs_is_kept_but_for_the_image(stand: Stand) -> None:
    stand.bring(ecs, release())
    told = [stand.ecs.describe_task_definition(taskDefinition=f"gli-api:{n}", include=["TAGS"]) for n in (1, 2)]
    first, second = (one["taskDefinition"] for one in told)
    changed = {key for key in first if first[key] != second[key]}
    assert changed == {"taskDefinitionArn", "revision", "containerDefinitions"}
    assert second["containerDefinitions"][0] == first["containerDefinitions"][0]
    assert second["containerDefinitions"][1] == first["containerDefinitions"][1] | {"image": NEW}
    assert told[1]["tags"] == [{"key": "team", "value": "gli"}]


@pytest.mark.shows("R6")
def test_going_back_brings_exactly_the_recorded_definition(stand: Stand) -> None:
    stand.bring(ecs, release())
    stand.define(OLD, volumes=[{"name": "other"}])  # a newer revision that nobody released
    done = stand.bring(ecs, release(OLD, artefact=BACK))
    assert (done.state, done.artefact) == ("ok", BACK)
    assert stand.service().task_definition.endswith("gli-api:1")
    assert stand.cloud.calls.count("RegisterTaskDefinition") == 1
    assert stand.current(ecs, release(OLD, artefact=BACK)).state == "here"


def test_a_recorded_definition_that_was_deregistered_is_registered_again_with_the_same_content(stand: Stand) -> None:
    stand.bring(ecs, release())
    stand.ecs.deregister_task_definition(taskDefinition="gli-api:1")
    for _ in range(2):
        assert stand.bring(ecs, release(OLD, artefact=BACK)).state == "ok"
    assert stand.images() == ["fluent-bit:3", OLD]
    assert stand.service().task_definition.endswith("gli-api:3")
    assert stand.cloud.calls.count("RegisterTaskDefinition") == 2


def test_what_can_no_longer_be_brought_back_is_told_before_anything_changes(stand: Stand) -> None:
    stand.bring(ecs, release())
    gone = BACK | {"taskDefinition": BACK["taskDefinition"][:-1] + "9"}
    with pytest.raises(MultigitError) as caught:
        stand.current(ecs, release(OLD, artefact=gone))
    assert "the recorded task definition gli-api:9 is gone" in caught.value.what
    stand.ecr.batch_delete_image(repositoryName="gli-api", imageIds=[{"imageDigest": "sha256:" + "a" * 64}])
    with pytest.raises(MultigitError) as caught:
        stand.deploy(ecs, release(OLD, artefact=BACK))
    assert "the recorded image gli-api@sha256:aaaaaaaaaaaa is gone from ECR" in caught.value.what
    assert stand.images() == ["fluent-bit:3", NEW]


def test_a_tag_that_runs_is_recorded_and_brought_back_as_the_digest_it_was(stand: Stand) -> None:
    stand.push("latest", "sha256:" + "a" * 64)
    stand.ecs.update_service(cluster="gli", service="api", taskDefinition=stand.define(f"{HOST}/gli-api:latest"))
    stand.wait()
    before = stand.current(ecs, release())
    assert before.artefact["image"] == OLD
    stand.bring(ecs, release())
    stand.ecr.batch_delete_image(repositoryName="gli-api", imageIds=[{"imageTag": "latest"}])
    stand.push("latest", "sha256:" + "b" * 64)  # the tag has moved since
    assert stand.bring(ecs, release(OLD, artefact=before.artefact)).state == "ok"
    assert stand.images() == ["fluent-bit:3", OLD]
    assert stand.current(ecs, release(OLD, artefact=before.artefact)).state == "here"


# --- following ---


@pytest.mark.shows("G13", "T3")
@pytest.mark.fault("ecs-went-back")
def test_a_deployment_that_ecs_took_back_has_failed_although_boto3_says_that_the_service_is_stable(
    stand: Stand,
) -> None:
    ticket = stand.deploy(ecs, release(BAD))
    stand.ecs.get_waiter("services_stable").wait(
        cluster="gli", services=["api"], WaiterConfig={"Delay": 0, "MaxAttempts": 20}
    )
    said = stand.poll(ecs, ticket)
    assert (said.state, said.fault) == ("failed", "deploy")
    assert said.why == ("gli/api: ECS went back by itself: (service api) (deployment ecs-svc/002) deployment failed: "
                        "tasks failed to start.; ecs-svc/001 (gli-api:1) is primary now")  # fmt: skip
    assert "Essential container in task exited" in said.details[0]
    assert "api: exit code 3" in said.details[0]
    assert "rolling back to deployment ecs-svc/001" in "\n".join(said.details)
    assert stand.current(ecs, release(BAD)).state == "other"
    assert stand.current(ecs, release(OLD)).state == "here"


@pytest.mark.shows("G13")
@pytest.mark.fault("ecs-went-back")
def test_from_begin_to_end_a_bad_image_fails_and_the_next_good_one_comes(stand: Stand) -> None:
    assert stand.bring(ecs, release(BAD)).state == "failed"
    stand.wait()
    assert stand.bring(ecs, release(NEW)).state == "ok"


def test_without_rollback_the_failed_deployment_is_a_failure_and_may_be_begun_again(tmp_path: Path) -> None:
    with standing(tmp_path, rollback=False) as stand:
        said = stand.bring(ecs, release(BAD))
        assert (said.state, "circuit breaker: tasks failed to start" in said.why) == ("failed", True)
        there = stand.current(ecs, release(BAD))
        assert (there.state, "deployment ecs-svc/002 FAILED" in there.what) == ("other", True)
        stand.rollouts.bad = ()
        assert stand.bring(ecs, release(BAD)).state == "ok"
        assert stand.service().deployments[0]["id"] == "ecs-svc/003"
        assert stand.cloud.calls.count("RegisterTaskDefinition") == 1


def test_an_alarm_that_rings_takes_it_back(stand: Stand) -> None:
    stand.rollouts.alarm = "api-5xx"
    said = stand.bring(ecs, release(), alarms=["api-5xx"])
    assert (said.state, "ECS deployment alarms: alarm detected." in said.why) == ("failed", True)
    told = stand.service().deployment_configuration
    assert told["alarms"] == {"alarmNames": ["api-5xx"], "enable": True, "rollback": True}


@pytest.mark.fault("ecs-superseded")
def test_somebody_elses_deployment_that_came_after_it_is_named(stand: Stand) -> None:
    stand.rollouts.held = True
    ticket = stand.deploy(ecs, release())
    stand.ecs.update_service(cluster="gli", service="api", taskDefinition=stand.define(f"{HOST}/gli-api:by-hand"))
    said = stand.poll(ecs, ticket)
    assert said.state == "failed"
    assert "deployment ecs-svc/002 was superseded: ecs-svc/003 (gli-api:3) is primary now, begun 2026-02-12" in said.why
    stand.rollouts.held = False
    stand.wait()
    assert "was superseded" in stand.poll(ecs, ticket).why


def test_one_that_vanished_for_an_older_one_went_back_also_where_ecs_says_nothing(stand: Stand) -> None:
    ticket = stand.deploy(ecs, release(BAD))
    stand.wait()
    stand.service().events.clear()
    said = stand.poll(ecs, ticket)
    assert (said.state, "ECS went back by itself from deployment ecs-svc/002" in said.why) == ("failed", True)


@pytest.mark.fault("ecs-flapping")
@pytest.mark.parametrize(("desired", "running", "told"), [(2, 1, "1 of 2 tasks run"), (0, 0, "0 tasks are wanted")])
def test_a_service_that_flaps_or_wants_nothing_is_not_there(
    stand: Stand, desired: int, running: int, told: str
) -> None:
    ticket = stand.deploy(ecs, release())
    stand.wait()
    service = stand.service()
    service.desired_count, service.running_count = desired, running
    said = stand.poll(ecs, ticket)
    assert (said.state, told in said.why) == ("running", True)
    assert stand.current(ecs, release()).state == "arriving"


def test_a_rollout_that_somebody_began_with_that_image_is_followed(stand: Stand) -> None:
    stand.rollouts.held = True
    stand.ecs.update_service(cluster="gli", service="api", taskDefinition=stand.define(NEW))
    there = stand.current(ecs, release())
    assert (there.state, there.ticket["deployment"]) == ("arriving", "ecs-svc/002")
    stand.rollouts.held = False
    assert stand.bring(ecs, release()).state == "ok"
    assert "UpdateService" not in stand.cloud.calls


def test_older_tasks_that_still_run_keep_it_from_being_there(stand: Stand) -> None:
    ticket = stand.deploy(ecs, release())
    old = dict(stand.service().deployments[1])
    stand.wait()
    stand.service().deployments.append(old)
    assert "1 older deployments still have tasks" in stand.poll(ecs, ticket).why
    assert stand.current(ecs, release()).state == "arriving"


# --- killed ---


@pytest.mark.shows("X5", "G12")
@pytest.mark.fault("ecs-killed")
def test_killed_after_every_call_it_goes_on_and_nothing_happens_twice(tmp_path: Path) -> None:
    many = 0
    for stand in killed_after_every_call(tmp_path, lambda stand: stand.bring(ecs, release())):
        many += 1
        assert stand.images() == ["fluent-bit:3", NEW]
        assert stand.revisions() == 2
        assert stand.cloud.calls.count("UpdateService") == 1
        assert stand.rollouts.made == 2
    assert many > 8


@pytest.mark.shows("X5")
@pytest.mark.fault("ecs-killed")
def test_killed_after_every_call_on_the_way_back_it_goes_on(tmp_path: Path) -> None:
    def go(stand: Stand) -> Any:
        if stand.rollouts.made == 1:
            stand.ecs.update_service(cluster="gli", service="api", taskDefinition=stand.define(NEW))
            stand.wait()
            stand.ecs.deregister_task_definition(taskDefinition="gli-api:1")
        return stand.bring(ecs, release(OLD, artefact=BACK))

    for stand in killed_after_every_call(tmp_path, go):
        assert stand.images() == ["fluent-bit:3", OLD]
        assert stand.cloud.calls.count("RegisterTaskDefinition") == 1
        assert stand.cloud.calls.count("UpdateService") == 1


# --- what it is told ---


@pytest.mark.fault("ecs-image-missing")
def test_an_image_that_was_not_pushed_is_named_with_what_is_there(stand: Stand) -> None:
    there = stand.current(ecs, release(), image_tag="rc-{sha:8}")
    assert (there.state, bool(there.artefact)) == ("other", True)  # a build may be pushing it
    with pytest.raises(MultigitError) as caught:
        stand.deploy(ecs, release(), image_tag="rc-{sha:8}")
    assert caught.value.what == "the image gli-api:rc-b2b2b2b2 is not in ECR"
    assert "the build has not pushed it; pushed last: " in caught.value.why
    assert "b2b2b2b2" in caught.value.why
    assert caught.value.state == "nothing was changed"
    with pytest.raises(MultigitError) as caught:
        stand.current(ecs, release(), ecr="gli-apo")
    assert "there is no repository gli-apo" in caught.value.why


def test_half_an_image_is_refused_where_processors_are_named(stand: Stand) -> None:
    told = refused(stand, architectures=["amd64", "arm64"])
    assert (told.what, "needs an index" in told.why) == ("gli-api:b2b2b2b2 is not whole", True)


def test_the_registry_may_be_named_in_full(stand: Stand) -> None:
    assert stand.bring(ecs, release(), ecr=f"{HOST}/gli-api").state == "ok"
    assert stand.images() == ["fluent-bit:3", NEW]


def test_the_breaker_is_turned_on_with_the_update_and_what_else_is_set_up_stays(stand: Stand) -> None:
    stand.service().deployment_configuration = {
        "maximumPercent": 150, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0,
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    }  # fmt: skip
    stand.deploy(ecs, release(), breaker="keep")
    assert stand.service().deployment_configuration["deploymentCircuitBreaker"]["enable"] is False
    stand.bring(ecs, release(OLD))
    assert stand.service().deployment_configuration == {
        "maximumPercent": 150, "minimumHealthyPercent": 100, "strategy": "ROLLING",
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
    }  # fmt: skip


def test_a_strategy_is_asked_of_ecs_with_what_belongs_to_it(stand: Stand) -> None:
    second = {"alternateTargetGroupArn": "arn:b", "productionListenerRule": "arn:rule", "roleArn": "arn:role"}
    stand.service().load_balancers = [{"targetGroupArn": "arn:a", "advancedConfiguration": second}]
    stand.bring(ecs, release(), strategy="canary", percent=10.0, step="5m", bake="10m")
    told = stand.service().deployment_configuration
    assert told == {
        "strategy": "CANARY", "bakeTimeInMinutes": 10,
        "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5},
    }  # fmt: skip
    stand.bring(ecs, release(OLD), strategy="rolling")
    assert stand.service().deployment_configuration == {
        "strategy": "ROLLING", "deploymentCircuitBreaker": {"enable": True, "rollback": True},
    }  # fmt: skip


def test_a_strategy_that_the_service_is_not_made_for_is_refused(stand: Stand) -> None:
    told = refused(stand, strategy="linear")
    assert "neither a load balancer nor Service Connect" in told.why
    stand.service().load_balancers = [{"targetGroupArn": "arn:a", "containerName": "api", "containerPort": 8000}]
    for strategy in ("blue-green", "canary", "linear"):
        assert "no second target group" in refused(stand, strategy=strategy).why
    stand.rollouts.held = True
    stand.ecs.update_service(cluster="gli", service="api", forceNewDeployment=True)
    told = refused(stand, strategy="blue-green")
    assert (told.why, told.state) == (
        "it is ROLLING, and ECS changes that only between deployments", "nothing was changed",
    )  # fmt: skip


@pytest.mark.parametrize("by", ["CODE_DEPLOY", "EXTERNAL"])
def test_a_service_that_ecs_does_not_deploy_itself_is_refused(stand: Stand, by: str) -> None:
    stand.service().deployment_controller = {"type": by}
    told = refused(stand)
    assert told.why == f"its deployment controller is {by}"
    with pytest.raises(MultigitError):
        stand.current(ecs, release())


def test_which_container_is_meant_must_be_clear(stand: Stand) -> None:
    told = refused(stand, container="web")
    assert (told.what, told.why) == ("gli/api: its tasks have no container 'web'", "there are log, api")
    stand.ecr.create_repository(repositoryName="other")
    stand.push("b2b2b2b2", "sha256:" + "b" * 64, "other")
    stand.deploy(ecs, release(), ecr="other", container="log")
    assert stand.images() == [NEW.replace("gli-api", "other"), OLD]


@pytest.mark.fault("ecs-elsewhere")
def test_another_account_region_cluster_or_service_is_told_apart(stand: Stand) -> None:
    told = refused(stand, account="999999999999")
    assert told.what == "gli/api is in the AWS account 123456789012, repos.yaml names 999999999999"
    assert stand.bring(ecs, release(), account="123456789012").state == "ok"
    stand.cloud.calls.clear()
    assert "there is no such service in us-east-1" in refused(stand, region="us-east-1").what
    assert refused(stand, cluster="glo").what == "glo/api: there is no such service in ap-northeast-2"
    assert refused(stand, service="web").what == "gli/web: there is no such service in ap-northeast-2"
    stand.ecs.delete_service(cluster="gli", service="api", force=True)
    assert refused(stand).what == "gli/api: the service is INACTIVE"


# --- AWS refuses ---


@pytest.mark.fault("ecs-refused")
def test_what_ecs_does_not_take_is_told_with_what_was_registered_and_the_next_try_uses_it(stand: Stand) -> None:
    stand.cloud.spoil = refuse("ClientException", "UpdateService")
    with pytest.raises(MultigitError) as caught:
        stand.deploy(ecs, release())
    assert caught.value.what == "gli/api: ECS did not take gli-api:2"
    assert caught.value.why == "ClientException: no UpdateService for you"
    assert caught.value.state == "gli-api:2 is registered; the service is as it was"
    stand.cloud.spoil = lambda name, words: None
    assert stand.bring(ecs, release()).state == "ok"
    assert stand.revisions() == 2


@pytest.mark.fault("ecs-signed-out")
def test_credentials_that_expire_midway_end_it_and_the_next_try_goes_on(stand: Stand) -> None:
    stand.cloud.spoil = refuse("ExpiredTokenException", "UpdateService")
    with pytest.raises(SignedOut):
        stand.bring(ecs, release())
    stand.cloud.spoil = lambda name, words: None
    ticket = stand.deploy(ecs, release())
    stand.cloud.spoil = refuse("ExpiredTokenException", "DescribeServices")
    with pytest.raises(SignedOut):
        stand.poll(ecs, ticket)
    stand.cloud.spoil = lambda name, words: None
    assert stand.bring(ecs, release()).state == "ok"
    assert stand.revisions() == 2


@pytest.mark.fault("ecs-throttled")
@pytest.mark.parametrize("call", ["DescribeServices", "RegisterTaskDefinition", "UpdateService", "BatchGetImage"])
def test_throttling_is_told(stand: Stand, call: str) -> None:
    stand.cloud.spoil = refuse("ThrottlingException", call)
    with pytest.raises(MultigitError) as caught:
        stand.deploy(ecs, release())
    assert "AWS asks for less" in caught.value.what


@pytest.mark.fault("ecs-no-answer")
def test_an_update_without_an_answer_is_not_sure_and_looking_again_tells(stand: Stand) -> None:
    def silent(name: str) -> None:
        if name == "UpdateService":
            raise ReadTimeoutError(endpoint_url="https://ecs.example/")

    stand.cloud.after, stand.rollouts.held = silent, True
    with pytest.raises(Unsure):
        stand.deploy(ecs, release())
    stand.cloud.after = lambda name: None
    assert stand.current(ecs, release()).state == "arriving"
    stand.rollouts.held = False
    assert stand.bring(ecs, release()).state == "ok"
    assert stand.cloud.calls.count("UpdateService") == 1


def test_stopped_tasks_that_may_not_be_read_only_help_less(stand: Stand) -> None:
    stand.cloud.spoil = refuse("AccessDeniedException", "ListTasks")
    said = stand.bring(ecs, release(BAD))
    assert (said.state, "cannot be read" in said.details[0]) == ("failed", True)


@pytest.mark.shows("X8")
def test_what_a_task_says_is_made_visible_and_no_value_of_a_definition_is_told(stand: Stand) -> None:
    ticket = stand.deploy(ecs, release(BAD))
    stand.wait()
    for tasks in stand.service()._backend.tasks.values():
        for task in tasks.values():
            task.stopped_reason = "\x1b[2J\u202egone"
    said = stand.poll(ecs, ticket)
    assert "\\x1b[2J\\u202egone" in said.details[0]
    assert "geheim123" not in repr((said, ticket, stand.current(ecs, release()), stand.said))


# --- only watched ---


def test_without_a_repository_it_is_watched_by_the_tag_that_names_the_commit(stand: Stand) -> None:
    assert stand.current(ecs, release(), ecr=None).state == "other"
    told = refused(stand, ecr=None)
    assert (told.what, "only watched: a workflow rolls it" in told.why) == (
        "gli/api: repos.yaml does not say which image to bring", True,
    )  # fmt: skip
    stand.rollouts.held = True
    stand.ecs.update_service(
        cluster="gli", service="api", taskDefinition=stand.define(f"{HOST}/gli-api:sha-{release().commit}")
    )
    assert stand.current(ecs, release(), ecr=None).state == "arriving"
    stand.rollouts.held = False
    assert stand.bring(ecs, release(), ecr=None, container="api").state == "ok"
    assert stand.current(ecs, release(), ecr=None).state == "here"
    assert stand.current(ecs, release(OLD), ecr=None).state == "other"


def test_a_digest_is_watched_by_the_tags_that_ecr_has_for_it(stand: Stand) -> None:
    assert stand.current(ecs, release(OLD), ecr=None, container="api").state == "here"


# --- the file ---


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"cluster": ""}, "cluster and service must not be empty"),
        ({"ecr": "gli-api:latest"}, "has a tag or a digest"),
        ({"ecr": "ghcr.io/team/api"}, "is no repository of ECR"),
        ({"percent": 10.0}, "percent and step belong to the strategies canary and linear"),
        ({"strategy": "linear", "percent": 2.0}, "from 3.0 to 100"),
        ({"strategy": "canary", "step": "90s"}, "whole minutes"),
        ({"strategy": "rolling", "bake": "5m"}, "bake belongs to"),
        ({"strategy": "yolo"}, "strategy"),
        ({"alarms": [""]}, "alarm must not be empty"),
    ],
)
def test_settings_that_make_no_sense_are_mistakes_in_the_file(
    stand: Stand, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        stand.settings(ecs, **settings)
    assert told in caught.value.why
