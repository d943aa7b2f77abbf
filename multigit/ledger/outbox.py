"""The outbox: notices that are to be sent, in the journal's file. At least once; whoever sends claims first.

A row is `waiting`, `sent` or `given-up`. What a notifier keeps of a run (Slack's `ts` of its message) stays with the
rows for a week. The table is made when it is first needed, so that an older multigit can go on using the file.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from multigit.ledger.journal import Journal

SHELF_LIFE: Final = timedelta(hours=24)
"""After that a notice is given up: news that is a day old misleads."""
_KEPT: Final = timedelta(days=7)
_CLAIM: Final = timedelta(seconds=60)
"""A claim ends by itself: the process may hang, or its number may have gone to another one."""
_AT_ONCE: Final = 2
_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 3600.0
_TABLE: Final = """
create table if not exists outbox (
  id integer primary key autoincrement, fleet text not null, notifier text not null, run text not null,
  event text not null, at text not null, notice text not null, state text not null default 'waiting',
  tries integer not null default 0, tried text not null default '', pause text not null default '',
  why text not null default '', kept text not null default '{}', holder integer not null default 0,
  claimed text not null default ''
)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One notice for one notifier. `document`: the notice as JSON values."""

    id: int
    notifier: str
    run: str
    event: str
    at: datetime
    document: Mapping[str, Any]
    tries: int
    tried: datetime | None
    pause: datetime | None
    """Until then the other side asked to be left alone."""
    why: str

    def due(self, now: datetime) -> bool:
        """Whether to try again by now: twice at once (at the end of its run, and after it), then ever later."""
        if self.tries <= _AT_ONCE or self.tried is None:
            return True
        wait = min(_FIRST_PAUSE * 2 ** min(self.tries - _AT_ONCE - 1, 16), _LONGEST_PAUSE)
        return now >= self.tried + timedelta(seconds=wait)


class Outbox:
    """The notices of one fleet on this machine. Safe for several threads and processes."""

    def __init__(self, journal: Journal, flag: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`flag`: a file that is there while something waits, so that other commands need not open the journal."""
        self._journal = journal
        self._flag = flag
        self._clock = clock

    def put(self, notifiers: Iterable[str], document: Mapping[str, Any]) -> list[int]:
        """Keep a notice for each of `notifiers`, on disk when this answers; the ids of the rows."""
        self._flag.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._flag.touch(mode=0o600)  # first: a crash in between leaves a flag without a row, never the reverse
        text, now = json.dumps(document, ensure_ascii=False), self._now()
        insert = "insert into outbox (fleet, notifier, run, event, at, notice) values (?,?,?,?,?,?)"
        row = (str(document.get("run", "")), str(document.get("event", "")), now.isoformat(), text)
        with self._table() as db:
            db.execute("delete from outbox where state != 'waiting' and at < ?", ((now - _KEPT).isoformat(),))
            made = [db.execute(insert, (self._journal.fleet, name, *row)).lastrowid for name in notifiers]
        return [int(one) for one in made if one is not None]

    def waiting(self) -> list[Row]:
        """What is not sent yet, oldest first."""
        query = ("select id, notifier, run, event, at, notice, tries, tried, pause, why from outbox"
                 " where fleet = ? and state = 'waiting' order by id")  # fmt: skip
        with self._table() as db:
            rows = db.execute(query, (self._journal.fleet,)).fetchall()
        return [
            Row(
                id=row[0], notifier=row[1], run=row[2], event=row[3], at=datetime.fromisoformat(row[4]),
                document=json.loads(row[5]), tries=row[6], tried=_when(row[7]), pause=_when(row[8]), why=row[9],
            )
            for row in rows
        ]  # fmt: skip

    def claim(self, row: int) -> bool:
        """Take a row to send it; no where it was sent meanwhile, or a living process is at it."""
        now = self._now()
        with self._table() as db:
            found = db.execute(
                "select holder, claimed from outbox where id = ? and state = 'waiting'", (row,)
            ).fetchone()
            claimed = _when(found[1]) if found else None
            if found is None or (claimed and now < claimed + _CLAIM and _alive(found[0])):
                return False
            db.execute("update outbox set holder = ?, claimed = ?, tries = tries + 1, tried = ? where id = ?",
                       (os.getpid(), now.isoformat(), now.isoformat(), row))  # fmt: skip
        return True

    def sent(self, row: int) -> None:
        """It was told; a remark of the notifier is for the screen alone."""
        with self._table() as db:
            db.execute("update outbox set state = 'sent', why = '', claimed = '' where id = ?", (row,))
        self._lower()

    def failed(self, row: int, why: str, seconds: float = 0.0) -> None:
        """It was not told; `seconds`: for how long the other side wants to be left alone."""
        pause = (self._now() + timedelta(seconds=seconds)).isoformat() if seconds else ""
        with self._table() as db:
            db.execute("update outbox set why = ?, pause = ?, claimed = '' where id = ?", (why, pause, row))

    def expire(self) -> list[Row]:
        """Give up what is too old; answers those rows, for somebody to say it."""
        oldest = self._now() - SHELF_LIFE
        old = [row for row in self.waiting() if row.at < oldest]
        with self._table() as db:
            done = [row for row in old
                    if db.execute("update outbox set state = 'given-up' where id = ? and state = 'waiting'",
                                  (row.id,)).rowcount]  # fmt: skip
        self._lower()
        return done

    def kept(self, notifier: str, run: str) -> dict[str, str]:
        """What `notifier` kept of `run`."""
        query = "select kept from outbox where fleet = ? and notifier = ? and run = ? and kept != '{}' order by id desc"
        with self._table() as db:
            found = db.execute(query, (self._journal.fleet, notifier, run)).fetchone() if run else None
        return {str(key): str(value) for key, value in json.loads(found[0]).items()} if found else {}

    def keep(self, row: int, values: Mapping[str, str]) -> None:
        """Keep `values` with the run of a row."""
        with self._table() as db:
            db.execute("update outbox set kept = ? where id = ?", (json.dumps(dict(values)), row))

    def _lower(self) -> None:
        """Take the flag away when nothing waits; a row that came meanwhile puts it up again."""
        if not self.waiting():
            with suppress(OSError):
                self._flag.unlink(missing_ok=True)
                if self.waiting():
                    self._flag.touch(mode=0o600)

    @contextmanager
    def _table(self) -> Iterator[sqlite3.Connection]:
        with self._journal.transaction() as db:
            db.execute(_TABLE)
            yield db

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC)


def _when(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
