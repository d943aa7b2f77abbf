"""JSON Schemas of the documents that --json prints, made from the models (multigit/schemas/ holds the result)."""

from __future__ import annotations

from typing import Any, Final

from multigit.model import documents as docs
from multigit.model.deployreport import DeploymentReport
from multigit.model.drift import Verified
from multigit.model.gated import PlanExtras
from multigit.model.health import Health
from multigit.model.infra.changes import Infrastructure
from multigit.model.logs import LogsDocument
from multigit.model.notice import Notice
from multigit.model.plan import Plan
from multigit.model.pulled import PullDocument
from multigit.model.runreport import RunReport
from multigit.model.summary import Status

_MODELS: Final[dict[str, type]] = {
    "plan": Plan,
    "status": Status,
    "run": RunReport,
    "runs": docs.RunsDocument,
    "history": docs.HistoryDocument,
    "approval": docs.ApprovalDocument,
    "error": docs.ErrorDocument,
    "diff": docs.DiffDocument,
    "log": docs.LogDocument,
    "show": docs.ShowDocument,
    "pull": PullDocument,
    "holds": docs.HoldsDocument,
    "settle": docs.SettleDocument,
    "config": docs.ConfigDocument,
    "verify": Verified,
    "doctor": Health,
    "logs": LogsDocument,
    "notify": docs.NotifyDocument,
    "notice": Notice,
    "infra": Infrastructure,
    "deployment": DeploymentReport,
}
NAMES: Final = tuple(f"multigit.{name}/1" for name in _MODELS)
"""What a document's `schema` may be."""


def file_name(schema: str) -> str:
    """File in multigit/schemas/ that describes `multigit.plan/1`: `plan.1.json`."""
    return schema.removeprefix("multigit.").replace("/", ".") + ".json"


def generate() -> dict[str, dict[str, Any]]:
    """Every schema by its file name. JSON Schema 2020-12; every key that is listed is always there."""
    made = {f"{name}.1.json": _schema(name, model) for name, model in _MODELS.items()}
    _extend(made["plan.1.json"], _schema("plan", PlanExtras))
    _extend(made["run.1.json"], {"properties": {"exit_code": {"title": "Exit Code", "type": "integer"}}})
    text = {"description": "The notice in words, in the notifier's language.", "title": "Text", "type": "string"}
    _extend(made["notice.1.json"], {"properties": {"text": text}})
    return made


def _schema(name: str, model: type) -> dict[str, Any]:
    from pydantic import TypeAdapter

    schema = TypeAdapter(model).json_schema(mode="serialization")
    for part in (schema, *schema.get("$defs", {}).values()):
        if "properties" in part:
            part["required"] = list(part["properties"])
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"multigit.{name}/1"}
    return {**head, **schema}


def _extend(schema: dict[str, Any], more: dict[str, Any]) -> None:
    """Add the properties of `more`, all of them required."""
    schema["properties"].update(more["properties"])
    schema["required"] = [*schema["required"], *more["properties"]]
    schema.setdefault("$defs", {}).update(more.get("$defs", {}))
