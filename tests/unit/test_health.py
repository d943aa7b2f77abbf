"""What doctor knows without looking: holes by version, what counts as not well, how far a clock may be off."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from multigit.app.doctoring import machine
from multigit.model.health import Finding, exit_code, skew
from multigit.vcs.holes import HOLES, holes


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ((2, 38, 0), 6), ((2, 38, 5), 3), ((2, 39, 0), 6), ((2, 39, 3), 3), ((2, 39, 5), 2), ((2, 40, 0), 4),
        ((2, 43, 6), 1), ((2, 43, 7), 0), ((2, 48, 1), 1), ((2, 50, 0), 1), ((2, 50, 1), 0), ((2, 51), 0), ((3, 0), 0),
    ],
)  # fmt: skip
def test_a_hole_is_in_every_line_until_that_line_got_its_fix(version: tuple[int, ...], known: int) -> None:
    found = holes(version)
    assert len(found) == known
    assert found == HOLES[len(HOLES) - known :]  # fixes come in order: who lacks one lacks all later ones


def test_only_what_is_not_well_changes_the_exit_code() -> None:
    calm = [Finding(name="x", state=state, why="") for state in ("ok", "warn", "skip")]
    assert exit_code(calm) == 0
    assert exit_code([*calm, Finding(name="x", state="ng", why="")]) == 1


@pytest.mark.parametrize(("seconds", "state", "word"), [(59, "ok", ""), (61, "ng", "ahead"), (-61, "ng", "behind")])
def test_a_minute_off_is_too_much_for_a_clock_that_names_tags(seconds: float, state: str, word: str) -> None:
    found = skew(seconds, "the host of api")
    assert found.state == state
    assert word in found.why
    assert bool(found.fix) == (state == "ng")


def test_a_folder_without_room_is_not_well(tmp_path: Path) -> None:
    assert machine.place("state", tmp_path).state == "ok"
    full = machine.place("state", tmp_path, room=1 << 60)
    assert full.state == "ng"
    assert "left" in full.why
    assert full.fix == f"df -h {tmp_path}"


def test_a_disk_whose_time_is_another_s_is_seen() -> None:
    assert machine.clock_of_disk().state == "ok"
    found = machine.clock_of_disk(lambda: time.time() + 3600)
    assert found.state == "ng"
    assert "s ahead of the disk" in found.why
