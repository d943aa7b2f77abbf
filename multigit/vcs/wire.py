"""The part of git's wire protocol that answers "what is where": pure bytes in, refs out (git: gitprotocol-v2, -pack).

Whatever is not understood is NotUnderstood, and the caller asks git itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from multigit.model.names import Oid

FLUSH: Final = b"0000"
_DELIMITER: Final = b"0001"
_SPECIAL: Final = {0: "flush", 1: "delimiter", 2: "end"}
_LONGEST: Final = 65520


class NotUnderstood(Exception):
    """The host speaks something else, or less, than was expected."""


class NoRoom(NotUnderstood):
    """The host takes no more at once, for now."""


class Unheard(Exception):
    """What was asked may have been done: it was sent, and no answer came."""


@dataclass(frozen=True, slots=True)
class RefSeen:
    """A ref of a remote. `peeled`: the commit an annotated tag stands for, else None."""

    oid: Oid
    peeled: Oid | None


def request(patterns: Sequence[str]) -> bytes:
    """A v2 `ls-refs` for full refs, some of them with `*`, as one command."""
    wanted = dict.fromkeys(f"ref-prefix {pattern.partition('*')[0]}\n" for pattern in patterns)
    lines = [packet("command=ls-refs\n"), _DELIMITER, packet("peel\n"), *map(packet, wanted)]
    return b"".join(lines) + FLUSH


def packet(text: str) -> bytes:
    """One pkt-line (gitprotocol-common)."""
    data = text.encode()
    return b"%04x" % (len(data) + 4) + data


def answer(data: bytes, patterns: Sequence[str]) -> dict[str, RefSeen]:
    """The refs in the answer to `request`, those alone that match `patterns`."""
    parts = list(packets(data))
    if not parts or parts[-1] != "flush" or "flush" in parts[:-1]:
        raise NotUnderstood("the answer was cut short")
    return _chosen((_listed(part) for part in parts[:-1] if isinstance(part, bytes)), patterns)


def conversation(data: bytes, patterns: Sequence[str]) -> dict[str, RefSeen]:
    """The same of all that `git-upload-pack` said to a request which was sent without waiting for its greeting."""
    parts = list(packets(data))
    if not parts or "flush" not in parts:
        raise NotUnderstood("the answer was cut short")
    greeting = parts.index("flush")
    if parts[0] == b"version 2\n":
        rest = parts[greeting + 1 :]
        if "flush" not in rest:
            raise NotUnderstood("the answer was cut short")
        return _chosen((_listed(part) for part in rest[: rest.index("flush")] if isinstance(part, bytes)), patterns)
    return _chosen(_oldest(part for part in parts[:greeting] if isinstance(part, bytes)), patterns)


def packets(data: bytes) -> Iterator[bytes | str]:
    """What is in the pkt-lines; `flush`, `delimiter`, `end` for the special ones. NotUnderstood where cut short."""
    place = 0
    while place < len(data):
        size = length(data[place : place + 4])
        if size in _SPECIAL:
            yield _SPECIAL[size]
            place += 4
            continue
        if not 4 < size <= _LONGEST or place + size > len(data):
            raise NotUnderstood("a packet was cut short")
        part = data[place + 4 : place + size]
        if part.startswith(b"ERR "):
            raise NotUnderstood(part[4:].decode("utf-8", "replace").strip())
        yield part
        place += size


def length(digits: bytes) -> int:
    """Of a pkt-line, by its first four bytes; NotUnderstood where they are no number."""
    try:
        if len(digits) == 4 and digits.isalnum():  # int() would take signs, spaces and underscores as well
            return int(digits, 16)
    except ValueError:
        pass
    raise NotUnderstood("no length where one should be")


Row = tuple[str, RefSeen]


def _listed(line: bytes) -> Row:
    """`<oid> <ref>[ peeled:<oid>]` of ls-refs."""
    oid, _, rest = line.decode("utf-8", "backslashreplace").rstrip("\n").partition(" ")
    name, _, more = rest.partition(" ")
    if not name:
        raise NotUnderstood("a ref without a name")
    peeled = next((word[7:] for word in more.split(" ") if word.startswith("peeled:")), None) if more else None
    return name, RefSeen(_oid(oid), _oid(peeled) if peeled else None)


def _oldest(lines: Iterable[bytes]) -> Iterator[Row]:
    """The greeting of protocol v0: every ref, peeled tags as `<ref>^{}`; capabilities after the first one's NUL."""
    rows: dict[str, str] = {}
    for line in lines:
        oid, _, name = line.partition(b"\0")[0].decode("utf-8", "backslashreplace").rstrip("\n").partition(" ")
        if not oid.startswith("version"):
            rows[name] = oid
    for name, oid in rows.items():
        if not name.endswith("^{}"):
            yield name, RefSeen(_oid(oid), _oid(rows[f"{name}^{{}}"]) if f"{name}^{{}}" in rows else None)


def _chosen(rows: Iterable[Row], patterns: Sequence[str]) -> dict[str, RefSeen]:
    """A prefix matches more than was asked for."""
    wanted = matching(patterns)
    return {name: seen for name, seen in rows if wanted(name)}


def matching(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a full ref is one of `patterns`, in which `*` also stands for slashes. Fast: hosts have many tags."""
    exactly = frozenset(patterns)
    below = tuple(pattern[:-1] for pattern in patterns if re.fullmatch(r"[^*?\[]*\*", pattern))
    others = [pattern for pattern in patterns if "*" in pattern and pattern[:-1] not in below]

    def wanted(name: str) -> bool:
        return name in exactly or name.startswith(below) or any(fnmatchcase(name, one) for one in others)

    return wanted


def _oid(text: str) -> Oid:
    try:
        return Oid(text)
    except ValueError as error:
        raise NotUnderstood(str(error)) from error
