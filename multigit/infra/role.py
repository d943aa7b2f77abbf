"""IAM roles with one inline policy of ours. They live below the path /multigit/<system>/ so that ours can be listed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from multigit.errors import MultigitError
from multigit.infra.door import Door, unlisted
from multigit.model.infra.changes import Seen
from multigit.model.infra.policies import canonical
from multigit.model.infra.wanted import Wanted
from multigit.model.infra.words import POLICY, role_path

AFTER: Final = ("rights",)


def observe(door: Door, one: Wanted) -> Seen:
    """Trust, our inline policy, and the names of all others, attached or inline."""
    iam = door.aws("iam")
    try:
        role = iam.get_role(RoleName=one.name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return Seen(there=False)
    attached, inline = _policies(iam, one.name)
    rights = None
    if POLICY in inline:
        rights = canonical(iam.get_role_policy(RoleName=one.name, PolicyName=POLICY)["PolicyDocument"])
    others = sorted([*attached, *(name for name in inline if name != POLICY)])
    aspects = {"trust": canonical(role["AssumeRolePolicyDocument"]), "rights": rights, "others": others}
    return Seen(there=True, aspects=aspects, tags=unlisted(role.get("Tags", [])))


def create(door: Door, one: Wanted) -> None:
    """Its policy is a call of its own."""
    door.aws("iam").create_role(
        RoleName=one.name, Path=role_path(door.system), AssumeRolePolicyDocument=json.dumps(one.aspects["trust"]),
        Tags=door.listed(),
    )  # fmt: skip


def mend(door: Door, one: Wanted, aspects: Sequence[str]) -> None:
    """Foreign managed policies are detached, which loses nothing; foreign inline ones are named and left."""
    iam = door.aws("iam")
    if "trust" in aspects:
        iam.update_assume_role_policy(RoleName=one.name, PolicyDocument=json.dumps(one.aspects["trust"]))
    if "rights" in aspects:
        _set_rights(iam, one)
    if "others" in aspects:
        attached, inline = _policies(iam, one.name)
        for arn in attached:
            iam.detach_role_policy(RoleName=one.name, PolicyArn=arn)
        if strange := [name for name in inline if name != POLICY]:
            command = f"aws iam delete-role-policy --role-name {one.name} --policy-name"
            raise MultigitError(f"inline policies that are not ours were left: {', '.join(strange)}",
                                hint="\n".join(f"{command} {name}" for name in strange))  # fmt: skip


def adopt(door: Door, one: Wanted) -> None:
    """Tags are added; others stay, and so does the path."""
    door.aws("iam").tag_role(RoleName=one.name, Tags=door.listed())


def forgotten(name: str) -> str:
    """Its policies have to go first."""
    return (f"aws iam delete-role-policy --role-name {name} --policy-name {POLICY}; "
            f"aws iam delete-role --role-name {name}")  # fmt: skip


def of_ours(door: Door) -> list[str]:
    """Names of all roles below our path: the tagging API does not know roles."""
    pages = door.aws("iam").get_paginator("list_roles").paginate(PathPrefix=role_path(door.system))
    return [role["RoleName"] for page in pages for role in page["Roles"]]


def _set_rights(iam: Any, one: Wanted) -> None:
    if one.aspects["rights"] is not None:
        iam.put_role_policy(RoleName=one.name, PolicyName=POLICY, PolicyDocument=json.dumps(one.aspects["rights"]))
    elif POLICY in _policies(iam, one.name)[1]:
        iam.delete_role_policy(RoleName=one.name, PolicyName=POLICY)  # made by us, and may do nothing any more


def _policies(iam: Any, name: str) -> tuple[list[str], list[str]]:
    """ARNs of attached policies, names of inline ones."""
    attached = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    inline = iam.get_paginator("list_role_policies").paginate(RoleName=name)
    return ([policy["PolicyArn"] for page in attached for policy in page["AttachedPolicies"]],
            [policy for page in inline for policy in page["PolicyNames"]])  # fmt: skip
