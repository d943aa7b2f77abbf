"""The pin: what was seen of the ledger stays seen, whoever writes it at the same time, and losing it costs nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from multigit.ledger import shared
from multigit.ledger.pin import Pin
from multigit.ledger.records import LedgerError
from multigit.ledger.shared import Ledger
from multigit.model.names import Oid, RepoName
from multigit.vcs.mirror import open_mirror
from tests.support.gitkit import Bare, bare
from tests.unit.strategies import oid
from tests.unit.test_ledger import hold

CHAIN = [oid(number) for number in range(1, 9)]


@pytest.fixture
def pin(tmp_path: Path) -> Pin:
    return Pin.of(tmp_path / "state" / "pins", "https://git.example.com/home.git")


def seen(pin: Pin) -> Oid | None:
    found = pin.load()
    return found.oid if found else None


@pytest.mark.fault("private-files")
def test_it_holds_the_head_and_when_it_was_seen_for_the_user_alone(pin: Pin) -> None:
    pin.keep(CHAIN[0], CHAIN[:1])
    found = pin.load()
    assert found
    assert found.oid == CHAIN[0]
    assert abs((datetime.now(UTC) - found.at).total_seconds()) < 60
    assert pin.path.stat().st_mode & 0o777 == 0o600
    assert pin.path.parent.stat().st_mode & 0o777 == 0o700
    assert [path.suffix for path in pin.path.parent.iterdir() if path.stat().st_mode & 0o077] == []
    assert Pin.of(pin.path.parent, "https://git.example.com/other.git").load() is None


def test_the_one_that_contains_the_other_stays(pin: Pin) -> None:
    pin.keep(CHAIN[4], CHAIN[:5])
    pin.keep(CHAIN[2], CHAIN[:3])
    assert seen(pin) == CHAIN[4]
    pin.keep(CHAIN[6], CHAIN[:7])
    assert seen(pin) == CHAIN[6]


def test_of_many_at_once_the_newest_stays(pin: Pin) -> None:
    threads = [Thread(target=pin.keep, args=(CHAIN[n], CHAIN[: n + 1])) for n in (3, 7, 1, 5, 0, 6, 2, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert seen(pin) == CHAIN[7]


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff\xfe", b"{}", b"[1]", b"null", b'{"oid": "x", "at": "y"}', b'{"oid": 1, "at": 2}', b"[" * 100_000,
     json.dumps({"oid": CHAIN[0], "at": "12:00"}).encode()],
)  # fmt: skip
def test_garbage_is_as_if_there_was_none(pin: Pin, garbage: bytes) -> None:
    pin.keep(CHAIN[0], CHAIN[:1])
    pin.path.write_bytes(garbage)
    assert pin.load() is None
    pin.keep(CHAIN[1], CHAIN[:2])
    assert seen(pin) == CHAIN[1]


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(pin: Pin) -> None:
    pin.path.parent.parent.mkdir()
    pin.path.parent.write_text("a file in its place")
    pin.keep(CHAIN[0], CHAIN[:1])
    assert pin.load() is None


def test_to_trust_anew_forgets_what_was_seen(pin: Pin) -> None:
    pin.keep(CHAIN[5], CHAIN[:6])
    pin.put(CHAIN[1])
    assert seen(pin) == CHAIN[1]
    pin.put(None)
    assert pin.load() is None


# --- in the ledger -------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Bare:
    host = bare(tmp_path / "home.git")
    host.commit({"a": "1"})
    return host


def pinned(home: Bare, pin: Pin) -> Ledger:
    return Ledger(open_mirror(RepoName("home"), home.url), pin=pin)


def test_only_what_the_host_was_seen_to_have_is_pinned(home: Bare, pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = pinned(home, pin)
    ledger.refresh()
    assert pin.load() is None
    assert ledger.append(hold("h-1")) is None
    assert seen(pin) == home.head("multigit-ledger")
    before = seen(pin)
    monkeypatch.setattr(shared, "_head", lambda refs: before)  # the push arrives, and the host does not show it
    refused = ledger.append(hold("h-2"))
    assert refused
    assert refused.unknown
    assert seen(pin) == before != home.head("multigit-ledger")


def test_a_head_that_another_process_saw_after_we_asked_is_no_rewritten_ledger(home: Bare, pin: Pin) -> None:
    slow, quick = pinned(home, pin), pinned(home, pin)
    slow.refresh()
    assert slow.append(hold("h-1")) is None
    asked = slow.head()
    quick.refresh()
    assert quick.append(hold("h-2")) is None
    late = pinned(home, pin)
    assert len(late.read(asked).events) == 1
    assert seen(pin) == home.head("multigit-ledger")


@pytest.mark.parametrize("left", [0, 1])
def test_a_chain_without_what_was_seen_is_refused_by_readers_and_writers(home: Bare, pin: Pin, left: int) -> None:
    ledger = pinned(home, pin)
    ledger.refresh()
    for name in ("h-1", "h-2"):
        assert ledger.append(hold(name)) is None
    before = seen(pin)
    assert before
    home.git(
        "update-ref", *(("refs/heads/multigit-ledger", f"{before}~1") if left else ("-d", "refs/heads/multigit-ledger"))
    )
    with pytest.raises(LedgerError) as refused:
        pinned(home, pin).refresh()
    assert refused.value.code == "MG-411"
    assert before.short in refused.value.what
    missed = ledger.append(hold("h-3"))
    assert missed
    assert "rewritten or cut short" in missed.why
    assert seen(pin) == before
