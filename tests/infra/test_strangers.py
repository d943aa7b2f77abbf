"""What exists without our tags is named and left alone; nothing is ever deleted (G14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.cloud import ONE_OF_EACH, REGION, Cloud

POLICY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"},'
    ' "Action": "sts:AssumeRole"}]}'
)
HERE = {"LocationConstraint": REGION}
ALARM = {"AlarmName": "shop-errors-stg", "Namespace": "x", "MetricName": "y", "Period": 60, "EvaluationPeriods": 1,
         "ComparisonOperator": "LessThanThreshold", "Threshold": 1.0, "Statistic": "Sum"}  # fmt: skip
MADE: dict[str, Callable[[Cloud], Any]] = {
    "repository": lambda c: c.aws("ecr").create_repository(repositoryName="shop-stg"),
    "cluster": lambda c: c.aws("ecs").create_cluster(clusterName="shop-stg"),
    "bucket": lambda c: c.aws("s3").create_bucket(Bucket="shop-web-stg", CreateBucketConfiguration=HERE),
    "log-group": lambda c: c.aws("logs").create_log_group(logGroupName="/shop/api/staging"),
    "security-group": lambda c: c.aws("ec2").create_security_group(GroupName="shop-lb-stg", Description="by hand"),
    "role": lambda c: c.aws("iam").create_role(RoleName="shop-task-stg", AssumeRolePolicyDocument=POLICY),
    "topic": lambda c: c.aws("sns").create_topic(Name="shop-alarms-stg"),
    "alarm": lambda c: c.aws("cloudwatch").put_metric_alarm(**ALARM),
}


def change(document: Any, action: str) -> Any:
    (found,) = [one for one in document["changes"] if one["action"] == action]
    return found


@pytest.mark.shows("G14")
@pytest.mark.parametrize("kind", list(MADE))
def test_what_is_not_ours_is_left_alone_until_it_is_adopted(cloud: Cloud, kind: str) -> None:
    MADE[kind](cloud)
    assert "exists, not managed by multigit" in cloud.run("infra", "plan").exits(3).text
    named = cloud.run("infra", "apply", "--yes", "--json").exits(3).json()
    assert change(named, "unmanaged")["kind"] == kind
    cloud.run("infra", "apply", "--yes").exits(3)
    assert cloud.writes == []  # all the others are there, this one is as it was
    adopted = cloud.run("infra", "apply", "--adopt", "--yes", "--json").ok().json()
    assert change(adopted, "adopt")["outcome"] == "done"
    assert "nothing to do" in cloud.run("infra", "plan").ok().text


def test_other_tags_survive_an_adoption(cloud: Cloud) -> None:
    MADE["bucket"](cloud)
    s3 = cloud.aws("s3")
    s3.put_bucket_tagging(Bucket="shop-web-stg", Tagging={"TagSet": [{"Key": "cost", "Value": "web"}]})
    cloud.run("infra", "apply", "--adopt", "--yes").ok()
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket="shop-web-stg")["TagSet"]}
    assert tags == {"cost": "web", "Project": "shop", "ManagedBy": "multigit"}


def test_what_belongs_to_another_system_is_never_adopted(cloud: Cloud) -> None:
    tags = [{"Key": "Project", "Value": "other"}, {"Key": "ManagedBy", "Value": "multigit"}]
    cloud.aws("ecr").create_repository(repositoryName="shop-stg", tags=tags)
    told = cloud.run("infra", "apply", "--adopt", "--yes").exits(3)
    assert "belongs to the system other" in told.text


@pytest.mark.shows("G14")
def test_what_is_no_longer_named_is_listed_with_a_command_and_stays(cloud: Cloud) -> None:
    cloud.run("infra", "apply", "--yes").ok()
    cloud.write(ONE_OF_EACH.partition("  ecr:")[0])
    told = cloud.run("infra", "apply", "--yes").ok()
    assert "no longer named" in told.text
    for command in (
        *("aws s3 rb s3://shop-web-stg", "aws ecs delete-cluster --cluster shop-stg"),
        *("aws logs delete-log-group --log-group-name /shop/api/staging",),  # moto's tagging knows no ECR
        *("aws ec2 delete-security-group --group-id sg-", "aws iam delete-role --role-name shop-task-stg"),
        *("aws sns delete-topic", "aws cloudwatch delete-alarms --alarm-names shop-errors-stg"),
    ):
        assert command in told.out
    assert cloud.writes == []
    cloud.write(ONE_OF_EACH)
    assert "nothing to do" in cloud.run("infra", "plan").ok().text


def test_a_bucket_of_another_account_is_a_name_that_is_taken(cloud: Cloud) -> None:
    from tests.support.cloud import refuse

    cloud.spoil = refuse("403", "HeadBucket")
    told = cloud.run("infra", "plan").exits(1)
    assert "it belongs to another account, or may not be looked at" in told.text
