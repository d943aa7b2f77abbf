"""SNS topics. Who reads them is subscribed by hand, because they have to agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from multigit.infra.door import Door, unlisted
from multigit.model.infra.changes import Seen
from multigit.model.infra.wanted import Wanted

AFTER: Final = ()


def observe(door: Door, one: Wanted) -> Seen:
    """Whether it is there."""
    sns = door.aws("sns")
    try:
        sns.get_topic_attributes(TopicArn=_arn(door, one))
    except sns.exceptions.NotFoundException:
        return Seen(there=False)
    return Seen(there=True, tags=unlisted(sns.list_tags_for_resource(ResourceArn=_arn(door, one))["Tags"]))


def create(door: Door, one: Wanted) -> None:
    """Made again, it is the same one."""
    door.aws("sns").create_topic(Name=one.name, Tags=door.listed())


def mend(door: Door, one: Wanted, aspects: Sequence[str]) -> None:
    """Nothing of it is compared."""


def adopt(door: Door, one: Wanted) -> None:
    """Tags are added; others stay."""
    door.aws("sns").tag_resource(ResourceArn=_arn(door, one), Tags=door.listed())


def forgotten(name: str) -> str:
    """Those who subscribed are told nothing."""
    return f"aws sns delete-topic --topic-arn ARN_OF_{name}   (aws sns list-topics)"


def _arn(door: Door, one: Wanted) -> str:
    return door.arn("sns", one.name)
