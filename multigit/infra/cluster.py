"""ECS clusters. Their services are made by deployments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from multigit.infra.door import Door, unlisted
from multigit.model.infra.changes import Seen
from multigit.model.infra.wanted import Wanted

AFTER: Final = ()


def observe(door: Door, one: Wanted) -> Seen:
    """Container Insights. A deleted cluster is told of for a while as INACTIVE: it is not there."""
    found = door.aws("ecs").describe_clusters(clusters=[one.name], include=["TAGS", "SETTINGS"])["clusters"]
    there = [cluster for cluster in found if cluster.get("status") != "INACTIVE"]
    if not there:
        return Seen(there=False)
    settings = {setting["name"]: setting["value"] for setting in there[0].get("settings", [])}
    insights = settings.get("containerInsights", "disabled") != "disabled"  # "enhanced" has those metrics as well
    return Seen(there=True, aspects={"insights": insights}, tags=unlisted(there[0].get("tags", []), "key", "value"))


def create(door: Door, one: Wanted) -> None:
    """Without capacity providers: services name their launch type."""
    door.aws("ecs").create_cluster(clusterName=one.name, tags=door.listed("key", "value"), settings=_settings(one))


def mend(door: Door, one: Wanted, aspects: Sequence[str]) -> None:
    """There is but one."""
    if aspects:
        door.aws("ecs").update_cluster(cluster=one.name, settings=_settings(one))


def adopt(door: Door, one: Wanted) -> None:
    """Tags are added; others stay."""
    arn = door.arn("ecs", f"cluster/{one.name}")
    door.aws("ecs").tag_resource(resourceArn=arn, tags=door.listed("key", "value"))


def forgotten(name: str) -> str:
    """Fails while services are in it."""
    return f"aws ecs delete-cluster --cluster {name}"


def _settings(one: Wanted) -> list[dict[str, str]]:
    return [{"name": "containerInsights", "value": "enabled" if one.aspects["insights"] else "disabled"}]
