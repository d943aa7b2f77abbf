"""Addresses of repositories: which may be given to git, and which would carry a secret or a command with them.

git-clone(1) "GIT URLS", gitremote-helpers(7) for `ext::`, gitcredentials(7) for where a password belongs.
"""

from __future__ import annotations

import re

from multigit.model.names import Name

_SHAPES = (
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
    r"|AKIA[0-9A-Z]{16}|hooks\.slack\.com/services/[\w/]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_SECRETS = re.compile(
    rf"(?P<token>{_SHAPES})|(?<=://)(?P<login>[^/\s@:\"']*:[^/\s@\"']+)(?=@)|(?<=token=)(?P<query>[^&\s\"']+)"
)
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)")
_HOST = re.compile(r"(?:(?P<user>[^@/]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9._-]*)(?P<port>:\d{1,5})?")
_SCP = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>\[[^\]/]*\]|[^@/:]+):(?P<path>.*)")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,38}")
_SERVERS = ("ssh", "https", "http")


def has_secret(text: str) -> bool:
    """Whether `text` holds something that looks like a password or an access token."""
    return _SECRETS.search(text) is not None


def hide_secrets(text: str) -> str:
    """`text` with everything that looks like a password or an access token replaced by `***`."""
    return _SECRETS.sub("***", text)


class Url(Name):
    """Address of a repository: ssh, https, http, file, `user@host:path`, or a local path starting with `/` or `.`."""

    __slots__ = ()

    @classmethod
    def problem(cls, value: str) -> str:
        """Why git must not be given `value`, or ''. Never repeats a secret."""
        if not value:
            return "an address must not be empty"
        if value.startswith("-"):
            return "an address must not start with '-': git would read it as an option"
        if not value.isprintable() or re.search(r"%0[0ad]", value, re.IGNORECASE):
            return "an address must not have control characters"
        if has_secret(value):
            return "an address must not carry a password or token: use ssh, or a git credential helper"
        if re.match(r"[A-Za-z0-9+.-]+::", value):
            return "remote helpers (name::address) are not allowed: they can run any command"
        scheme = _SCHEME.fullmatch(value)
        if scheme:
            return _server(scheme["scheme"], scheme["rest"])
        if "://" in value:  # git looks for it anywhere
            return "an address with :// in it must begin with ssh://, https://, http:// or file://"
        return "" if value.startswith(("/", "./", "../")) or value in (".", "..") else _short(value)


def _server(scheme: str, rest: str) -> str:
    if scheme == "file":
        return "" if rest.startswith("/") else "file:// needs an absolute path: file:///srv/git/name.git"
    if scheme == "git":
        return "git:// proves neither who serves nor what arrives: use https:// or ssh://"
    if scheme not in _SERVERS:
        return f"{scheme}:// is not allowed: use ssh, https, http, file, user@host:path or a local path"
    host, _, path = rest.partition("/")
    found = _HOST.fullmatch(host)
    if not found or not _exists(found) or not path or " " in path:
        return f"{scheme}:// needs a host and a path: {scheme}://host/team/name.git"
    return "" if found["user"] is None else _user(found["user"])


def _exists(place: re.Match[str]) -> bool:
    """Whether there can be such a port and, in brackets, such an address; others stop those who read them later."""
    if place["port"] and not 0 < int(place["port"][1:]) < 65_536:
        return False
    if not place["host"].startswith("["):
        return True
    from ipaddress import IPv6Address

    try:
        return bool(IPv6Address(place["host"][1:-1]).exploded)
    except ValueError:
        return False


def _user(user: str) -> str:
    if _USER.fullmatch(user):
        return ""
    return "the user name in an address must be a plain word; a password or token belongs in a git credential helper"


def _short(value: str) -> str:
    found = _SCP.fullmatch(value)
    if not found:
        return f"{value!r} is no address: write git@host:team/name.git, https://… or, for a local path, ./{value}"
    host, path = found["host"], found["path"]
    named = _HOST.fullmatch(host)
    bad = not path or path.startswith("-") or " " in path or "@[" in path  # a:b@[c]:d is host c for git
    if not named or not _exists(named) or bad:
        return f"{value!r} is no address: write git@host:team/name.git"
    return "" if found["user"] is None else _user(found["user"])
