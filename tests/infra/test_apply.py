"""What `infra apply` makes is what repos.yaml says, once; what somebody changed is shown and mended (G14, G16)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from multigit.examples import example
from multigit.model.schemas import generate
from tests.support.cloud import ACCOUNT, ONE_OF_EACH, Cloud

Drift = Callable[[Cloud], object]
TAGS = {"Project": "gli", "ManagedBy": "multigit"}


def applied(cloud: Cloud, *words: str) -> dict[str, Any]:
    """Apply with whatever consent it takes; the document."""
    phrase = cloud.document("infra", "plan", *words)["phrase"]
    done = cloud.run("infra", "apply", *words, "--confirm", phrase, "--json").ok()
    document: dict[str, Any] = done.json()
    return document


def actions(document: dict[str, Any]) -> dict[str, str]:
    return {f"{one['kind']} {one['name']}": one["action"] for one in document["changes"]}


@pytest.mark.shows("G14", "G16")
def test_glis_account_is_made_and_a_second_apply_makes_nothing(cloud: Cloud) -> None:
    cloud.write("", head=example("gli"))
    applied(cloud)
    ecr, logs, ecs, iam = (cloud.aws(name) for name in ("ecr", "logs", "ecs", "iam"))
    registries = {one["repositoryName"]: one for one in ecr.describe_repositories()["repositories"]}
    assert sorted(registries) == ["gli-admin", "gli-api", "gli-websocket"]
    for name, one in registries.items():
        assert one["imageScanningConfiguration"]["scanOnPush"]
        policy = json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])
        assert policy["rules"][0]["selection"]["countNumber"] == 10
    groups = {one["logGroupName"]: one.get("retentionInDays") for one in logs.describe_log_groups()["logGroups"]}
    assert groups == {
        f"/gli/{part}/{env}": 30 if part == "user-frontend" else 90
        for part in ("api-server", "websocket", "user-frontend") for env in ("staging", "production")
    }  # fmt: skip
    clusters = ecs.describe_clusters(clusters=["gli-api-cluster", "gli-websocket-cluster"], include=["TAGS"])[
        "clusters"
    ]
    assert [{tag["key"]: tag["value"] for tag in one["tags"]} for one in clusters] == [TAGS, TAGS]
    trust = iam.get_role(RoleName="gli-deploy-production")["Role"]["AssumeRolePolicyDocument"]
    assert "repo:dreamfurnace/gli_api-server:ref:refs/heads/main" in json.dumps(trust)
    assert "refs/heads/stg" not in json.dumps(trust)

    again = cloud.run("infra", "apply").ok()
    assert cloud.writes == []
    assert "nothing to do: 37 as they should be" in again.text


@pytest.mark.shows("G14")
def test_the_servers_ports_are_open_to_the_load_balancer_alone(cloud: Cloud) -> None:
    cloud.write("", head=example("gli"))
    applied(cloud)
    found = {one["GroupName"]: one for one in cloud.aws("ec2").describe_security_groups()["SecurityGroups"]}
    for name, port in (("gli-api-production", 8000), ("gli-websocket-production", 8080)):
        (rule,) = found[name]["IpPermissions"]
        assert (rule["FromPort"], rule["ToPort"], rule["IpRanges"]) == (port, port, [])
        assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [found["gli-lb-production"]["GroupId"]]


def test_a_bucket_is_closed_encrypted_versioned_and_a_website(cloud: Cloud) -> None:
    applied(cloud)
    s3, name = cloud.aws("s3"), "shop-web-stg"
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_bucket_website(Bucket=name)["ErrorDocument"] == {"Key": "404.html"}
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "ap-northeast-2"


@pytest.mark.shows("G16")
def test_an_alarm_tells_its_topic_and_counts_errors_of_the_log(cloud: Cloud) -> None:
    applied(cloud)
    (alarm,) = cloud.aws("cloudwatch").describe_alarms()["MetricAlarms"]
    (counted,) = cloud.aws("logs").describe_metric_filters(logGroupName="/shop/api/staging")["metricFilters"]
    (metric,) = counted["metricTransformations"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric["metricNamespace"], metric["metricName"])
    assert alarm["AlarmActions"] == ["arn:aws:sns:ap-northeast-2:123456789012:shop-alarms-stg"]
    assert (alarm["ComparisonOperator"], alarm["Threshold"], alarm["Period"]) == ("GreaterThanThreshold", 10.0, 300)


@pytest.mark.shows("G14")
def test_a_plan_and_a_dry_run_only_read(cloud: Cloud) -> None:
    cloud.run("infra", "plan").ok()
    assert cloud.calls
    assert cloud.writes == []
    cloud.run("infra", "plan", "--exit-code").exits(10)
    cloud.run("infra", "apply", "--dry-run", "--yes").ok()
    assert cloud.writes == []
    cloud.run("infra", "apply", "--yes").ok()
    cloud.run("infra", "plan", "--exit-code").ok()


def test_one_environment_is_planned_and_applied_alone(cloud: Cloud) -> None:
    cloud.write(
        ONE_OF_EACH.replace("envs: [stg]", "envs: [stg, prod]").replace('"shop-{env}": {insights', "shop: {insights")
    )
    cloud.run("infra", "apply", "stg", "--yes").ok()
    left = cloud.document("infra", "plan")
    assert {one["env"] for one in left["changes"] if one["action"] == "create"} == {None, "prod"}
    assert {one["env"] for one in left["changes"] if one["action"] == "keep"} == {"stg"}
    assert [one["production"] for one in left["changes"] if one["env"] is None] == [True]


OPEN = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
DENY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}]}'


def open_ssh(cloud: Cloud) -> None:
    ec2 = cloud.aws("ec2")
    (group,) = ec2.describe_security_groups(GroupNames=["shop-api-stg"])["SecurityGroups"]
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=OPEN)


def shut_all(cloud: Cloud) -> None:
    ec2 = cloud.aws("ec2")
    (group,) = ec2.describe_security_groups(GroupNames=["shop-lb-stg"])["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])


def all_rights(cloud: Cloud) -> None:
    iam = cloud.aws("iam")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="shop-task-stg", PolicyName="multigit", PolicyDocument=json.dumps(everything))


def trust_anybody(cloud: Cloud) -> None:
    anybody = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}],
    }
    cloud.aws("iam").update_assume_role_policy(RoleName="shop-deploy-stg", PolicyDocument=json.dumps(anybody))


def attach_admin(cloud: Cloud) -> None:
    iam = cloud.aws("iam")
    made = iam.create_policy(PolicyName="Admin", PolicyDocument=DENY)
    iam.attach_role_policy(RoleName="shop-task-stg", PolicyArn=made["Policy"]["Arn"])


def silence(cloud: Cloud) -> None:
    cloud.aws("cloudwatch").disable_alarm_actions(AlarmNames=["shop-errors-stg"])


def raise_threshold(cloud: Cloud) -> None:
    watch = cloud.aws("cloudwatch")
    (alarm,) = watch.describe_alarms()["MetricAlarms"]
    words = ("AlarmName", "Namespace", "MetricName", "Statistic", "ComparisonOperator", "Period", "EvaluationPeriods")
    watch.put_metric_alarm(**{word: alarm[word] for word in words}, Threshold=1000.0)


PUBLIC = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
SCAN_OFF = {"scanOnPush": False}
DRIFTS: dict[str, tuple[str, Drift]] = {
    "bucket versioning": ("versioning off -> on", lambda c: c.aws("s3").put_bucket_versioning(
        Bucket="shop-web-stg", VersioningConfiguration={"Status": "Suspended"})),
    "bucket public": ("public possible -> blocked", lambda c: c.aws("s3").put_public_access_block(
        Bucket="shop-web-stg", PublicAccessBlockConfiguration=PUBLIC)),
    "bucket website": ("website (none) -> {index: index.html", lambda c: c.aws("s3").delete_bucket_website(
        Bucket="shop-web-stg")),
    "log days": ("days 1 -> 90", lambda c: c.aws("logs").put_retention_policy(
        logGroupName="/shop/api/staging", retentionInDays=1)),
    "log for ever": ("days (none) -> 90", lambda c: c.aws("logs").delete_retention_policy(
        logGroupName="/shop/api/staging")),
    "log errors": ("errors (none) -> ?ERROR", lambda c: c.aws("logs").delete_metric_filter(
        logGroupName="/shop/api/staging", filterName="multigit-errors")),
    "registry scan": ("scan off -> on", lambda c: c.aws("ecr").put_image_scanning_configuration(
        repositoryName="shop-stg", imageScanningConfiguration=SCAN_OFF)),
    "registry tags": ("tags IMMUTABLE -> MUTABLE", lambda c: c.aws("ecr").put_image_tag_mutability(
        repositoryName="shop-stg", imageTagMutability="IMMUTABLE")),
    "registry keep": ("keep (none) -> 10", lambda c: c.aws("ecr").delete_lifecycle_policy(repositoryName="shop-stg")),
    "cluster insights": ("insights off -> on", lambda c: c.aws("ecs").update_cluster(
        cluster="shop-stg", settings=[{"name": "containerInsights", "value": "disabled"}])),
    "group opened": ("allow - tcp 22 from 0.0.0.0/0", open_ssh),
    "group shut": ("allow + tcp 443 from 0.0.0.0/0", shut_all),
    "role rights": ("rights - allow * on *", all_rights),
    "role trust": ("trust - allow sts:AssumeRole by *", trust_anybody),
    "role attached": ("others - arn:aws:iam::123456789012:policy/Admin", attach_admin),
    "alarm silent": ("active off -> on", silence),
    "alarm threshold": ("threshold 1000.0 -> 10.0", raise_threshold),
}  # fmt: skip


@pytest.mark.shows("G14")
@pytest.mark.parametrize("name", list(DRIFTS))
def test_what_somebody_changed_is_shown_and_mended(cloud: Cloud, name: str) -> None:
    cloud.run("infra", "apply", "--yes").ok()
    told, change = DRIFTS[name]
    change(cloud)
    shown = cloud.run("infra", "plan", "--exit-code").exits(10)
    assert told in shown.text
    assert "1 to mend" in shown.text
    cloud.run("infra", "apply", "--yes").ok()
    assert "nothing to do" in cloud.run("infra", "plan", "--exit-code").ok().text


def test_a_foreign_inline_policy_is_named_with_its_command_and_left(cloud: Cloud) -> None:
    cloud.run("infra", "apply", "--yes").ok()
    policy = DENY
    cloud.aws("iam").put_role_policy(RoleName="shop-task-stg", PolicyName="mine", PolicyDocument=policy)
    left = cloud.run("infra", "apply", "--yes").exits(1)
    assert "aws iam delete-role-policy --role-name shop-task-stg --policy-name mine" in left.text
    assert cloud.aws("iam").list_role_policies(RoleName="shop-task-stg")["PolicyNames"] == ["multigit", "mine"]


@pytest.mark.shows("X1")
def test_the_document_is_what_its_schema_says(cloud: Cloud) -> None:
    described = jsonschema.Draft202012Validator(generate()["infra.1.json"])
    described.validate(cloud.document("infra", "plan"))
    described.validate(cloud.run("infra", "apply", "--yes", "--json").ok().json())
    after = cloud.document("infra", "apply")
    described.validate(after)
    assert set(actions(after).values()) == {"keep"}


def test_a_role_is_taken_first(cloud: Cloud) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/release"
    cloud.write(ONE_OF_EACH.replace("  envs:", f"  role: {role}\n  envs:"))
    cloud.run("infra", "apply", "--yes").ok()
    assert cloud.calls[:2] == ["AssumeRole", "GetCallerIdentity"]
    assert cloud.calls.count("AssumeRole") == 1


def test_the_first_region_of_s3_is_not_named_when_a_bucket_is_made(cloud: Cloud) -> None:
    cloud.write(ONE_OF_EACH.replace("ap-northeast-2", "us-east-1"))
    cloud.run("infra", "apply", "--yes").ok()
    assert "nothing to do" in cloud.run("infra", "plan").ok().text


def test_without_the_section_it_says_where_one_is_explained(cloud: Cloud) -> None:
    cloud.write("")
    assert "docs/infra.md" in cloud.run("infra", "plan").exits(2).text
    assert cloud.calls == []
