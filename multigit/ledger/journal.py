"""The journal: what this machine meant to do and what came of it. A hint only; remotes and ledger are the truth.

One sqlite file under the user's state folder, readable by the user alone. An intent is written before each
effect, the result after it was read back. journal_mode=DELETE and synchronous=EXTRA, because WAL loses
data on some versions (https://sqlite.org/wal.html#walresetbug) and a crash must not take an intent with it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from multigit.errors import MultigitError

What = Literal["planned", "intent", "result", "ended", "refused"]
SCHEMA = 1
_TABLES = """
create table if not exists entries (
  seq integer primary key autoincrement, at text not null, fleet text not null, run text not null,
  what text not null, repo text not null, text text not null, data text not null
);
create index if not exists by_run on entries (fleet, run);
"""


class JournalError(MultigitError):
    """The journal cannot be used. Nothing is pushed without it."""

    code = "MG-420"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal. `fleet` is the folder of repos.yaml."""

    seq: int
    at: datetime
    fleet: str
    run: str
    what: What
    repo: str
    text: str
    data: Mapping[str, Any]


@dataclass(slots=True)
class _Waiting:
    """An entry on its way to the disk."""

    row: tuple[str, ...]
    written: bool = False


class Journal:
    """The journal of one machine. Safe for several threads and processes."""

    def __init__(self, path: Path, fleet: Path) -> None:
        """Open or create `path`; JournalError where it is no journal of ours."""
        self.path = path
        self._fleet = str(fleet)
        self._lock = Lock()
        self._waiting: deque[_Waiting] = deque()
        with self._explained():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            if path.is_symlink():
                raise OSError(f"{path} is a symbolic link")
            path.touch(mode=0o600, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            self._db.execute("pragma journal_mode=delete")
            self._db.execute("pragma synchronous=extra")
            version = self._db.execute("pragma user_version").fetchone()[0]
            if version > SCHEMA:
                raise OSError(f"it has schema {version}, this multigit knows {SCHEMA}")
            if version == 0:
                self._db.executescript(_TABLES + f"pragma user_version={SCHEMA};")

    def note(
        self, what: What, run: str, text: str = "", *, repo: str = "", data: Mapping[str, Any] | None = None
    ) -> None:
        """Write one entry and wait until it is on disk."""
        entry = _Waiting((datetime.now(UTC).isoformat(), self._fleet, run, what, repo, text, json.dumps(data or {})))
        self._waiting.append(entry)
        with self._lock, self._explained():
            if not entry.written:
                self._write_all()

    def _write_all(self) -> None:
        """Everything that waits, in one transaction: a disk takes as long for eight entries as for one."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            self._db.execute("begin immediate")
            self._db.executemany(
                "insert into entries (at, fleet, run, what, repo, text, data) values (?,?,?,?,?,?,?)",
                [entry.row for entry in batch],
            )
            self._db.execute("commit")
        except BaseException:
            self._waiting.extendleft(reversed(batch))  # whoever waits for one of them finds the same fault
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise
        for entry in batch:
            entry.written = True

    def entries(self, run: str | None = None) -> list[Entry]:
        """Entries of this fleet, oldest first; of one run, if given."""
        query = "select * from entries where fleet = ? and run like ? order by seq"
        with self._lock, self._explained():
            rows = self._db.execute(query, (self._fleet, run or "%")).fetchall()
        return [
            Entry(row[0], datetime.fromisoformat(row[1]), row[2], row[3], row[4], row[5], row[6], json.loads(row[7]))
            for row in rows
        ]

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The file itself, for what else is kept in it (outbox.py): all of it is written, or nothing."""
        with self._lock, self._explained():
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise
            self._db.execute("commit")

    @property
    def fleet(self) -> str:
        """The folder of repos.yaml."""
        return self._fleet

    def last_refused(self) -> Entry | None:
        """The request that was refused last, if nothing was planned after it: what `resume` goes on with."""
        told = [entry for entry in self.entries() if entry.what in ("planned", "refused")]
        return told[-1] if told and told[-1].what == "refused" else None

    def __del__(self) -> None:
        if hasattr(self, "_db"):
            self._db.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as broken:
            raise JournalError(
                f"the journal {self.path} cannot be used",
                why=str(broken),
                hint=f"move it away (mv {self.path} {self.path}.old): runs are safe, the ledger has them",
            ) from broken
