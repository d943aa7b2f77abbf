"""Who pushed what to a fleet, and what its servers and its ledger say of that: for tests in which much happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from multigit.ledger.journal import Journal
from multigit.model.names import Oid
from tests.support.fleetkit import FleetKit
from tests.support.killer import records


class Struck(BaseException):
    """The process ends here, as far as the command can tell."""


@contextmanager
def dying(k: int) -> Iterator[None]:
    """Every journal entry from the k-th on ends the process."""
    written, seen = Journal.note, [0]

    def note(self: Journal, *args: Any, **kwargs: Any) -> None:
        seen[0] += 1
        if seen[0] >= k:
            raise Struck
        written(self, *args, **kwargs)

    Journal.note = note  # type: ignore[method-assign]
    try:
        yield
    finally:
        Journal.note = written  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Pushed:
    """Somebody's commit, and the file it brought; '' where it changed or deleted one."""

    repo: str
    branch: str
    oid: Oid
    path: str


@dataclass(slots=True)
class Witness:
    """Reads with plain git alone; `pushed` remembers what others did."""

    kit: FleetKit
    pushes: list[Pushed] = field(default_factory=list)
    number: int = 0

    def pushed(self, repo: str, branch: str, letter: str) -> None:
        """Somebody pushes a file of its own, `letter` and a number."""
        self.number += 1
        self.changed(repo, branch, f"{letter}{self.number}.txt", f"{self.number}\n")

    def changed(self, repo: str, branch: str, path: str, content: str | None) -> None:
        """Somebody adds, changes or (None) deletes a file."""
        new = "" if path in self.files(repo, branch) else path
        oid = self.kit.commit(repo, branch, {path: content}, f"change {path}")
        self.pushes.append(Pushed(repo, branch, oid, new))

    def files(self, repo: str, rev: str) -> dict[str, str]:
        """Path -> blob."""
        rows = self.kit.hosts[repo].git("ls-tree", "-r", rev).splitlines()
        return {path: oid for oid, path in (row.split(" ")[2].split("\t") for row in rows)}

    def has(self, repo: str, oid: Oid, rev: str) -> bool:
        """Whether `rev` has the commit."""
        return self.kit.hosts[repo].git("rev-list", "--count", "--max-count=1", oid, f"^{rev}") == "0"

    def standing(self, repo: str, branch: str, letters: str) -> set[str]:
        """Files with one of `letters` that came with commits which `branch` has, wherever they were pushed."""
        mine = (one for one in self.pushes if one.repo == repo and one.path[:1] and one.path[0] in letters)
        return {one.path for one in mine if self.has(repo, one.oid, branch)}

    def lost(self, *, kept: bool) -> list[Pushed]:
        """Commits that are in their branch no more; with `kept`, nor in what a reset of main has set aside."""
        return [
            one for one in self.pushes if not any(self.has(one.repo, one.oid, rev) for rev in self._homes(one, kept))
        ]

    def _homes(self, one: Pushed, kept: bool) -> list[str]:
        if not kept or one.branch != "main":
            return [one.branch]
        refs = self.kit.hosts[one.repo].refs()
        return [one.branch, *(ref for ref in refs if ref.startswith("refs/multigit/kept/"))]

    # --- the ledger and the tags ---

    def open_run(self) -> bool:
        """Whether the ledger's last word on a run is not its end."""
        told = [record["kind"] for record in records(self.kit) if record["run"] and record["kind"] != "failed"]
        return bool(told) and told[-1] not in ("released", "aborted")

    def quarantined(self) -> bool:
        """Whether a release that was taken back is held."""
        held: set[str] = set()
        for record in records(self.kit):
            data = record["data"]
            held |= {mark["hold"] for mark in data.get("quarantine", ()) if record["kind"] == "released"}
            held -= {data["hold"]} if record["kind"] == "lift" else set(data.get("lifts", ()))
        return bool(held)

    def tags(self) -> dict[str, dict[str, str]]:
        """Tag -> commit on every server; a lightweight tag has ''."""
        form = "--format=%(refname:lstrip=2) %(*objectname)"
        return {
            name: dict(row.split(" ") for row in host.git("for-each-ref", form, "refs/tags/").splitlines())
            for name, host in self.kit.hosts.items()
        }

    def promised_tags(self) -> dict[str, dict[str, str]]:
        """The tags that the ledger's released runs must have, and where."""
        told = records(self.kit)
        plans = {record["run"]: record["data"]["plan"] for record in told if record["kind"] == "begin"}
        expected: dict[str, dict[str, str]] = {name: {} for name in self.kit.names}
        for plan in (plans[record["run"]] for record in told if record["kind"] == "released"):
            for step in plan["steps"] if plan["tag"] else ():
                expected[step["repo"]][plan["tag"]] = step["new"] if step["kind"] == "land" else step["at"]
        return expected
