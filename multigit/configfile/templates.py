"""Templates and references in repos.yaml that can be judged before they are used."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from multigit.configfile.problems import Finding, Where, did_you_mean, one_of
from multigit.errors import UsageError
from multigit.model.config import Config, Environment
from multigit.model.names import Tag
from multigit.model.template import fields, flaw, render
from multigit.model.urls import Url, has_secret
from multigit.tagschemes import scheme_for

TAG_FIELDS = ("now", "version", "seq", "env")
"""One tag name stands for the whole fleet, so nothing of a single repository belongs in it."""
IMAGE_FIELDS = ("now", "version", "seq", "sha", "component", "repo", "env")
_MOVING = ("now", "version", "seq")
_SAMPLE: Mapping[str, str | datetime] = {
    "now": datetime(2026, 2, 12, 7, 0, 14),  # noqa: DTZ001 - only its digits are used
    "version": "1.2.3",
    "seq": "4",
}
_REFERENCE = re.compile(r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}")
_OPAQUE = (("defaults",), ("notify",), ("gates",))
_OPAQUE_OF_REPO = (("components",), ("deploy",), ("migrate",))


def findings(config: Config) -> Iterator[Finding]:
    """Tags, images, messages and addresses that could never be made."""
    for env in config.environments.values():
        base: Where = ("environments", env.name)
        if env.tag is not None:
            yield from _template((*base, "tag"), env.tag, (*TAG_FIELDS, *env.vars)) or _tag((*base, "tag"), env)
        if env.image is not None:
            yield from _template((*base, "image"), env.image, (*IMAGE_FIELDS, *env.vars))
        for name in env.vars:
            if name in IMAGE_FIELDS or not re.fullmatch("[a-z_]+", name):
                message = f'"{name}" cannot be a variable: lower-case letters and _, and none of the built-in words'
                yield Finding(where=(*base, "vars", name), message=message, key=True)
    for number, road in enumerate(config.promotions):
        yield from _template(("promotions", number, "message"), road.message, ("from", "to"))
    yield from _remotes(config)


def _template(where: Where, text: str, known: Collection[str]) -> list[Finding]:
    for name in fields(text):
        if name not in known:
            suggestion = did_you_mean(name, known) or one_of(known)
            return [Finding(where=where, message=f"{{{name}}} is not known here", suggestion=suggestion)]
    wrong = flaw(text)
    return [Finding(where=where, message=wrong)] if wrong else []


def _tag(where: Where, env: Environment) -> list[Finding]:
    assert env.tag is not None
    if not set(fields(env.tag)) & set(_MOVING):
        message = f'"{env.tag}" gives every release the same tag'
        return [Finding(where=where, message=message, suggestion="use {now:%Y%m%d-%H%M%S} or {version}")]
    made = render(env.tag, {**_SAMPLE, **env.vars, "env": env.name})
    if Tag.problem(made):
        return [Finding(where=where, message=f"makes tags that git refuses: {made!r}")]
    try:
        scheme_for(env.tag).order(env.tag, Tag(made))
    except (ValueError, UsageError):
        message = f"makes tags that cannot be read back: {made!r}"
        return [Finding(where=where, message=message, suggestion="{now}, {version} or {sha}, each unit once")]
    return []


def _remotes(config: Config) -> Iterator[Finding]:
    for name, template in config.remotes.items():
        where: Where = ("remotes", name)
        if name != "origin":
            suggestion = did_you_mean(name, ["origin"]) or "known: origin"
            yield Finding(where=where, message=f'unknown remote "{name}"', suggestion=suggestion, key=True)
        left = template.replace("{repo}", "")
        if "{" in left or "}" in left:
            yield Finding(where=where, message="an address knows {repo} only")
        elif "{repo}" not in template and len(config.repos) > 1:
            yield Finding(where=where, message="the address needs {repo}: it stands for every repository")
        else:
            problem = Url.problem(template.replace("{repo}", "name"))
            if problem:
                yield Finding(where=where, message=problem)


def references(data: object, where: Where = ()) -> Iterator[Finding]:
    """Secrets written out, and `${…}` that is not exactly one reference in a place that takes one."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from references(value, (*where, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from references(value, (*where, number))
    elif isinstance(data, str):
        yield from _reference(data, where)


def _reference(text: str, where: Where) -> Iterator[Finding]:
    is_address = where[:1] == ("remotes",) or (where[:1] == ("repos",) and where[2:] == ("url",))  # judged by Url
    if has_secret(text) and not is_address:
        suggestion = "keep it in the environment and write ${env:NAME}"
        yield Finding(where=where, message="this looks like a secret", suggestion=suggestion)
    if "${" not in text:
        return
    opaque = where[:1] in _OPAQUE or (where[:1] == ("repos",) and where[2:3] in _OPAQUE_OF_REPO)
    if not opaque:
        yield Finding(where=where, message="a reference to a secret has no meaning here")
    elif not _REFERENCE.fullmatch(text):
        suggestion = "write nothing but ${env:NAME}"
        yield Finding(where=where, message="a reference must be the whole value", suggestion=suggestion)


def notes(config: Config) -> Iterator[str]:
    """What is allowed and still worth saying."""
    for env in config.environments.values():
        coarse = re.search(r"\{now:[^}]*\}", env.tag or "")
        if coarse and "%S" not in coarse[0] and "seq" not in fields(env.tag or ""):
            yield f"{env.name}: tags made from {env.tag} have no seconds; two releases may want the same one"
    asked = {gate for road in config.promotions for gate in road.gates}
    for name in config.gates:
        if name not in asked:
            yield f"gate {name} is asked by no promotion"
