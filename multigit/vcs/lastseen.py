"""What was seen of each repository the last time somebody looked, for looking without the network.

One sqlite file under the user's cache, safe to delete and for several processes; `status --no-fetch` alone believes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from multigit import caches
from multigit.model.fleet import RepoState, TagSeen
from multigit.model.names import Branch, Oid, RepoName, Tag
from multigit.vcs.urls import absolute

MOST: Final = 5_000
"""Repositories that are kept; those seen longest ago go first."""
FORM: Final = 1
"""Counts up when a row means something else."""
_TABLE: Final = "create table seen (url text primary key, at text not null, what text not null) without rowid"


@dataclass(frozen=True, slots=True)
class Sight:
    """Where branches were (None: there was none) and since when that is known, and the newest release tags."""

    heads: Mapping[Branch, tuple[Oid | None, datetime]] = field(default_factory=dict)
    tags: Mapping[Tag, TagSeen] = field(default_factory=dict)

    def state(self, repo: RepoName, branches: Collection[Branch]) -> RepoState:
        """The repository as it was, as far as these branches go."""
        heads = {name: oid for name, (oid, _) in self.heads.items() if oid and name in branches}
        return RepoState(repo=repo, heads=heads, tags=self.tags)

    def as_of(self, branches: Collection[Branch]) -> datetime | None:
        """Since when all of these branches are known to have been there; None where one never was looked at."""
        times = [self.heads[name][1] for name in branches if name in self.heads]
        return min(times) if times and len(times) == len(set(branches)) else None


def keep(path: Path, seen: Mapping[str, Sight]) -> None:
    """Add what was seen, by url; of branches that were not looked at now, what was known stays."""
    with contextlib.suppress(sqlite3.Error, OSError), _opened(path) as db:
        db.execute("begin immediate")
        before = _rows(db, list(seen))
        for url, sight in seen.items():
            heads = {**before.get(url, Sight()).heads, **sight.heads}
            newest = max((at for _, at in heads.values()), default=None)
            row = (_key(url), newest.isoformat() if newest else "", json.dumps(_plain(Sight(heads, sight.tags))))
            db.execute("insert or replace into seen values (?, ?, ?)", row)
        db.execute("delete from seen where url not in (select url from seen order by at desc limit ?)", (MOST,))
        db.execute("commit")


def recall(path: Path, urls: Collection[str]) -> dict[str, Sight]:
    """What is known of these, by url."""
    if not path.exists():
        return {}
    try:
        with _opened(path) as db:
            return _rows(db, urls)
    except (sqlite3.Error, OSError):
        return {}


def _rows(db: sqlite3.Connection, urls: Collection[str]) -> dict[str, Sight]:
    found = {}
    for url in urls:
        row = db.execute("select what from seen where url = ?", (_key(url),)).fetchone()
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):  # garbage is as good as nothing
            if row:
                found[url] = _sight(json.loads(row[0]))
    return found


def _key(url: str) -> str:
    return hashlib.sha256(absolute(url).encode()).hexdigest()


def _plain(sight: Sight) -> dict[str, Any]:
    heads = {name: [oid, at.isoformat()] for name, (oid, at) in sight.heads.items()}
    return {"heads": heads, "tags": {name: [tag.oid, tag.commit] for name, tag in sight.tags.items()}}


def _sight(kept: Any) -> Sight:
    heads = {
        Branch(name): (Oid(oid) if oid else None, datetime.fromisoformat(at))
        for name, (oid, at) in kept["heads"].items()
    }
    tags = {Tag(name): TagSeen(oid=Oid(oid), commit=Oid(commit)) for name, (oid, commit) in kept["tags"].items()}
    return Sight(heads, tags)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    caches.fit(str(path))
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as db:
            db.execute("pragma synchronous=off")  # what a crash takes is seen again
            if db.execute("pragma user_version").fetchone()[0] != FORM:
                fresh = f"drop table if exists seen; {_TABLE}; pragma user_version={FORM};"
                db.executescript(f"begin immediate; {fresh} commit;")
            yield db
    except sqlite3.DatabaseError as broken:
        if not isinstance(broken, sqlite3.OperationalError):  # no database any more: room for a new one
            path.unlink(missing_ok=True)
        raise
