"""Asks whether now is a good time: opening hours, public holidays, freezes. All in the system's zone.

    hours: {kind: window, allow: ["mon-thu 10:00-17:00", "fri 10:00-15:00"], holidays: KR}
    year-end: {kind: window, deny: ["2026-12-24..2027-01-02"]}

`holidays: KR` knows the fixed days, Seollal, Buddha's Birthday, Chuseok (2025 to 2036) and the substitute days; it does
not know election days and temporary holidays, which are decreed: list those in `dates` (docs/adr/0005-holidays.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from multigit.checks._korea import LUNAR, holidays
from multigit.model.config import STRICT
from multigit.model.verdict import Subject, Verdict

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(DAYS)
_SLOT = re.compile(rf"({_DAY})(?:-({_DAY}))? +([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")
_SPAN = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.\.([0-9]{4}-[0-9]{2}-[0-9]{2}))?")
_HORIZON = 400
"""Days that are searched for the next opening."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Opening hours: days of the week (Monday is 0), and minutes since midnight, the end not included."""

    days: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this gate."""

    __pydantic_config__ = STRICT
    allow: tuple[str, ...] = ()
    """Hours like `mon-thu 10:00-17:00` or `fri 10:00-15:00`; always open when left out."""
    holidays: Literal["KR"] | None = None
    """Country whose public holidays are closed."""
    dates: tuple[str, ...] = ()
    """More closed days, for example `2026-06-03`."""
    deny: tuple[str, ...] = ()
    """Freezes, first and last day included: `2026-12-24..2027-01-02`."""

    def __post_init__(self) -> None:
        for text in self.allow:
            slot(text)
        for text in (*self.dates, *self.deny):
            span(text)


def evaluate(settings: Settings, subject: Subject, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass inside the hours of an open day; otherwise wait, and say when it opens next."""
    now = subject.now
    notes = _unknown(settings, now.year)
    for start, end in _openings(settings, now):
        if start <= now < end:
            return Verdict(state="pass", why=f"open until {_told(end)}", details=notes)
        if start > now:
            left = (start.astimezone(UTC) - now.astimezone(UTC)).total_seconds()
            why = f"{_closed(settings, now.date()) or _hours(settings)} (now {_told(now)}); opens {_told(start)}"
            return Verdict(state="wait", why=why, retry_after=left, details=notes)
    why = (
        f"{_closed(settings, now.date()) or _hours(settings)} (now {_told(now)}); does not open within {_HORIZON} days"
    )
    return Verdict(state="fail", why=why, details=notes)


def slot(text: str) -> Slot:
    """`fri-mon 22:00-24:00` as a Slot; ValueError otherwise. Hours do not run past midnight: write two."""
    found = _SLOT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} are no hours: write them like 'mon-thu 10:00-17:00' or 'fri 10:00-15:00'")
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    start, end = int(found[3]) * 60 + int(found[4]), int(found[5]) * 60 + int(found[6])
    if not start < end <= 24 * 60:
        raise ValueError(f"{text!r}: hours end after they start and by 24:00; past midnight needs a second entry")
    return Slot(frozenset((first + n) % 7 for n in range((last - first) % 7 + 1)), start, end)


def span(text: str) -> tuple[date, date]:
    """`2026-12-24..2027-01-02`, or one day, as first and last day; ValueError otherwise."""
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is neither a day like 2026-12-24 nor a range like 2026-12-24..2027-01-02")
    first, last = date.fromisoformat(found[1]), date.fromisoformat(found[2] or found[1])
    if last < first:
        raise ValueError(f"{text!r} ends before it starts")
    return first, last


def _openings(settings: Settings, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Start and end of every opening from today on, in order."""
    slots = [slot(text) for text in settings.allow] or [Slot(frozenset(range(7)), 0, 24 * 60)]
    for day in (now.date() + timedelta(days=n) for n in range(_HORIZON)):
        if not _closed(settings, day):
            midnight = datetime.combine(day, time(), now.tzinfo)
            for one in sorted((s for s in slots if day.weekday() in s.days), key=lambda s: (s.start, s.end)):
                yield midnight + timedelta(minutes=one.start), midnight + timedelta(minutes=one.end)


def _closed(settings: Settings, day: date) -> str:
    """Why the whole of `day` is closed, or ''."""
    for text in settings.deny:
        first, last = span(text)
        if first <= day <= last:
            return f"frozen {text}"
    if settings.holidays and day in holidays(day.year):
        return f"{day} is a holiday, {holidays(day.year)[day]}"
    return next((f"{day} is closed" for text in settings.dates if span(text)[0] <= day <= span(text)[1]), "")


def _unknown(settings: Settings, year: int) -> tuple[str, ...]:
    if not settings.holidays or year in LUNAR:
        return ()
    return (f"the lunar holidays of {year} are not known: list them in `dates`",)


def _hours(settings: Settings) -> str:
    return f"outside {', '.join(settings.allow)}" if settings.allow else "closed"


def _told(moment: datetime) -> str:
    return f"{DAYS[moment.weekday()].title()} {moment:%Y-%m-%d %H:%M %Z}"
