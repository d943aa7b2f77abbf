"""Public holidays of Korea, computed (docs/adr/0005-holidays.md). Not a check: `window` reads it.

Known: the fixed days, and for the years in `LUNAR` Seollal, Buddha's Birthday and Chuseok; substitute days by article 3
of the Regulation on Holidays of Government Offices (관공서의 공휴일에 관한 규정), with Labour Day and Constitution Day
as in force since 2026. Not known: election days and temporary holidays, which are decreed.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

LUNAR = {
    2025: ("01-29", "05-05", "10-06"), 2026: ("02-17", "05-24", "09-25"), 2027: ("02-07", "05-13", "09-15"),
    2028: ("01-27", "05-02", "10-03"), 2029: ("02-13", "05-20", "09-22"), 2030: ("02-03", "05-09", "09-12"),
    2031: ("01-23", "05-28", "10-01"), 2032: ("02-11", "05-16", "09-19"), 2033: ("01-31", "05-06", "09-08"),
    2034: ("02-19", "05-25", "09-27"), 2035: ("02-08", "05-15", "09-16"), 2036: ("01-28", "05-03", "10-04"),
}  # fmt: skip
"""Seollal, Buddha's Birthday and Chuseok by year, in the solar calendar."""

_PLAIN = (("01-01", "신정"), ("06-06", "현충일"))
_SUBSTITUTED = (
    ("03-01", "삼일절"),
    ("05-05", "어린이날"),
    ("08-15", "광복절"),
    ("10-03", "개천절"),
    ("10-09", "한글날"),
    ("12-25", "성탄절"),
)
_SINCE_2026 = (("05-01", "노동절"), ("07-17", "제헌절"))
_SATURDAY, _SUNDAY = 5, 6


@lru_cache(maxsize=8)
def holidays(year: int) -> dict[date, str]:
    """The public holidays of `year` and their Korean names, substitute days included."""
    single = [(_day(year, text), name) for text, name in (*_SUBSTITUTED, *(_SINCE_2026 if year >= 2026 else ()))]
    folk: list[tuple[date, str]] = []
    if year in LUNAR:
        seollal, buddha, chuseok = (_day(year, text) for text in LUNAR[year])
        single.append((buddha, "부처님오신날"))
        middle = ((seollal, "설날"), (chuseok, "추석"))
        folk = [(day + timedelta(days=n), name) for day, name in middle for n in (-1, 0, 1)]
    found: dict[date, str] = {}
    for day, name in sorted([*((_day(year, text), name) for text, name in _PLAIN), *single, *folk]):
        found[day] = f"{found[day]}, {name}" if day in found else name
    for day, name in _lost(single, folk):
        found[_next_workday(day, found)] = f"{name} 대체공휴일"
    return found


def _lost(single: list[tuple[date, str]], folk: list[tuple[date, str]]) -> list[tuple[date, str]]:
    """The holidays that are given back: single ones on a Saturday or Sunday, folk ones on a Sunday, and meetings."""
    both = [*single, *folk]
    days = [day for day, _ in both]
    lost = [(day, name) for day, name in single if day.weekday() >= _SATURDAY]
    lost += [(day, name) for day, name in folk if day.weekday() == _SUNDAY]
    twice = {day: name for day, name in both if days.count(day) > 1 and day.weekday() < _SATURDAY}
    return sorted([*lost, *twice.items()])


def _next_workday(day: date, taken: dict[date, str]) -> date:
    while day in taken or day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return day


def _day(year: int, text: str) -> date:
    return date.fromisoformat(f"{year}-{text}")
