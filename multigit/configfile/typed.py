"""Plain data to a Config by way of pydantic, which is imported here only when a file has to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from multigit import plugins
from multigit.configfile import notify
from multigit.configfile.problems import Finding, Where, did_you_mean
from multigit.configfile.shape import NAMED
from multigit.configfile.source import Source
from multigit.configfile.wording import is_unknown, worded
from multigit.errors import UsageError
from multigit.model.config import Config
from multigit.model.plain import plain

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

_OWN: Final = ("name", "kind", "level")
_DECIMAL: Final = re.compile(r"-?[0-9]+\.[0-9]+")


@dataclass(slots=True)
class Checked:
    """What the types say. `config` is there as well when the wrong parts could be left out, for further checks."""

    config: Config | None = None
    findings: list[Finding] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    """Gate name to the `Settings` of its check."""
    notifiers: dict[int, Any] = field(default_factory=dict)
    """Place under `notify` to the `Settings` of the notifier."""


def check(read: Source) -> Checked:
    """Check the types of everything in `read`."""
    if not isinstance(read.data, dict):
        return Checked(findings=[Finding(where=(), message="the file must be a map that begins with version: 1")])
    checked = Checked()
    data = _prepared(read.data, checked.findings)
    _check_gates(read, data.get("gates"), checked)
    _check_notifiers(read, data.get("notify"), checked)
    _check_infra(read, data, checked)
    errors = _mismatches(Config, data, read, _in_file)
    for error in errors:
        if not _follows(error, errors):
            where = _in_file(error["loc"])
            checked.findings.append(worded(error, where, read, value_at(data, error["loc"]), Config))
    rest = _without(data, errors)
    checked.config = None if rest is None else _make(Config, rest)
    return checked


def _prepared(original: Mapping[str, Any], found: list[Finding]) -> dict[str, Any]:
    """The data with `name` in every entry that carries one, and each gate split into kind, level and settings."""
    data = deepcopy(dict(original))
    for top in NAMED:
        entries = data.get(top)
        if not isinstance(entries, dict):
            continue
        for name, entry in entries.items():
            if entry is None:  # `gli_redis:` with nothing behind it
                entries[name] = {"name": name}
            elif isinstance(entry, dict):
                if "name" in entry:
                    message = f'unknown key "name" in {top}.{name}: the key above it is the name'
                    found.append(Finding(where=(top, name, "name"), message=message, key=True))
                entries[name] = _split(entry | {"name": name}) if top == "gates" else entry | {"name": name}
    if isinstance(data.get("notify"), list):
        taken = {str(one["name"]) for one in data["notify"] if isinstance(one, dict) and one.get("name")}
        data["notify"] = [notify.split(one, taken) if isinstance(one, dict) else one for one in data["notify"]]
    return data


def _split(gate: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in gate.items() if key in _OWN}
    return {**own, "settings": {key: value for key, value in gate.items() if key not in _OWN}}


def _check_gates(read: Source, gates: Any, checked: Checked) -> None:
    """Check each gate's settings against its check; numbers that a check wants as text are put back in `gates`."""
    for name, gate in gates.items() if isinstance(gates, dict) else ():
        if not isinstance(gate, dict) or not isinstance(gate.get("kind"), str):
            continue
        try:
            kind = getattr(plugins.load("checks", gate["kind"]), "Settings", None)
        except UsageError as error:
            suggestion = error.hint if not error.why else f"{error.why}; {error.hint}"
            checked.findings.append(Finding(where=("gates", name, "kind"), message=error.what, suggestion=suggestion))
            continue
        if kind is not None:
            made = _check_settings(read, ("gates", name), gate["settings"], kind, checked.findings)
            if made is not None:
                checked.settings[str(name)] = made


def _check_notifiers(read: Source, entries: Any, checked: Checked) -> None:
    """Check each entry's settings against its notifier."""
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        where: Where = ("notify", number)
        kind = notify.settings_class(where, entry["kind"], checked.findings) if isinstance(entry, dict) else None
        if kind is None:
            continue
        checked.findings += notify.flaws(where, entry["kind"], entry["settings"], kind)
        notify.placeholders(entry["settings"], kind)
        made = _check_settings(read, where, entry["settings"], kind, checked.findings)
        if made is not None:
            checked.notifiers[number] = made


