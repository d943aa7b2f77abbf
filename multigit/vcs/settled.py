"""The person's transport settings from an earlier command, so that one with nothing to do starts no git at all.

Believed while git and every file it would read are what they were. What could hold a secret, or depends on more than
these files, is not kept.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from typing import Final

from multigit import caches

_SETTLED: Final = 2_000_000_000
"""Nanoseconds: a file that changed so recently may change again and bear the same time."""

_OPEN: Final = frozenset(("sslcainfo", "sslcapath", "sslverify", "postbuffer", "lowspeedlimit", "lowspeedtime",
                         "followredirects", "version", "useragent"))  # fmt: skip
"""Settings under http.* that never hold a secret; a proxy's address and a header may."""

Stamps = dict[str, list[int] | None]


def recall() -> bytes | None:
    """What `git config` listed last time; None where that is not known, or may have changed."""
    import json

    try:
        kept = json.loads(caches.read(_path()))
        listed, stamps = kept["listed"], kept["files"]
        if _git() in stamps and isinstance(listed, str) and stamps == {path: _stamp(path) for path in stamps}:
            return listed.encode()
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def files() -> set[str]:
    """What that depends on; empty where nothing is known."""
    import json

    if recall() is None:
        return set()
    return set(json.loads(caches.read(_path()))["files"])


def keep(listed: bytes, everything: Callable[[], bytes], before: Stamps) -> None:
    """Remember `listed`; `everything`: `git config --null --list --show-origin`, asked after `before` was stamped."""
    if any(_private(entry.partition("\n")[0].lower()) for entry in listed.decode("utf-8", "replace").split("\0")):
        return
    words = everything().decode("utf-8", "surrogateescape").split("\0")
    keys = [word.partition("\n")[0].lower() for word in words[1::2]]
    stamps = {path: _stamp(path) for path in (*before, *(word[5:] for word in words[::2] if word.startswith("file:")))}
    fresh = any(stamp and time.time_ns() - stamp[0] < _SETTLED for stamp in stamps.values())
    if fresh or any(_private(key) for key in keys) or any(stamps[path] != stamp for path, stamp in before.items()):
        return
    import json

    try:
        caches.write(_path(), json.dumps({"listed": _without_helpers(listed), "files": stamps}))
    except (OSError, UnicodeError):
        return


def stamps() -> Stamps:
    """git, and the files it reads if they are there (git-config(1), FILES)."""
    program = _git()
    beside = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(program))), "etc/gitconfig")  # noqa: PTH118, PTH120
    home, config = _home()
    files = (program, "/etc/gitconfig", beside, f"{home}/.gitconfig", f"{config or f'{home}/.config'}/git/config")
    return {path: _stamp(path) for path in files}


def _private(key: str) -> bool:
    """What may hold a secret, or names files that are read only at times."""
    if key.startswith("http."):
        return "@" in key or key.rpartition(".")[2] not in _OPEN
    return key.startswith("include") or (key.startswith(("url.http", "credential.")) and "@" in key)


def _without_helpers(listed: bytes) -> str:
    """A program that knows logins is only looked at by name of its setting."""
    entries = listed.decode().split("\0")
    return "\0".join(entry.partition("\n")[0] if entry.startswith("credential.") else entry for entry in entries)


def _home() -> tuple[str, str]:
    return os.environ.get("HOME", ""), os.environ.get("XDG_CONFIG_HOME", "")


def _git() -> str:
    return shutil.which("git") or ""


def _path() -> str:
    import hashlib

    return f"{caches.folder()}/settings/{hashlib.sha256(repr(_home()).encode()).hexdigest()[:40]}.json"


def _stamp(path: str) -> list[int] | None:
    try:
        seen = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return [seen.st_mtime_ns, seen.st_size, seen.st_ino]
