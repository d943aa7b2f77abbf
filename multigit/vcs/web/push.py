"""A push over http and https on the connections that are open: one round trip, and seldom a process.

`git push` starts three processes, reads the authorities, shakes hands and asks what the host has. Here the host is
asked that once per run; afterwards what it took from us is known. Only what was made in this process is pushed this
way (vcs/made.py); everything else, and wherever a host is odd, is NotUnderstood: git pushes then.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Sequence
from typing import Final

from multigit.vcs import made
from multigit.vcs.mirror import Mirror
from multigit.vcs.pushwire import Command, Greeting, Verdict, greeting, landed, replaced, request, stale, verdict
from multigit.vcs.web.door import Denied, Door, door
from multigit.vcs.web.pool import Question
from multigit.vcs.wire import NotUnderstood, Unheard

_ASKED: Final = {"User-Agent": "git/multigit", "Accept": "application/x-git-receive-pack-advertisement"}
_KIND: Final = "application/x-git-receive-pack-result"
_TOLD: Final = {
    "Content-Type": "application/x-git-receive-pack-request",
    "Accept": _KIND,
    "User-Agent": "git/multigit",
}

_MOVED: Final = re.compile("failed to (update|lock)|transaction|unpacker|missing")

_known: Final[dict[str, Greeting]] = {}
"""Of hosts that took a push from this process: what they can do, and a few objects that they have."""
_lock: Final = threading.Lock()


def push(mirror: Mirror, commands: Sequence[Command], timeout: float) -> Verdict:
    """All of `commands` or none; NotUnderstood: nothing was sent. Unheard: it was, and nobody knows what it did."""
    tips = made.tips(commands)
    way = door(mirror.url)
    with _lock:
        known = _known.pop(mirror.url, None)
    if any(command.new is None and command.old not in tips for command in commands):
        known = None  # receive-pack compares a ref with what it is to be deleted from only if it has that object
    host = known or greeting(way.ask(_greet(), _ASKED["Accept"], timeout))
    if not known and (old := stale(host, commands)):
        return old
    has = made.whole(host.has | replaced(commands))
    lacking = made.lacking(tips, has)
    body = request(commands, host.can) + made.pack(mirror, lacking, has, timeout)
    said = _answer(way, body, timeout)
    if known and _may_have_moved(said):
        return push(mirror, commands, timeout)  # it is asked what it has now; nothing was done so far
    if landed(said, commands):
        near = {oid for one in lacking.values() for oid in one.refers}
        took = {*tips, *lacking, *(near & has), *replaced(commands)}
        with _lock:
            _known[mirror.url] = Greeting(host.can, {}, frozenset(took))
    return said


def _may_have_moved(said: Verdict) -> bool:
    """Whether it is no hook or rule that said no: something is not as it was when we were there last."""
    return bool(said.unpacked) or any(_MOVED.search(why) for why in said.refs.values())


def _greet() -> Question:
    return Question("GET", "/info/refs?service=git-receive-pack", _ASKED)


def _answer(way: Door, body: bytes, timeout: float) -> Verdict:
    question = Question("POST", "/git-receive-pack", _TOLD, body)
    try:
        said = way.ask(question, _KIND, timeout, again=False)
    except Denied as no:
        if http.client.MULTIPLE_CHOICES <= no.status < http.client.INTERNAL_SERVER_ERROR:
            raise
        raise Unheard(f"error: {no.status}") from no
    try:
        return verdict(said)
    except NotUnderstood as cut:
        raise Unheard(f"fatal: the remote end hung up: {cut}") from cut


def forget() -> None:
    """What hosts took from us counts no more."""
    with _lock:
        _known.clear()
