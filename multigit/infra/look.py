"""What is in AWS: everything that repos.yaml names, side by side, and everything of ours that it no longer names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from multigit.clients import SignedOut, asked
from multigit.errors import MultigitError
from multigit.infra import role
from multigit.infra.door import Door
from multigit.infra.kinds import MODULES
from multigit.lanes import each
from multigit.model.infra.changes import Change, Seen, unnamed
from multigit.model.infra.wanted import Kind, Wanted

_ARNS: Final[dict[str, Kind]] = {
    r":sns:[^:]*:\d+:([^:]+)": "topic",
    r":logs:[^:]*:\d+:log-group:([^:]+)(?::\*)?": "log-group",
    r":ecr:[^:]*:\d+:repository/(.+)": "repository",
    r":s3:::([^/]+)": "bucket",
    r":ecs:[^:]*:\d+:cluster/(.+)": "cluster",
    r":cloudwatch:[^:]*:\d+:alarm:(.+)": "alarm",
}


def seen(door: Door, wanted: Sequence[Wanted], jobs: int, tell: Callable[[str], None]) -> list[Seen]:
    """What is there of each. What cannot be read says why, and the others go on; SignedOut ends it all."""

    def one(what: Wanted) -> Seen:
        tell(f"{what.kind} {what.name}")
        try:
            with asked(f"{what.kind} {what.name} cannot be read"):
                found: Seen = MODULES[what.kind].observe(door, what)
        except SignedOut:
            raise
        except MultigitError as problem:
            why = ": ".join(filter(None, (problem.what, problem.why)))
            return Seen(there=False, problem=why, hint=problem.hint)
        return found

    return each(one, wanted, jobs)


def left_over(door: Door, wanted: Sequence[Wanted]) -> list[Change]:
    """What has our tags and is not among `wanted`, sorted; with the command that a person could type."""
    known = {(one.kind, one.name) for one in wanted}
    found = [*_groups(door), *_roles(door), *_others(door)]
    rows = {(kind, name): word for kind, name, word in found if (kind, name) not in known}
    return [
        unnamed(kind, name, MODULES[kind].forgotten(word))
        for (kind, name), word in sorted(rows.items())
        if kind in ("role", "security-group") or _is_there(door, kind, name)
    ]


def kind_of(arn: str) -> tuple[Kind, str] | None:
    """Kind and name of what an ARN names; None where it is none of ours."""
    for pattern, kind in _ARNS.items():
        if match := re.search(f"{pattern}$", arn):
            return kind, match[1]
    return None


def _groups(door: Door) -> Iterator[tuple[Kind, str, str]]:
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in door.tags.items()]
    for page in door.aws("ec2").get_paginator("describe_security_groups").paginate(Filters=filters):
        for group in page["SecurityGroups"]:
            yield "security-group", group["GroupName"], group["GroupId"]


def _roles(door: Door) -> Iterator[tuple[Kind, str, str]]:
    for name in role.of_ours(door):
        yield "role", name, name


def _others(door: Door) -> Iterator[tuple[Kind, str, str]]:
    filters = [{"Key": key, "Values": [value]} for key, value in door.tags.items()]
    for page in door.aws("resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=filters):
        for row in page["ResourceTagMappingList"]:
            if found := kind_of(row["ResourceARN"]):
                yield found[0], found[1], found[1]


def _is_there(door: Door, kind: Kind, name: str) -> bool:
    """The tagging API tells of deleted things for a while."""
    found: Seen = MODULES[kind].observe(door, Wanted(kind=kind, name=name, key=name))
    return found.there
