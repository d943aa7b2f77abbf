"""The objects that this process wrote, and packs of them for hosts that have the rest.

What was made here is small (commits, tags, fences, the trees of merges), and what it builds on is known: for a push
of it nobody need ask which objects the host lacks.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from multigit.model.names import Oid
from multigit.model.objects import EMPTY_TREE
from multigit.vcs.mirror import Mirror
from multigit.vcs.pushwire import Command
from multigit.vcs.run import git
from multigit.vcs.wire import NotUnderstood

_REFERS: Final = re.compile(rb"(?:parent|object) ([0-9a-f]+)")


class Made(NamedTuple):
    """A commit or a tag: its parents, or what it names."""

    kind: str
    body: bytes
    refers: tuple[Oid, ...]

    @property
    def tree(self) -> str:
        """A commit's; '' of a tag."""
        return self.body[5 : self.body.index(b"\n")].decode() if self.kind == "commit" else ""


_made: Final[dict[str, Made]] = {}


def note(oid: Oid, kind: str, body: bytes) -> None:
    """Remember that the object is in a mirror now."""
    if kind in ("commit", "tag"):
        head = body.partition(b"\n\n")[0].split(b"\n")
        found = (_REFERS.fullmatch(line) for line in head)
        _made[oid] = Made(kind, body, tuple(Oid(match[1].decode()) for match in found if match))


def parents(oid: Oid) -> tuple[Oid, ...]:
    """Of a commit that was made here; () of any other."""
    known = _made.get(oid)
    return known.refers if known and known.kind == "commit" else ()


def tips(commands: Sequence[Command]) -> list[Oid]:
    """What a push of `commands` makes known; NotUnderstood where git has to push: not all of it was made here."""
    found = [command.new for command in commands if command.new]
    if not found or any(command.old == command.new for command in commands):
        raise NotUnderstood("nothing is made")
    if not any(oid in _made for oid in found):
        raise NotUnderstood("it was not made here")
    return found


def whole(has: Collection[str]) -> set[str]:
    """`has`, and what of ours it refers to: a host that has an object has all of that."""
    found = set(has)
    left = [oid for oid in has if oid in _made]
    while left:
        more = set(_made[left.pop()].refers) - found
        found |= more
        left += [oid for oid in more if oid in _made]
    return found


def lacking(tips: Sequence[Oid], has: Collection[str]) -> dict[str, Made]:
    """What a host lacks of `tips` that has all of `has`; NotUnderstood where that is not known, or may be much."""
    found: dict[str, Made] = {}
    left: list[str] = list(tips)
    while left:
        oid = left.pop()
        if oid in has or oid in found:
            continue
        known = _made.get(oid)
        if known is None or not _small(known):
            raise NotUnderstood("the host may lack what was not made here")
        found[oid] = known
        left += known.refers
    return found


def _small(one: Made) -> bool:
    """A merge has nothing but what its sides have, and merged files; a commit on one parent may bring anything."""
    return not one.tree or _empty(one.tree) or len(one.refers) > 1


def _empty(tree: str) -> bool:
    return tree == EMPTY_TREE[len(tree)]


def pack(mirror: Mirror, lacking: dict[str, Made], has: Collection[str], timeout: float) -> bytes:
    """A pack of what is `lacking` at a host that `has` what they build on; GitError where our copy lacks it, too."""
    trees = {one.tree for one in lacking.values() if one.tree}
    if all(_empty(tree) for tree in trees) and not any(len(oid) == 64 for oid in (*lacking, *has)):
        return _plain_pack([(one.kind, one.body) for one in lacking.values()] + [("tree", b"") for _ in trees])
    built_on = {oid for one in lacking.values() for oid in one.refers} & set(has)
    stdin = "".join([*(f"{oid}\n" for oid in lacking), *(f"^{oid}\n" for oid in built_on)]).encode()
    options = ("--revs", "--stdout", "--thin", "--delta-base-offset", "-q")
    return git("pack-objects", *options, at=mirror.path, stdin=stdin, timeout=timeout).out


def _plain_pack(objects: Sequence[tuple[str, bytes]]) -> bytes:
    """Without a process, and without deltas."""
    from gitdb.base import OStream  # type: ignore[import-untyped]  # here: it is slow to import
    from gitdb.pack import PackEntity  # type: ignore[import-untyped]

    out = io.BytesIO()
    streams = [OStream(b"", kind.encode(), len(body), io.BytesIO(body)) for kind, body in objects]
    PackEntity.write_pack(streams, out.write)
    return out.getvalue()
