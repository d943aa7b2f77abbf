"""The JSON Schema of repos.yaml for editors, made from the models and from the checks that are installed."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from multigit import plugins
from multigit.configfile.shape import NAMED
from multigit.model.config import Config

_REFERENCE: Final = r"^\$\{env:[A-Za-z_][A-Za-z0-9_]*\}$"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the file as people write it."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Config).json_schema(by_alias=True)
    parts = schema["$defs"]
    for part in NAMED.values():
        del parts[part]["properties"]["name"]
        parts[part]["required"] = [name for name in parts[part].get("required", ()) if name != "name"]
    parts["Gate"] = _gate(parts["Gate"], parts)
    parts["Notifier"] = _notifier(parts["Notifier"], parts)
    schema["properties"]["infra"] = _infra(parts)
    _tidy(schema)
    for part in ("repos", "environments"):  # `gli_redis:` with nothing behind it is an entry
        entry = schema["properties"][part]["additionalProperties"]
        schema["properties"][part]["additionalProperties"] = {"anyOf": [entry, {"type": "null"}]}
    return {"$schema": DIALECT, "title": "multigit repos.yaml", **{k: v for k, v in schema.items() if k != "title"}}


def _infra(parts: dict[str, Any]) -> dict[str, Any]:
    """The section that `Config` carries as plain values."""
    from pydantic import TypeAdapter

    from multigit.model.infra.settings import Infra

    made = TypeAdapter(Infra).json_schema(by_alias=True)
    parts.update(made.pop("$defs"))
    parts["Infra"] = made
    return {"$ref": "#/$defs/Infra", "description": "What `multigit infra` makes and mends in AWS."}


def _gate(gate: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """A gate is written flat: one alternative for each check, and one for checks from outside (dotted names)."""
    own = {name: gate["properties"][name] for name in ("kind", "level")}
    outside = {**own, "kind": {"type": "string", "pattern": r"\."}}
    others = [{"type": "object", "properties": outside, "required": ["kind"]}]
    kinds = [_of_kind(name, own, parts) for name in plugins.names("checks")]
    return {"description": gate["description"], "anyOf": [*kinds, *others]}


def _of_kind(name: str, own: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    from pydantic import TypeAdapter

    settings = getattr(plugins.load("checks", name), "Settings", None)
    schema = TypeAdapter(settings).json_schema(by_alias=True) if settings is not None else {}
    parts.update(schema.get("$defs", {}))
    return {
        "type": "object",
        "properties": {**deepcopy(own), "kind": {"const": name}, **schema.get("properties", {})},
        "required": ["kind", *schema.get("required", ())],
        "additionalProperties": False,
    }


def _notifier(rule: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """An entry is written flat, its notifier first: one alternative for each, and one for those from outside."""
    own = {name: value for name, value in rule["properties"].items() if name not in ("kind", "settings")}
    known = [_of_notifier(name, own, parts) for name in plugins.names("notifiers")]
    dotted = {"not": {"propertyNames": {"not": {"pattern": r"\."}}}}  # at least one name has a dot
    outside = {"type": "object", "properties": own, "patternProperties": {r"\.": {"type": "string"}}, **dotted}
    return {"description": rule["description"], "anyOf": [*known, outside]}


def _of_notifier(name: str, own: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    from pydantic import TypeAdapter

    settings: Any = plugins.load("notifiers", name).Settings
    schema = TypeAdapter(settings).json_schema(by_alias=True)
    parts.update(schema.get("$defs", {}))
    properties = dict(schema["properties"])
    address = {**properties.pop("address"), "pattern": _REFERENCE}
    return {
        "type": "object",
        "properties": {name: address, **deepcopy(own), **properties},
        "required": [name, *(key for key in schema.get("required", ()) if key != "address")],
        "additionalProperties": False,
    }


def _tidy(schema: Any) -> None:
    """Leave out what editors do not need: generated titles, and defaults that say nothing."""
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        if schema.get("default", 0) is None:
            del schema["default"]
        if schema.get("required") == []:
            del schema["required"]
        for value in schema.values():
            _tidy(value)
    elif isinstance(schema, list):
        for value in schema:
            _tidy(value)
