"""The shared ledger: a branch of the home repository that takes one record after another, each by compare-and-swap.

An open `begin` is the lock of the whole fleet; there is no other (docs/protocol.md).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from multigit.ledger import chain, records
from multigit.ledger.pin import Pin, Pinned
from multigit.model.events import History, fold
from multigit.model.names import Oid
from multigit.model.objects import NewCommit, Signature
from multigit.model.record import Event
from multigit.model.signatures import into_commit
from multigit.vcs import read, write
from multigit.vcs.lsrefs import expecting, list_refs
from multigit.vcs.mirror import Mirror, fetch, remember
from multigit.vcs.run import GitError
from multigit.vcs.wire import RefSeen

SEEN = "refs/multigit/ledger"
"""Where the mirror keeps it."""
ROUNDS = 50
"""How often a record is put after a head that moved meanwhile: eight people at once are no reason to give up."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The record is not in the ledger. `history` is the ledger as it stands now; None where it could not be read."""

    history: History | None
    why: str
    moved: bool = False
    """Another record came first."""
    unknown: bool = False
    """The push got no answer: the record was not to be seen afterwards, yet it may arrive later."""


@dataclass(slots=True)
class Ledger:
    """The ledger at `head`, through the home repository's mirror."""

    home: Mirror
    history: History = field(default_factory=History)
    sign: Callable[[Event, History, bytes], str] = lambda event, history, body: ""
    """The signature of a record's commit; '' where it is not to be signed."""
    pin: Pin | None = None
    """What this user saw last; a ledger that no longer has it is refused."""

    def read(self, head: Oid | None) -> History:
        """Read the whole chain up to `head`; LedgerError (MG-411) where what was seen before is no longer in it."""
        if head != self.history.head:
            self.history = self._load(head)
        self._hold_to_pin()
        return self.history

    def refresh(self) -> History:
        """Ask the home repository for its head and read up to there."""
        return self.read(self.head())

    def head(self) -> Oid | None:
        """The ledger's head at the home repository, now."""
        return _head(partial(list_refs, self.home.url))

    def _load(self, head: Oid | None) -> History:
        if head is None:
            return History()
        fetch(self.home, {SEEN: head})
        return fold(chain.events(read.chain(self.home, head)), head)

    def _hold_to_pin(self) -> None:
        if self.pin is None:
            return
        seen, known = self.pin.load(), {event.oid for event in self.history.events}
        if seen and seen.oid not in known and not self._came_later(seen, known):
            raise chain.rewritten(self.home.repo, seen, self.history.head)
        self.pin.keep(self.history.head, known)

    def _came_later(self, seen: Pinned, known: Collection[Oid | None]) -> bool:
        """Whether another process saw a later head than we, who asked before it did."""
        later = {event.oid for event in self._load(self.head()).events}
        return seen.oid in later and later.issuperset(known)

    def append(self, event: Event, *, may_follow: Callable[[History], bool] = lambda history: False) -> Refused | None:
        """Add `event` after the head that was read. None = it is in.

        If the ledger moved meanwhile, `may_follow` decides whether the record still makes sense after what came.
        A push whose answer was lost counts as in when the record is found there afterwards.
        """
        for _ in range(ROUNDS):
            oid = self._write(event)
            update = write.RefUpdate(ref=records.BRANCH.full, old=self.history.head, new=oid)
            with expecting(self.home.url) as refs:
                report = write.push(self.home, [update])
                try:
                    # "ok" is no proof: a host may say it and write nothing (docs/protocol.md): the head is read back.
                    head = _head(refs)
                    if report.done and head != oid:
                        head = self.head()  # what was opened before the push may be another machine's view
                    if head == oid:
                        self._added(replace(event, oid=oid))
                        return None
                    now = self.read(head)
                except Exception as unreadable:  # noqa: BLE001 - any reason leaves the record's fate unknown
                    return Refused(None, f"the ledger could not be read back: {unreadable}", unknown=not report.refused)
            if any(known.oid == oid for known in now.events):
                return None
            if report.refused or report.done or not may_follow(now):
                return _refused(now, report)
        return Refused(self.history, "the ledger keeps moving", moved=True)

    def _added(self, event: Event) -> None:
        self.history = fold((*self.history.events, event), event.oid)
        with suppress(GitError, OSError):  # it only spares a fetch
            if event.oid:
                remember(self.home, SEEN, event.oid)
        if self.pin:
            self.pin.keep(event.oid, {known.oid for known in self.history.events})

    def _write(self, event: Event) -> Oid:
        parents = (self.history.head,) if self.history.head else ()
        by = Signature(name=event.by.name, email=event.by.email, when=event.at)
        tree = write.empty_tree(self.home)
        commit = NewCommit(tree=tree, parents=parents, message=records.message(event), by=by)
        body = commit.body()
        signed = into_commit(body, self.sign(event, self.history, body))
        return write.write_object(self.home, "commit", signed)


def _head(refs: Callable[[Sequence[str]], dict[str, RefSeen]]) -> Oid | None:
    seen = refs([records.BRANCH.full]).get(records.BRANCH.full)
    return seen.oid if seen else None


def _refused(now: History, report: write.PushReport) -> Refused:
    if report.refused:
        return Refused(now, f"the host of the ledger says: {report.refused}")
    if report.done:
        return Refused(now, "the host of the ledger said ok and wrote nothing", unknown=True)
    if report.stale:
        return Refused(now, "the ledger moved", moved=True)
    return Refused(now, f"the ledger gave no answer: {report.problem.why if report.problem else ''}", unknown=True)
