"""The part of git's wire protocol that moves refs: pure bytes in, what the host said out (git: gitprotocol-pack(5)).

Every command names the value it replaces, so the host itself compares; nothing here depends on what stood there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from multigit.model.names import Oid
from multigit.vcs.wire import FLUSH, NotUnderstood, length, packet, packets

_DATA, _ASIDE, _FATAL = 1, 2, 3
"""Bands of side-band-64k."""
_NEEDED: Final = frozenset({"report-status", "side-band-64k", "ofs-delta"})


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a host says to somebody who is about to push: what it `can` do, and the objects it `has`."""

    can: frozenset[str]
    refs: dict[str, str]
    has: frozenset[str]


@dataclass(frozen=True, slots=True)
class Command:
    """Move full ref `ref` from `old` (None: it must not exist) to `new` (None: delete it)."""

    ref: str
    old: Oid | None
    new: Oid | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a host said to a push. `refs`: '' where one was moved, else why not; `aside`: what its hooks printed."""

    unpacked: str = ""
    refs: dict[str, str] = field(default_factory=dict)
    aside: str = ""


def greeting(data: bytes) -> Greeting:
    """Of `git-receive-pack`, over ssh or http (`info/refs`). NotUnderstood where git itself had better push."""
    parts = list(packets(data))
    if parts[:2] == [b"# service=git-receive-pack\n", "flush"]:
        parts = parts[2:]
    lines = [part for part in parts if isinstance(part, bytes)]
    if len(lines) != len(parts) - 1 or parts[-1] != "flush" or not lines:
        raise NotUnderstood("no greeting of git-receive-pack")
    first, nul, words = lines[0].partition(b"\0")
    can = frozenset(words.decode("utf-8", "replace").split())
    if not nul or not can >= _NEEDED:
        raise NotUnderstood("a host that can do too little")
    rows = (line.decode("utf-8", "backslashreplace").rstrip("\n").partition(" ") for line in (first, *lines[1:]))
    seen = [(name, oid) for oid, _, name in rows if oid.strip("0")]
    return Greeting(can, dict(seen), frozenset(oid for _, oid in seen))


def stale(host: Greeting, commands: Sequence[Command]) -> Verdict | None:
    """What git would say without asking further, where a ref is not what is to be replaced.

    NotUnderstood where one is already what it is to become: git leaves it out of the push.
    """
    if any(one.new and host.refs.get(one.ref) == one.new for one in commands):
        raise NotUnderstood("some of it is there already")
    moved = [one.ref for one in commands if host.refs.get(one.ref) != one.old]
    return Verdict(refs=dict.fromkeys(moved, "stale info")) if moved else None


class Greeted:
    """Whether a greeting is there to its end, asked again and again while it grows."""

    def __init__(self) -> None:
        self._place = 0

    def __call__(self, heard: bytearray) -> bool:
        """`heard`: all of it so far. NotUnderstood where it is none."""
        while self._place + 4 <= len(heard):
            size = length(bytes(heard[self._place : self._place + 4]))
            if size == 0:
                return True
            if self._place + size > len(heard):
                return False
            self._place += max(size, 4)
        return False


def replaced(commands: Sequence[Command]) -> set[str]:
    """What the host has if it takes them. Of what it deletes it may not: then it deletes whatever is there."""
    return {one.old for one in commands if one.old and one.new}


def request(commands: Sequence[Command], can: frozenset[str]) -> bytes:
    """All of `commands` or none, some of which make something; the pack follows. `can`: of the host."""
    wanted = ["atomic"]  # also for one: who stages hears of a host that cannot before it matters
    wanted += ["delete-refs"] if any(one.new is None for one in commands) else []
    if not can >= set(wanted):
        raise NotUnderstood(f"a host without {' '.join(sorted(set(wanted) - can))}")
    told = {"report-status", "report-status-v2", "side-band-64k", "atomic", "quiet", "object-format=sha256"} & can
    told -= {"report-status"} if "report-status-v2" in can else set()
    agent = ["agent=git/multigit"] if any(word.startswith("agent=") for word in can) else []
    words = " ".join([*sorted(told), *agent])
    lines = [f"{one.old or _nothing(one.new)} {one.new or _nothing(one.old)} {one.ref}" for one in commands]
    return b"".join(map(packet, [f"{lines[0]}\0 {words}", *lines[1:]])) + FLUSH


def _nothing(beside: Oid | None) -> str:
    return "0" * len(beside or "")


def landed(said: Verdict, commands: Sequence[Command]) -> bool:
    """Whether all of `commands` were done."""
    return not said.unpacked and not any(said.refs.get(command.ref, "?") for command in commands)


def verdict(data: bytes) -> Verdict:
    """Of the answer to `request`; NotUnderstood where it is cut short: then nobody knows what happened."""
    bands: dict[int, bytearray] = {_DATA: bytearray(), _ASIDE: bytearray(), _FATAL: bytearray()}
    for part in packets(data):
        if isinstance(part, bytes) and part[0] in bands:
            bands[part[0]] += part[1:]
    aside = bands[_ASIDE].decode("utf-8", "backslashreplace")
    if bands[_FATAL]:
        raise NotUnderstood(bands[_FATAL].decode("utf-8", "backslashreplace").strip())
    report = list(packets(bytes(bands[_DATA])))
    lines = [part.decode("utf-8", "backslashreplace").rstrip("\n") for part in report if isinstance(part, bytes)]
    if not lines or report[-1] != "flush" or not lines[0].startswith("unpack "):
        raise NotUnderstood(aside.strip() or "the host did not say what became of the push")
    words = [line.split(" ", 2) for line in lines[1:]]
    told = {row[1]: "" if row[0] == "ok" else row[2] if len(row) > 2 and row[2] else "no reason given" for row in words
            if row[0] in ("ok", "ng") and len(row) > 1}  # fmt: skip
    unpacked = lines[0].removeprefix("unpack ")
    return Verdict("" if unpacked == "ok" else unpacked, told, aside)
