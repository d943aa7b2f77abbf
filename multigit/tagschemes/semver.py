"""Tags that name a version: `v{version}`, and `v{version}-rc.{seq}` on the way there (S1, T2; semver.org)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from re import ASCII, Pattern, compile

from multigit.errors import Refused
from multigit.model.names import Tag
from multigit.model.template import fields, pattern
from multigit.tagschemes._names import impossible, name


def next_tag(template: str, *, now: datetime, taken: Collection[Tag], values: Mapping[str, str]) -> Tag:
    """The tag of `values["version"]` (`1.4.0`); `{seq}` is the highest so far of that version plus one, from 1.

    Refused where there is no `{seq}` and the version is taken: a released version never moves.
    """
    version = values.get("version", "")
    base = _base(version)
    if base is None:
        raise impossible(template, f"{version!r} is no version like 1.4.0" if version else "nobody named the version")
    before = [found for tag in taken if (found := _read(template, tag)) and found[:3] == base]
    filled: dict[str, str | datetime] = {"now": now, **values}
    if "seq" in fields(template):
        return name(template, {**filled, "seq": str(max((found[3] for found in before), default=0) + 1)})
    tag = name(template, filled)
    if before:
        raise Refused(f"{tag} exists already", why="a released version never moves", hint="name a higher version")
    return tag


def order(template: str, tag: Tag) -> tuple[int, int, int, int]:
    """Major, minor, patch and seq (0 without one); ValueError where `tag` is not of `template`."""
    found = _read(template, tag)
    if found is None:
        raise ValueError(f"{tag!r} is no {template!r}")
    return found


@lru_cache(maxsize=64)
def _shape(template: str) -> Pattern[str]:
    return compile(pattern(template).pattern, ASCII)


def _read(template: str, tag: str) -> tuple[int, int, int, int] | None:
    found = _shape(template).fullmatch(tag)
    base = _base(found["version"]) if found else None
    if found is None or base is None:
        return None
    return *base, int(found.groupdict().get("seq") or 0)


def _base(version: str) -> tuple[int, int, int] | None:
    """The three numbers of a full release version; None for anything else, leading zeros included."""
    from semver import Version

    try:
        parsed = Version.parse(version)
    except ValueError:
        return None
    return None if parsed.prerelease or parsed.build else (parsed.major, parsed.minor, parsed.patch)
