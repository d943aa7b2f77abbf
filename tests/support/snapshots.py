"""What a folder holds, byte for byte: to show that a command left somebody's work alone."""

from __future__ import annotations

import os
from pathlib import Path


def snapshot(*folders: Path) -> dict[str, tuple[int, bytes]]:
    """Path -> mode and content (of a link: where it points) of everything below `folders`, `.git` included."""
    found: dict[str, tuple[int, bytes]] = {}
    for folder in folders:
        for path in (folder, *sorted(folder.rglob("*"))):
            status = path.lstat()
            if path.is_symlink():
                content = os.fsencode(path.readlink())
            else:
                content = path.read_bytes() if path.is_file() else b""
            found[str(path)] = (status.st_mode, content)
    return found


def changed(before: dict[str, tuple[int, bytes]], after: dict[str, tuple[int, bytes]]) -> list[str]:
    """Paths that are not as they were, gone and new ones included."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
