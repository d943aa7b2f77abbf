from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from multigit.ui import text
from multigit.ui.encoding import carried, no_workflow_command, safe
from tests.unit.ui.samples import HOSTILE, KST, NOW


@pytest.mark.shows("X8")
@pytest.mark.fault("text-escape", "text-osc", "text-bidi", "text-markup")
def test_control_escape_bidi_and_line_breaks_are_written_out() -> None:
    shown = text.visible(HOSTILE)
    assert shown.isprintable()
    assert r"\x1b]0;owned\x07" in shown
    assert r"\u202e" in shown
    assert r"\n" in shown
    assert "[/oops][bold]" in shown


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u2069", "\u061c", "\ufeff", "\u3164", "\u2028", "\x9b", "\udc80", "\U000e0041"]
)
def test_no_invisible_character_is_left(hidden: str) -> None:
    assert text.visible(f"a{hidden}b").startswith("a\\")
    text.visible(hidden).encode("utf-8")


def test_korean_is_left_alone() -> None:
    assert text.visible("feat: 결제 재시도") == "feat: 결제 재시도"


@pytest.mark.fault("east-asian-widths")
def test_a_korean_syllable_is_two_cells_composed_or_not() -> None:
    assert text.cells("결제") == 4
    assert text.cells("\u1112\u1161\u11ab") == 2
    assert text.pad("결제", 6) == "결제  "
    assert text.pad("7", 3, right=True) == "  7"


@pytest.mark.parametrize("width", range(12))
def test_cut_text_never_exceeds_its_room(width: int) -> None:
    assert text.cells(text.fit("결제 재시도 feat", width)) <= width


def test_cut_text_says_so() -> None:
    assert text.fit("결제 재시도", 7) == "결제 .."
    assert text.fit("결제", 4) == "결제"


def test_wrapping_keeps_every_word_and_its_column() -> None:
    lines = text.wrap("gates   x no-backlog: 결제 hotfix is not in stg", 24, hang=8)
    assert all(text.cells(line) <= 24 for line in lines)
    assert all(line.startswith(" " * 8) for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == "gates x no-backlog: 결제 hotfix is not in stg"


def test_a_word_that_fits_no_line_stays_whole_beside_its_label() -> None:
    assert text.wrap("tag     deploy-20260212-070014", 20, hang=8) == ["tag     deploy-20260212-070014"]


@pytest.mark.fault("east-asian-widths")
def test_columns_are_straight_by_cells() -> None:
    lines = text.aligned([["김민수", "1"], ["ahn", "22"]], right=frozenset({1}))
    assert lines == ["김민수   1", "ahn     22"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (0, "00:00"), (372.4, "06:12"), (59.6, "01:00"), (3800, "1:03:20"), (-5, "00:00")],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert text.took(seconds) == shown


@pytest.mark.parametrize(
    ("back", "shown"),
    [
        (3, "3 s ago"),
        (300, "5 min ago"),
        (7300, "2 h ago"),
        (86400, "1 day ago"),
        (200000, "2 days ago"),
        (-9, "0 s ago"),
    ],
)
def test_ages(back: int, shown: str) -> None:
    assert text.ago(NOW - timedelta(seconds=back), NOW) == shown


def test_a_day_is_a_day_of_the_zone() -> None:
    before_midnight = datetime(2026, 2, 11, 14, 59, tzinfo=UTC)
    assert text.day(before_midnight, NOW, KST) == "yesterday 23:59"
    assert text.day(before_midnight + timedelta(minutes=1), NOW, KST) == "today 00:00"
    assert text.day(NOW - timedelta(days=2), NOW, KST) == "2 days ago"
    assert text.day(NOW - timedelta(days=40), NOW, KST) == "2026-01-03"


def test_times_have_their_zone_and_json_has_utc() -> None:
    assert text.clock(NOW, KST) == "2026-02-12 06:58 KST"
    assert text.iso(NOW) == "2026-02-11T21:58:03Z"


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("deploy-20260211-183012", "0211-1830"),
        ("stg-deploy-20250211-183012", "20250211-1830"),
        ("v1.2.3", "v1.2.3"),
        (None, "(none)"),
    ],
)
def test_tags_in_a_narrow_column_never_hide_another_year(tag: str | None, shown: str) -> None:
    assert text.short_tag(tag, year=2026) == shown


@pytest.mark.fault("ascii-stdout", "cp949-stdout")
def test_what_an_encoding_lacks_is_replaced_cell_for_cell() -> None:
    assert carried("ascii", "결제 ok") == "???? ok"
    assert carried("cp949", "결제 😀 ok") == "결제 ?? ok"
    assert carried("utf-8", "결제 😀") == "결제 😀"


@pytest.mark.fault("canary-url", "text-escape")
def test_the_last_barrier_hides_secrets_and_keeps_lines() -> None:
    shown = safe("https://kim:hunter2hunter2@git.example.invalid/x\n\x1b[2J")
    assert shown == "https://***@git.example.invalid/x\n\\x1b[2J"


def test_github_finds_no_command_in_data() -> None:
    said = no_workflow_command("  ::error::forged\nok ::x\n##[add-path]x")
    assert not any(line.lstrip().startswith("::") for line in said.splitlines())
    assert "##[" not in said
