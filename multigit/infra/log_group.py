"""CloudWatch log groups, with their retention and the filter that counts errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from multigit.infra.door import Door
from multigit.model.infra.changes import Seen
from multigit.model.infra.wanted import Wanted
from multigit.model.infra.words import FILTER

AFTER: Final = ("days", "errors")


def observe(door: Door, one: Wanted) -> Seen:
    """Days of retention (None: for ever) and the pattern of errors ('': none)."""
    logs = door.aws("logs")
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=one.name)
    found = [group for page in pages for group in page["logGroups"] if group["logGroupName"] == one.name]
    if not found:
        return Seen(there=False)
    tags = logs.list_tags_for_resource(resourceArn=_arn(door, one))["tags"]
    aspects = {"days": found[0].get("retentionInDays"), "errors": _pattern(door, logs, one)}
    return Seen(there=True, aspects=aspects, tags=tags)


def create(door: Door, one: Wanted) -> None:
    """Retention and filter are calls of their own."""
    door.aws("logs").create_log_group(logGroupName=one.name, tags=door.tags)


def mend(door: Door, one: Wanted, aspects: Sequence[str]) -> None:
    """A filter of ours that is no longer wanted matches nothing: it is set to the empty count, not deleted."""
    logs = door.aws("logs")
    if "days" in aspects:
        logs.put_retention_policy(logGroupName=one.name, retentionInDays=one.aspects["days"])
    if "errors" in aspects and (one.aspects["errors"] or _pattern(door, logs, one)):
        logs.put_metric_filter(
            logGroupName=one.name, filterName=FILTER, filterPattern=one.aspects["errors"] or _NOTHING,
            metricTransformations=_counted(door, one),
        )  # fmt: skip


_NOTHING: Final = '"multigit counts no errors here"'


def adopt(door: Door, one: Wanted) -> None:
    """Tags are added; others stay."""
    door.aws("logs").tag_resource(resourceArn=_arn(door, one), tags=door.tags)


def forgotten(name: str) -> str:
    """Its lines go with it."""
    return f"aws logs delete-log-group --log-group-name {name}"


def _arn(door: Door, one: Wanted) -> str:
    return door.arn("logs", f"log-group:{one.name}")


def _counted(door: Door, one: Wanted) -> list[dict[str, Any]]:
    return [{"metricName": one.name, "metricNamespace": door.system, "metricValue": "1", "defaultValue": 0.0}]


def _pattern(door: Door, logs: Any, one: Wanted) -> str:
    found = logs.describe_metric_filters(logGroupName=one.name, filterNamePrefix=FILTER)["metricFilters"]
    ours = [filter_ for filter_ in found if filter_["filterName"] == FILTER]
    if not ours or ours[0]["filterPattern"] == _NOTHING:
        return ""
    told = ours[0]["metricTransformations"][0]
    same = _counted(door, one)[0].items() <= told.items()  # AWS may add a unit
    return str(ours[0]["filterPattern"]) if same else f"{ours[0]['filterPattern']} (counted elsewhere)"
