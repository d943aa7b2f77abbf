"""verify ENV and promote, where what runs is asked of ECS and CloudWatch (G13, G16)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from multigit.app import serving
from multigit.clients import aws
from tests.support.awscloud import aws_cloud
from tests.support.ecs_rollout import rolling
from tests.support.fleetkit import ENVIRONMENTS, FleetKit

pytestmark = pytest.mark.slow
REPOS = """\
  root: {}
  api: {deploy: {default: {health: {kind: ecs-stable, cluster: shop, service: "api-{env}", image: "api:{sha:8}"}}}}
"""
GATED = """\
promotions: [{from: dev, to: stg}, {from: stg, to: prod, gates: [quiet], phrase: shop main}]
gates: {quiet: {kind: cloudwatch-alarm, names: ["api-{env}-5xx"]}}
"""


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FleetKit]:
    monkeypatch.setattr(serving, "_PAUSE", 0.0)
    with aws_cloud(), rolling("api:bad"):
        kit = FleetKit.make(tmp_path, repos=REPOS, environments=ENVIRONMENTS + GATED)
        kit.commit("api", "dev", {"feature.txt": "good\n"}, "feat: good")
        yield kit


def image(name: str) -> str:
    containers = [{"name": "api", "image": name, "memory": 128}]
    made = aws("ecs").register_task_definition(family="api", containerDefinitions=containers)
    return str(made["taskDefinition"]["taskDefinitionArn"])


@pytest.mark.shows("G13")
def test_a_release_that_ecs_took_back_is_not_well_and_the_next_one_is(kit: FleetKit) -> None:
    kit.promote().ok()
    aws("ecs").create_cluster(clusterName="shop")
    aws("ecs").create_service(cluster="shop", serviceName="api-stg", desiredCount=2, taskDefinition=image("api:1"))
    assert "its tasks run api:1, not api:" in kit.call("verify", "staging").exits(5).text
    aws("ecs").update_service(cluster="shop", service="api-stg", taskDefinition=image("api:bad"))
    while "went back by itself" not in (said := kit.call("verify", "staging").exits(5).text):
        assert "api:bad, not" in said or "failed" in said
    good = image(f"api:{kit.head('api', 'stg')[:8]}")
    aws("ecs").update_service(cluster="shop", service="api-stg", taskDefinition=good)
    said = kit.call("verify", "staging").ok().text
    assert "shop/api-stg: 2 of 2 tasks, deployment ecs-svc/003 completed, image api:" in said


@pytest.mark.shows("G16")
def test_an_alarm_that_rings_stops_a_promotion(kit: FleetKit) -> None:
    watch = aws("cloudwatch")
    watch.put_metric_alarm(AlarmName="api-stg-5xx", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1,
                           MetricName="5xx", Namespace="Shop", Period=60, Statistic="Sum", Threshold=5)  # fmt: skip
    watch.set_alarm_state(AlarmName="api-stg-5xx", StateValue="ALARM", StateReason="9 was greater than 5")
    kit.promote().ok()
    before = kit.refs()
    assert "api-stg-5xx, 9 was greater than 5" in kit.promote("stg", "prod").exits(3).text
    assert kit.refs() == before
    watch.set_alarm_state(AlarmName="api-stg-5xx", StateValue="OK", StateReason="1 was not")
    kit.promote("stg", "prod").ok()
