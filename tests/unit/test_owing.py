"""What a release still owes its environment: told from the ledger alone."""

from __future__ import annotations

from typing import Any

from multigit.configfile import parse
from multigit.model.config import Config
from multigit.model.events import History, fold
from multigit.model.names import Oid, RunId, Tag
from multigit.model.owing import owed, release_before
from multigit.model.record import Event
from tests.support import deploykit as kit

CONFIG = """\
version: 1
system: {{name: shop, timezone: Asia/Seoul}}
remotes: {{origin: "git@example.com:x/{{repo}}.git"}}
environments:
  stg: {{branch: stg, tag: "t-{{now:%Y%m%d-%H%M%S}}"}}
repos:
  api: {deploy}
"""


def config(deploy: str = "{deploy: {default: {s3: {bucket: b}}}}") -> Config:
    return parse(CONFIG.format(deploy=deploy).encode(), "repos.yaml")


def released(number: int, verb: str = "promote", **plan: Any) -> list[Event]:
    run = RunId(f"r-{number:012d}")
    data = {"plan": {"verb": verb, "target": "stg", "tag": f"t-{number}", **plan}}
    told = [("begin", data), ("landed", {}), ("released", {})]
    return [Event(kind=kind, run=run, at=kit.START, by=kit.KIM, data=more) for kind, more in told]  # type: ignore[arg-type]


def deployed(number: int, outcome: str = "well") -> list[Event]:
    made = kit.plan(kit.step(), minute=number, run=RunId(f"r-{number:012d}"), tag=Tag(f"t-{number}"))
    return [kit.began(made), *([kit.ended(made, outcome)] if outcome else [])]


def history(*told: list[Event]) -> History:
    return fold(event for events in told for event in events)


def said(*told: list[Event]) -> list[tuple[str, str]]:
    return [(one.sentence, one.command) for one in owed(config(), history(*told))]


def test_a_release_that_was_never_deployed() -> None:
    told = [("t-1 was released to stg, and never deployed", "multigit deploy stg")]
    assert said(released(1)) == told
    assert said(deployed(0), released(1)) == told
    assert said(released(1), deployed(1)) == said(released(1), deployed(1, "")) == said(released(1), deployed(9)) == []
    assert said(released(1), deployed(1), released(2, "backmerge")) == []


def test_nothing_is_owed_where_nothing_was_released_or_nothing_deploys() -> None:
    assert said() == []
    assert owed(config("{}"), history(released(1))) == ()


def test_branches_that_did_not_go_back() -> None:
    first = (released(1), deployed(1))
    back = ("t-2 was taken back from stg, its branches were not", "multigit rollback t-1")
    assert said(*first, released(2), deployed(2, "returned")) == [back]
    gone = (released(3, "rollback", to="t-1"), deployed(3))
    assert said(*first, released(2), deployed(2, "returned"), *gone) == []
    assert said(released(2), deployed(2, "returned"))[0][1] == "multigit deploy stg"


def test_the_release_before_is_one_that_stands() -> None:
    known = history(released(1), released(2), released(3, "rollback", to="t-1"), released(4))
    assert release_before(known, "stg", Tag("t-4")) == "t-1"
    assert release_before(known, "stg", Tag("t-1")) is None
    assert release_before(known, "prod", Tag("t-4")) is None


def test_records_of_deployments_change_nothing_that_plans_depend_on() -> None:
    told = [*released(1), *deployed(1)]
    known = fold(Event(kind=e.kind, run=e.run, deployment=e.deployment, at=e.at, by=e.by, owner=e.owner, data=e.data,
                       oid=Oid(f"{n:040x}")) for n, e in enumerate(told))  # fmt: skip
    assert known.base == f"{2:040x}"
