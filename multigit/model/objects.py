"""Git objects as pure functions: what a commit or tag will look like, and so its id, before git has seen it.

That is what lets a plan name the exact commits it will publish, and lets any machine rebuild them.
Formats: git's Documentation/gitformat-* and `git cat-file -p`; checked against git by tests.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

from multigit.model.names import Oid, Tag
from multigit.model.signatures import of_tag

EMPTY_TREE = {40: Oid("4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
              64: Oid("6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321")}  # fmt: skip

_CRUD = "".join(map(chr, range(33))) + ".,:;\"'\\"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who and when, as git writes it: `Name <email> seconds +zone`. `when` must be aware."""

    name: str
    email: str
    when: datetime

    def line(self) -> str:
        """The text after `author `, `committer ` or `tagger `."""
        offset = self.when.utcoffset()
        minutes = int(offset.total_seconds()) // 60 if offset else 0
        sign = "-" if minutes < 0 else "+"
        zone = f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
        return f"{_clean(self.name) or 'unknown'} <{_clean(self.email)}> {int(self.when.timestamp())} {zone}"


@dataclass(frozen=True, kw_only=True)  # no slots: the id is kept with it
class NewCommit:
    """A commit to be made: its content decides its id."""

    tree: Oid
    parents: tuple[Oid, ...]
    message: str
    by: Signature

    def body(self) -> bytes:
        """The object's bytes, as `git cat-file commit` prints them."""
        lines = [f"tree {self.tree}", *(f"parent {parent}" for parent in self.parents)]
        lines += [f"author {self.by.line()}", f"committer {self.by.line()}"]
        return ("\n".join(lines) + "\n\n" + self.message.rstrip("\n") + "\n").encode()

    @cached_property
    def oid(self) -> Oid:
        """The id git gives it; sha-1 or sha-256 by the length of the tree's id."""
        return object_id("commit", self.body(), like=self.tree)


@dataclass(frozen=True, kw_only=True)  # no slots: the id is kept with it
class NewTag:
    """An annotated tag to be made on `commit`."""

    tag: Tag
    commit: Oid
    message: str
    by: Signature
    signature: str = ""
    """Armored; over the body without it (model/signatures.py)."""

    def body(self) -> bytes:
        """The object's bytes, as `git cat-file tag` prints them."""
        head = f"object {self.commit}\ntype commit\ntag {self.tag}\ntagger {self.by.line()}"
        return (head + "\n\n" + self.message.rstrip("\n") + "\n" + self.signature).encode()

    @cached_property
    def oid(self) -> Oid:
        """The id git gives it."""
        return object_id("tag", self.body(), like=self.commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagObject:
    """An annotated tag as somebody made it; `by` is its whole tagger line, '' where there is none."""

    object: str
    type: str
    tag: str
    by: str
    message: str
    """Without the signature."""
    signature: str = ""
    payload: bytes = b""
    """What the signature is over."""

    def told(self, trailer: str) -> tuple[str, ...]:
        """The values of `trailer` in the last paragraph of its message, which no operator's words are in."""
        last = self.message.rstrip("\n").rpartition("\n\n")[2]
        lines = (line.partition(": ") for line in last.split("\n"))
        return tuple(value for name, _, value in lines if name == trailer)


def parse_tag(body: bytes) -> TagObject:
    """Read what `git cat-file tag` prints; ValueError where it is no tag object."""
    payload, signature = of_tag(body)
    head, _, message = payload.decode("utf-8", "replace").partition("\n\n")
    # As git reads it: lines end at a line feed only, and the first one of a name counts.
    fields = dict(line.split(" ", 1) for line in reversed(head.split("\n")) if " " in line)
    if missing := [name for name in ("object", "type", "tag") if name not in fields]:
        raise ValueError(f"a tag object names its {missing[0]}")
    return TagObject(object=fields["object"], type=fields["type"], tag=fields["tag"], by=fields.get("tagger", ""),
                     message=message, signature=signature, payload=payload)  # fmt: skip


def object_id(kind: str, body: bytes, *, like: Oid) -> Oid:
    """Id of an object of `kind`, in the hash that `like` is written in."""
    digest = hashlib.sha1(usedforsecurity=False) if len(like) == 40 else hashlib.sha256()
    digest.update(f"{kind} {len(body)}\0".encode() + body)
    return Oid(digest.hexdigest())


@lru_cache(maxsize=256)
def _clean(text: str) -> str:
    """Git drops the characters that would end the field (ident.c, strbuf_addstr_without_crud)."""
    return "".join(c for c in text if c not in "<>\n\0").strip(_CRUD)
