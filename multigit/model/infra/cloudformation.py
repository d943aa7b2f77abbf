"""The same wishes as a CloudFormation template, for whoever would rather have a stack. Everything in it is retained."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from multigit.model.infra import words
from multigit.model.infra.changes import own_tags
from multigit.model.infra.wanted import Kind, Wanted

Resource = tuple[str, str, dict[str, Any]]
"""Logical id, type and properties."""


def template(system: str, ones: Sequence[Wanted]) -> dict[str, Any]:
    """The template as JSON values. Names of logical ids come from kind and name, so that they stay from run to run."""
    ids = dict(_ids(ones))
    tags = [{"Key": key, "Value": value} for key, value in own_tags(system).items()]
    made = [row for one in ones for row in _MAKERS[one.kind](one, ids, system, tags)]
    keep = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    resources = {id_: {"Type": kind, **keep, "Properties": properties} for id_, kind, properties in made}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{system}: made by multigit",
        "Resources": resources,
    }


def _ids(ones: Iterable[Wanted]) -> Iterator[tuple[tuple[Kind, str], str]]:
    used: set[str] = set()
    for one in ones:
        plain = "".join(word.capitalize() for word in re.findall("[A-Za-z0-9]+", f"{one.kind} {one.name}"))[:200]
        id_, number = plain, 2
        while id_ in used:
            id_, number = f"{plain}x{number}", number + 1
        used.add(id_)
        yield (one.kind, one.name), id_


Ids = Mapping[tuple[Kind, str], str]
Tags = list[dict[str, str]]


def _topic(one: Wanted, ids: Ids, system: str, tags: Tags) -> Iterator[Resource]:  # noqa: ARG001
    yield ids[one.kind, one.name], "AWS::SNS::Topic", {"TopicName": one.name, "Tags": tags}


def _log_group(one: Wanted, ids: Ids, system: str, tags: Tags) -> Iterator[Resource]:
    id_ = ids[one.kind, one.name]
    settings = {"LogGroupName": one.name, "RetentionInDays": one.aspects["days"], "Tags": tags}
    yield id_, "AWS::Logs::LogGroup", settings
    if one.aspects["errors"]:
        counted = {"MetricName": one.name, "MetricNamespace": system, "MetricValue": "1", "DefaultValue": 0}
        filter_ = {"FilterName": words.FILTER, "LogGroupName": {"Ref": id_}, "FilterPattern": one.aspects["errors"],
                   "MetricTransformations": [counted]}  # fmt: skip
        yield f"{id_}Errors", "AWS::Logs::MetricFilter", filter_


def _repository(one: Wanted, ids: Ids, system: str, tags: Tags) -> Iterator[Resource]:  # noqa: ARG001
    yield (
        ids[one.kind, one.name],
        "AWS::ECR::Repository",
        {
            "RepositoryName": one.name,
            "ImageScanningConfiguration": {"ScanOnPush": one.aspects["scan"]},
            "ImageTagMutability": one.aspects["tags"],
            "LifecyclePolicy": {"LifecyclePolicyText": json.dumps(words.lifecycle(one.aspects["keep"]))},
            "Tags": tags,
        },
    )


def _bucket(one: Wanted, ids: Ids, system: str, tags: Tags) -> Iterator[Resource]:  # noqa: ARG001
    default = {"SSEAlgorithm": one.aspects["encryption"]}
    rule = {"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": default}
    settings = {
        "BucketName": one.name,
        "PublicAccessBlockConfiguration": dict(words.BLOCKED),
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]},
        "VersioningConfiguration": {"Status": "Enabled" if one.aspects["versioning"] else "Suspended"},
        "Tags": tags,
    }
    if site := one.aspects["website"]:
        settings["WebsiteConfiguration"] = {"IndexDocument": site["index"], "ErrorDocument": site["error"]}
    yield ids[one.kind, one.name], "AWS::S3::Bucket", settings


def _cluster(one: Wanted, ids: Ids, system: str, tags: Tags) -> Iterator[Resource]:  # noqa: ARG001
    insights = {"Name": "containerInsights", "Value": "enabled" if one.aspects["insights"] else "disabled"}
    settings = {"ClusterName": one.name, "ClusterSettings": [insights], "Tags": tags}
    yield ids[one.kind, one.name], "AWS::ECS::Cluster", settings


def _role(one: Wanted, ids: Ids, system: str, tags: Tags) -> Iterator[Resource]:
    settings = {"RoleName": one.name, "Path": words.role_path(system), "Tags": tags,
                "AssumeRolePolicyDocument": one.aspects["trust"]}  # fmt: skip
    if one.aspects["rights"]:
        settings["Policies"] = [{"PolicyName": words.POLICY, "PolicyDocument": one.aspects["rights"]}]
    yield ids[one.kind, one.name], "AWS::IAM::Role", settings


def _security_group(one: Wanted, ids: Ids, system: str, tags: Tags) -> Iterator[Resource]:  # noqa: ARG001
    id_ = ids[one.kind, one.name]
    vpc = {"VpcId": one.once["vpc"]} if one.once["vpc"] else {}
    settings = {"GroupName": one.name, "GroupDescription": one.once["desc"], "Tags": tags, **vpc}
    yield id_, "AWS::EC2::SecurityGroup", settings
    for number, text in enumerate(one.aspects["allow"], 1):
        protocol, port, _, source = text.split(" ", 3)
        other = ids.get(("security-group", source))
        who = {"SourceSecurityGroupId": {"Fn::GetAtt": [other, "GroupId"]}} if other else _addresses(source)
        rule = {"GroupId": {"Fn::GetAtt": [id_, "GroupId"]}, "IpProtocol": protocol, "FromPort": int(port),
                "ToPort": int(port), **who}  # fmt: skip
        yield f"{id_}In{number}", "AWS::EC2::SecurityGroupIngress", rule


def _addresses(source: str) -> dict[str, str]:
    return {"CidrIpv6" if ":" in source else "CidrIp": source}


def _alarm(one: Wanted, ids: Ids, system: str, tags: Tags) -> Iterator[Resource]:  # noqa: ARG001
    want = one.aspects
    namespace, _, metric = want["metric"].partition(" ")
    yield (
        ids[one.kind, one.name],
        "AWS::CloudWatch::Alarm",
        {
            "AlarmName": one.name,
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in want["dimensions"].items()],
            "Statistic": want["statistic"],
            "ComparisonOperator": words.WHEN[want["when"]],
            "Threshold": want["threshold"],
            "Period": want["period"],
            "EvaluationPeriods": want["periods"],
            "TreatMissingData": words.MISSING[want["missing"]],
            "AlarmActions": want["tells"],
            "OKActions": want["tells"],
            "Tags": tags,
        },
    )


_MAKERS: Final[Mapping[Kind, Callable[[Wanted, Ids, str, Tags], Iterator[Resource]]]] = {
    "topic": _topic,
    "log-group": _log_group,
    "repository": _repository,
    "bucket": _bucket,
    "cluster": _cluster,
    "role": _role,
    "security-group": _security_group,
    "alarm": _alarm,
}
