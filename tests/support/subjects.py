"""Subjects for checks: a system of two repositories, `stg` to `prod`, on a Thursday at noon in Seoul."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from multigit import checks
from multigit.model.actor import Actor
from multigit.model.config import Config, Environment, Gate, Repo, System
from multigit.model.events import History
from multigit.model.fleet import Clean, CommitLine, Fleet, Pair
from multigit.model.names import Branch, EnvName, Oid, RepoName, Tag
from multigit.model.plan import Land, Plan, Step
from multigit.model.verdict import GateResult, Subject

SEOUL = ZoneInfo("Asia/Seoul")
KIM = Actor(name="kim", email="kim@example.com", user="kim", host="desk")
NOON = datetime(2026, 2, 12, 12, tzinfo=SEOUL)  # a Thursday
API, WEB = RepoName("api"), RepoName("web")
STG, PROD, MAIN = EnvName("stg"), EnvName("prod"), Branch("main")


def oid(letter: str) -> Oid:
    return Oid(letter * 40)


CONFIG = Config(
    version=1,
    system=System(name=EnvName("gli"), timezone="Asia/Seoul"),
    environments={
        STG: Environment(name=STG, branch=Branch("stg"), alias=(EnvName("staging"),)),
        PROD: Environment(name=PROD, branch=MAIN, tier="production"),
    },
    repos={API: Repo(name=API), WEB: Repo(name=WEB)},
)


def land(repo: RepoName = API, source: str = "a", new: str = "b") -> Land:
    return Land(repo=repo, branch=MAIN, old=oid("0"), new=oid(new), how="merge", source=oid(source))


def plan_of(*steps: Step, source: EnvName = STG, target: EnvName = PROD) -> Plan:
    return Plan(
        verb="promote", system=EnvName("gli"), title="GLI", source=source, target=target, created=NOON, operator=KIM,
        tag=Tag("deploy-20260212-120000"), steps=steps or (land(),),
    )  # fmt: skip


def subject(plan: Plan | None = None, now: datetime = NOON, folder: str = "/", **seen: Any) -> Subject:
    history = History(runs=seen.pop("runs", {}), holds=seen.pop("holds", ()))
    fleet = Fleet(repos=(), history=history, **seen)
    return Subject(config=CONFIG, plan=plan or plan_of(), fleet=fleet, now=now, folder=folder)


def pair(repo: RepoName = API, *, changed: tuple[str, ...] = (), debts: tuple[CommitLine, ...] = ()) -> Pair:
    return Pair(
        repo=repo, source=Branch("stg"), target=MAIN, source_oid=oid("a"), target_oid=oid("0"),
        outcome=Clean(tree=oid("c"), changed=changed), debts=debts,
    )  # fmt: skip


def asked(
    kind: str, values: Mapping[str, Any], about: Subject, level: Literal["block", "warn"] = "block"
) -> GateResult:
    return checks.evaluate([Gate(name="g", kind=kind, level=level, settings=values)], about)[0]
