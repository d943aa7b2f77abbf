"""Ledger records as commit messages and back. The format is public: schema `multigit.ledger/1`, docs/ledger.md.

A record is one commit on the orphan branch `multigit-ledger`: a headline for people with [skip ci], an empty
line, and one JSON object. The commit's tree is empty; its parent is the record before it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, get_args

from multigit.errors import MultigitError
from multigit.model import deployments
from multigit.model.actor import Actor
from multigit.model.deployplan import read
from multigit.model.events import Status, fold
from multigit.model.names import Branch, DeploymentId, Oid, RunId
from multigit.model.plain import plain, utc
from multigit.model.record import Event, Kind

BRANCH: Final = Branch("multigit-ledger")
SCHEMA: Final = "multigit.ledger/1"
_SOME_PLAN: Final = {
    "system": "any", "env": "any", "production": False, "created": "2026-01-01T00:00:00+00:00", "commits": {},
    "steps": [], "operator": {"name": "", "email": "", "user": "", "host": ""}, "schema": "multigit.deployplan/1",
}  # fmt: skip
"""Of a deployment, to read the records that follow it by themselves."""


class LedgerError(MultigitError):
    """The ledger cannot be read: it was written by hand, cut short, or by a newer multigit."""

    code = "MG-410"


def message(event: Event) -> str:
    """The commit message of `event`."""
    record = {
        "schema": SCHEMA,
        "kind": event.kind,
        "run": event.run,
        "at": utc(event.at).isoformat().replace("+00:00", "Z"),
        "by": plain(event.by),
        "owner": event.owner,
        "reason": event.reason,
        "data": plain(event.data),
        **({"deployment": event.deployment} if event.deployment else {}),
    }
    return f"{_headline(event)} [skip ci]\n\n{json.dumps(record, ensure_ascii=False, sort_keys=True)}\n"


def _headline(event: Event) -> str:
    plan: Any = event.data.get("plan", {})
    road = " -> ".join(str(plan[key]) for key in ("source", "target", "env") if plan.get(key))
    words = [
        "multigit",
        event.kind,
        event.run or event.deployment or "",
        str(plan.get("verb", "")),
        road,
        str(plan.get("tag") or ""),
    ]
    return " ".join(word for word in words if word)


def events(messages: Sequence[tuple[Oid, str]]) -> list[Event]:
    """Read records, oldest first; LedgerError names the first one that is none."""
    return [_event(oid, text) for oid, text in messages]


def _event(oid: Oid, text: str) -> Event:
    try:
        record = json.loads(text.partition("\n\n")[2])
        if record["schema"] != SCHEMA or record["kind"] not in get_args(Kind):
            raise ValueError(f"schema {record['schema']!r}, kind {record['kind']!r}")
        event = Event(
            kind=record["kind"],
            run=RunId(record["run"]) if record["run"] else None,
            deployment=DeploymentId(record["deployment"]) if record.get("deployment") else None,
            at=datetime.fromisoformat(record["at"]),
            by=Actor(**record["by"]),
            owner=str(record["owner"]),
            reason=str(record["reason"]),
            data=dict(record["data"]),
            oid=oid,
        )
        _read_whole(event)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as broken:
        raise LedgerError(
            f"the ledger's record {oid.short} cannot be read",
            why=f"{type(broken).__name__}: {broken}",
            hint=f"git show {oid}   (branch {BRANCH} of the home repository); a newer multigit may read it",
            state="nothing was changed",
        ) from broken
    return event


def _read_whole(event: Event) -> None:
    """Take from a record what its readers will, so that one written by hand stops nobody halfway."""
    who = event.by
    if not all(isinstance(word, str) for word in (who.name, who.email, who.user, who.host)):
        raise TypeError("by: a name is no text")
    if event.at.tzinfo is None:
        raise ValueError("at: the time needs its zone")
    if event.kind in deployments.KINDS:
        _read_deployment(event)
        return
    if event.run is None and event.kind not in ("hold", "lift"):
        raise ValueError(f"{event.kind} of no run")
    if not isinstance(event.data.get("plan", {}), dict):
        raise TypeError("plan: it is no object")
    before = [replace(event, kind="begin", data={})] if event.run and event.kind != "begin" else []
    for run in fold([*before, event]).runs.values():
        if wrong := [status for status in run.statuses.values() if status not in get_args(Status)]:
            raise ValueError(f"statuses: {wrong[0]!r}")
        _ = run.tag  # its name is checked when it is read


def _read_deployment(event: Event) -> None:
    if event.deployment is None or event.run is not None:
        raise ValueError(f"{event.kind} of no deployment")
    plan = event.data["plan"] if event.kind == "deploying" else _SOME_PLAN
    read(plan)
    if event.kind == "deployed" and event.data["outcome"] not in get_args(deployments.Outcome)[1:]:
        raise ValueError(f"outcome: {event.data['outcome']!r}")
    before = [] if event.kind == "deploying" else [replace(event, kind="deploying", data={"plan": _SOME_PLAN})]
    fold([*before, event])
