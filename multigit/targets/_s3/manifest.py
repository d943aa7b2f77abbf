"""What a release of a site consists of, as kept in the bucket: `.multigit/releases/<id>.json`. Pure; not a target.

Beside it lie `.multigit/kept/<sha256>`, what a kept release had under a name that has other content by now, and
`.multigit/tickets/<id>.json`, written when the deployment has nothing more to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from multigit.errors import MultigitError
from multigit.model.target import Release

SCHEMA: Final = "multigit.site/1"
OWN: Final = ".multigit/"
RELEASES: Final = f"{OWN}releases/"
KEPT: Final = f"{OWN}kept/"
TICKETS: Final = f"{OWN}tickets/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file, as it should be there."""

    sha256: str
    etag: str
    """What S3 calls it where nothing but the content counts; with a key of KMS it is something else."""
    size: int
    type: str
    cache: str
    again: bool = False
    """It was there before with this content, but nobody knows what it was sent with: it is sent in any case."""

    def is_sent_like(self, other: Entry) -> bool:
        return (self.type, self.cache) == (other.type, other.cache)

    def is_like(self, other: Entry | None) -> bool:
        """Same content, sent with the same."""
        return other is not None and self.sha256 == other.sha256 and self.is_sent_like(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One release. Of what goes back, `root` is the release that it was first; otherwise its own id."""

    release: str
    root: str
    commit: str
    tag: str
    deployment: str
    step: str
    index: str
    before: tuple[tuple[str, str], ...]
    """Id and root of the releases that served before, the last one first, each root once."""
    files: Mapping[str, Entry]
    etags: Mapping[str, str] = field(default_factory=dict)
    """ETags that S3 gave and that are not what `files` says: of copies, and where a key of KMS is used."""

    @property
    def path(self) -> str:
        return manifest_path(self.release)

    @property
    def tree(self) -> str:
        """One digest of all files and what they are sent with."""
        return tree(self.files)

    def names(self, path: str, etag: str) -> bool:
        """Whether an object of this ETag is the one that this release has at `path`."""
        one = self.files.get(path)
        return one is not None and etag in (one.etag, self.etags.get(path))


def tree(files: Mapping[str, Entry]) -> str:
    """One digest of files and what they are sent with."""
    rows = sorted((path, one.sha256, one.type, one.cache) for path, one in files.items())
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def release_id(release: Release) -> str:
    """The same for every try of one step of one deployment; may stand in a key and in a header."""
    return f"{release.commit}-{hashlib.sha256(release.token.encode()).hexdigest()[:12]}"


def manifest_path(release: str) -> str:
    """Where the manifest of a release lies, below the prefix."""
    return f"{RELEASES}{release}.json"


def ticket_path(release: str) -> str:
    """Where it is noted that a release's deployment did all it had to."""
    return f"{TICKETS}{release}.json"


def to_json(manifest: Manifest) -> bytes:
    """One line per file, so that two of them can be compared by eye."""
    head = {name: getattr(manifest, name) for name in
            ("release", "root", "commit", "tag", "deployment", "step", "index", "before", "etags")}  # fmt: skip
    lines = [json.dumps(path, ensure_ascii=False) + ": " + _line(one) for path, one in sorted(manifest.files.items())]
    top = json.dumps({"schema": SCHEMA, **head}, ensure_ascii=False)[:-1]
    return (top + ', "files": {\n' + ",\n".join(lines) + "\n}}\n").encode()


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry) if entry.again else {k: v for k, v in asdict(entry).items() if k != "again"})


def from_json(text: bytes, path: str) -> Manifest:
    """MultigitError where it is not one, or one of a newer multigit."""
    try:
        found: dict[str, Any] = json.loads(text)
        if found.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        files = {name: Entry(**one) for name, one in found.pop("files").items()}
        before = tuple((str(one), str(root)) for one, root in found.pop("before"))
        return Manifest(files=files, before=before, **found)
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise MultigitError(f"{path} cannot be read", code="MG-832", state="nothing was changed",
                            why=f"it is no manifest of this version of multigit: {problem}",
                            hint="a newer multigit; or remove it: what only it names stays") from None  # fmt: skip


def with_etags(manifest: Manifest, given: Mapping[str, str]) -> Manifest:
    """The same, knowing what S3 called what was sent."""
    odd = {path: etag for path, etag in given.items() if etag != manifest.files[path].etag}
    return replace(manifest, etags={**manifest.etags, **odd})
