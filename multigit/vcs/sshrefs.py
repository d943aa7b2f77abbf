"""ls-refs over a shared ssh connection without a git process: the question goes out before the greeting came in.

A host that does not take GIT_PROTOCOL greets with all its refs (protocol v0): that is an answer, too.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from multigit.vcs.run import personal, program
from multigit.vcs.ssh import options_for
from multigit.vcs.urls import kind, ssh_place
from multigit.vcs.wire import NotUnderstood, RefSeen, conversation, request


def list_refs(url: str, patterns: Sequence[str], timeout: float) -> dict[str, RefSeen]:
    """The refs at `url` by one command over the connection that is open; NotUnderstood where there is none."""
    command, place = options_for(url), ssh_place(url)
    if len(personal().meanings(url)) > 1 or not command or "ControlPath=" not in command or not place:
        raise NotUnderstood("no shared connection")
    user, host, port = place
    target = [*(("-p", str(port)) if port else ()), *(("-l", user) if user else ()), "--", host]
    argv = [*shlex.split(command), "-o", "SendEnv=GIT_PROTOCOL", *target, f"git-upload-pack {_quoted(_path(url))}"]
    env = {"GIT_PROTOCOL": "version=2"}
    out = program(argv, cwd=Path(os.sep), stdin=request(patterns), timeout=timeout, env=env)
    if out.status < 0:
        raise TimeoutError
    return conversation(out.out, patterns)


def _path(url: str) -> str:
    """The path as git would hand it over: `/~kim/x` of an ssh:// address is below Kim's home."""
    if kind(url) == "ssh" and "://" in url:
        path = unquote(urlsplit(url).path)
        return path[1:] if path.startswith("/~") else path
    return re.sub(r"^(?:[^@/:]*@)?(?:\[[^\]/]+\]|[^/:@\[\]]+):", "", url)


def _quoted(path: str) -> str:
    """As git quotes for the host's shell (quote.c, sq_quote_buf)."""
    return "'" + path.replace("'", "'\\''").replace("!", "'\\!'") + "'"
