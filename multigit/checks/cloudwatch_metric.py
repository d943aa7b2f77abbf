"""Asks CloudWatch whether a metric stayed within bounds in every period of the last while.

    health: {kind: cloudwatch-metric, namespace: AWS/ApplicationELB, metric: TargetResponseTime, statistic: p99,
             dimensions: {LoadBalancer: "{alb}"}, period: 1m, window: 10m, below: 0.8}

Only whole periods count, and the last of them ended before now: half a minute of errors is no minute without.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from multigit.clients import asked, aws
from multigit.errors import MultigitError
from multigit.model.config import STRICT, seconds
from multigit.model.serving import Serving
from multigit.model.verdict import Verdict

ASKS: Final = "serving"
TEMPLATES: Final = ("namespace", "metric", "dimensions", "region")
_STATISTIC: Final = re.compile(r"Average|Sum|Minimum|Maximum|SampleCount|p(100|[0-9]{1,2}(\.[0-9]{1,10})?)")
_MOST: Final = 500
"""Periods that may be asked for: one answer holds them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this check: `kind: cloudwatch-metric`."""

    __pydantic_config__ = STRICT
    namespace: str
    """Namespace of the metric, for example `AWS/ECS`; a template."""
    metric: str
    """Name of the metric; a template."""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    """All of the metric's dimensions, which name it together with its own name; templates."""
    statistic: str = "Average"
    """`Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount`, or a percentile such as `p99`."""
    period: str = "1m"
    """Length of one period: whole minutes."""
    window: str = "10m"
    """How far to look back."""
    below: float | None = None
    """What every period must be less than."""
    above: float | None = None
    """What every period must be more than."""
    unknown: Literal["pass", "wait", "fail"] = "wait"
    """What it means when there is no data at all."""
    region: str = ""
    """Region; the one of this machine's settings when left out. A template."""

    def __post_init__(self) -> None:
        if not self.namespace or not self.metric:
            raise ValueError("namespace and metric must not be empty")
        if self.below is None and self.above is None:
            raise ValueError("below or above is missing")
        if not _STATISTIC.fullmatch(self.statistic):
            raise ValueError(f"{self.statistic!r} is no statistic: Average, Sum, Minimum, Maximum, SampleCount, p99")
        if seconds(self.period) < 60 or seconds(self.period) % 60:
            raise ValueError("period must be whole minutes")
        if not 1 <= seconds(self.window) // seconds(self.period) <= _MOST:
            raise ValueError(f"window must be 1 to {_MOST} periods")


def evaluate(settings: Settings, subject: Serving, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where every period with data is within bounds; the reason holds the worst of them and when it was."""
    name = f"{settings.namespace} {settings.metric} {settings.statistic}"
    with asked(f"{name}: CloudWatch was not asked"):
        points = _points(settings, subject.now)
    if not points:
        return Verdict(state=settings.unknown, why=f"{name}: no data in the last {settings.window}",
                       retry_after=float(seconds(settings.period)))  # fmt: skip
    bad = [(when, value) for when, value in points if not _good(settings, value)]
    when, value = max(bad or points, key=lambda point: _badness(settings, point[1]))
    zone = subject.now.tzinfo
    seen = (
        f"{name}: at worst {value:g} at {when.astimezone(zone):%H:%M %Z}, in {len(points)} periods of {settings.period}"
    )
    if not bad:
        return Verdict(state="pass", why=f"{seen}; asked for {_bounds(settings)}")
    details = tuple(f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}  {one:g}" for at, one in bad[-10:])
    return Verdict(state="fail", why=f"{seen}; asked for {_bounds(settings)}", details=details)


def _points(settings: Settings, now: datetime) -> Sequence[tuple[datetime, float]]:
    """Start of each whole period that has data, and its value; the earliest first."""
    period = seconds(settings.period)
    end = datetime.fromtimestamp(int(now.timestamp()) // period * period, UTC)
    stat = {"Metric": {"Namespace": settings.namespace, "MetricName": settings.metric, "Dimensions": [
        {"Name": key, "Value": value} for key, value in settings.dimensions.items()]},
        "Period": period, "Stat": settings.statistic}  # fmt: skip
    said = aws("cloudwatch", region=settings.region or None).get_metric_data(
        MetricDataQueries=[{"Id": "asked", "MetricStat": stat}], ScanBy="TimestampAscending",
        StartTime=end - timedelta(seconds=seconds(settings.window)), EndTime=end,
    )["MetricDataResults"]  # fmt: skip
    found: dict[str, Any] = said[0] if said else {}
    if found.get("StatusCode", "Complete") != "Complete":
        raise MultigitError(f"CloudWatch says {found['StatusCode']}", why="not all of the data could be read")
    pairs = zip(found.get("Timestamps", ()), found.get("Values", ()), strict=True)
    return [(when, float(value)) for when, value in pairs if when < end]


def _good(settings: Settings, value: float) -> bool:
    low = settings.above is None or value > settings.above
    return low and (settings.below is None or value < settings.below)


def _badness(settings: Settings, value: float) -> float:
    """How near to a bound, or beyond it; the greatest is the worst."""
    over = [value - settings.below] if settings.below is not None else []
    under = [settings.above - value] if settings.above is not None else []
    return max(over + under)


def _bounds(settings: Settings) -> str:
    above = f"more than {settings.above:g}" if settings.above is not None else ""
    below = f"less than {settings.below:g}" if settings.below is not None else ""
    return " and ".join(filter(None, (above, below)))
