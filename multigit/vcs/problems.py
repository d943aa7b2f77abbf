"""What git's error text means. Nobody else reads stderr (git prints it in English: LC_ALL=C)."""

from __future__ import annotations

import re
import shlex
from typing import Final, Literal

from multigit.model.fleet import Problem
from multigit.vcs.urls import kind, redact, ssh_place

Kind = Literal["unreachable", "auth", "missing", "timeout", "rejected", "empty", "corrupt", "failed"]

_SIGNS: Final[tuple[tuple[Kind, str], ...]] = (
    ("auth", r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED"),
    ("missing", r"Repository not found|does not appear to be a git repository|repository '.*' not found|error: 404"),
    ("missing", r"not our ref|couldn't find remote ref|unadvertised object|project you were looking for could not be"),
    ("missing", r"error: 30\d|unable to update url base"),
    ("missing", r"Remote branch .* not found|does not exist|No such remote"),
    ("auth", r"Authentication failed|could not read (Username|Password)|Permission denied|error: 40[13]|Access denied"),
    ("auth", r"Permission to .* denied|Invalid username or|HTTP Basic|not authorized|Unauthorized|Forbidden"),
    ("timeout", r"timed out|Operation too slow|did not complete in"),
    ("unreachable", r"Could not resolve|Connection (refused|reset|closed)|No route to host|Network is unreachable"),
    (
        "unreachable",
        r"Failed to connect|Couldn't connect|error: (429|5\d\d)|hung up|early EOF|RPC failed|unable to access",
    ),
    ("unreachable", r"Could not read from remote|unexpected disconnect|bad line length|protocol error|SSL|TLS"),
    ("rejected", r"\[(remote )?rejected\]|hook declined|failed to push some refs"),
    (
        "corrupt",
        r"(is|are|file|object) (corrupt|empty)|corrupt (loose|patch|pack)|bad object|missing (blob|tree|commit|object)",
    ),
    (
        "corrupt",
        r"unable to (read|find|unpack)|inflate|garbage|does not point to a valid|not a valid object|not a git repo",
    ),
    ("corrupt", r"bad config (line|file|value)"),
    (
        "corrupt",
        r"Needed a single revision|bad revision|Invalid symmetric diff|[Cc]ould not parse|fsck error|error in object",
    ),
)
_MEANS: Final = (
    (r"could not read (Username|Password)|error: 401", "the host asks for a login, and git has none (HTTP 401)"),
    (r"Authentication failed", "the host does not take the login that git has"),
    (r"error: 403", "the host does not allow this login to do it (HTTP 403)"),
    (r"repository 'http.*' not found|error: 404", "the host has no such repository, or hides it (HTTP 404)"),
    (r"error: 429", "the host was asked too often: wait a while, or ask less at once with --jobs 2 (HTTP 429)"),
    (r"error: 5\d\d", "the host is in trouble itself: try again later"),
    (r"error: 30\d|unable to update url base", "the host names another address: if it is right, change repos.yaml"),
)  # fmt: skip
"""What a web host's answer means to a person."""
_READ: Final = 64 * 1024
"""How much of git's words is read, the end of it; and of one line: a host may send any number of them."""
_WIDTH: Final = 2_000
_NOISE: Final = re.compile(
    r"(?i)^(hint:|warning:|to |remote: *$|please make sure|and the repository exists|fatal: the remote end hung up"
    r"|fatal: could not read from remote|error: failed to push some refs|debug\d|authorized uses only|\*\* )"
)


def problem_of(err: str, *, url: str = "", timed_out: float = 0.0) -> Problem:
    """The problem that git's `err` (redacted) tells of; `timed_out` is the limit in seconds that was passed, or 0."""
    err = "\n".join(line[:_WIDTH] for line in err[-_READ:].split("\n"))
    if timed_out:
        return Problem(kind="timeout", why=f"no answer within {timed_out:g} s", hint=_hint("timeout", err, url))
    found: Kind = next((kind for kind, sign in _SIGNS if re.search(sign, err)), "failed")
    means = next((means for sign, means in _MEANS if url.startswith("http") and re.search(sign, err)), "")
    why = ": ".join(part for part in (means, gist(err)) if part)
    return Problem(kind=found, why=why or "git gave no reason", hint=_hint(found, err, url))


def gist(err: str, *, lines: int = 3) -> str:
    """The lines of `err` that tell a person something, without git's prefixes, in one line."""
    useful = [line for raw in err.splitlines() if (line := raw.strip()) and not _NOISE.match(line)]
    useful = useful or [line.strip() for line in err.splitlines() if line.strip()]
    told = dict.fromkeys(re.sub(r"^(fatal|error|remote): *(error: *|fatal: *)?", "", line) for line in useful)
    return "; ".join([line for line in told if line][:lines])


def _hint(found: Kind, err: str, url: str) -> str:
    if not url:
        return ""
    place = ssh_place(url)
    if found == "auth" and place:
        user, host, port = place
        target = shlex.quote(f"{user}@{host}" if user else host)
        return f"ssh {f'-p {port} ' if port else ''}-T {target}"
    if "dubious ownership" in err:
        return f"git config --global --add safe.directory {shlex.quote(url)}"
    if found == "missing" and kind(url) == "file":
        return f"ls -d {shlex.quote(url)}"
    return f"git ls-remote {shlex.quote(redact(url))}"
