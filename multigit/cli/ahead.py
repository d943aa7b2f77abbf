"""The first thing a verb that uses the network does: open the ssh connections that it opened last time.

A handshake takes longer than loading the rest of multigit, so it goes on meanwhile. Whoever is not sure does nothing:
the verb opens what it needs in any case, and finds what is being opened (vcs/ssh/opening.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

VERBS: Final = frozenset((
    "status", "diff", "log", "history", "show", "verify", "pull", "clone", "plan", "promote", "hotfix", "push",
    "backmerge", "rollback", "resume", "abort", "hold", "approve",
))  # fmt: skip
_FLAGS: Final = frozenset(("-q", "--quiet", "-v", "--verbose", "--json", "--no-input"))
"""What may stand before the verb; whatever else does is left to the parser."""
_HOME: Final = frozenset(("-h", "--help", "--no-fetch"))
"""Words that make a verb stay at home."""
_LARGEST: Final = 1024 * 1024


def open_connections(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Begin what the verb of this command line will wait for."""
    verb = next((word for word in argv if word not in _FLAGS), "")
    own = "GIT_SSH" in environ or "GIT_SSH_COMMAND" in environ
    if os.name != "posix" or own or verb not in VERBS or not _HOME.isdisjoint(argv):
        return
    try:
        digest = _digest(_file(argv))
        if not digest:
            return
        from multigit.vcs.ssh import hints, opening

        folder = opening.runtime_folder()
        for place in hints.recall(digest) if folder else ():
            opening.begin(place, str(folder))
    except (OSError, UnicodeError):
        return


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
