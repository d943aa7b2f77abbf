"""The chain of records: each one commit with an empty tree, on top of the one before it, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from multigit.ledger import records
from multigit.ledger.pin import Pinned
from multigit.ledger.records import BRANCH, LedgerError
from multigit.model.events import out_of_place
from multigit.model.names import Oid, RepoName
from multigit.model.objects import EMPTY_TREE
from multigit.model.record import Event

Row = tuple[Oid, tuple[Oid, ...], Oid, str]
"""Id, parents, tree and message of a commit."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A commit on the ledger's branch that is no record, and why."""

    oid: Oid
    why: str


def events(rows: Sequence[Row]) -> list[Event]:
    """The records, oldest first; LedgerError names the first commit that is none."""
    found = records.events([(oid, message) for oid, _, _, message in rows])
    for number, row in enumerate(rows):
        if why := _misplaced(rows, number):
            raise LedgerError(
                f"the ledger's record {row[0].short} is none of multigit's",
                why=why,
                hint=f"multigit verify\ngit show {row[0]}   (branch {BRANCH} of the home repository)",
                state="nothing was changed",
            )
    return found


def examine(rows: Sequence[Row]) -> tuple[list[Event], list[Fault]]:
    """What can be read, and what is no record: for `verify`, which reads on."""
    found: list[Event] = []
    faults: list[Fault] = []
    for number, (oid, _, _, message) in enumerate(rows):
        why = _misplaced(rows, number)
        try:
            found += records.events([(oid, message)])
        except LedgerError as broken:
            why = why or broken.why
        if why:
            faults.append(Fault(oid, why))
    faults += [Fault(event.oid, f"it is not heeded: {why}") for event, why in out_of_place(found) if event.oid]
    return found, faults


def _misplaced(rows: Sequence[Row], number: int) -> str:
    _, parents, tree, _ = rows[number]
    if len(parents) > 1:
        return "it is a merge: the ledger has one line only"
    if parents != ((rows[number - 1][0],) if number else ()):
        return "it does not follow the record before it: the ledger has one line only"
    return "" if tree in EMPTY_TREE.values() else "it has files: somebody committed on the ledger's branch"


def rewritten(repo: RepoName, seen: Pinned, head: Oid | None) -> LedgerError:
    """The refusal of a ledger that lost what was seen in it."""
    return LedgerError(
        f"the ledger of {repo} was rewritten or cut short: it no longer has {seen.oid.short}, "
        f"seen on {seen.at:%Y-%m-%d %H:%M} UTC",
        why=f"somebody forced the branch {BRANCH}; or a replica of the host is behind, then try again",
        hint=f"multigit verify\n{trust_command(head)}   (only if the home repository was made anew on purpose)",
        state="nothing was changed",
        code="MG-411",
    )


def trust_command(head: Oid | None) -> str:
    """What accepts the ledger as it is now."""
    return f"multigit verify --trust-ledger {head.short if head else 'none'}"
