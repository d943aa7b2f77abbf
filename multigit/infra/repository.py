"""ECR repositories."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from multigit.clients import code_of
from multigit.infra.door import Door, unlisted
from multigit.model.infra.changes import Seen
from multigit.model.infra.wanted import Wanted
from multigit.model.infra.words import lifecycle

AFTER: Final = ("keep",)


def observe(door: Door, one: Wanted) -> Seen:
    """Scanning, whether tags move, and how many images stay (None: another lifecycle policy, or none)."""
    ecr = door.aws("ecr")
    try:
        (found,) = ecr.describe_repositories(repositoryNames=[one.name])["repositories"]
    except ecr.exceptions.RepositoryNotFoundException:
        return Seen(there=False)
    tags = unlisted(ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"])
    aspects = {
        "scan": found.get("imageScanningConfiguration", {}).get("scanOnPush", False),
        "tags": found.get("imageTagMutability", "MUTABLE"),
        "keep": _kept(ecr, one.name),
    }
    return Seen(there=True, aspects=aspects, tags=tags)


def create(door: Door, one: Wanted) -> None:
    """Without its lifecycle policy, which is a call of its own."""
    door.aws("ecr").create_repository(
        repositoryName=one.name, tags=door.listed(), imageTagMutability=one.aspects["tags"],
        imageScanningConfiguration={"scanOnPush": one.aspects["scan"]},
    )  # fmt: skip


def mend(door: Door, one: Wanted, aspects: Sequence[str]) -> None:
    """Each aspect is a call."""
    ecr = door.aws("ecr")
    if "scan" in aspects:
        scanning = {"scanOnPush": one.aspects["scan"]}
        ecr.put_image_scanning_configuration(repositoryName=one.name, imageScanningConfiguration=scanning)
    if "tags" in aspects:
        ecr.put_image_tag_mutability(repositoryName=one.name, imageTagMutability=one.aspects["tags"])
    if "keep" in aspects:
        text = json.dumps(lifecycle(one.aspects["keep"]))
        ecr.put_lifecycle_policy(repositoryName=one.name, lifecyclePolicyText=text)


def adopt(door: Door, one: Wanted) -> None:
    """Tags are added; others stay."""
    door.aws("ecr").tag_resource(resourceArn=door.arn("ecr", f"repository/{one.name}"), tags=door.listed())


def forgotten(name: str) -> str:
    """Fails while images are in it."""
    return f"aws ecr delete-repository --repository-name {name}"


def _kept(ecr: Any, name: str) -> int | None:
    try:
        policy = json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])
    except ecr.exceptions.ClientError as error:
        if code_of(error) == "LifecyclePolicyNotFoundException":
            return None
        raise
    rules = policy.get("rules", [])
    count = rules[0].get("selection", {}).get("countNumber") if len(rules) == 1 else None
    return count if isinstance(count, int) and policy == lifecycle(count) else None
