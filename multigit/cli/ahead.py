"""The first thing a verb that uses the network does: open the connections that it opened last time.

A handshake takes longer than loading the rest of multigit, so it goes on meanwhile. Whoever is not sure does nothing:
the verb opens what it needs in any case, and finds what is being opened (vcs/ssh/opening.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from multigit.vcs.hints import Web
    from multigit.vcs.ssh.opening import Place

VERBS: Final = frozenset((
    "status", "diff", "log", "history", "show", "verify", "pull", "clone", "plan", "promote", "hotfix", "push",
    "backmerge", "rollback", "resume", "abort", "hold", "approve", "deploy", "watch",
))  # fmt: skip
_FLAGS: Final = frozenset(("-q", "--quiet", "-v", "--verbose", "--json", "--no-input"))
"""What may stand before the verb; whatever else does is left to the parser."""
_HOME: Final = frozenset(("-h", "--help", "--no-fetch"))
"""Words that make a verb stay at home."""
_WAYS_OF_THEIR_OWN: Final = frozenset((
    "http_proxy", "https_proxy", "all_proxy", "git_ssl_cainfo", "git_ssl_capath", "git_ssl_no_verify", "git_ssl_cert",
    "git_ssl_key",
))  # fmt: skip
_LARGEST: Final = 1024 * 1024


def open_connections(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Begin what the verb of this command line will wait for."""
    verb = next((word for word in argv if word not in _FLAGS), "")
    if os.name != "posix" or verb not in VERBS or not _HOME.isdisjoint(argv):
        return
    try:
        digest = _digest(_file(argv))
        if not digest:
            return
        from multigit.vcs import hints

        ssh, web = hints.recall(digest)
        if ssh and not ("GIT_SSH" in environ or "GIT_SSH_COMMAND" in environ):
            _begin_ssh(ssh)
        if web and not any(name.lower() in _WAYS_OF_THEIR_OWN for name in environ):
            _begin_web(web)
    except (OSError, UnicodeError):
        return


def _begin_ssh(places: Sequence[Place]) -> None:
    from multigit.vcs.ssh import opening

    folder = opening.runtime_folder()
    for place in places if folder else ():
        opening.begin(place, str(folder))


def _begin_web(places: Sequence[Web]) -> None:
    import threading

    def begin() -> None:
        from multigit.vcs.web.pool import POOL, Place

        for scheme, host, port, file, count in places:
            POOL.begin(Place(scheme, host, port, file), count)

    threading.Thread(target=begin, daemon=True).start()  # what this loads takes as long as what the verb loads


def _file(words: Sequence[str]) -> str:
    """The repos.yaml that will be used (configfile.find); '' where that takes more thought."""
    for number, word in enumerate(words):
        if word in ("-f", "--file"):
            return words[number + 1] if number + 1 < len(words) else ""
        if word.startswith("--file="):
            return word[7:]
        if word.startswith("-") and not word.startswith("--") and "f" in word:
            return ""
    start = folder = os.getcwd()  # noqa: PTH109
    while True:
        path = os.path.join(folder, "repos.yaml")  # noqa: PTH118
        if os.path.isfile(path):  # noqa: PTH113
            return path if folder == start or os.stat(path).st_uid in (0, os.getuid()) else ""  # noqa: PTH116
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            return ""
        folder = above


def _digest(path: str) -> str:
    if not path or not os.path.isfile(path):  # noqa: PTH113
        return ""
    import hashlib

    with open(path, "rb") as file:  # noqa: PTH123
        text = file.read(_LARGEST + 1)
    return hashlib.sha256(text).hexdigest()
