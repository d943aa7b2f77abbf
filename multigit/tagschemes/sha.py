"""Tags that name a commit: `{component}-stage-{sha:8}` (A2). They say what, not when, and so have no order."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime

from multigit.model.names import Oid, Tag
from multigit.model.template import pattern
from multigit.tagschemes._names import NO_ORDER, impossible, name


def next_tag(template: str, *, now: datetime, taken: Collection[Tag], values: Mapping[str, str]) -> Tag:  # noqa: ARG001
    """The tag of the commit `values["sha"]` (a full object id). The same commit has the same tag, taken or not."""
    problem = Oid.problem(values.get("sha", ""))
    if problem:
        raise impossible(template, f"sha: {problem}")
    return name(template, {"now": now, **values})


def order(template: str, tag: Tag) -> tuple[()]:
    """Nothing to order by; ValueError where `tag` is not of `template`."""
    if not re.fullmatch(pattern(template), tag):
        raise ValueError(f"{tag!r} is no {template!r}")
    return NO_ORDER
