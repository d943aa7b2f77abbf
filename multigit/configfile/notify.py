"""`notify` in repos.yaml: each entry begins with its notifier, and what that one understands stands beside it.

    - {slack: "${env:SLACK_WEBHOOK_URL}", when: [failed], envs: [prod]}

is the notifier `slack` with the settings `{address: "${env:…}"}` and the rule `when`, `envs`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_type_hints

from multigit import plugins
from multigit.configfile.problems import Finding, Where, did_you_mean, one_of
from multigit.errors import UsageError
from multigit.model.config import Config
from multigit.model.references import Reference
from multigit.model.urls import has_secret

OWN: Final = ("name", "when", "envs", "severity", "lang")
_ADDRESS: Final = "address"


def split(entry: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    """An entry as the model has it; `taken`: names that are used already, to which this one's is added."""
    kind = next(iter(entry), "")
    own = {key: value for key, value in entry.items() if key in OWN and key != kind}
    rest = {key: value for key, value in entry.items() if key not in OWN and key != kind}
    name = own.get("name") or _numbered(str(kind), taken)
    taken.add(str(name))
    return {**own, "name": name, "kind": kind, "settings": {_ADDRESS: entry.get(kind), **rest}}


def _numbered(kind: str, taken: set[str]) -> str:
    names = (kind if number == 1 else f"{kind}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def settings_class(where: Where, kind: Any, found: list[Finding]) -> Any:
    """The `Settings` of a notifier; None, with a finding, where there is no such notifier."""
    if kind == "" or kind in OWN:
        message = "an entry begins with its notifier, for example slack"
        found.append(Finding(where=(*where, kind) if kind else where, message=message, key=bool(kind),
                             suggestion=one_of(plugins.names("notifiers"))))  # fmt: skip
        return None
    try:
        module = plugins.load("notifiers", str(kind))
    except UsageError as error:
        suggestion = error.hint if not error.why else f"{error.why}; {error.hint}"
        found.append(Finding(where=(*where, kind), message=error.what, suggestion=suggestion, key=True))
        return None
    made = getattr(module, "Settings", None)
    if dataclasses.is_dataclass(made) and callable(getattr(module, "notify", None)) and _ADDRESS in _hints(made):
        return made
    message = f'"{kind}" is no notifier: it needs Settings with an address, and notify'
    found.append(Finding(where=(*where, kind), message=message, key=True))
    return None


def flaws(where: Where, kind: str, settings: dict[str, Any], made: Any) -> Iterator[Finding]:
    """Unknown keys, which are taken out of `settings`, and references that are none, or stand where none is used."""
    hints = _hints(made)
    known = [name for name in hints if name != _ADDRESS]
    for key in [key for key in settings if key not in hints]:
        suggestion = did_you_mean(key, [*OWN, *known]) or one_of([*OWN, *known])
        yield Finding(where=(*where, key), message=f'unknown key "{key}" for {kind}', suggestion=suggestion, key=True)
        del settings[key]
    for key, value in settings.items():
        place: Where = (*where, kind if key == _ADDRESS else key)
        if _refers(hints[key]) and value is not None:
            yield from _reference(place, value)
        elif value is None and key == _ADDRESS:
            yield _finding(place)
        else:
            yield from _no_references(place, value)


def placeholders(settings: dict[str, Any], made: Any) -> None:
    """Put a right reference wherever a wrong one was reported, so that pydantic does not report it again."""
    for key, hint in _hints(made).items():
        if key in settings and _refers(hint) and (not _good(settings[key]) or (key == _ADDRESS and not settings[key])):
            settings[key] = "${env:NAME}"


def findings(config: Config) -> Iterator[Finding]:
    """Environments that do not exist, and names that are used twice."""
    seen: set[str] = set()
    for number, rule in enumerate(config.notify):
        for place, word in enumerate(rule.envs):
            if config.environment(word) is None:
                suggestion = did_you_mean(word, config.environments) or one_of(config.environments)
                yield Finding(where=("notify", number, "envs", place), message=f'there is no environment "{word}"',
                              suggestion=suggestion)  # fmt: skip
        if rule.name in seen:
            yield Finding(where=("notify", number, "name"), message=f'"{rule.name}" is the name of another notifier')
        seen.add(rule.name)


def _hints(made: Any) -> dict[str, Any]:
    """The word in repos.yaml and the type."""
    return {name.removesuffix("_"): hint for name, hint in get_type_hints(made).items() if not name.startswith("__")}


def _refers(hint: Any) -> bool:
    return hint is Reference or Reference in getattr(hint, "__args__", ())


def _good(value: object) -> bool:
    return value is None or (isinstance(value, str) and not Reference.problem(value))


def _reference(where: Where, value: object) -> Iterator[Finding]:
    """Not what `templates.references` says already: secrets, and references with something around them."""
    said = isinstance(value, str) and (has_secret(value) or "${" in value)
    if not _good(value) and not said:
        yield _finding(where)


def _finding(where: Where) -> Finding:
    return Finding(
        where=where, message="addresses and secrets of notifiers are written as a reference, never themselves",
        suggestion="keep it in the environment and write ${env:NAME}", secret=True,
    )  # fmt: skip


def _no_references(where: Where, value: object) -> Iterator[Finding]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _no_references((*where, key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _no_references((*where, number), inner)
    elif isinstance(value, str) and "${" in value:
        yield Finding(where=where, message="a reference to a secret has no meaning here")
