"""IAM policies with the least rights, made from the resources that repos.yaml names (docs/infra.md explains them)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from multigit.model.infra.settings import Role
from multigit.model.names import EnvName

_VERSION: Final = "2012-10-17"
_GITHUB: Final = "token.actions.githubusercontent.com"
_PULL: Final = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_PUSH: Final = ("ecr:CompleteLayerUpload", "ecr:DescribeImages", "ecr:InitiateLayerUpload", "ecr:PutImage",
                "ecr:UploadLayerPart")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What policies may name."""

    account: str
    region: str
    made: Sequence[tuple[str, str, EnvName | None, str]]
    """Kind, name, environment, and of roles their kind."""

    def arn(self, service: str, rest: str) -> str:
        """ARN of something in this account and region. Global services leave parts out (`iam`, `s3`)."""
        partition = "aws-cn" if self.region.startswith("cn-") else "aws"
        partition = "aws-us-gov" if self.region.startswith("us-gov-") else partition
        account = "" if service == "s3" else self.account
        region = "" if service in ("s3", "iam", "cloudfront") else self.region
        return f"arn:{partition}:{service}:{region}:{account}:{rest}"

    def named(self, kind: str, env: EnvName | None, of: Sequence[str] = ("",)) -> list[str]:
        """Names of that kind which belong to `env`, or to all. A role without an environment serves all of them."""
        return [
            name for one, name, place, sort in self.made
            if one == kind and sort in of and (env is None or place in (None, env))
        ]  # fmt: skip


def trust(role: Role, scope: Scope, branches: Sequence[str]) -> dict[str, Any]:
    """Who may take the role."""
    if role.kind != "deploy":
        # Without the condition, ECS could be talked into taking it for somebody else's account (confused deputy).
        condition = {"StringEquals": {"aws:SourceAccount": scope.account}}
        who: dict[str, Any] = {"Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        return _policy([{"Effect": "Allow", **who, "Condition": condition}])
    if not role.github:
        own = {"Principal": {"AWS": scope.arn("iam", "root")}, "Action": "sts:AssumeRole"}
        return _policy([{"Effect": "Allow", **own}])
    subjects = [f"repo:{repo}:ref:refs/heads/{branch}" for repo in role.github for branch in branches]
    token = {f"{_GITHUB}:aud": "sts.amazonaws.com", f"{_GITHUB}:sub": sorted(subjects)}
    provider = {"Federated": scope.arn("iam", f"oidc-provider/{_GITHUB}")}
    return _policy([{
        "Effect": "Allow", "Principal": provider, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": token},
    }])  # fmt: skip


def rights(role: Role, scope: Scope, env: EnvName | None) -> dict[str, Any] | None:
    """What the role may do; None: nothing."""
    made = {"task-execution": _execution, "task": _task, "deploy": _deploy}[role.kind](role, scope, env)
    statements = [one for one in made if one["Resource"]]
    return _policy(statements) if statements else None


def canonical(document: Any) -> Any:
    """A policy as it is compared: AWS gives lists of one back as the one, and lists in any order."""
    if isinstance(document, Mapping):
        return {key: canonical(inner) for key, inner in sorted(document.items())}
    if isinstance(document, list | tuple):
        items = [canonical(inner) for inner in document]
        return items[0] if len(items) == 1 else sorted(items, key=repr)
    return document


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": _VERSION, "Statement": statements}


def _may(actions: Sequence[str], resources: Sequence[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources), **more}


def _images(scope: Scope, env: EnvName | None) -> list[str]:
    return [scope.arn("ecr", f"repository/{name}") for name in scope.named("repository", env)]


def _token(images: Sequence[str]) -> dict[str, Any]:
    return _may(["ecr:GetAuthorizationToken"], ["*"] if images else [])  # this call knows no resource


def _execution(role: Role, scope: Scope, env: EnvName | None) -> list[dict[str, Any]]:
    images = _images(scope, env)
    streams = [scope.arn("logs", f"log-group:{name}:log-stream:*") for name in scope.named("log-group", env)]
    secrets = [scope.arn("secretsmanager", f"secret:{name}-??????") for name in role.secrets]
    return [
        _token(images),
        _may(_PULL, images),
        _may(["logs:CreateLogStream", "logs:PutLogEvents"], streams),
        _may(["secretsmanager:GetSecretValue"], secrets),
    ]


def _task(role: Role, scope: Scope, env: EnvName | None) -> list[dict[str, Any]]:  # noqa: ARG001 - one signature
    objects = [scope.arn("s3", f"{name}/*") for name in role.buckets]
    return [
        _may(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], objects),
        _may(["s3:ListBucket"], [scope.arn("s3", name) for name in role.buckets]),
    ]


def _deploy(role: Role, scope: Scope, env: EnvName | None) -> list[dict[str, Any]]:
    images, clusters = _images(scope, env), scope.named("cluster", env)
    buckets = scope.named("bucket", env)
    tasks = [scope.arn("iam", f"role/{name}") for name in scope.named("role", env, ("task", "task-execution"))]
    homes = sorted(scope.arn("ecs", f"cluster/{name}") for name in clusters)
    logs = [scope.arn("logs", f"log-group:{name}:*") for name in scope.named("log-group", env)]
    caches = [scope.arn("cloudfront", f"distribution/{name}") for name in role.distributions]
    alarms = [scope.arn("cloudwatch", f"alarm:{name}") for name in scope.named("alarm", env)]
    services = [scope.arn("ecs", f"service/{name}/*") for name in clusters]
    inside = {"Condition": {"ArnEquals": {"ecs:cluster": homes}}}
    return [
        _token(images),
        _may([*_PULL, *_PUSH], images),
        # Task definitions cannot be named in these two (aws/containers-roadmap#929).
        _may(["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"], ["*"] if clusters else []),
        _may(["ecs:DescribeServices", "ecs:UpdateService"], services),
        _may(["ecs:DescribeTasks", "ecs:StopTask"], [scope.arn("ecs", f"task/{name}/*") for name in clusters]),
        _may(["ecs:RunTask"], [scope.arn("ecs", "task-definition/*:*")] if clusters else [], **inside),
        _may(["iam:PassRole"], tasks,
             Condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}),
        _may(["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
             [scope.arn("s3", f"{name}/*") for name in buckets]),
        _may(["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"],
             [scope.arn("s3", name) for name in buckets]),
        _may(["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"], caches),
        _may(["cloudfront:ListDistributions"], ["*"] if buckets else []),  # it knows no resources
        _may(["logs:FilterLogEvents", "logs:GetLogEvents"], logs),
        _may(["cloudwatch:DescribeAlarms"], alarms),
    ]  # fmt: skip
