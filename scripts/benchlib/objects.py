"""git's objects made without git, so that a thousand repositories get their news in seconds."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PERSON = "Kim Min-su <kim@example.invalid>"


@dataclass(frozen=True, slots=True)
class Loose:
    """One object as git keeps it in a file of its own (gitformat-loose: objects/xx/…, compressed)."""

    oid: str
    packed: bytes

    @classmethod
    def of(cls, kind: str, body: bytes) -> Loose:
        whole = b"%s %d\0%s" % (kind.encode(), len(body), body)
        return cls(hashlib.sha1(whole, usedforsecurity=False).hexdigest(), zlib.compress(whole, 1))

    def write(self, git_dir: Path) -> None:
        """Put it into the repository at `git_dir`, unless it is there."""
        folder = git_dir / "objects" / self.oid[:2]
        file = folder / self.oid[2:]
        if not file.exists():
            folder.mkdir(exist_ok=True)
            file.write_bytes(self.packed)


class Line:
    """A branch that grows: `files` (path -> blob oid) as they are at `tip`."""

    def __init__(self, tip: str, files: Mapping[str, str]) -> None:
        self.tip = tip
        self.files = dict(files)

    def commit(self, number: int, message: str, changes: Mapping[str, str]) -> list[Loose]:
        """One commit with new content for some files; all objects it needs. `number` is its time in seconds."""
        blobs = {path: Loose.of("blob", text.encode()) for path, text in changes.items()}
        self.files |= {path: blob.oid for path, blob in blobs.items()}
        trees = _trees(self.files)
        made = commit(trees[-1].oid, self.tip, message, number)
        self.tip = made.oid
        return [*blobs.values(), *trees, made]


def commit(tree: str, parent: str, message: str, number: int) -> Loose:
    """A commit of `tree` on top of `parent`."""
    when = f"{_PERSON} {1_700_000_000 + number} +0900"
    return Loose.of("commit", f"tree {tree}\nparent {parent}\nauthor {when}\ncommitter {when}\n\n{message}\n".encode())


def tag(name: str, target: str) -> Loose:
    """An annotated tag of a commit."""
    text = f"object {target}\ntype commit\ntag {name}\ntagger {_PERSON} 1577836800 +0000\n\n{name}\n"
    return Loose.of("tag", text.encode())


def _trees(files: Mapping[str, str]) -> list[Loose]:
    """The trees of `files`, the root last."""
    made: list[Loose] = []

    def tree(level: Mapping[str, str]) -> str:
        folders: dict[str, dict[str, str]] = {}
        rows: dict[str, bytes] = {}
        for path, oid in level.items():
            first, _, rest = path.partition("/")
            if rest:
                folders.setdefault(first, {})[rest] = oid
            else:
                rows[first] = b"100644 %s\0%s" % (first.encode(), bytes.fromhex(oid))
        for name, below in folders.items():
            rows[f"{name}/"] = b"40000 %s\0%s" % (name.encode(), bytes.fromhex(tree(below)))
        made.append(Loose.of("tree", b"".join(rows[name] for name in sorted(rows))))
        return made[-1].oid

    tree(files)
    return made
