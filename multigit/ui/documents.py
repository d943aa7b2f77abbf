"""JSON for programs: one document per command, named by its schema, times in UTC."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from multigit.model.gated import plan_extras
from multigit.model.plain import plain
from multigit.model.plan import Plan
from multigit.model.runreport import RunReport
from multigit.model.urls import hide_secrets
from multigit.model.verdict import GateResult
from multigit.ui.text import iso, visible_json


def document(schema: str, value: Any) -> str:
    """`value` as the document `schema` ('' = the one it names itself): indented, keys in the model's order.

    A `Plan` inside is written verbatim, its times with their offset: they are part of its digest. Everywhere else
    what looks like a secret is hidden (X8).
    """
    body = _data(value)
    if schema:
        body = {"schema": schema, **{key: item for key, item in body.items() if key != "schema"}}
    if isinstance(value, RunReport):
        body["exit_code"] = value.exit_code
    return visible_json(json.dumps(body, ensure_ascii=False, indent=2)) + "\n"


def plan_document(plan: Plan, gates: Sequence[GateResult] = ()) -> str:
    """The plan, and beside its fields the digest, id, gates and exit code."""
    body = {**_data(plan), **_data(plan_extras(plan, gates))}
    return visible_json(json.dumps(body, ensure_ascii=False, indent=2)) + "\n"


def _data(value: Any) -> Any:
    if isinstance(value, Plan):
        return plain(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name.removesuffix("_"): _data(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _data(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return [_data(item) for item in sorted(value)]
    if isinstance(value, tuple | list):
        return [_data(item) for item in value]
    if isinstance(value, datetime):
        return iso(value)
    return hide_secrets(value) if isinstance(value, str) else value
