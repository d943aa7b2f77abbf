"""The section `infra` of repos.yaml. Every key and every text may use `{env}` and the `vars` of an environment.

What uses them is made once for each environment, everything else once for all of them. Loaded by those who ask for
it: `Config` itself carries the section as plain JSON values, so that no other verb pays for these models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from multigit.model.building import built
from multigit.model.names import EnvName
from multigit.model.strict import STRICT

if TYPE_CHECKING:
    from multigit.model.config import Config

Days = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
"""What CloudWatch Logs takes (PutRetentionPolicy)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """An ECR repository for images."""

    __pydantic_config__ = STRICT
    scan: bool = True
    """Look for known vulnerabilities on push."""
    keep: int = 10
    """Images that stay; older ones are deleted by ECR."""
    immutable: bool = False
    """A tag, once pushed, never moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """An ECS cluster. Its services are made by deployments."""

    __pydantic_config__ = STRICT
    insights: bool = False
    """Container Insights: the metrics that "service down" needs. Costs extra."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Website:
    """Documents of a bucket that is a website."""

    __pydantic_config__ = STRICT
    index: str = "index.html"
    """Answer for a folder."""
    error: str = "index.html"
    """Answer for what is not there; a single-page application answers itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """An S3 bucket. Public access is always blocked; people reach it through CloudFront."""

    __pydantic_config__ = STRICT
    versioning: bool = True
    """Overwritten and deleted objects can be had back."""
    website: Website | None = None
    """Website configuration; none when left out."""
    encryption: Literal["AES256", "aws:kms"] = "AES256"
    """How objects are encrypted at rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    """A CloudWatch log group."""

    __pydantic_config__ = STRICT
    days: Days = 30
    """How long lines are kept."""
    errors: str = ""
    """CloudWatch filter pattern of lines that are errors, for example `?ERROR ?CRITICAL`: counted for an alarm, as the
    metric named like the group, in the namespace named like the system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who may come in."""

    __pydantic_config__ = STRICT
    port: int
    """TCP port."""
    from_: str
    """A security group named here, or addresses such as `10.0.0.0/8`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroup:
    """A security group. What comes in is exactly `allow`; what goes out is left as it is."""

    __pydantic_config__ = STRICT
    vpc: str = ""
    """Id of its VPC; the account's default one when left out."""
    desc: str = "made by multigit"
    """Description; it cannot be changed later."""
    allow: tuple[Rule, ...] = ()
    """Everything that may come in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An IAM role. Its policy is made from the resources named here and from nothing else."""

    __pydantic_config__ = STRICT
    kind: Literal["task-execution", "task", "deploy"]
    """task-execution: ECS pulls images and writes logs. task: what runs inside. deploy: the pipeline."""
    buckets: tuple[str, ...] = ()
    """task: buckets named here whose objects it reads and writes."""
    secrets: tuple[str, ...] = ()
    """task-execution: names in Secrets Manager that containers are given."""
    github: tuple[str, ...] = ()
    """deploy: `owner/name` of the GitHub repositories whose Actions may take it, from the environment's branch."""
    distributions: tuple[str, ...] = ()
    """deploy: ids of CloudFront distributions whose caches it may empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """An SNS topic that alarms write to. Who reads it is subscribed by hand: they have to agree."""

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A CloudWatch alarm on one metric."""

    __pydantic_config__ = STRICT
    namespace: str
    """Of the metric: `ECS/ContainerInsights`, or the system's name for errors counted from logs."""
    metric: str
    """Its name."""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    """Its dimensions."""
    statistic: Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"] = "Sum"
    """What is compared of a period."""
    above: float | None = None
    """Alarm when more than this. Either this or `below`."""
    below: float | None = None
    """Alarm when less than this."""
    period: str = "5m"
    """Length of a period, for example `1m`."""
    periods: int = 1
    """So many periods in a row."""
    missing: Literal["ok", "alarm", "ignore"] = "ok"
    """What a period without data means; for "service down": `alarm`."""
    topic: str
    """Topic named here that is told of alarm and end of alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Infra:
    """Resources in one AWS account and region. Nothing is ever deleted."""

    __pydantic_config__ = STRICT
    account: str
    """Id of the account, twelve digits in quotes; any other one is refused."""
    region: str
    """Region, for example `ap-northeast-2`."""
    role: str = ""
    """ARN of a role that is taken first."""
    envs: tuple[EnvName, ...] = ()
    """Environments that have resources of their own; all that deploy when left out."""
    ecr: Mapping[str, Registry] = field(default_factory=dict)
    """ECR repositories."""
    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    """ECS clusters."""
    buckets: Mapping[str, Bucket] = field(default_factory=dict)
    """S3 buckets."""
    logs: Mapping[str, LogGroup] = field(default_factory=dict)
    """CloudWatch log groups."""
    security_groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    """Security groups."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """IAM roles."""
    topics: Mapping[str, Topic] = field(default_factory=dict)
    """SNS topics."""
    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    """CloudWatch alarms."""


def infra_of(config: Config) -> Infra | None:
    """The section of a checked configuration; None where there is none."""
    made: Infra | None = built(Infra, config.infra) if config.infra is not None else None
    return made
