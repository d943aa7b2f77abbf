"""Which connections a configuration opened last time: a hint for the next run, so that it can open them first.

Believed for opening connections and for nothing else. It holds while repos.yaml and the person's git configuration are
the files they were. Little is imported here (see opening.py).
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Final

from multigit import caches
from multigit.vcs.ssh.opening import Place

_WHOSE: Final = ("HOME", "XDG_CONFIG_HOME")
"""Which files are a person's git configuration."""


Web = tuple[str, str, int, str, int]
"""Scheme, host and port, the file of authorities, and how many connections."""


def recall(digest: str) -> tuple[list[Place], list[Web]]:
    """What the configuration with this sha256 opened last time; none where that is not known, or may be otherwise."""
    import json

    try:
        kept = json.loads(caches.read(_path(digest)))
        if kept["home"] != _home() or any(_stamp(path) != stamp for path, stamp in kept["files"].items()):
            return [], []
        ssh = [(str(user), str(host), int(port)) for user, host, port in kept["places"] if _plain(user, host)]
        web = [(str(way), str(host), int(port), str(file), int(n)) for way, host, port, file, n in kept["web"]]
        return ssh, web
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [], []


def keep(digest: str, places: Collection[Place], web: Collection[Web] = ()) -> None:
    """Remember them, if something is to be remembered that is not known."""
    if not (places or web) or recall(digest) == (sorted(places), sorted(web)):
        return
    import json

    files = {path: _stamp(path) for path in _consulted()}
    kept = {"home": _home(), "files": files, "places": sorted(places), "web": sorted(web)}
    try:
        caches.write(_path(digest), json.dumps(kept))
    except OSError:
        return


def _path(digest: str) -> str:
    return f"{caches.folder()}/connections/{digest[:40]}.json"


def _home() -> list[str]:
    return [os.environ.get(name, "") for name in _WHOSE]


def _plain(*words: str) -> bool:
    """Nothing that ssh or a shell could take for an option or a command."""
    return all(not word.startswith("-") and all(c.isalnum() or c in "._-:" for c in word) for word in words)


def _stamp(path: str) -> list[int] | None:
    try:
        seen = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return [seen.st_mtime_ns, seen.st_size, seen.st_ino]


def _consulted() -> set[str]:
    """The files of the person's git configuration, and those that would be if they existed (git-config(1), FILES)."""
    from multigit.vcs import settled

    if files := settled.files():
        return files
    from multigit.vcs.run import git

    home, config = _home()
    out = git("config", "--null", "--list", "--show-origin", check=False).out.decode("utf-8", "surrogateescape")
    found = {word[5:] for word in out.split("\0")[::2] if word.startswith("file:")}
    return found | {"/etc/gitconfig", f"{home}/.gitconfig", f"{config or f'{home}/.config'}/git/config"}