def _check_settings(read: Source, at: Where, settings: dict[str, Any], kind: Any, found: list[Finding]) -> Any:
    """The settings as `kind`; None where they do not fit."""
    errors = _mismatches(kind, settings, read, lambda loc: (*at, *loc))
    for error in errors:
        if not _follows(error, errors):
            where = (*at, *error["loc"])
            found.append(worded(error, where, read, value_at(settings, error["loc"]), kind))
    return None if errors else _make(kind, settings)


def _check_infra(read: Source, data: dict[str, Any], checked: Checked) -> None:
    """Check the section against its own models; `data` gets it with defaults filled in, or without it when wrong."""
    if not isinstance(data.get("infra"), dict):
        return
    from multigit.model.infra.settings import Infra

    section = data.pop("infra")
    errors = _mismatches(Infra, section, read, lambda loc: ("infra", *loc))
    for error in errors:
        if not _follows(error, errors):
            where = ("infra", *error["loc"])
            checked.findings.append(worded(error, where, read, value_at(section, error["loc"]), Infra))
    if not errors:
        data["infra"] = plain(_make(Infra, section))


def _in_file(loc: Where) -> Where:
    """Where the data at pydantic's `loc` stands in the file: gates are written flat there."""
    return (*loc[:2], *loc[3:]) if loc[:1] == ("gates",) and loc[2:3] == ("settings",) else loc


def _mismatches(kind: Any, data: Any, read: Source, place: Callable[[Where], Where]) -> list[ErrorDetails]:
    """What does not fit, after numbers and such in `data` were put back to what was typed where a text is wanted."""
    errors = errors_of(kind, data)
    changed = [_put_back(data, error, read, place(error["loc"])) for error in errors]
    return errors_of(kind, data) if any(changed) else errors


def _put_back(data: Any, error: ErrorDetails, read: Source, where: Where) -> bool:
    typed, value = read.texts.get(where), value_at(data, error["loc"])
    if error["type"] == "string_type" and typed not in (None, "", "~", "null"):
        value = typed
    elif error["type"] == "float_type" and where in read.plain and _DECIMAL.fullmatch(str(value)):
        value = float(value)
    else:
        return False
    value_at(data, error["loc"][:-1])[error["loc"][-1]] = value
    return True


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import PydanticUserError, TypeAdapter

    try:
        return TypeAdapter(kind)
    except PydanticUserError as error:
        what = f"the Settings of {kind.__module__} cannot be read"
        why = str(error).partition("\n")[0]
        raise UsageError(what, why=why, hint="make it a frozen dataclass of plain types", code="MG-202") from error


def errors_of(kind: Any, data: Any) -> list[ErrorDetails]:
    """What of `data` does not fit a `kind`."""
    from pydantic import ValidationError

    try:
        _adapter(kind).validate_json(json.dumps(data))
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)
    return []


def _make(kind: Any, data: Any) -> Any:
    from pydantic import ValidationError

    try:
        return _adapter(kind).validate_json(json.dumps(data))
    except ValidationError:
        return None


def value_at(data: Any, where: Where) -> Any:
    """What stands at `where`; None where there is nothing."""
    try:
        for step in where:
            data = data[step]
    except (KeyError, IndexError, TypeError):
        return None
    return data


def _follows(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether another error says it already: of an entry's key, or of the misspelt word that leaves a key missing."""
    *above, last = error["loc"] or [""]
    if len(above) == 2 and above[0] in NAMED and last == "name":
        return True
    strangers = (str(one["loc"][-1]) for one in errors if is_unknown(one) and [*one["loc"][:-1]] == above)
    return error["type"] == "missing" and any(did_you_mean(word, [str(last)]) for word in strangers)


def _without(data: dict[str, Any], errors: list[ErrorDetails]) -> dict[str, Any] | None:
    """`data` without the parts in `errors`, so that the rest can be checked; None where names would go missing."""
    rest = deepcopy(data)
    for error in reversed(errors):
        where: Where = error["loc"]
        if error["type"] == "missing" or where[-1:] in ((), ("[key]",)) or (where[0] in NAMED and len(where) < 3):
            return None
        while isinstance(where[-1], int):  # a list goes as a whole: its items keep their places
            where = where[:-1]
        parent = value_at(rest, where[:-1])
        if isinstance(parent, dict):
            parent.pop(where[-1], None)
    return rest
