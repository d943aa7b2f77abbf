"""S3 bucket policies, read as far as reading one page of a site goes (IAM, "Policy evaluation logic"). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

CLOUDFRONT: Final = "cloudfront.amazonaws.com"
_SOURCES: Final = {"aws:sourcearn", "aws:sourceaccount"}
Statement = Mapping[str, Any]


def statements(policy: str) -> list[Statement]:
    """What a policy's text says; nothing where there is none."""
    said = json.loads(policy).get("Statement", []) if policy else []
    return [said] if isinstance(said, dict) else [*said]


def lets(found: list[Statement], key: str, *, who: str, source: str = "") -> bool:
    """Whether `key` (an ARN) may be read by `who`: `*`, CLOUDFRONT for the distribution `source`, or an ARN."""
    if any(one.get("Effect") == "Deny" and not one.get("Condition") and _about(one, key, who) for one in found):
        return False
    return any(one.get("Effect") == "Allow" and _about(one, key, who) and _holds(one.get("Condition") or {}, source)
               for one in found)  # fmt: skip


def allowing(bucket: str, *, who: str, source: str) -> Statement:
    """The statement that lets `who` read every file."""
    principal: Any = {"Service": who} if who == CLOUDFRONT else who if who == "*" else {"AWS": who}
    condition = {"Condition": {"StringEquals": {"AWS:SourceArn": source}}} if source else {}
    return {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*", **condition}  # fmt: skip


def policy(found: list[Statement]) -> str:
    """The text of a policy, on one line."""
    return json.dumps({"Version": "2012-10-17", "Statement": found}, separators=(",", ":"), ensure_ascii=False)


def _about(one: Statement, key: str, who: str) -> bool:
    principals = set(_principals(one.get("Principal", {})))
    public = "*" in principals
    return (
        (who in principals or public)
        and any(fnmatchcase("s3:getobject", action.lower()) for action in _many(one.get("Action", ())))
        and any(fnmatchcase(key, resource) for resource in _many(one.get("Resource", ())))
    )


def _principals(said: Any) -> Iterator[str]:
    if isinstance(said, str):
        yield said
        return
    for value in said.values():
        yield from _many(value)


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value]


def _holds(condition: Mapping[str, Any], source: str) -> bool:
    """Whether the conditions are those of a distribution, and met; any other condition counts as not met."""
    for operator, tests in condition.items():
        for name, wanted in tests.items():
            if name.lower() not in _SOURCES or not source or not operator.startswith(("String", "Arn")):
                return False
            have = source if name.lower() == "aws:sourcearn" else source.split(":")[4]
            if not any(fnmatchcase(have, one) for one in _many(wanted)):
                return False
    return True
