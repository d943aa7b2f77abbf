"""An ECS service behind a load balancer on moto, with what moto lacks: targets that are ill, and a circuit breaker.

moto's targets are healthy as soon as they are registered. As the API reference has it (TargetHealth), a target that
does not answer is `unhealthy` with a reason such as `Target.ResponseCodeMismatch`; `Behind.ill` says that of all.
moto forgets `deploymentConfiguration`; it is kept here as CreateService and UpdateService were given it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from multigit.clients import aws
from tests.support.ecs_rollout import Rollouts, rolling

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


class Behind:
    """`gli/ws`: two tasks behind the load balancer `gli-lb`, port 8080, all well."""

    def __init__(self, rollouts: Rollouts, secrets: tuple[str, ...] = ()) -> None:
        self.rollouts = rollouts
        self.ill: tuple[str, str, str] | None = None
        """State, reason and description of every target; None: healthy."""
        ec2, elb = aws("ec2"), aws("elbv2")
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        zones = {"a": "10.0.0.0/24", "c": "10.0.1.0/24"}
        self.subnets = [self.subnet(zone, cidr) for zone, cidr in zones.items()]
        self.front, self.tasks = (self.group(name) for name in ("gli-lb", "gli-ws"))
        self.rule = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080,
                     "UserIdGroupPairs": [{"GroupId": self.front}]}  # fmt: skip
        ec2.authorize_security_group_ingress(GroupId=self.tasks, IpPermissions=[self.rule])
        self.balancer = elb.create_load_balancer(Name="gli-lb", Subnets=self.subnets, SecurityGroups=[self.front])[
            "LoadBalancers"][0]["LoadBalancerArn"]  # fmt: skip
        self.targets = elb.create_target_group(Name="gli-ws", Protocol="HTTP", Port=8080, VpcId=self.vpc,
                                               TargetType="ip", HealthCheckPath="/health")[
            "TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
        self.listener = self.listen()
        elb.register_targets(TargetGroupArn=self.targets, Targets=[{"Id": "10.0.0.10"}, {"Id": "10.0.1.10"}])
        self.ecs = aws("ecs")
        self.ecs.create_cluster(clusterName="gli")
        network = {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.tasks]}}
        self.ecs.create_service(
            cluster="gli", serviceName="ws", desiredCount=2, taskDefinition=self.define("ws:1", secrets),
            launchType="FARGATE", networkConfiguration=network, deploymentConfiguration=BREAKER,
            loadBalancers=[{"targetGroupArn": self.targets, "containerName": "ws", "containerPort": 8080}],
        )  # fmt: skip

    def subnet(self, zone: str, cidr: str) -> str:
        made = aws("ec2").create_subnet(VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone=f"ap-northeast-2{zone}")
        return str(made["Subnet"]["SubnetId"])

    def group(self, name: str) -> str:
        made = aws("ec2").create_security_group(GroupName=name, Description=name, VpcId=self.vpc)
        return str(made["GroupId"])

    def listen(self) -> str:
        actions = [{"Type": "forward", "TargetGroupArn": self.targets}]
        made = aws("elbv2").create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=80, DefaultActions=actions
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def unlisten(self) -> None:
        """The listener goes; moto's target group would still name its load balancer, the real one does not."""
        from moto.elbv2.models import elbv2_backends

        aws("elbv2").delete_listener(ListenerArn=self.listener)
        elbv2_backends["123456789012"]["ap-northeast-2"].target_groups[self.targets].load_balancer_arns.clear()

    def define(self, image: str, secrets: tuple[str, ...] = ()) -> str:
        named = [{"name": f"SECRET_{n}", "valueFrom": arn} for n, arn in enumerate(secrets)]
        containers = [{"name": "ws", "image": image, "memory": 128, "secrets": named}]
        made = self.ecs.register_task_definition(family="ws", containerDefinitions=containers)
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def stop_a_task(self, reason: str) -> None:
        """A task of the service ends, as ECS tells it."""
        definition = self.ecs.describe_services(cluster="gli", services=["ws"])["services"][0]["taskDefinition"]
        made = self.ecs.start_task(cluster="gli", taskDefinition=definition, startedBy="ws",
                                   containerInstances=[self._instance()])["tasks"][0]["taskArn"]  # fmt: skip
        self.ecs.stop_task(cluster="gli", task=made, reason=reason)

    def _instance(self) -> str:
        made = aws("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]
        document = f'{{"instanceId": "{made["InstanceId"]}"}}'
        registered = self.ecs.register_container_instance(cluster="gli", instanceIdentityDocument=document)
        return str(registered["containerInstance"]["containerInstanceArn"])


@contextmanager
def behind(*bad: str, secrets: tuple[str, ...] = ()) -> Iterator[Behind]:
    """The service; to be used inside `aws_cloud()`. `bad`: images whose tasks fail; `secrets`: what it refers to."""
    from moto.ecs.responses import EC2ContainerServiceResponse as Answers
    from moto.elbv2.models import ELBv2Backend, FakeHealthStatus

    create, update = Answers.create_service, Answers.update_service
    told = ELBv2Backend.describe_target_health
    made: list[Behind] = []

    def keeping(then: Any) -> Any:
        def answer(self: Any) -> Any:
            given, result = self._get_param("deploymentConfiguration"), then(self)
            if given:
                name = self._get_param("serviceName") or self._get_param("service")
                service = next(one for one in self.ecs_backend.services.values() if one.name == name)
                service.deployment_configuration = given
            return result

        return answer

    def health(self: Any, target_group_arn: str, targets: Any) -> Any:
        found = told(self, target_group_arn, targets)
        if made and made[0].ill:
            return [FakeHealthStatus(one.instance_id, one.port, one.health_check_port, *made[0].ill) for one in found]
        return found

    with (
        rolling(*bad) as rollouts,
        mock.patch.multiple(Answers, create_service=keeping(create), update_service=keeping(update)),
        mock.patch.object(ELBv2Backend, "describe_target_health", health),
    ):
        made.append(Behind(rollouts, secrets))
        yield made[0]
