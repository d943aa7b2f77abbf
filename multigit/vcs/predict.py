"""What a merge would give, computed by `git merge-tree` (merge-ort, the engine of `git merge`) in a bare repository."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from multigit.model.fleet import Problem
from multigit.model.names import Oid
from multigit.vcs.run import GitError, Output, git

_SETTINGS: Final = (
    "merge.renames=true", "merge.directoryRenames=conflict", "merge.renameLimit=7000", "merge.conflictStyle=merge",
    "merge.renormalize=false", "core.autocrlf=false", "attr.tree=",
)  # fmt: skip
"""git's defaults, written down: the plan must be the same wherever it is computed."""
_TELLING: Final = re.compile(rb"\b(merge|text|eol|binary|crlf)\b")


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged tree; `conflicts` by path with git's type words where it is not the whole answer."""

    tree: Oid
    conflicts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def merge(path: Path, ours: Oid, theirs: Oid) -> Merged | None:
    """Merge `theirs` into `ours` in the bare repository `path`; None for unrelated histories."""
    with _attributes(path, ours) as scratch:
        output = _merge_tree(path, scratch, ours, theirs)
    if output.status not in (0, 1) and "unrelated histories" in output.err:
        return None
    tree, _, rest = output.out.partition(b"\0")
    if output.status not in (0, 1) or Oid.problem(tree.decode("ascii", "replace")):
        why = output.err.removeprefix("fatal: ").strip() or "an object of the history is missing"
        raise GitError("git merge-tree failed", Problem(kind="corrupt", why=why), output)
    return Merged(Oid(tree.decode()), _conflicts(rest) if output.status else {})


def _merge_tree(path: Path, scratch: Path | None, ours: Oid, theirs: Oid) -> Output:
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    args = (*settings, "merge-tree", "--write-tree", "-z", "--messages", ours, theirs)
    env = {"GIT_WORK_TREE": str(scratch)} if scratch else {}
    return git(*args, at=path, cwd=scratch, env=env, check=False, timeout=300)


def _conflicts(rest: bytes) -> dict[str, tuple[str, ...]]:
    """`<mode> <oid> <stage> TAB <path> NUL` …, an empty entry, then the messages (git-merge-tree(1), OUTPUT)."""
    entries = rest.split(b"\0")
    end = entries.index(b"") if b"" in entries else len(entries)
    paths = dict.fromkeys(entry.partition(b"\t")[2] for entry in entries[:end])
    kinds: dict[bytes, list[str]] = {path: [] for path in paths}
    for names, kind in _messages(entries[end + 1 :]):
        for name in names:
            if name in kinds and kind not in kinds[name]:
                kinds[name].append(kind)
    return {path.decode("utf-8", "backslashreplace"): tuple(found) or ("contents",) for path, found in kinds.items()}


def _messages(entries: Sequence[bytes]) -> Iterator[tuple[Sequence[bytes], str]]:
    """`<count> NUL <path> NUL … <type> NUL <text> NUL`: the paths and the type word of each conflict."""
    at = 0
    while at < len(entries) and entries[at].isdigit():
        names = entries[at + 1 : at + 1 + int(entries[at])]
        at += 1 + len(names)
        found = re.fullmatch(r"CONFLICT \((.*)\)", entries[at].decode("utf-8", "replace"))
        if found:
            yield names, found[1]
        at += 2


@contextlib.contextmanager
def _attributes(path: Path, commit: Oid) -> Iterator[Path | None]:
    """A scratch work tree that holds the .gitattributes of `commit`, where they say anything about merging.

    Git ignores them in a bare repository. A driver that they name is not defined there, so git merges as text.
    """
    listing = git("ls-tree", "-r", "-z", "--full-tree", commit, at=path, check=False).out.split(b"\0")
    files = dict(_attribute_files(listing))
    if not files:
        yield None
        return
    stdin = "".join(f"{oid}\n" for oid in files.values()).encode()
    blobs = _blobs(git("cat-file", "--batch", at=path, stdin=stdin).out)
    if not any(_TELLING.search(blob) for blob in blobs):
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="multigit-") as folder:
        for name, blob in zip(files, blobs, strict=True):
            place = Path(folder) / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(blob)
        yield Path(folder)


def _attribute_files(listing: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """Path and object id of each regular .gitattributes file whose path stays inside."""
    for entry in listing:
        if not entry.endswith(b".gitattributes"):
            continue
        head, _, raw = entry.partition(b"\t")
        mode, _, oid = head.decode().split(" ")
        path = PurePosixPath(raw.decode("utf-8", "surrogateescape"))
        inside = not path.is_absolute() and not {"..", ".git"} & {part.lower() for part in path.parts}
        if path.name == ".gitattributes" and mode.startswith("100") and inside:
            yield str(path), oid


def _blobs(batch: bytes) -> list[bytes]:
    found = []
    while batch:
        head, _, batch = batch.partition(b"\n")
        size = int(head.split()[2])
        found.append(batch[:size])
        batch = batch[size + 1 :]
    return found
