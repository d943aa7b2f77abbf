"""The probe `service`: what keeps people from an ECS service, broken for real on moto and mended as it says (G18)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from multigit.clients import aws
from multigit.model.health import Finding
from multigit.probes import Eye
from tests.support.awscloud import aws_cloud
from tests.support.behind_elb import Behind, behind
from tests.support.patients import patient, probed, states, typed

pytestmark = [pytest.mark.slow, pytest.mark.shows("G18")]


@pytest.fixture
def here() -> Iterator[Behind]:
    with aws_cloud(), behind("ws:bad") as here:
        yield here


def look() -> dict[str, Finding]:
    return probed("service", patient("{ecs: {cluster: gli, service: ws}}"))


def test_a_service_that_is_well_says_how_it_is_reached(here: Behind) -> None:
    found = look()
    assert states(found) == {}
    assert found["service"].why == "gli/ws: ACTIVE, 2 of 2 tasks run"
    assert found["targets"].why == "gli-ws: 2 of 2 are healthy"
    assert found["listener"].why == "gli-lb listens on HTTP 80"
    assert found["port"].why == f"load balancer to tasks: {here.front} is let in on 8080"


def test_a_port_that_is_shut_is_opened_by_the_fix(here: Behind) -> None:
    aws("ec2").revoke_security_group_ingress(GroupId=here.tasks, IpPermissions=[here.rule])
    here.ill = ("unhealthy", "Target.Timeout", "Request timed out")
    found = look()
    assert states(found) == {"targets": "ng", "port": "ng"}
    assert "0 of 2 are healthy; unhealthy, Target.Timeout: Request timed out; HTTP /health on" in found["targets"].why
    assert found["port"].why == f"load balancer to tasks: {here.tasks} does not let {here.front} in on 8080"
    typed(found["port"].fix)
    here.ill = None
    assert states(look()) == {}


def test_a_port_that_is_open_to_everybody_is_worth_a_look_and_shut_by_the_fix(here: Behind) -> None:
    everybody = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    aws("ec2").authorize_security_group_ingress(GroupId=here.tasks, IpPermissions=[everybody])
    found = look()
    assert states(found) == {"port": "warn"}
    typed(found["port"].fix)
    assert states(look()) == {}


def test_a_target_group_without_listener_and_without_targets(here: Behind) -> None:
    elb = aws("elbv2")
    here.unlisten()
    found = look()
    assert states(found) == {"listener": "ng"}
    assert here.targets in found["listener"].fix
    here.listen()
    elb.deregister_targets(TargetGroupArn=here.targets, Targets=[{"Id": "10.0.0.10"}, {"Id": "10.0.1.10"}])
    assert "no target is registered" in look()["targets"].why


def test_the_wrong_health_path_is_told_with_what_changes_it(here: Behind) -> None:
    here.ill = ("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]")
    found = look()["targets"]
    assert "codes: [404]; HTTP /health on traffic-port should answer 200" in found.why
    typed(found.fix.splitlines()[1])
    (group,) = aws("elbv2").describe_target_groups()["TargetGroups"]
    assert group["HealthCheckPath"] == "/health/"


def test_no_tasks_no_service_no_cluster(here: Behind) -> None:
    here.ecs.update_service(cluster="gli", service="ws", desiredCount=0)
    found = look()
    assert found["service"].why == "gli/ws: 0 tasks are wanted, so nothing serves"
    typed(found["service"].fix)
    assert "0 tasks are wanted" not in look()["service"].why
    for where in ("{cluster: gli, service: other}", "{cluster: other, service: ws}"):
        gone = probed("service", patient(f"{{ecs: {where}}}"))
        assert gone.keys() == {"service"}
        assert "there is no such service" in gone["service"].why


def test_a_rollout_that_ecs_took_back_is_not_well_and_a_breaker_that_is_off_is_turned_on(here: Behind) -> None:
    off = {"deploymentCircuitBreaker": {"enable": False, "rollback": False}}
    here.ecs.update_service(cluster="gli", service="ws", deploymentConfiguration=off)
    found = look()
    assert states(found) == {"rollout": "warn"}
    typed(found["rollout"].fix)
    assert states(look()) == {}
    here.ecs.update_service(cluster="gli", service="ws", taskDefinition=here.define("ws:bad"))
    while (said := look()["rollout"]).state == "warn":
        assert "IN_PROGRESS" in said.why
    assert said.state == "ng"
    assert "went back by itself" in said.why or "failed" in said.why
    here.ecs.update_service(cluster="gli", service="ws", taskDefinition=here.define("ws:2"))
    look()
    assert look()["rollout"].state == "ok"


def test_tasks_that_stopped_say_why_and_those_that_made_room_do_not(here: Behind) -> None:
    here.stop_a_task("Scaling activity initiated by (deployment ecs-svc/002)")
    assert states(look()) == {}
    here.stop_a_task("CannotPullContainerError: pull image manifest has been retried 5 time(s)")
    found = look()
    assert states(found) == {"tasks": "warn"}
    assert "the image is not in ECR, or the execution role may not read it" in found["tasks"].why
    assert found["tasks"].fix == "multigit logs stg api --since 1h"


def test_what_others_wrote_is_told_without_secrets(here: Behind) -> None:
    here.ill = ("unhealthy", "Target.FailedHealthChecks", "see\nhttps://kim:p4ssw0rd@host/x")
    found = look()["targets"].why
    assert "p4ssw0rd" not in found
    assert "\n" not in found


def test_a_container_that_ended_by_itself_is_told_with_its_exit_code(
    here: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.stop_a_task("Essential container in task exited")
    asked = Eye.aws

    def with_exit_code(self: Any, who: Any, service: str, question: str, *more: Any, **values: Any) -> Any:
        said = asked(self, who, service, question, *more, **values)
        if question == "describe_tasks":  # moto's containers never end
            said["tasks"][0]["containers"] = [{"name": "ws", "exitCode": 137, "reason": "OutOfMemoryError: killed"}]
        return said

    monkeypatch.setattr(Eye, "aws", with_exit_code)
    said = look()["tasks"].why
    assert "Essential container in task exited, ws: OutOfMemoryError: killed 137 (the task needs more memory)" in said
