"""The window gate: hours, public holidays, freezes, and when it opens next."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigit import checks
from multigit.checks import window
from multigit.checks._korea import holidays
from tests.support.subjects import SEOUL, asked, subject

OFFICE = {"allow": ["mon-thu 10:00-17:00", "fri 10:00-15:00"], "holidays": "KR"}


@pytest.mark.parametrize(
    ("now", "state", "told"),
    [
        ("2026-02-12 10:00", "pass", "open until Thu 2026-02-12 17:00 KST"),
        ("2026-02-12 09:59", "wait", "opens Thu 2026-02-12 10:00 KST"),
        ("2026-02-12 17:00", "wait", "opens Fri 2026-02-13 10:00 KST"),
        ("2026-02-13 15:00", "wait", "opens Thu 2026-02-19 10:00 KST"),  # a weekend, then three days of Seollal
        ("2026-02-17 11:00", "wait", "2026-02-17 is a holiday, 설날 (now Tue"),
    ],
)
def test_hours_and_holidays_say_when_they_open_next(now: str, state: str, told: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=SEOUL)
    verdict = asked("window", OFFICE, subject(now=moment)).verdict
    assert verdict.state == state
    assert told in verdict.why


def test_a_freeze_holds_on_its_first_and_last_day() -> None:
    frozen = {"deny": ["2026-12-24..2027-01-02"]}
    for day, state in (("12-23", "pass"), ("12-24", "wait")):
        now = datetime.fromisoformat(f"2026-{day}T23:59").replace(tzinfo=SEOUL)
        assert asked("window", frozen, subject(now=now)).verdict.state == state
    last = asked("window", frozen, subject(now=datetime(2027, 1, 2, 23, tzinfo=SEOUL))).verdict
    assert last.retry_after == 3600
    assert last.why.startswith("frozen 2026-12-24..2027-01-02 (now Sat")


def test_listed_days_are_closed_and_unknown_lunar_days_are_told() -> None:
    election = {**OFFICE, "dates": ["2026-06-03"]}
    now = datetime(2026, 6, 3, 11, tzinfo=SEOUL)
    assert "2026-06-03 is closed" in asked("window", election, subject(now=now)).verdict.why
    later = asked("window", OFFICE, subject(now=datetime(2040, 5, 7, 11, tzinfo=SEOUL))).verdict
    assert later.details == ("the lunar holidays of 2040 are not known: list them in `dates`",)


def test_a_window_that_never_opens_fails() -> None:
    assert asked("window", {"deny": ["2026-01-01..2036-01-01"]}, subject()).verdict.state == "fail"


def test_seconds_until_opening_are_real_ones_when_the_clock_changes() -> None:
    eve = datetime(2026, 3, 7, 12, tzinfo=ZoneInfo("America/New_York"))  # that night loses an hour
    verdict = asked("window", {"allow": ["sun 12:00-13:00"]}, subject(now=eve)).verdict
    assert verdict.retry_after == 23 * 3600


@pytest.mark.parametrize(
    "text", ["", "mon", "10:00-17:00", "mon 17:00-10:00", "mon 10:00-24:01", "mon 10:00-10:00", "MON 10:00-11:00",
             "mon 10:00-11:00\n", "mon-thu 10-17", "mon 10:60-11:00", "mon-tue-wed 10:00-11:00"],
)  # fmt: skip
def test_what_are_no_hours_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="hours"):
        window.slot(text)


@pytest.mark.parametrize("text", ["2026-02-30", "20261224", "2026-12-24..2026-12-23", "2026-12-24 ..2027-01-02", ""])
def test_what_is_no_day_or_range_is_said(text: str) -> None:
    with pytest.raises(ValueError):
        window.span(text)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440))
def test_every_written_hour_is_read_back(first: int, last: int, start: int, length: int) -> None:
    end = min(start + length, 1440)
    told = f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"
    slot = window.slot(f"{window.DAYS[first]}-{window.DAYS[last]} {told}")
    assert (slot.start, slot.end) == (start, end)
    assert {first, last} <= slot.days
    assert len(slot.days) == (last - first) % 7 + 1


@given(st.integers(0, 3 * 365 * 1440))
def test_after_the_announced_wait_the_window_is_open(minutes: int) -> None:
    now = datetime(2025, 6, 1, tzinfo=SEOUL) + timedelta(minutes=minutes)
    settings = checks.settings_of(window, OFFICE)
    verdict = window.evaluate(settings, subject(now=now))
    if verdict.state == "wait":
        assert verdict.retry_after
        assert window.evaluate(settings, subject(now=now + timedelta(seconds=verdict.retry_after))).state == "pass"
        just_before = now + timedelta(seconds=verdict.retry_after - 1)
        assert window.evaluate(settings, subject(now=just_before)).state == "wait"


def test_korean_holidays_of_two_years_with_their_substitutes() -> None:
    known = {
        2025: "01-01 01-28 01-29 01-30 03-01 03-03 05-05 05-06 06-06 08-15 10-03 10-05 10-06 10-07 10-08 10-09 12-25",
        2026: "01-01 02-16 02-17 02-18 03-01 03-02 05-01 05-05 05-24 05-25 06-06 07-17 08-15 08-17 09-24 09-25 09-26 "
        "10-03 10-05 10-09 12-25",
    }
    for year, days in known.items():
        assert sorted(holidays(year)) == [date.fromisoformat(f"{year}-{day}") for day in days.split()]
