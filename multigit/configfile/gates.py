"""Names that the settings of plug-ins mention: environments and repositories must exist."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from multigit.configfile.problems import Finding, Where, did_you_mean, one_of
from multigit.model.config import Config
from multigit.model.names import EnvName, RepoName


def findings(config: Config, settings: Mapping[str, Any]) -> Iterator[Finding]:
    """Unknown environments and repositories in the `Settings` of checks, by gate name."""
    return mentioned(config, "gates", settings)


def mentioned(config: Config, part: str, settings: Mapping[Any, Any]) -> Iterator[Finding]:
    """The same for any part of the file; `settings` by their place in it."""
    for name, made in settings.items():
        if dataclasses.is_dataclass(made):
            for field in dataclasses.fields(made):
                where: Where = (part, name, field.name.removesuffix("_"))
                yield from _mentioned(config, where, getattr(made, field.name), key=False)


def _mentioned(config: Config, where: Where, value: object, *, key: bool) -> Iterator[Finding]:
    if isinstance(value, EnvName) and config.environment(value) is None:
        yield _unknown(where, "environment", value, [*config.environments], key=key)
    elif isinstance(value, RepoName) and value not in config.repos:
        yield _unknown(where, "repository", value, [*config.repos], key=key)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _mentioned(config, (*where, name), name, key=True)
            yield from _mentioned(config, (*where, name), inner, key=False)
    elif isinstance(value, tuple):
        for number, inner in enumerate(value):
            yield from _mentioned(config, (*where, number), inner, key=False)


def _unknown(where: Where, what: str, word: str, known: list[str], *, key: bool) -> Finding:
    suggestion = did_you_mean(word, known) or one_of(known)
    return Finding(where=where, message=f'there is no {what} "{word}"', suggestion=suggestion, key=key)
