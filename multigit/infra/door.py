"""The account that repos.yaml names, entered: every client, and what all kinds of resources need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from multigit import clients
from multigit.errors import Refused
from multigit.model.infra.changes import own_tags
from multigit.model.infra.policies import Scope
from multigit.model.infra.settings import Infra


@dataclass(frozen=True, slots=True)
class Door:
    """One account, one region, one system."""

    infra: Infra
    system: str

    def aws(self, service: str) -> Any:
        """The client of a service."""
        return clients.aws(service, region=self.infra.region, role=self.infra.role)

    def arn(self, service: str, rest: str) -> str:
        """ARN of something in this account and region."""
        return Scope(account=self.infra.account, region=self.infra.region, made=()).arn(service, rest)

    @property
    def tags(self) -> dict[str, str]:
        """What everything of ours is tagged with."""
        return own_tags(self.system)

    def listed(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """The tags as most services want them."""
        return [{key: name, value: text} for name, text in self.tags.items()]


def unlisted(tags: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Tags as most services give them, as a map."""
    return {one[key]: one.get(value, "") for one in tags}


def enter(infra: Infra, system: str) -> Door:
    """The door to the account that repos.yaml names. Refused where the credentials lead elsewhere."""
    own = clients.own_region()
    if own and own != infra.region:
        raise Refused(
            f"repos.yaml is about {infra.region}, this machine's settings about {own}",
            why="AWS_REGION, AWS_DEFAULT_REGION or the profile says so",
            hint=f"AWS_REGION={infra.region} multigit infra plan   or mend infra.region",
            state="nothing was read or changed", code="MG-810",
        )  # fmt: skip
    door = Door(infra, system)
    with clients.asked("who is asking"):
        who = door.aws("sts").get_caller_identity()
    if who["Account"] != infra.account:
        raise Refused(
            f"this is the AWS account {who['Account']}, repos.yaml names {infra.account}",
            why=f"the credentials are those of {who['Arn']}",
            hint="AWS_PROFILE=… multigit infra plan   or mend infra.account",
            state="nothing was read or changed", code="MG-811",
        )  # fmt: skip
    return door
