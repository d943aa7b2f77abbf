"""Histories of stg and main in a bare repository: each commit by one `git fast-import`, trees known without git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from multigit.model.fleet import Pair
from multigit.model.names import Branch, Oid, RepoName
from multigit.model.objects import EMPTY_TREE, object_id
from multigit.model.trailers import ABSORBS, RESTORES
from multigit.vcs import merging
from multigit.vcs.mirror import Mirror
from tests.support.gitkit import Bare, bare

STG, MAIN = Branch("stg"), Branch("main")
Files = Mapping[str, str]
"""Path (no folders) -> text."""


@dataclass(frozen=True, slots=True)
class Doc:
    """A file by what it was called first: developers change its path and its top, hotfixes its bottom."""

    path: str
    top: str = "top"
    bottom: str = "bottom"


Docs = Mapping[str, Doc]


def written(docs: Docs) -> dict[str, str]:
    """The files that these are: no two alike, and top and bottom far apart."""
    return {doc.path: f"{doc.top}\n{_middle(name)}{doc.bottom}\n" for name, doc in docs.items()}


def _middle(name: str) -> str:
    return "".join(f"line {number} of {name}, which nobody touches\n" for number in range(12))


def merged(feature: Docs, hot: Docs) -> dict[str, Doc]:
    """What a merge of both comes to: everything of `feature`; of `hot` the bottoms, and the files only it has."""
    fixed = {name: doc.bottom for name, doc in hot.items() if doc.bottom != "bottom"}
    kept = {name: replace(doc, bottom=fixed.get(name, doc.bottom)) for name, doc in feature.items()}
    return kept | {name: doc for name, doc in hot.items() if name.startswith("hot")}


def tree_id(files: Files) -> Oid:
    """The id git gives a tree of these files."""
    like = EMPTY_TREE[40]
    rows = sorted((path.encode(), object_id("blob", text.encode(), like=like)) for path, text in files.items())
    return object_id("tree", b"".join(b"100644 %s\0%s" % (path, bytes.fromhex(oid)) for path, oid in rows), like=like)


def absorbing(pair: Pair) -> str:
    """Message of the merge commit that a plan would make."""
    return "Merge\n\n" + "\n".join(f"{ABSORBS}: {oid}" for oid in pair.absorbs)


def taking_back() -> str:
    """Message of a restore commit."""
    return f"Roll main back\n\n{RESTORES}: deploy-20260101-000000"


@dataclass(slots=True)
class History:
    """A bare repository that is used as its own mirror: nothing has to be fetched."""

    host: Bare
    number: int = 0

    @classmethod
    def make(cls, folder: Path) -> History:
        return cls(bare(folder))

    @property
    def mirror(self) -> Mirror:
        return Mirror(RepoName("api"), self.host.url, self.host.path)

    def head(self, branch: str) -> Oid:
        found = self.host.head(branch)
        assert found
        return found

    def parents(self, branch: str) -> tuple[Oid, ...]:
        return tuple(oid for oid in [self.host.head(branch)] if oid)

    def commit(self, branch: str, files: Files, message: str = "change", *parents: Oid) -> Oid:
        """All of `files` and nothing else, on `parents` (by default the branch), which becomes the branch's head."""
        self.number += 1
        said, when = message.encode(), 1_700_000_000 + self.number
        lines = [f"commit refs/heads/{branch}", "mark :1", f"committer Kim <kim@example.invalid> {when} +0900"]
        script = "\n".join(lines).encode() + b"\ndata %d\n%s\n" % (len(said), said)
        above = zip(("from", "merge", "merge"), parents or self.parents(branch), strict=False)
        script += b"".join(f"{word} {oid}\n".encode() for word, oid in above) + b"deleteall\n"
        for path, text in files.items():
            script += f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n".encode()
        return Oid(self.host.git("fast-import", "--quiet", "--force", stdin=script + b"get-mark :1\n"))

    def join(self, branch: str, tree: str, message: str, *parents: Oid) -> Oid:
        """A commit whose tree is known; the branch moves there."""
        return self.host.commit_tree(tree, parents or self.parents(branch), message, on=branch)

    def tree(self, rev: str) -> Oid:
        return Oid(self.host.git("rev-parse", f"{rev}^{{tree}}"))

    def differ(self, a: str, b: str) -> list[str]:
        """Paths that are not the same in two trees."""
        return self.host.git("diff-tree", "-r", "--no-renames", "--name-only", a, b).splitlines()

    def has(self, rev: str, path: str) -> str | None:
        """The file's text without the last line break; None where it is not there."""
        found = self.host.git("ls-tree", rev, "--", path)
        return self.host.git("cat-file", "blob", f"{rev}:{path}") if found else None

    def compare(self, source: Branch = STG, target: Branch = MAIN, *, back: bool = False) -> Pair:
        """What merging means, by the production code."""
        heads = self.host.head(source), self.host.head(target)
        return merging.compare(
            self.mirror, source=source, target=target, source_oid=heads[0], target_oid=heads[1], back=back
        )
