"""Plug-ins: the module is named like the word in repos.yaml; a dotted name is a module from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

from multigit.errors import UsageError
from multigit.model.building import built, with_numbers
from multigit.model.plain import plain

Family = Literal["checks", "notifiers", "tagschemes", "targets"]

_WORD = re.compile(r"[a-z][a-z0-9-]*")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_ONE = {"checks": "check", "notifiers": "notifier", "tagschemes": "tag scheme", "targets": "target"}


def names(family: Family) -> tuple[str, ...]:
    """The words that may be used for `family`, sorted; none of the modules is imported."""
    import pkgutil

    folder = import_module(f"multigit.{family}").__path__
    found = (module.name for module in pkgutil.iter_modules(folder))
    return tuple(sorted(name.replace("_", "-") for name in found if not name.startswith("_")))


def load(family: Family, name: str) -> ModuleType:
    """The plug-in called `name`. UsageError, with the nearest known word, where there is none."""
    if "." in name:
        return _outside(family, name)
    path = f"multigit.{family}.{name.replace('-', '_')}"
    try:
        if _WORD.fullmatch(name):
            return import_module(path)
    except ModuleNotFoundError as missing:
        if missing.name != path:  # it is there, and lacks something itself
            raise
    raise _unknown(family, name)


def asks_what_runs(check: ModuleType) -> bool:
    """Whether a check is asked about what runs, not about a plan."""
    return getattr(check, "ASKS", "plan") == "serving"


def settings_of(module: ModuleType, values: Mapping[str, Any], named: str) -> Any:
    """The plug-in's own `Settings` made of what repos.yaml says; UsageError names every field that is wrong."""
    document = plain(with_numbers(module.Settings, values))
    if module.__name__.startswith("multigit."):
        try:
            return built(module.Settings, document)
        except (ValueError, TypeError, KeyError):
            pass  # explained by pydantic, which loads slowly
    from pydantic import TypeAdapter, ValidationError

    try:  # as JSON, strict mode takes a list for a tuple and nothing else
        return TypeAdapter(module.Settings).validate_json(json.dumps(document, default=str))
    except ValidationError as problem:
        wrong = (f"{'.'.join(map(str, error['loc'])) or named}: {error['msg']}" for error in problem.errors())
        why = "; ".join(wrong)
    raise UsageError(f"the settings of {named} are not right", why=why, hint="multigit config check")


def _unknown(family: Family, name: str) -> UsageError:
    from difflib import get_close_matches

    known = names(family)
    close = get_close_matches(name, known, n=1)
    hint = f'did you mean "{close[0]}"?' if close else f"known: {', '.join(known)}"
    return UsageError(f'there is no {_ONE[family]} "{name}"', hint=hint, code="MG-202")


def _outside(family: Family, name: str) -> ModuleType:
    what = f'the {_ONE[family]} "{name}" cannot be loaded'
    if not _DOTTED.fullmatch(name):
        raise UsageError(what, why="it is no name of a Python module", code="MG-202")
    try:
        return import_module(name)
    except (ImportError, SyntaxError) as error:
        hint = "install the package that has it into the Python that runs multigit"
        raise UsageError(what, why=str(error), hint=hint, code="MG-202") from error
