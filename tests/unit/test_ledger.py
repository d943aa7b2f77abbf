"""The shared ledger: one record after another, nothing lost, nothing believed that cannot be read (I2, G10)."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from multigit.ledger import records
from multigit.ledger.records import LedgerError
from multigit.ledger.shared import Ledger
from multigit.model.actor import Actor
from multigit.model.names import Oid, RepoName, RunId
from multigit.model.record import Event, Kind
from multigit.vcs import write
from multigit.vcs.mirror import Mirror, open_mirror
from multigit.vcs.write import PushReport, RefUpdate
from tests.support.fleetkit import FleetKit
from tests.support.gitkit import Bare, bare
from tests.support.killer import records as raw_records

KIM = Actor(name="Kim", email="kim@example.invalid", user="kim", host="pc-1")
NOW = datetime(2026, 2, 12, 7, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Bare:
    host = bare(tmp_path / "home.git")
    host.commit({"a": "1"})
    return host


def ledger(home: Bare) -> Ledger:
    """A ledger as one command has it, read."""
    found = Ledger(open_mirror(RepoName("home"), home.url))
    found.refresh()
    return found


def hold(name: str, reason: str = "") -> Event:
    return Event(kind="hold", at=NOW, by=KIM, reason=reason, data={"hold": name, "env": "prod"})


def begin(run: str, owner: str = "") -> Event:
    return Event(kind="begin", run=RunId(run), at=NOW, by=KIM, owner=owner, data={"plan": {"verb": "promote"}})


def test_records_come_back_as_they_were_written(home: Bare) -> None:
    first = ledger(home)
    written = [hold("h-1", 'say "가"\n\nnot a header'), begin("r-0123456789ab", "me")]
    for event in written:
        assert first.append(event) is None
    found = ledger(home).history.events
    assert [replace(event, oid=None) for event in found] == written
    assert found == first.history.events
    assert found[-1].oid == home.head("multigit-ledger")


def test_it_is_a_branch_without_files_that_starts_nothing_on_the_host(home: Bare) -> None:
    shared = ledger(home)
    shared.append(hold("h-1"))
    shared.append(begin("r-0123456789ab"))
    assert home.git("ls-tree", "-r", "multigit-ledger") == ""
    assert home.git("log", "--format=%s", "multigit-ledger").splitlines() == [
        "multigit begin r-0123456789ab promote [skip ci]", "multigit hold [skip ci]",
    ]  # fmt: skip
    assert home.git("rev-list", "--max-parents=0", "multigit-ledger") != home.git("rev-parse", "main")


def test_of_two_that_begin_one_is_told_who_was_first(home: Bare) -> None:
    one, two = ledger(home), ledger(home)
    assert one.append(begin("r-aaaaaaaaaaaa")) is None
    refused = two.append(begin("r-bbbbbbbbbbbb"))
    assert refused
    assert refused.moved
    assert refused.history
    assert refused.history.open_run
    assert refused.history.open_run.id == "r-aaaaaaaaaaaa"
    assert [r.id for r in ledger(home).history.runs.values()] == ["r-aaaaaaaaaaaa"]


@pytest.mark.slow
def test_eight_at_once_lose_no_record(home: Bare) -> None:
    ready = threading.Barrier(8)
    refused: list[object] = []

    def write_three(number: int) -> None:
        mine = ledger(home)
        ready.wait(30)
        for part in range(3):
            answer = mine.append(hold(f"h-{number}-{part}"), may_follow=lambda history: True)
            refused.extend([answer] if answer else [])

    threads = [threading.Thread(target=write_three, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert refused == []
    assert sorted(h.id for h in ledger(home).history.holds) == sorted(f"h-{n}-{p}" for n in range(8) for p in range(3))
    assert home.git("rev-list", "--count", "multigit-ledger") == "24"


@pytest.mark.slow
@pytest.mark.shows("R2")
def test_holds_set_by_four_people_in_one_second_are_all_in_force(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    ran: list[int] = []
    put = lambda env, n: ran.append(kit.run("hold", "set", env, "-m", f"reason {n}").code)  # noqa: E731
    threads = [threading.Thread(target=put, args=(("dev", "stg")[n % 2], n)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ran == [0] * 4
    assert len(raw_records(kit)) == 4
    shown = kit.call("hold", "list").ok().text
    assert all(f"reason {n}" in shown for n in range(4))
    assert sum(" HOLD " in line for line in kit.log().splitlines()) == 4


def test_a_push_whose_answer_was_lost_counts_when_the_record_is_there(
    home: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = write.push

    def lost(mirror: Mirror, updates: Sequence[RefUpdate]) -> PushReport:
        real(mirror, updates)
        return PushReport(done=False)

    monkeypatch.setattr(write, "push", lost)
    shared = ledger(home)
    assert shared.append(begin("r-aaaaaaaaaaaa")) is None
    assert shared.history.head == home.head("multigit-ledger")


def test_a_push_without_an_answer_that_left_no_record_is_unknown(home: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "push", lambda *args, **more: PushReport(done=False))
    refused = ledger(home).append(begin("r-aaaaaaaaaaaa"))
    assert refused
    assert refused.unknown
    assert not refused.moved


def test_a_host_that_says_ok_and_writes_nothing_is_not_believed(home: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "push", lambda *args, **more: PushReport(done=True))
    refused = ledger(home).append(begin("r-aaaaaaaaaaaa"))
    assert refused
    assert refused.unknown


def test_a_ledger_that_cannot_be_read_back_leaves_it_unknown(home: Bare) -> None:
    shared = ledger(home)
    home.path.rename(home.path.with_name("gone"))
    refused = shared.append(begin("r-aaaaaaaaaaaa"))
    assert refused
    assert refused.history is None
    assert refused.unknown


def test_what_the_host_says_no_with_is_kept(home: Bare) -> None:
    home.hook("pre-receive", "echo ledger is frozen >&2; exit 1")
    refused = ledger(home).append(begin("r-aaaaaaaaaaaa"))
    assert refused
    assert "ledger is frozen" in refused.why
    assert not refused.unknown
    assert not refused.moved


GOOD = json.loads(records.message(hold("h-1")).partition("\n\n")[2])


@pytest.mark.parametrize(
    "text",
    [
        "fix: something",
        "x\n\nno json",
        "x\n\n[]",
        "x\n\n{}",
        "x\n\n" + json.dumps({**GOOD, "schema": "multigit.ledger/2"}),
        "x\n\n" + json.dumps({**GOOD, "kind": "explode"}),
        "x\n\n" + json.dumps({**GOOD, "run": "../../etc"}),
        "x\n\n" + json.dumps({**GOOD, "at": "yesterday"}),
        "x\n\n" + json.dumps({**GOOD, "by": {"name": "Kim"}}),
        "x\n\n" + json.dumps({**GOOD, "data": None}),
    ],
)
def test_a_record_that_is_none_is_named(text: str) -> None:
    oid = Oid("ab" * 20)
    with pytest.raises(LedgerError) as raised:
        records.events([(Oid("cd" * 20), records.message(hold("h-1"))), (oid, text)])
    assert oid.short in raised.value.what
    assert oid in raised.value.hint


@pytest.mark.parametrize("kind", ["begin", "take", "aborting", "landed", "released", "aborted", "failed"])
def test_every_kind_makes_the_round_trip(kind: Kind) -> None:
    event = Event(kind=kind, run=RunId("r-0123456789ab"), at=NOW, by=KIM, owner="o", reason="r", data={"a": [1]})
    oid = Oid("ab" * 20)
    assert records.events([(oid, records.message(event))]) == [replace(event, oid=oid)]
