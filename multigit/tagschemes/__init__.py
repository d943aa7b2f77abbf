"""Tag schemes: how the next release tag is called, and which of two tags is the newer one. Pure.

A scheme is a module with `next_tag` and `order`; the fields of the environment's template choose it.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from multigit.errors import UsageError
from multigit.model.names import Tag
from multigit.model.template import fields
from multigit.tagschemes import semver, sha, timestamp
from multigit.tagschemes._names import impossible

_SHOWN = 8
"""How many candidates an error names."""
_SEARCHED = 1_000
"""Among how many of the newest tags the nearest names are looked for: comparing is slow."""


class Scheme(Protocol):
    """What a module in this folder offers."""

    def next_tag(self, template: str, *, now: datetime, taken: Collection[Tag], values: Mapping[str, str]) -> Tag:
        """The tag for a release made now; `taken` are the tags of the whole fleet, `values` the template's words."""
        ...

    def order(self, template: str, tag: Tag) -> tuple[Any, ...]:
        """A key that sorts tags of `template` oldest first, () where they have no order; ValueError for other tags."""
        ...


def scheme_for(template: str) -> Scheme:
    """The scheme that understands `template`: {now} timestamp, {version} semver, {sha} sha; UsageError otherwise."""
    used = fields(template)
    schemes: dict[str, Scheme] = {"now": timestamp, "version": semver, "sha": sha}
    for field, scheme in schemes.items():
        if field in used:
            return scheme
    raise impossible(template, "it needs {now}, {version} or {sha}, or every release would have the same name")


def matching(template: str, tags: Collection[Tag]) -> list[Tag]:
    """The tags made from `template`, oldest first; by name where they have no order."""
    scheme = scheme_for(template)
    keyed = []
    for tag in tags:
        try:
            keyed.append((scheme.order(template, tag), tag))
        except ValueError:  # of another template, or a time that is none: not ours
            continue
    return [tag for _, tag in sorted(keyed)]


def newest_not_later(template: str, tags: Collection[Tag], than: Tag) -> Tag | None:
    """`than` itself where it is in `tags`, else the newest one before it (G11); None where there is none."""
    if than in tags:
        return than
    scheme = scheme_for(template)
    try:
        limit = scheme.order(template, than)
    except ValueError:
        return None
    earlier = [tag for tag in matching(template, tags) if limit and scheme.order(template, tag) <= limit]
    return earlier[-1] if earlier else None


def resolve(template: str, tags: Collection[Tag], word: str) -> Tag:
    """The one tag that `word` names or begins (G11); UsageError lists the candidates, or the nearest names."""
    exact = next((tag for tag in tags if tag == word), None)
    if exact:
        return exact
    known = matching(template, tags)[::-1]
    found = [tag for tag in known if word and tag.startswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise UsageError(
            f"{word!r} is the beginning of {len(found)} tags",
            why=", ".join(found[:_SHOWN]) + more,
            hint=f"type more of it, for example {found[0]}",
        )
    near = difflib.get_close_matches(word, known[:_SEARCHED], 3, cutoff=0.5)
    raise UsageError(
        f"no release tag is called or begins with {word!r}",
        why=f"the nearest: {', '.join(near)}"
        if near
        else "nothing is called like it"
        if known
        else "there is none yet",
        hint="multigit history",
    )
