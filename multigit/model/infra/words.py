"""Names and values that both AWS and a template made from the same wishes are given."""

from __future__ import annotations

from typing import Any, Final

POLICY: Final = "multigit"
"""Name of our inline policy in a role."""
FILTER: Final = "multigit-errors"
"""Name of the metric filter that counts errors in a log group."""
MISSING: Final = {"ok": "notBreaching", "alarm": "breaching", "ignore": "ignore"}
WHEN: Final = {"above": "GreaterThanThreshold", "below": "LessThanThreshold"}
BLOCKED: Final = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)


def role_path(system: str) -> str:
    """Where roles of this system live, so that they can be listed."""
    return f"/multigit/{system}/"


def lifecycle(keep: int) -> dict[str, Any]:
    """The lifecycle policy of ECR that keeps the last images."""
    which = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep}
    rule = {"rulePriority": 1, "description": f"keep the last {keep} images", "selection": which,
            "action": {"type": "expire"}}  # fmt: skip
    return {"rules": [rule]}
