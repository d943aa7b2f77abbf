"""Templates of repos.yaml: `deploy-{now:%Y%m%d-%H%M%S}`, `{component}-stage-{sha:8}`. No expressions, no shell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_FIELD = re.compile(r"\{([a-z_]+)(?::([^{}]*))?\}")
_DIRECTIVES = {"Y": r"\d{4}", "y": r"\d{2}", "m": r"\d{2}", "d": r"\d{2}", "H": r"\d{2}", "M": r"\d{2}", "S": r"\d{2}"}


def render(template: str, values: Mapping[str, str | datetime]) -> str:
    """Fill in `template`. `{sha:8}` cuts, `{now:%Y…}` formats a time; an unknown field is a ValueError."""

    def one(found: re.Match[str]) -> str:
        name, spec = found[1], found[2]
        if name not in values:
            raise ValueError(f"{template!r} uses {{{name}}}; known here: {', '.join(sorted(values))}")
        value = values[name]
        if isinstance(value, datetime):
            return value.strftime(spec or "%Y%m%d-%H%M%S")
        return value[: int(spec)] if spec else value

    return _FIELD.sub(one, template)


def filled(value: Any, values: Mapping[str, str | datetime]) -> Any:
    """`value` with every text in it rendered, also in lists and maps."""
    if isinstance(value, str):
        return render(value, values)
    if isinstance(value, Mapping):
        return {key: filled(inner, values) for key, inner in value.items()}
    return [filled(inner, values) for inner in value] if isinstance(value, list | tuple) else value


def texts(value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text in `value` and its place there."""
    if isinstance(value, str):
        yield (), value
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for step, inner in pairs:
        yield from (((step, *place), text) for place, text in texts(inner))


def pattern(template: str) -> re.Pattern[str]:
    r"""What names made from `template` look like, whole. `deploy-{now:%Y%m%d-%H%M%S}` gives `deploy-\d{8}-\d{6}`."""
    out, position = [], 0
    for found in _FIELD.finditer(template):
        out += [re.escape(template[position : found.start()]), _shape(found[1], found[2])]
        position = found.end()
    return re.compile("".join(out) + re.escape(template[position:]))


def fields(template: str) -> tuple[str, ...]:
    """Names of the fields `template` uses."""
    return tuple(found[1] for found in _FIELD.finditer(template))


def flaw(template: str) -> str:
    """What is wrong with the form of `template`, whatever its fields stand for; '' when nothing is."""
    rest = _FIELD.sub("", template)
    if "{" in rest or "}" in rest:
        return f"{template!r} has a brace that belongs to no field: write {{name}} or {{name:format}}"
    twice = next((name for name in ("version", "seq") if fields(template).count(name) > 1), "")
    if twice:
        return f"{template!r} has {{{twice}}} twice"
    for found in _FIELD.finditer(template):
        problem = _spec_flaw(found[1], found[2])
        if problem:
            return f"{template!r}: {problem}"
    return "" if template else "a template must not be empty"


def _spec_flaw(name: str, spec: str | None) -> str:
    if spec is None:
        return ""
    if name == "now":
        unknown = [directive for directive in re.findall("%(.?)", spec) if directive not in _DIRECTIVES]
        if unknown:
            return f"%{unknown[0]} is not known; known: {', '.join('%' + one for one in _DIRECTIVES)}"
        return "" if "%" in spec else "{now:…} needs a format such as %Y%m%d-%H%M%S"
    if name in ("version", "seq"):  # 1.4.0 and 1.4.1 would have one name
        return f"{{{name}}} cannot be cut"
    return "" if re.fullmatch("[1-9][0-9]?", spec) else f"{{{name}:{spec}}} is no length: write a number, {{{name}:8}}"


def _shape(name: str, spec: str | None) -> str:
    if name == "now":
        text = re.escape(spec or "%Y%m%d-%H%M%S").replace(r"\%", "%")
        return re.sub("%([A-Za-z])", lambda m: _DIRECTIVES.get(m[1], ".+"), text)
    if name == "version":
        return r"(?P<version>\d+\.\d+\.\d+)"
    if name == "seq":
        return r"(?P<seq>\d+)"
    return r"[0-9a-f]+" if name == "sha" else r".+"
