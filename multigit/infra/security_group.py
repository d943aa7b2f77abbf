"""EC2 security groups: what comes in is exactly what repos.yaml says, what goes out is not looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from multigit.errors import MultigitError
from multigit.infra.door import Door, unlisted
from multigit.model.infra.changes import Seen
from multigit.model.infra.wanted import Wanted

AFTER: Final = ("allow",)
Permission = dict[str, Any]


def observe(door: Door, one: Wanted) -> Seen:
    """The rules as texts like `tcp 8000 from gli-lb`; groups by name, in their VPC."""
    found = _find(door, one)
    if found is None:
        return Seen(there=False)
    names = {id_: name for name, id_ in _ids(door, found["VpcId"]).items()}
    allow = sorted(text for text, _ in _rules(found, names))
    return Seen(there=True, aspects={"allow": allow}, tags=unlisted(found.get("Tags", [])))


def create(door: Door, one: Wanted) -> None:
    """Without rules: they may name groups that are made at the same time."""
    tags = [{"ResourceType": "security-group", "Tags": door.listed()}]
    door.aws("ec2").create_security_group(
        GroupName=one.name, Description=one.once["desc"], VpcId=_vpc(door, one), TagSpecifications=tags
    )


def mend(door: Door, one: Wanted, aspects: Sequence[str]) -> None:
    """What is missing is let in first, then what is too much is shut out: nobody who may come in is shut out."""
    found = _find(door, one)
    if not aspects or found is None:
        return
    ec2, ids = door.aws("ec2"), _ids(door, found["VpcId"])
    have = dict(_rules(found, {id_: name for name, id_ in ids.items()}))
    missing = [_permission(text, ids) for text in one.aspects["allow"] if text not in have]
    too_much = [permission for text, permission in have.items() if text not in one.aspects["allow"]]
    if missing:
        ec2.authorize_security_group_ingress(GroupId=found["GroupId"], IpPermissions=missing)
    if too_much:
        ec2.revoke_security_group_ingress(GroupId=found["GroupId"], IpPermissions=too_much)


def adopt(door: Door, one: Wanted) -> None:
    """Tags are added; others stay."""
    found = _find(door, one)
    if found:
        door.aws("ec2").create_tags(Resources=[found["GroupId"]], Tags=door.listed())


def forgotten(name: str) -> str:
    """`name` is its id; fails while something uses it."""
    return f"aws ec2 delete-security-group --group-id {name}"


def _find(door: Door, one: Wanted) -> Mapping[str, Any] | None:
    filters = [{"Name": "group-name", "Values": [one.name]}, {"Name": "vpc-id", "Values": [_vpc(door, one)]}]
    found: list[Mapping[str, Any]] = door.aws("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
    return found[0] if found else None


def _vpc(door: Door, one: Wanted) -> str:
    if one.once["vpc"]:
        return one.once["vpc"]
    vpcs = door.aws("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise MultigitError("the account has no default VPC", hint=f"name one: infra.security_groups.{one.key}.vpc")
    return str(vpcs[0]["VpcId"])


def _ids(door: Door, vpc: str) -> dict[str, str]:
    """Name to id of the groups in a VPC."""
    pages = door.aws("ec2").get_paginator("describe_security_groups").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}]
    )  # fmt: skip
    return {group["GroupName"]: group["GroupId"] for page in pages for group in page["SecurityGroups"]}


def _rules(group: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, Permission]]:
    """Every rule on its own: as a text, and as what takes it away."""
    for permission in group.get("IpPermissions", []):
        base = {key: permission[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in permission}
        for key, word in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("PrefixListIds", "PrefixListId")):
            for source in permission.get(key, []):
                yield _text(base, source[word]), {**base, key: [{word: source[word]}]}
        for pair in permission.get("UserIdGroupPairs", []):
            who = {"GroupId": pair["GroupId"]}
            yield _text(base, names.get(pair["GroupId"], pair["GroupId"])), {**base, "UserIdGroupPairs": [who]}


def _text(base: Mapping[str, Any], source: str) -> str:
    """`tcp 8000 from …`, `tcp 1-100 from …`, `all from …`."""
    if base["IpProtocol"] == "-1":
        return f"all from {source}"
    low, high = base.get("FromPort"), base.get("ToPort")
    return f"{base['IpProtocol']} {low if low == high else f'{low}-{high}'} from {source}"


def _permission(text: str, ids: Mapping[str, str]) -> Permission:
    """The other way round, for the texts that repos.yaml makes."""
    protocol, port, _, source = text.split(" ", 3)
    base: Permission = {"IpProtocol": protocol, "FromPort": int(port), "ToPort": int(port)}
    if source in ids:
        return {**base, "UserIdGroupPairs": [{"GroupId": ids[source]}]}
    if "/" not in source:
        raise MultigitError(f"the security group {source} is not there", hint="multigit infra apply")
    return (
        {**base, "Ipv6Ranges": [{"CidrIpv6": source}]} if ":" in source else {**base, "IpRanges": [{"CidrIp": source}]}
    )
