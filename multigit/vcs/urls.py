"""Addresses of repositories: what they are, and how to speak of them without their secrets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal, cast
from urllib.parse import urlsplit

from multigit.model.urls import Url, hide_secrets

Kind = Literal["ssh", "https", "http", "file"]

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP: Final = re.compile(r"(?:(?P<user>[^@/:]*)@)?(?P<host>\[[^\]/]+\]|[^/:@\[\]]+):(?P<path>.*)")
_SECRETS: Final = (
    (re.compile(r"(?i)(https?://)[^/\s]*@"), r"\1***@"),
    (re.compile(r"(?i)((?:proxy-)?authorization\s*[:=]\s*)(?:(?:basic|bearer|token|digest)\s+)?\S+"), r"\1***"),
    (
        re.compile(r"(?i)([?&;](?:[\w-]*(?:token|key|secret|signature|password|credential)|sig|auth)=)[^&\s'\"]+"),
        r"\1***",
    ),
    (re.compile(r"(?im)^([ \t]*(?:password|oauth_refresh_token|credential)=).*$"), r"\1***"),
    (
        re.compile(
            r"(?i)(?<![\w-])((?:password|passwd|secret|token|[\w-]+[_-](?:key|token|secret|passwd|password))=)[^&\s'\"]+"
        ),
        r"\1***",
    ),
    (re.compile(r"(?i)\b((?:private|deploy|job|x-auth)-token|x-api-key)(\s*:\s*)\S+"), r"\1\2***"),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA)[A-Za-z0-9_-]{10,}"), "***"),
)


def redact(text: str) -> str:
    """`text` without passwords and tokens in URLs, Authorization headers and the token formats of the big hosts."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return hide_secrets(text)


def check_url(url: str) -> str:
    """Why git must not be given `url`, or '' (model/urls.py has the rules)."""
    return Url.problem(url)


def kind(url: str) -> Kind:
    """By which way an allowed `url` is reached."""
    if found := _SCHEME.match(url):
        return cast("Kind", found[1].lower())
    return "ssh" if _SCP.fullmatch(url) else "file"


def absolute(url: str) -> str:
    """`url` with a relative local path made absolute; every other form as it is."""
    return str(Path(url).absolute()) if url and kind(url) == "file" and not _SCHEME.match(url) else url


def ssh_place(url: str) -> tuple[str, str, int] | None:
    """User ('' = ssh's default), host and port (0 = ssh's default) of an ssh address."""
    if kind(url) != "ssh":
        return None
    if _SCHEME.match(url):
        parts = urlsplit(url)
        return parts.username or "", parts.hostname or "", parts.port or 0
    found = _SCP.fullmatch(url)
    assert found
    host, _, port = found["host"].strip("[]").partition(":")
    if port.isdigit():  # [host:port]:path; a real IPv6 address has more colons
        return found["user"] or "", host, int(port)
    return found["user"] or "", found["host"].strip("[]"), 0


def web_place(url: str) -> tuple[str, int]:
    """Host and port of an http or https address."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme.lower() == "https" else 80)


def same_place(one: str, other: str) -> bool:
    """Whether two addresses mean the same repository, by whatever way they reach it."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[str, str]:
    if kind(url) == "file":
        path = absolute(url.removeprefix("file://"))
        return "", str(Path(path).resolve()).removesuffix(".git").rstrip("/")
    if _SCHEME.match(url):
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path
    else:
        found = _SCP.fullmatch(url)
        assert found
        host, path = found["host"].strip("[]"), found["path"]
    return host.lower(), path.strip("/").removesuffix(".git").rstrip("/")
