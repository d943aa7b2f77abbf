"""This machine fails: its disk, its clock, its memory. Nothing half done, and the next command goes on (X5)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from multigit.app.session import Session
from tests.support.fleetkit import FleetKit
from tests.support.judged import Before, settled
from tests.support.killer import records, struck

NAMES = ("root", "api", "web")
TO_STG = ("promote", "dev", "stg", "--yes", "--jobs", "1")


# --- disks -------------------------------------------------------------------------------------------------------


@pytest.fixture
def mounted(kit: FleetKit, hermetic: Path) -> Iterator[Callable[[str], Path]]:
    """mounted(place): a small file system of its own for the state, the cache or the workspace."""
    places = {"state": hermetic / ".local/state/multigit", "cache": hermetic / ".cache/multigit", "work": kit.work}
    done: list[Path] = []

    def mount(place: str) -> Path:
        folder = places[place]
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", "size=4m", "multigit-test", str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small file system needs root")
        done.append(folder)
        (kit.work / "repos.yaml").write_text(kit.config, encoding="utf-8")
        return folder

    yield mount
    for folder in done:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


FULL = "cat /dev/zero > {}/fill 2>/dev/null || true"
READ_ONLY = "mount -o remount,ro {}"


def harmed(folder: Path, harm: str) -> None:
    subprocess.run(["sh", "-ec", harm.format(folder)], check=True)


def healed(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    (folder / "fill").unlink(missing_ok=True)


@pytest.mark.shows("X5")
@pytest.mark.fault("disk-full-before-begin", "read-only-before-begin")
@pytest.mark.parametrize("harm", [FULL, READ_ONLY], ids=["full", "read-only"])
@pytest.mark.parametrize("place", ["state", "cache"])
def test_a_disk_that_fails_before_begin_means_that_nothing_is_pushed(
    kit: FleetKit, mounted: Callable[[str], Path], place: str, harm: str
) -> None:
    folder, before = mounted(place), Before.of(kit)
    harmed(folder, harm)
    ran = kit.call(*TO_STG)
    assert ran.code in (1, 3), ran
    assert any(word in ran.text for word in ("No space left", "full", "Read-only", "readonly")), ran.text
    assert "Traceback" not in ran.text
    healed(folder)
    settled(kit, before, "never begun")
    kit.call(*TO_STG).ok()


@pytest.mark.shows("X9")
@pytest.mark.fault("read-only-before-begin")
@pytest.mark.parametrize("folder", ["XDG_CACHE_HOME", "XDG_STATE_HOME"])
def test_a_folder_that_cannot_be_used_is_named_and_no_bug(
    kit: FleetKit, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    before = Before.of(kit)
    monkeypatch.setenv(folder, "/dev/null")
    ran = kit.call(*TO_STG).exits(1)
    assert "/dev/null/multigit" in ran.text
    assert "MG-700" not in ran.text
    settled(kit, before, "never begun")


@pytest.mark.fault("disk-full-before-begin", "read-only-before-begin")
@pytest.mark.parametrize("harm", [FULL, READ_ONLY], ids=["full", "read-only"])
def test_a_log_that_cannot_be_written_is_a_warning_and_catches_up(
    kit: FleetKit, mounted: Callable[[str], Path], harm: str
) -> None:
    folder = mounted("work")
    harmed(folder, harm)
    ran = kit.call(*TO_STG).ok()
    assert "deployment.log was not written" in ran.text
    healed(folder)
    kit.call("resume", "--yes").ok()
    assert kit.log().count("PROMOTE") == 3


@pytest.mark.slow
@pytest.mark.shows("X5")
@pytest.mark.fault("disk-full-after-begin", "read-only-after-begin")
@pytest.mark.parametrize(
    ("place", "harm"),
    [("state", FULL), ("cache", FULL), ("cache", READ_ONLY)],
    ids=["state-full", "cache-full", "cache-read-only"],
)
def test_a_disk_that_fails_after_begin_leaves_the_run_open_and_says_so(
    kit: FleetKit, mounted: Callable[[str], Path], place: str, harm: str
) -> None:
    folder, before = mounted(place), Before.of(kit)
    ran = struck(kit, "result:wrote begin", "after", harm.format(folder), *TO_STG).exits(4)
    assert "multigit resume r-" in ran.text
    assert "Traceback" not in ran.text
    healed(folder)
    kit.call("resume", "--yes").ok()
    settled(kit, before, "released")


# --- clocks and memory -------------------------------------------------------------------------------------------


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(Session, "now", lambda session: moment.astimezone(session.zone))


@pytest.mark.shows("G5")
@pytest.mark.fault("clock-set-back", "clock-set-forward")
@pytest.mark.parametrize("wrong", [timedelta(days=400), timedelta(hours=-1)])
def test_whatever_the_clock_says_tags_and_history_go_on(
    kit: FleetKit, monkeypatch: pytest.MonkeyPatch, wrong: timedelta
) -> None:
    noon = datetime(2026, 2, 12, 3, tzinfo=UTC)
    for number, moment in enumerate((noon, noon + wrong, noon + timedelta(minutes=1))):
        at(monkeypatch, moment)
        kit.commit("api", "dev", {"n.txt": f"{number}\n"}, f"feat: {number}")
        kit.call(*TO_STG).ok()
    told = [record["data"]["plan"]["tag"] for record in records(kit) if record["kind"] == "begin"]
    assert told == sorted(set(told))
    assert kit.tags("stg-deploy-") == told
    shown = kit.call("history", "stg").ok().out
    assert [shown.index(tag) for tag in told] == sorted((shown.index(tag) for tag in told), reverse=True)


@pytest.mark.fault("clock-set-back", "clock-set-forward")
@pytest.mark.parametrize("wrong", [timedelta(days=-400)])
def test_a_run_is_settled_by_a_clock_that_is_wrong(
    kit: FleetKit, monkeypatch: pytest.MonkeyPatch, wrong: timedelta
) -> None:
    before = Before.of(kit)
    assert struck(kit, "result:wrote begin", "after", "kill", *TO_STG).code == -9
    at(monkeypatch, datetime.now(UTC) + wrong)
    kit.call("resume", "--yes").ok()
    settled(kit, before, "released")
    kit.call("status").ok()


@pytest.mark.shows("X5")
@pytest.mark.fault("journal-old-copy")
@pytest.mark.parametrize("word", ["resume", "abort"])
def test_a_journal_from_an_old_copy_misleads_nobody(kit: FleetKit, hermetic: Path, word: str) -> None:
    journal = hermetic / ".local/state/multigit/journal.sqlite3"
    kit.call("hold", "set", "stg", "-m", "frozen").ok()
    kit.promote().exits(3)  # the old copy knows a plan that was refused
    shutil.copy(journal, kit.root / "old")
    kit.call("hold", "release", "stg", "-m", "over").ok()
    kit.commit("api", "dev", {"more.txt": "1\n"}, "feat: more")
    before = Before.of(kit)
    assert struck(kit, "result:branch new", "after", "kill", *TO_STG).code == -9
    shutil.copy(kit.root / "old", journal)
    kit.call(word, "--yes").ok()
    settled(kit, before, "released" if word == "resume" else "aborted")
    shutil.copy(kit.root / "old", journal)
    assert "nothing to do" in kit.call("resume", "--yes").ok().text, "the plan refused then is not made again"
