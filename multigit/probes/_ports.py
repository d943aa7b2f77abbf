"""Security groups: whether one lets another in on a port (EC2, DescribeSecurityGroups)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from multigit.model.health import Finding
from multigit.model.probing import Patient
from multigit.probes import Eye

Group = Mapping[str, Any]
_EVERYBODY = ("0.0.0.0/0", "::/0")
_GONE = ("InvalidGroup.NotFound", "InvalidGroupId.Malformed")


def groups_of(patient: Patient, eye: Eye, ids: Sequence[str]) -> list[Group]:
    """The security groups with these ids; those that are gone are left out."""
    if not ids:
        return []
    found = eye.aws(patient, "ec2", "describe_security_groups", _GONE, GroupIds=[*ids])
    return [*found["SecurityGroups"]] if found else []


def door(
    patient: Patient, eye: Eye, name: str, *, to: Sequence[str], who: Sequence[str], port: int, words: str
) -> Iterator[Finding]:
    """Whether one of the groups `to` lets one of the groups `who` in on `port`; `words`: who goes where."""
    inner = groups_of(patient, eye, to)
    if not inner or not who:
        side = "what is asked" if not inner else "who asks"
        yield patient.told(name, "skip", f"{words}: no security group is known of {side}")
        return
    outer = groups_of(patient, eye, who)
    here, there = ({str(one.get("VpcId", "")) for one in side} for side in (inner, outer))
    if outer and not here & there:
        why = f"{words}: they lie in different VPCs ({', '.join(sorted(there))} and {', '.join(sorted(here))})"
        peering = "aws ec2 describe-vpc-peering-connections   (or move one of them)"
        yield patient.told(name, "warn", why, peering)
        return
    by_group, by_range = _ways(inner, who, port)
    everybody = [one for one in by_range if one in _EVERYBODY]
    opened = [] if by_group else [let_in(inner[0], who[0], port)]
    if everybody:
        fixes = [*opened, *(_shut(inner[0], port, one) for one in everybody)]
        yield patient.told(name, "warn", f"{words}: {port} is open to everybody ({', '.join(everybody)})", *fixes)
    elif by_group or by_range:
        yield patient.told(name, "ok", f"{words}: {by_group or ', '.join(by_range)} is let in on {port}")
    else:
        where = ", ".join(str(one["GroupId"]) for one in inner)
        yield patient.told(name, "ng", f"{words}: {where} does not let {', '.join(who)} in on {port}", *opened)


def let_in(group: Group, who: str, port: int) -> str:
    """The command that opens the door."""
    return (f"aws ec2 authorize-security-group-ingress --group-id {group['GroupId']} --protocol tcp --port {port} "
            f"--source-group {who}")  # fmt: skip


def _shut(group: Group, port: int, everybody: str) -> str:
    start = f"aws ec2 revoke-security-group-ingress --group-id {group['GroupId']}"
    if ":" not in everybody:
        return f"{start} --protocol tcp --port {port} --cidr {everybody}"
    return (
        f"{start} --ip-permissions IpProtocol=tcp,FromPort={port},ToPort={port},Ipv6Ranges='[{{CidrIpv6={everybody}}}]'"
    )


def _ways(groups: Sequence[Group], who: Sequence[str], port: int) -> tuple[str, list[str]]:
    """The group among `who` that is let in, '' for none; and the ranges of addresses that are."""
    rules = [rule for group in groups for rule in group.get("IpPermissions", ()) if _covers(rule, port)]
    named = {str(pair.get("GroupId", "")) for rule in rules for pair in rule.get("UserIdGroupPairs", ())}
    ranges = [str(one["CidrIp"]) for rule in rules for one in rule.get("IpRanges", ())]
    ranges += [str(one["CidrIpv6"]) for rule in rules for one in rule.get("Ipv6Ranges", ())]
    return next((one for one in who if one in named), ""), list(dict.fromkeys(ranges))


def _covers(rule: Mapping[str, Any], port: int) -> bool:
    if rule["IpProtocol"] == "-1":
        return True
    return rule["IpProtocol"] in ("tcp", "6") and rule.get("FromPort", 0) <= port <= rule.get("ToPort", 65535)
