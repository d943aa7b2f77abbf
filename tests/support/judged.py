"""What a run has left behind on real hosts, judged by the invariants of docs/protocol.md; read with plain git alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tests.support.fleetkit import FleetKit
from tests.support.killer import records

Refs = dict[str, dict[str, str]]
Record = dict[str, Any]
CLOSING = ("released", "aborted")


@dataclass(frozen=True, slots=True)
class Before:
    """A fleet before anything happened to it."""

    refs: Refs
    records: int

    @classmethod
    def of(cls, kit: FleetKit) -> Before:
        return cls(kit.refs(), len(records(kit)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """`end`: what the ledger says last of the run, or "never begun"."""

    end: str
    diverged: int
    wrong: tuple[str, ...]


def judge(kit: FleetKit, before: Before, theirs: Mapping[str, str] | None = None) -> Verdict:
    """The one run that was made since `before`. `theirs`: repository to the commit a colleague pushed meanwhile."""
    told = [record for record in records(kit)[before.records :] if record["kind"] != "failed"]
    runs = {run: list(rows) for run, rows in groupby(told, lambda record: str(record["run"]))}
    wrong = [f"I1 {n}: a colleague's {oid[:7]} is lost" for n, oid in (theirs or {}).items() if not _kept(kit, n, oid)]
    if len(runs) > 1 or (told and told[0]["kind"] != "begin"):
        wrong.append(f"I6 one run was expected, the ledger has {[record['kind'] for record in told]}")
    if not told:
        return Verdict("never begun", 0, (*wrong, *_untouched(kit, before, "", theirs or {})))
    plan, end = told[0]["data"]["plan"], told[-1]
    wrong += _closed([record["kind"] for record in told])
    branch = next(str(step["branch"]) for step in plan["steps"] if step["kind"] == "land")
    wrong += _untouched(kit, before, f"refs/heads/{branch}", {}, tag=plan["tag"] or "")
    if end["kind"] == "released":
        wrong += _released(kit, plan)
    if end["kind"] != "aborted":
        return Verdict(str(end["kind"]), 0, tuple(wrong))
    wrong += _aborted(kit, plan, end)
    return Verdict("aborted", list(end["data"]["statuses"].values()).count("diverged"), tuple(wrong))


def settled(kit: FleetKit, before: Before, end: str) -> None:
    """Assert that the one run since `before` ended so, and that nothing is wrong anywhere."""
    verdict = judge(kit, before)
    assert (verdict.end, verdict.wrong) == (end, ())
    kit.fsck()


def _closed(kinds: list[str]) -> Iterator[str]:
    if kinds[-1] not in CLOSING:
        yield f"I6 the run is open: {kinds}"
    if sum(kind in CLOSING for kind in kinds) > 1 or kinds.count("landed") > 1 or kinds.count("begin") > 1:
        yield f"I6 a run lands and closes once: {kinds}"
    if "released" in kinds and "landed" not in kinds:
        yield f"I3 released and never landed: {kinds}"


def _released(kit: FleetKit, plan: Mapping[str, Any]) -> Iterator[str]:
    for step in plan["steps"]:
        name, wanted = step["repo"], step["new"] if step["kind"] == "land" else step["at"]
        if not _builds_on(kit, name, f"refs/heads/{step['branch']}", wanted):
            yield f"I3 {name}: released, and {wanted[:7]} is not there"
        if plan["tag"] and _peeled(kit, name, f"refs/tags/{plan['tag']}") != wanted:
            yield f"I5 {name}: released, and the tag is not on {wanted[:7]}"


def _aborted(kit: FleetKit, plan: Mapping[str, Any], end: Record) -> Iterator[str]:
    called = end["data"]["statuses"]
    for step in plan["steps"]:
        name, status = step["repo"], called.get(step["repo"], "")
        if plan["tag"] and kit.hosts[name].ref(f"refs/tags/{plan['tag']}"):
            yield f"I5 {name}: aborted, and it has the tag"
        if step["kind"] != "land" or status == "diverged":
            continue
        live = _builds_on(kit, name, f"refs/heads/{step['branch']}", step["new"])
        if live and not (status == "restored" and _taken_off(kit, name, step)):
            yield f"I4 {name}: aborted ({status}), and {step['new'][:7]} is live"


def _untouched(
    kit: FleetKit, before: Before, branch: str, theirs: Mapping[str, str], *, tag: str = ""
) -> Iterator[str]:
    """Every branch and tag that the run is not about (`branch`: the one that it moves) is where it was."""
    for name, refs in kit.refs().items():
        old = before.refs[name]
        for ref in {*refs, *old} - {branch, f"refs/tags/{tag}"}:
            if refs.get(ref) != old.get(ref) and refs.get(ref) != theirs.get(name):
                yield f"I2 {name}: {ref} moved from {old.get(ref)} to {refs.get(ref)}, and no record tells of it"


def _kept(kit: FleetKit, name: str, oid: str) -> bool:
    return any(_builds_on(kit, name, ref, oid) for ref in kit.hosts[name].refs() if ref.startswith("refs/heads/"))


def _builds_on(kit: FleetKit, name: str, ref: str, oid: str) -> bool:
    words = ["git", "merge-base", "--is-ancestor", oid, ref]
    return subprocess.run(words, cwd=kit.hosts[name].path, capture_output=True, check=False).returncode == 0


def _taken_off(kit: FleetKit, name: str, step: Mapping[str, Any]) -> bool:
    """Whether a commit on NEW brings OLD's files back."""
    host = kit.hosts[name]
    rows = host.git("log", "--format=%P %T", f"{step['new']}..refs/heads/{step['branch']}").splitlines()
    return f"{step['new']} {host.git('rev-parse', step['old'] + '^{tree}')}" in rows


def _peeled(kit: FleetKit, name: str, ref: str) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "-q", "--verify", f"{ref}^{{commit}}"],
        cwd=kit.hosts[name].path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip()
