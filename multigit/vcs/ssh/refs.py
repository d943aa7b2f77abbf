"""ls-refs over a shared ssh connection without any process: the question goes out before the greeting came in.

A host that does not take GIT_PROTOCOL greets with all its refs (protocol v0): that is an answer, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from multigit.vcs import hosts
from multigit.vcs.hosts import Refusal
from multigit.vcs.run import personal
from multigit.vcs.ssh.mux import Session
from multigit.vcs.ssh.sharing import control_for
from multigit.vcs.urls import kind
from multigit.vcs.wire import NoRoom, NotUnderstood, RefSeen, conversation, request

_NEWEST: Final = {"GIT_PROTOCOL": "version=2"}
_ENDING: Final = Refusal(crowded=False, briefly=0.03)
"""Sessions of ours that have ended are not yet forgotten at the host."""
_FULL: Final = Refusal(crowded=True)
"""Another multigit uses the same connection."""


def list_refs(url: str, patterns: Sequence[str], timeout: float) -> dict[str, RefSeen]:
    """The refs at `url` by one session over the connection that is open; NotUnderstood where there is none."""

    def once() -> dict[str, RefSeen] | NoRoom:
        try:
            with _session(url) as session:
                return conversation(session.ask(request(patterns), timeout), patterns)
        except NoRoom as full:
            return full

    reasons = chain([_ENDING] * 2, repeat(_FULL))
    host = hosts.host(url, shared=True)
    found = (
        host.ask(once, lambda seen: next(reasons) if isinstance(seen, NoRoom) else None, again=True) if host else once()
    )
    if isinstance(found, NoRoom):
        raise found
    return found


def ahead(url: str) -> Session:
    """A session that waits to be asked once: the way to the host is behind it by then. NotUnderstood as above."""
    return kept(url, "git-upload-pack", _NEWEST)


def kept(url: str, service: str, environ: Mapping[str, str], errors: int | None = None) -> Session:
    """A session for later; NotUnderstood also where as many as a host allows wait already."""
    host = hosts.host(url, shared=True)
    if host and not host.keep():
        raise NoRoom("no session is left over")
    try:
        session = Session(*command_at(url, service), environ, errors)
    except BaseException:
        if host:
            host.leave()
        raise
    if host:
        session.when_closed(host.leave)
    return session


def _session(url: str) -> Session:
    return Session(*command_at(url, "git-upload-pack"), _NEWEST)


def command_at(url: str, service: str) -> tuple[Path, str]:
    """The shared connection and the command there; NotUnderstood where there is none, or git goes elsewhere."""
    control = control_for(url)
    if len(personal().meanings(url)) > 1 or not control:
        raise NotUnderstood("no shared connection")
    return control, f"{service} {_quoted(_path(url))}"


def asked(session: Session, patterns: Sequence[str], timeout: float) -> dict[str, RefSeen]:
    """The refs that match, as of now, from a session that was opened `ahead`.

    A host that greets with its refs (protocol v0) told them when the session began: NotUnderstood.
    """
    answer = session.ask(request(patterns), timeout)
    if not answer[4:].startswith(b"version 2"):
        raise NotUnderstood("the refs are as of the session's beginning")
    return conversation(answer, patterns)


def _path(url: str) -> str:
    """The path as git would hand it over: `/~kim/x` of an ssh:// address is below Kim's home."""
    if kind(url) == "ssh" and "://" in url:
        path = unquote("/" + url.partition("://")[2].partition("/")[2])  # to git, # and ? are letters like others
        return path[1:] if path.startswith("/~") else path
    return re.sub(r"^(?:[^@/:]*@)?(?:\[[^\]/]+\]|[^/:@\[\]]+):", "", url)


def _quoted(path: str) -> str:
    """As git quotes for the host's shell (quote.c, sq_quote_buf)."""
    return "'" + path.replace("'", "'\\''").replace("!", "'\\!'") + "'"
