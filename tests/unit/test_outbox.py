"""The outbox: at least once, in order, across crashes and processes; given up after a day (T4)."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from multigit.ledger.journal import Journal
from multigit.ledger.outbox import Outbox

START = datetime(2026, 2, 12, 7, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path, clock: Clock) -> Outbox:
    return Outbox(Journal(tmp_path / "journal.sqlite3", Path("/srv/shop")), tmp_path / "state" / "flag", clock)


def again(tmp_path: Path, clock: Clock, fleet: str = "/srv/shop") -> Outbox:
    return Outbox(Journal(tmp_path / "journal.sqlite3", Path(fleet)), tmp_path / "state" / "flag", clock)


def notice(event: str = "finished", run: str = "r-1") -> dict[str, str]:
    return {"event": event, "run": run, "text": "배포"}


def test_what_was_put_is_there_for_the_next_process_and_only_for_this_fleet(
    tmp_path: Path, outbox: Outbox, clock: Clock
) -> None:
    outbox.put(["slack", "email"], notice())
    found = again(tmp_path, clock).waiting()
    assert [(row.notifier, row.event, row.document["text"], row.at) for row in found] == [
        ("slack", "finished", "배포", START), ("email", "finished", "배포", START),
    ]  # fmt: skip
    assert again(tmp_path, clock, "/srv/other").waiting() == []


def test_the_flag_is_up_while_something_waits(tmp_path: Path, outbox: Outbox) -> None:
    flag = tmp_path / "state" / "flag"
    one, two = outbox.put(["slack", "email"], notice())
    assert stat.S_IMODE(flag.stat().st_mode) == 0o600
    outbox.sent(one)
    assert flag.exists()
    outbox.sent(two)
    assert not flag.exists()


def test_a_row_is_claimed_by_one_and_what_was_sent_by_nobody(tmp_path: Path, outbox: Outbox, clock: Clock) -> None:
    (row,) = outbox.put(["slack"], notice())
    other = again(tmp_path, clock)
    assert outbox.claim(row)
    assert not other.claim(row)
    outbox.failed(row, "down")
    assert other.claim(row)
    other.sent(row)
    assert not outbox.claim(row)


def test_the_claim_of_a_dead_or_hanging_process_ends(tmp_path: Path, outbox: Outbox, clock: Clock) -> None:
    (row,) = outbox.put(["slack"], notice())
    script = f"""
from pathlib import Path
from multigit.ledger.journal import Journal
from multigit.ledger.outbox import Outbox
assert Outbox(Journal(Path({str(tmp_path / "journal.sqlite3")!r}), Path("/srv/shop")), Path("flag")).claim({row})
"""
    subprocess.run([sys.executable, "-c", script], check=True, env=dict(os.environ), cwd=tmp_path)
    assert outbox.claim(row), "who claimed it is dead"
    clock.now += timedelta(seconds=61)
    assert again(tmp_path, clock).claim(row), "our own claim is too old"


@pytest.mark.parametrize(("tries", "seconds"), [(1, 0), (2, 0), (3, 30), (4, 60), (5, 120), (40, 3600)])
def test_it_is_tried_again_ever_later(outbox: Outbox, clock: Clock, tries: int, seconds: int) -> None:
    (number,) = outbox.put(["slack"], notice())
    for _ in range(tries):
        assert outbox.claim(number)
        outbox.failed(number, "down")
    (row,) = outbox.waiting()
    assert (row.tries, row.why) == (tries, "down")
    assert row.due(clock.now + timedelta(seconds=seconds))
    assert seconds == 0 or not row.due(clock.now + timedelta(seconds=seconds - 1))


def test_after_a_day_it_is_given_up_and_said_once(tmp_path: Path, outbox: Outbox, clock: Clock) -> None:
    outbox.put(["slack"], notice())
    clock.now += timedelta(hours=23)
    outbox.put(["slack"], notice("failed"))
    assert outbox.expire() == []
    clock.now += timedelta(hours=2)
    assert [row.event for row in outbox.expire()] == ["finished"]
    assert [row.event for row in outbox.waiting()] == ["failed"]
    assert outbox.expire() == []


def test_what_a_notifier_keeps_belongs_to_its_run(outbox: Outbox) -> None:
    one, _ = outbox.put(["slack", "other"], notice("started"))
    outbox.keep(one, {"ts": "17"})
    outbox.sent(one)
    outbox.put(["slack"], notice("finished"))
    assert outbox.kept("slack", "r-1") == {"ts": "17"}
    assert outbox.kept("other", "r-1") == {}
    assert outbox.kept("slack", "r-2") == {}
    assert outbox.kept("slack", "") == {}


def test_old_rows_are_swept(outbox: Outbox, clock: Clock) -> None:
    (row,) = outbox.put(["slack"], notice())
    outbox.keep(row, {"ts": "17"})
    outbox.sent(row)
    clock.now += timedelta(days=8)
    outbox.put(["slack"], notice(run="r-2"))
    assert outbox.kept("slack", "r-1") == {}


def test_a_journal_of_before_gets_the_table_and_stays_readable(tmp_path: Path, clock: Clock) -> None:
    journal = Journal(tmp_path / "journal.sqlite3", Path("/srv/shop"))
    journal.note("planned", "r-1", "promote")
    Outbox(journal, tmp_path / "flag", clock).put(["slack"], notice())
    assert [entry.what for entry in Journal(tmp_path / "journal.sqlite3", Path("/srv/shop")).entries()] == ["planned"]
