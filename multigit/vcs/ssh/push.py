"""A push over a session of the shared ssh connection, seldom with a process: what was made here, to a host that greets.

Everything else is NotUnderstood, and git pushes (over the same connection, way.py).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from multigit.vcs import made, network
from multigit.vcs.mirror import Mirror
from multigit.vcs.pushwire import Command, Greeted, Verdict, greeting, replaced, request, stale, verdict
from multigit.vcs.run import personal
from multigit.vcs.ssh.way import Way
from multigit.vcs.wire import NotUnderstood, Unheard


def push(mirror: Mirror, commands: Sequence[Command], timeout: float) -> Verdict:
    """All of `commands` or none; NotUnderstood: nothing was sent. Unheard: it was, and nobody knows what it did."""
    tips = made.tips(commands)
    env = network.environment(mirror.url, personal())
    until = time.monotonic() + timeout

    def over(way: Way) -> Verdict:
        host = greeting(way.hear(Greeted(), until - time.monotonic()))
        if old := stale(host, commands):
            return old
        has = made.whole(host.has | replaced(commands))
        body = request(commands, host.can) + made.pack(mirror, made.lacking(tips, has), has, timeout)
        try:
            return verdict(way.ask(body, until - time.monotonic()))
        except TimeoutError:
            raise
        except (NotUnderstood, OSError) as cut:
            raise Unheard(f"{way.said()}fatal: the remote end hung up: {cut}") from cut

    def once() -> Verdict:
        with network.way(mirror.url, "push", env) as way:
            if not way:
                raise NotUnderstood("no session of a shared connection")
            return over(way)

    with network.prepared(mirror.url, "push", env) as way:
        if way:
            return over(way)
    return network.in_turn(once, env, personal().meanings(mirror.url)[-1], lambda _: "", again=False)
