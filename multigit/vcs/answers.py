"""Answers that follow from object ids alone, kept from one command to the next: an id never changes its meaning.

One sqlite file under the user's cache. It may be deleted at any time, several processes may use it, and whatever goes
wrong with it only costs the time to ask git again.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from multigit import caches

MOST: Final = 50_000
"""Answers that are kept; the oldest go first."""
LONGEST: Final = 32_000
"""Characters of an answer that is kept; what is longer is asked again."""
FORM: Final = 2
"""Counts up when an answer of the same name means something else."""
_TABLE: Final = "create table if not exists answers (question text primary key, answer text not null) without rowid"
_AGES: Final = "create table if not exists ages (number integer primary key autoincrement, question text not null)"


class Answers:
    """What was found out about object ids, in the file at `path`. Safe for threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self, questions: Collection[str]) -> dict[str, Any]:
        """The answers that are known, as JSON gives them back, by question."""
        try:
            with self._opened() as db:
                rows = [
                    db.execute("select answer from answers where question = ?", (question,)).fetchone()
                    for question in questions
                ]
            return {
                question: json.loads(row[0]) for question, row in zip(questions, rows, strict=True) if row is not None
            }
        except (sqlite3.Error, OSError, ValueError) as broken:
            self._give_up(broken)
            return {}

    def get(self, question: str) -> Any:
        """One answer; None where it is not known."""
        return self.known([question]).get(question)

    def put(self, answers: Mapping[str, Any]) -> None:
        """Keep some, and forget the oldest where there are too many."""
        texts = [(question, json.dumps(answer, ensure_ascii=False)) for question, answer in answers.items()]
        rows = [(question, text) for question, text in texts if len(text) <= LONGEST]
        if not rows:
            return
        try:
            with self._opened() as db, _transaction(db):
                db.executemany("insert or replace into answers values (?, ?)", rows)
                db.executemany("insert into ages (question) values (?)", [row[:1] for row in rows])
                last = (db.execute("select max(number) from ages").fetchone()[0] or 0) - MOST
                db.execute(
                    "delete from answers where question in (select question from ages where number <= ?)", (last,)
                )
                db.execute("delete from ages where number <= ?", (last,))
        except (sqlite3.Error, OSError) as broken:
            self._give_up(broken)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        caches.fit(str(self._path))  # releases are planned by what is in it
        with contextlib.closing(sqlite3.connect(self._path, timeout=5, isolation_level=None)) as db:
            db.execute("pragma synchronous=off")  # what a crash takes is asked again
            if _form(db) != FORM:
                with _transaction(db):
                    if _form(db) != FORM:  # another one may have been faster, and have kept something
                        for step in ("drop table if exists answers", "drop table if exists ages", _TABLE, _AGES,
                                     f"pragma user_version={FORM}"):  # fmt: skip
                            db.execute(step)
            yield db

    def _give_up(self, broken: Exception) -> None:
        """A file that is no database any more makes room for a new one; a busy or full disk is not the file's fault."""
        if isinstance(broken, sqlite3.DatabaseError) and not isinstance(broken, sqlite3.OperationalError):
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _form(db: sqlite3.Connection) -> int:
    return int(db.execute("pragma user_version").fetchone()[0])


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("begin immediate")
    try:
        yield
    except BaseException:
        db.execute("rollback")
        raise
    db.execute("commit")
