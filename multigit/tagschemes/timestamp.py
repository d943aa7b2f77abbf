"""Tags that say when: `deploy-{now:%Y%m%d-%H%M%S}` (G5), `rc-{now:%y%m%d%H%M}` (S1).

The time in a tag is wall time in the system's zone. Where the clock was set back, or the hour repeats, the next
tag is the newest one plus one step of the template, so that names never repeat and never run backwards.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from multigit.errors import Refused
from multigit.model.names import Tag
from multigit.model.template import pattern
from multigit.tagschemes._names import impossible, name

_NOW = re.compile(r"\{now(?::([^{}]*))?\}")
_STEPS = {"%S": timedelta(seconds=1), "%M": timedelta(minutes=1), "%H": timedelta(hours=1), "%d": timedelta(days=1)}


def next_tag(template: str, *, now: datetime, taken: Collection[Tag], values: Mapping[str, str]) -> Tag:
    """The tag of a release made at `now` (aware, in the system's zone), later than all of `template` in `taken`."""
    mine = template
    for field, value in values.items():  # tags of another {env} or {component} are no neighbours
        mine = mine.replace(f"{{{field}}}", value)
    moment = now.replace(tzinfo=None, microsecond=0)
    newest = max((when for tag in taken if (when := _time(mine, tag))), default=None)
    tag = name(template, {**values, "now": moment})
    when = _time(mine, tag)
    if when is None:
        raise impossible(template, f"{tag!r} cannot be read back as a time")
    if newest is None or when > newest:
        return tag
    following = name(template, {**values, "now": _after(template, newest)})
    again = _time(mine, following)
    if again is None or again <= newest:  # the year after 68 is 69, and %y reads that as 1969
        raise _last(newest)
    return following


def order(template: str, tag: Tag) -> tuple[datetime]:
    """The time in `tag`, as written; ValueError where `tag` is not of `template`."""
    when = _time(template, tag)
    if when is None:
        raise ValueError(f"{tag!r} is no {template!r}")
    return (when,)


def _after(template: str, newest: datetime) -> datetime:
    """One step of the template's finest unit later; a day or finer, or names would repeat."""
    step = next((step for unit, step in _STEPS.items() if unit in _format(template)), None)
    if step is None:
        raise impossible(template, "a time in a tag needs the day at least, %d, better the second, %S")
    try:
        return newest + step
    except OverflowError:
        raise _last(newest) from None


def _last(newest: datetime) -> Refused:
    what = f"no tag can be later than {newest:%Y%m%d-%H%M%S}"
    return Refused(what, why="the dates of its template end there", hint="delete that tag")


def _format(template: str) -> str:
    return "\n".join(found[1] or "%Y%m%d-%H%M%S" for found in _NOW.finditer(template))


@lru_cache(maxsize=64)
def _reader(template: str) -> tuple[re.Pattern[str], str]:
    """A pattern with a group per `{now}`, and the format of the groups joined by newlines."""
    out, position = [], 0
    for n, found in enumerate(_NOW.finditer(template)):
        out += [pattern(template[position : found.start()]).pattern, f"(?P<now{n}>{pattern(found[0]).pattern})"]
        position = found.end()
    return re.compile("".join(out) + pattern(template[position:]).pattern, re.ASCII), _format(template)


@lru_cache(maxsize=4096)
def _time(template: str, tag: str) -> datetime | None:
    """The time in `tag`; None where it is not of `template` or names no day of the calendar."""
    shape, form = _reader(template)
    found = shape.fullmatch(tag)
    if not found:
        return None
    times = "\n".join(text for group, text in found.groupdict().items() if group.startswith("now"))
    if "%Y" not in form and "%y" not in form:  # a leap year, or there would be no 29 February
        times, form = f"2000\n{times}", f"%Y\n{form}"
    try:
        return datetime.strptime(times, form)  # noqa: DTZ007  wall time, compared with its like
    except (ValueError, re.error):  # re.error: a format with the same unit twice
        return None
