"""CloudWatch alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from multigit.infra.door import Door, unlisted
from multigit.model.infra.changes import Seen
from multigit.model.infra.wanted import Wanted
from multigit.model.infra.words import MISSING, WHEN

AFTER: Final = ()


def observe(door: Door, one: Wanted) -> Seen:
    """Its whole definition."""
    watch = door.aws("cloudwatch")
    found = watch.describe_alarms(AlarmNames=[one.name], AlarmTypes=["MetricAlarm"])["MetricAlarms"]
    if not found:
        return Seen(there=False)
    tags = watch.list_tags_for_resource(ResourceARN=found[0]["AlarmArn"])["Tags"]
    return Seen(there=True, aspects=_aspects(found[0]), tags=unlisted(tags))


def create(door: Door, one: Wanted) -> None:
    """PutMetricAlarm takes tags when it makes one; later they are ignored."""
    door.aws("cloudwatch").put_metric_alarm(**_definition(one), Tags=door.listed())


def mend(door: Door, one: Wanted, aspects: Sequence[str]) -> None:
    """The definition is replaced as a whole."""
    if aspects:
        door.aws("cloudwatch").put_metric_alarm(**_definition(one))


def adopt(door: Door, one: Wanted) -> None:
    """Tags are added; others stay."""
    arn = door.arn("cloudwatch", f"alarm:{one.name}")
    door.aws("cloudwatch").tag_resource(ResourceARN=arn, Tags=door.listed())


def forgotten(name: str) -> str:
    """At once."""
    return f"aws cloudwatch delete-alarms --alarm-names {name}"


def _definition(one: Wanted) -> dict[str, Any]:
    want = one.aspects
    namespace, _, metric = want["metric"].partition(" ")
    return {
        "AlarmName": one.name,
        "AlarmDescription": "made by multigit",
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in want["dimensions"].items()],
        "Statistic": want["statistic"],
        "ComparisonOperator": WHEN[want["when"]],
        "Threshold": want["threshold"],
        "Period": want["period"],
        "EvaluationPeriods": want["periods"],
        "TreatMissingData": MISSING[want["missing"]],
        "AlarmActions": want["tells"],
        "OKActions": want["tells"],
        "ActionsEnabled": want["active"],
    }


def _aspects(found: Mapping[str, Any]) -> dict[str, Any]:
    words = {value: key for key, value in WHEN.items()}
    missing = {value: key for key, value in MISSING.items()}
    tells, well = sorted(found.get("AlarmActions", [])), sorted(found.get("OKActions", []))
    treated, compared = found.get("TreatMissingData", "missing"), found.get("ComparisonOperator", "")
    return {
        "metric": f"{found.get('Namespace', '')} {found.get('MetricName', '')}",
        "dimensions": {
            one["Name"]: one["Value"] for one in sorted(found.get("Dimensions", []), key=lambda d: d["Name"])
        },
        "statistic": found.get("Statistic") or found.get("ExtendedStatistic"),
        "when": words.get(compared, compared),
        "threshold": found.get("Threshold"),
        "period": found.get("Period"),
        "periods": _periods(found),
        "missing": missing.get(treated, treated),
        "tells": tells if tells == well else [*tells, *(f"{one} (ok)" for one in well)],
        "active": found.get("ActionsEnabled"),
    }


def _periods(found: Mapping[str, Any]) -> int | str:
    every, of = found.get("DatapointsToAlarm"), found["EvaluationPeriods"]
    return int(of) if every in (None, of) else f"{every} of {of}"
