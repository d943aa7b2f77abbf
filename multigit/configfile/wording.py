"""Pydantic's errors in the words and at the places of repos.yaml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from multigit.configfile.problems import Finding, Where, did_you_mean, one_of
from multigit.configfile.shape import keys_at, refers_at, words_at
from multigit.configfile.source import Source

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_BOOLEANS: Final = {
    **dict.fromkeys(("yes", "on", "y", "True", "TRUE", "1"), "true"),
    **dict.fromkeys(("no", "off", "n", "False", "FALSE", "0"), "false"),
}
_WANTED: Final = {
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "tuple_type": "must be a list",
    "dict_type": "must be a map of names",
    "mapping_type": "must be a map of names",
    "dataclass_type": "must be a map of settings",
}
_UNKNOWN: Final = ("unexpected_keyword_argument", "extra_forbidden")


def is_unknown(error: ErrorDetails) -> bool:
    """Whether the error is about a key that nobody knows."""
    return error["type"] in _UNKNOWN


def worded(error: ErrorDetails, where: Where, read: Source, value: Any, kind: Any) -> Finding:
    """One error about a `kind`. `where`: its place in the file; `value`: what stands there."""
    loc: Where = error["loc"]
    if loc[-1:] == ("[key]",):
        return Finding(where=where[:-1], message=_reason(error), key=True)
    if is_unknown(error):
        known = keys_at(loc[:-1], kind)
        suggestion = did_you_mean(str(loc[-1]), known) or one_of(known)
        return Finding(where=where, message=f'unknown key "{loc[-1]}"{_inside(where)}', suggestion=suggestion, key=True)
    if error["type"] == "missing":
        return Finding(where=where[:-1], message=f'"{loc[-1]}" is missing{_inside(where)}', key=True)
    if error["type"] == "literal_error":
        return _choice(where, error, words_at(loc, kind), read.texts.get(where), value)
    wanted = _WANTED.get(error["type"])
    message = f"{dotted(where)} {wanted}" if wanted else _reason(error)
    suggestion = _remedy(error["type"], where, read, value)
    return Finding(where=where, message=message, suggestion=suggestion, secret=refers_at(loc, kind))


def _choice(where: Where, error: ErrorDetails, words: tuple[str, ...], typed: str | None, value: Any) -> Finding:
    message = f"{dotted(where)} must be {error['ctx']['expected']}".replace("'", '"')
    text = typed if typed is not None else value
    if not isinstance(text, str):
        return Finding(where=where, message=message)
    suggestion = f"write {text} without quotes" if text in words else did_you_mean(text, words)
    return Finding(where=where, message=message, suggestion=suggestion)


def _remedy(kind: str, where: Where, read: Source, value: Any) -> str:
    text = read.texts.get(where, value if isinstance(value, str) else None)
    if value is None and where in read.values:
        return "give it a value, or remove the key"
    if kind == "bool_type" and text in _BOOLEANS:
        return f"write {_BOOLEANS[text]}"
    if kind == "bool_type" and text in ("true", "false"):
        return f"write {text} without quotes"
    if kind == "int_type" and isinstance(value, str) and value.isdecimal():
        return "write it without quotes and leading zeros"
    return f"write [{text}]" if kind == "tuple_type" and text is not None else ""


def _reason(error: ErrorDetails) -> str:
    message = re.sub("^(Value error|Assertion failed), ", "", error["msg"])
    return message[:1].lower() + message[1:] if message.startswith("Input ") else message


def _inside(where: Where) -> str:
    return f" in {dotted(where[:-1])}" if len(where) > 1 else ""


def dotted(where: Where) -> str:
    """`promotions[2].gates[1]`: items are counted from 1, as people count."""
    text = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in where)
    return text.removeprefix(".") or "the file"
