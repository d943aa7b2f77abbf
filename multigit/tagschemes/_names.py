"""What the tag schemes share: names made from a template, and the errors of names that cannot be made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from multigit.errors import UsageError
from multigit.model.names import Tag
from multigit.model.template import render

NO_ORDER: tuple[()] = ()
"""Order of every tag of a template whose names say nothing about sooner or later."""


def name(template: str, values: Mapping[str, str | datetime]) -> Tag:
    """The tag that `template` makes of `values`; UsageError where a field is missing or git accepts no such tag."""
    try:
        return Tag(render(template, values))
    except ValueError as problem:
        raise impossible(template, str(problem)) from None


def impossible(template: str, why: str) -> UsageError:
    """The error of a template that cannot name a tag."""
    hint = "in repos.yaml, see `tag` and `vars` of the environment: multigit config show"
    return UsageError(f"the tag template {template!r} gives no tag", why=why, hint=hint)
