"""The folder with the built site, read once: every file with its checksums and what it is sent with. Not a target."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from multigit.errors import MultigitError
from multigit.lanes import each
from multigit.targets._s3.headers import cache_control, content_type
from multigit.targets._s3.manifest import OWN, Entry

PART: Final = 16 << 20
"""Bytes of one part of a file that is sent in parts."""
WHOLE: Final = 4 * PART
"""Larger files are sent in parts."""
MOST: Final = 5 << 30
"""Bytes: no more can be copied at once (CopyObject), so no more could be kept for a rollback."""
_HINT: Final = "build the site, or mend `source` in repos.yaml"
_LONGEST: Final = 1024
"""Bytes of a key (S3)."""
_NEVER: Final = frozenset({".git", ".hg", ".svn", ".aws", ".ssh", ".npmrc", ".netrc", ".htpasswd"})
_LITTER: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True)
class Built:
    """The files by their path in the site, and where they lie."""

    files: Mapping[str, Entry]
    places: Mapping[str, Path]

    @property
    def decomposed(self) -> list[str]:
        """Names that are not written as keyboards write them (NFC), as macOS makes them."""
        return [path for path in self.files if not unicodedata.is_normalized("NFC", path)]


def built(folder: Path, index: str, wishes: Mapping[str, str], lanes: int) -> Built:
    """Read all of `folder`. MultigitError where it is no built site, or holds what must not be published."""
    if not folder.is_dir():
        raise MultigitError(f"{folder}: there is no such folder", why="the built site should be in it", code="MG-830",
                            state="nothing was uploaded", hint=_HINT)  # fmt: skip
    places = dict(sorted(_walk(folder, folder.resolve())))
    if index not in places:
        what = "is empty" if not places else f"has no {index}"
        raise MultigitError(f"{folder} {what}", why="that is no built site", code="MG-830",
                            state="nothing was uploaded", hint=_HINT)  # fmt: skip
    entries = each(lambda item: _entry(*item, wishes), places.items(), lanes)
    return Built(dict(zip(places, entries, strict=True)), places)


def _walk(folder: Path, root: Path, before: str = "", above: tuple[Path, ...] = ()) -> Iterator[tuple[str, Path]]:
    """Path in the site and on disk. Links are followed as long as they stay inside."""
    real = folder.resolve()
    if real in above:
        raise _unfit(before.rstrip("/"), "a link leads back to a folder that it is in")
    with os.scandir(folder) as found:
        for one in found:
            path = before + one.name
            if one.name in _LITTER:
                continue
            _check_name(path, one.name)
            if one.is_symlink():
                _check_link(path, Path(one.path), root)
            if one.is_dir():
                yield from _walk(Path(one.path), root, f"{path}/", (*above, real))
            else:
                yield path, Path(one.path)


def _check_name(path: str, name: str) -> None:
    if name in _NEVER or name == ".env" or name.startswith(".env."):
        raise _unfit(path, "that is never meant to be published; is `source` the folder that was built?")
    if f"{path}/".startswith(OWN):
        raise _unfit(path, f"{OWN} in the bucket is for multigit's own records")
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
        raise _unfit(path, "its name is not UTF-8, or has control characters")
    if len(os.fsencode(path)) > _LONGEST - 128:  # room for a prefix
        raise _unfit(path, "its name is longer than S3 takes")


def _check_link(path: str, place: Path, root: Path) -> None:
    try:
        target = place.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
        raise _unfit(path, "a link that leads nowhere") from None
    if not target.is_relative_to(root):
        raise _unfit(path, f"a link that leads out of the folder, to {target}")


def _entry(path: str, place: Path, wishes: Mapping[str, str]) -> Entry:
    """The ETag of what is sent whole is its MD5."""
    sha, parts, size = hashlib.sha256(), list[bytes](), 0
    try:
        if not stat.S_ISREG(place.stat().st_mode):  # opening a pipe would wait for ever
            raise _unfit(path, "it is no file")
        with place.open("rb") as file:
            length = os.fstat(file.fileno()).st_size
            if length > MOST:
                raise _unfit(path, f"{length} bytes; more than 5 GB cannot be kept for a rollback")
            whole = length <= WHOLE
            while (chunk := file.read(WHOLE if whole else PART)) or not parts:
                sha.update(chunk)
                parts.append(hashlib.md5(chunk, usedforsecurity=False).digest())
                size += len(chunk)
    except OSError as problem:
        raise _unfit(path, f"it cannot be read: {problem.strerror or problem}") from None
    etag = parts[0].hex() if whole else etag_of(parts)
    return Entry(
        sha256=sha.hexdigest(), etag=etag, size=size, type=content_type(path), cache=cache_control(path, wishes)
    )


def etag_of(parts: Sequence[bytes]) -> str:
    """Of what was sent in parts, from the MD5 of each."""
    return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"


def _unfit(path: str, why: str) -> MultigitError:
    shown = path.encode("utf-8", "backslashreplace").decode()
    return MultigitError(f"{shown} cannot be in a site", why=why, state="nothing was uploaded", code="MG-831")
