"""ls-refs over http and https without a git process: one request per repository, on connections that are kept open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from multigit.vcs.web.door import door
from multigit.vcs.web.pool import Question
from multigit.vcs.wire import RefSeen, answer, request

_KIND: Final = "application/x-git-upload-pack-result"
_HEADERS: Final = {
    "Content-Type": "application/x-git-upload-pack-request",
    "Accept": _KIND,
    "Git-Protocol": "version=2",
    "User-Agent": "git/multigit",
}


def list_refs(url: str, patterns: Sequence[str], timeout: float) -> dict[str, RefSeen]:
    """The refs at `url`, in one round trip where the connection is open; NotUnderstood where git must be asked."""
    asked = Question("POST", "/git-upload-pack", _HEADERS, request(patterns))
    return answer(door(url).ask(asked, _KIND, timeout), patterns)
