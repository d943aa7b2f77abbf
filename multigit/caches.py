"""Small files under the user's cache: private, bounded in number, safe to delete. Little is imported here."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

MOST: Final = 20
_WRITE: Final = 0o022


def folder() -> str:
    """The folder of multigit in the user's cache, which may not exist yet."""
    named, home = os.environ.get("XDG_CACHE_HOME", ""), os.environ.get("HOME", "")
    if sys.platform == "linux" and (named or home).startswith("/"):  # what platformdirs says there, without loading it
        return f"{named or f'{home}/.cache'}/multigit"
    from platformdirs import user_cache_dir

    return user_cache_dir("multigit")


def ours(path: str, sort: int, nobody_else: int = 0o077) -> bool:
    """Whether `path` is of this sort (stat(2): 0o040000 folder, 0o100000 file), ours, and nobody else's business."""
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    return seen.st_mode & 0o170000 == sort and seen.st_uid == os.getuid() and not seen.st_mode & nobody_else


def fit(path: str) -> None:
    """Make an empty file of ours at `path`, where there is none; OSError where others may write to its folder.

    A file that others may write to, or wrote, is not believed: it gives way.
    """
    from pathlib import Path

    place = Path(path)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not ours(str(place.parent), 0o040000, _WRITE):
        raise PermissionError(path)
    try:
        _make(path)
    except FileExistsError:  # also where another one of us has just made it: that one must not give way
        if not ours(path, 0o100000, _WRITE):
            place.unlink(missing_ok=True)
            with suppress(FileExistsError):
                _make(path)


def _make(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def read(path: str) -> str:
    """The text of a file of ours; OSError where there is none, or where it is not ours alone."""
    if not (ours(os.path.dirname(path), 0o040000) and ours(path, 0o100000)):  # noqa: PTH120
        raise PermissionError(path)
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        return file.read()


def write(path: str, text: str, most: int = MOST) -> None:
    """Put `text` there in one go, readable by its owner alone; only the newest `most` files of the folder stay."""
    import tempfile
    from pathlib import Path

    place = Path(path)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, fresh = tempfile.mkstemp(dir=place.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(fresh).replace(place)
    files = sorted(place.parent.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in files[most:]:
        old.unlink(missing_ok=True)
