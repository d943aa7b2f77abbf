"""The journal: private, durable, and refused where it is not ours to read (X5)."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from multigit.ledger.journal import SCHEMA, Journal, JournalError
from tests.support.processes import wait_until

FLEET = Path("/srv/shop")
WRITER = """
import sys
from pathlib import Path
from multigit.ledger.journal import Journal
journal = Journal(Path(sys.argv[1]), Path("/srv/shop"))
for number in range(10):
    journal.note("intent", sys.argv[2], str(number))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/multigit/journal.sqlite3"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.fault("private-files")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_only_its_owner_can_read_it(path: Path, mask: int) -> None:
    path.parent.mkdir(parents=True, mode=0o755)
    before = os.umask(mask)
    try:
        Journal(path, FLEET).note("intent", "r-1", "land", repo="api")
    finally:
        os.umask(before)
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700


def test_entries_survive_and_come_back_in_order(path: Path) -> None:
    first = Journal(path, FLEET)
    first.note("planned", "r-1", "promote", data={"plan": {"steps": [1, "가"]}})
    first.note("intent", "r-1", "land", repo="api")
    first.close()
    again = Journal(path, FLEET)
    again.note("result", "r-1", "branch new", repo="api")
    again.note("intent", "r-2", "stage", repo="web")
    told = again.entries("r-1")
    assert [(e.what, e.text, e.repo) for e in told] == [
        ("planned", "promote", ""), ("intent", "land", "api"), ("result", "branch new", "api"),
    ]  # fmt: skip
    assert told[0].data == {"plan": {"steps": [1, "가"]}}
    assert told[0].at.tzinfo is not None
    assert [e.run for e in again.entries()] == ["r-1", "r-1", "r-1", "r-2"]


def test_two_workspaces_do_not_see_each_other(path: Path) -> None:
    Journal(path, FLEET).note("refused", "r-1", "conflict")
    other = Journal(path, Path("/srv/other"))
    assert other.entries() == []
    assert other.last_refused() is None


def test_what_was_refused_last_counts_until_something_is_planned(path: Path) -> None:
    journal = Journal(path, FLEET)
    assert journal.last_refused() is None
    journal.note("refused", "r-1", "conflict", data={"again": "multigit promote dev stg"})
    journal.note("intent", "r-0", "look", repo="api")
    found = journal.last_refused()
    assert found
    assert found.data["again"] == "multigit promote dev stg"
    journal.note("planned", "r-2", "promote")
    assert journal.last_refused() is None


def test_eight_threads_write_one_journal(path: Path) -> None:
    journal = Journal(path, FLEET)

    def write(run: str) -> None:
        for number in range(10):
            journal.note("intent", run, str(number))

    threads = [threading.Thread(target=write, args=(f"r-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all([e.text for e in journal.entries(f"r-{n}")] == [str(i) for i in range(10)] for n in range(8))


def test_entries_that_wait_together_are_flushed_together(path: Path) -> None:
    """A flush takes a disk some milliseconds; a thousand repositories must not stand in line for one each."""
    journal, flushes = Journal(path, FLEET), list[str]()
    journal._db.set_trace_callback(lambda words: flushes.append(words) if words == "commit" else None)
    with journal._lock:
        threads = [threading.Thread(target=journal.note, args=("intent", f"r-{n}")) for n in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(journal._waiting) == 8, seconds=10, what="eight entries waiting")
    for thread in threads:
        thread.join(30)
    assert len(journal.entries()) == 8
    assert len(flushes) == 1


def test_an_entry_that_cannot_be_written_is_said_to_each_that_waits(path: Path) -> None:
    journal = Journal(path, FLEET)
    journal._db.execute("drop table entries")
    for _ in range(2):
        with pytest.raises(JournalError):
            journal.note("intent", "r-1")


def test_three_processes_begin_one_journal_at_once(path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"r-{n}"]) for n in range(3)]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    assert len(Journal(path, FLEET).entries()) == 30


@pytest.mark.fault("journal-newer-schema")
def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    Journal(path, FLEET).close()
    with sqlite3.connect(path) as db:
        db.execute(f"pragma user_version={SCHEMA + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="cannot be used") as raised:
        Journal(path, FLEET)
    assert f"schema {SCHEMA + 1}" in raised.value.why
    assert f"mv {path}" in raised.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize("harm", ["garbage", "symlink", "folder", "cut short"])
@pytest.mark.fault("journal-garbage", "journal-symlink")
def test_what_is_no_journal_is_refused(path: Path, harm: str) -> None:
    Journal(path, FLEET).note("intent", "r-1")
    if harm == "cut short":
        path.write_bytes(path.read_bytes()[:1500])
    else:
        path.rename(path.with_suffix(".real"))
    if harm == "garbage":
        path.write_bytes(b"garbage " * 1000)
    if harm == "symlink":
        path.symlink_to(path.with_suffix(".real"))
    if harm == "folder":
        path.mkdir()
    with pytest.raises(JournalError):
        Journal(path, FLEET).entries()


def test_it_is_written_to_the_disk_before_the_effect(path: Path) -> None:
    """EXTRA (3) also syncs the folder; DELETE because of the write-ahead log's corruption bug."""
    journal = Journal(path, FLEET)
    assert journal._db.execute("pragma synchronous").fetchone() == (3,)
    assert journal._db.execute("pragma journal_mode").fetchone() == ("delete",)
