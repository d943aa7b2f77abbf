"""Logins to web hosts, from git's own helpers (gitcredentials(7)); asked once per host, and never stored by us."""

from __future__ import annotations

import base64
import threading
from typing import Final

from multigit.vcs.run import GitError, git

_TRIES: Final = 2
"""How often the helpers are asked: when the first login was wrong, they may know another one."""


class Login:
    """What `git credential` knows of one host (and user, where the address names one). Safe for threads."""

    def __init__(self, address: str, user: str) -> None:
        scheme, _, host = address.partition("://")
        named = f"username={user}\n" if user else ""
        self._described = f"protocol={scheme}\nhost={host}\n{named}\n".encode()
        self._lock = threading.Lock()
        self._left = _TRIES
        self._words = b""
        self._right = False

    def header(self) -> dict[str, str]:
        """The Authorization header, as far as a login is known."""
        with self._lock:
            return self._header()

    def wanted(self, refused: dict[str, str]) -> dict[str, str]:
        """A header other than the `refused` one; {} where the helpers know none. A refused login is told to them."""
        with self._lock:
            if refused and refused == self._header():
                self._tell("reject")
                self._words, self._right = b"", False
            if not self._words and self._left:
                self._left -= 1
                self._words = _asked("fill", self._described)
            header = self._header()
            if header == refused:
                self._words = b""
                return {}
            return header

    def proved(self, header: dict[str, str]) -> None:
        """The host took `header`: told to the helpers once, as git does."""
        with self._lock:
            if header and not self._right and header == self._header():
                self._right = True
                self._tell("approve")

    def _tell(self, verb: str) -> None:
        _asked(verb, self._words + b"\n")

    def _header(self) -> dict[str, str]:
        lines = self._words.decode("utf-8", "replace").splitlines()
        fields = dict(line.split("=", 1) for line in lines if "=" in line)
        if "password" not in fields:
            return {}
        pair = f"{fields.get('username', '')}:{fields['password']}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _asked(verb: str, words: bytes) -> bytes:
    """What `git credential` says; nothing where a helper hangs."""
    try:
        return git("credential", verb, stdin=words, check=False, timeout=30).out
    except GitError:
        return b""
