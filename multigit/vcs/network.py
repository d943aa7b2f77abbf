"""Which way git goes to a host: allowed transports, shared ssh connections, and whose turn it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from multigit.vcs import hosts
from multigit.vcs.personal import PersonalSettings
from multigit.vcs.ssh.opening import SSH
from multigit.vcs.urls import check_url, kind

if TYPE_CHECKING:
    from multigit.vcs.ssh.way import Way

    Opening = contextlib.AbstractContextManager[Way | None]

T = TypeVar("T")

_EITHER: Final = {"https": "https:ssh", "ssh": "ssh:https", "http": "http:https", "file": "file"}


@dataclass(frozen=True, slots=True)
class Sharing:
    """How shared ssh connections are used; as it stands, there are none."""

    command_for: Callable[[str], str | None] = lambda url: SSH
    """The ssh command for a url; None where the person's own decides."""
    way_to: Callable[[str, str], Opening] = lambda url, verb: contextlib.nullcontext()
    """The open way for `git verb` of a url; None in it where git finds its own."""
    prepare: Callable[[str], bool] = lambda url: False
    prepared: Callable[[str], Opening] = lambda url: contextlib.nullcontext()
    forget: Callable[[], None] = lambda: None


_sharing = Sharing()


def share_with(sharing: Sharing | None = None) -> None:
    """Go by `sharing` from now on (vcs/ssh/sharing.py); None: by no shared connection."""
    global _sharing  # noqa: PLW0603 - one process, one network
    _sharing = sharing or Sharing()


def prepare(url: str) -> bool:
    """A push to `url` comes soon: open what can be opened for it. False where nothing is, or no room is left."""
    return _sharing.prepare(url)


def forget() -> None:
    """The pushes that were prepared for will not come."""
    _sharing.forget()


def prepared(url: str, verb: str, env: Mapping[str, str]) -> Opening:
    """The way that was prepared; it has its place at the host, and needs no turn."""
    return _sharing.prepared(url) if verb == "push" and _shared(env) else contextlib.nullcontext()


def way(url: str, verb: str, env: Mapping[str, str]) -> Opening:
    """The way that is open for `git verb` of `url`; None where git finds its own."""
    return _sharing.way_to(url, verb) if url and _shared(env) else contextlib.nullcontext()


def environment(url: str, settings: PersonalSettings) -> dict[str, str]:
    """What git must be told to go to `url`, which is allowed; '' = anywhere."""
    ways = (
        [_EITHER[kind(place)] for place in settings.meanings(url) if not check_url(place)]
        if url
        else ["https:ssh:http"]
    )
    command = None if settings.ssh_command else _sharing.command_for(url)
    return {
        "GIT_ALLOW_PROTOCOL": ":".join(dict.fromkeys(way for some in ways for way in some.split(":"))),
        **({"GIT_SSH_COMMAND": command, "GIT_SSH_VARIANT": "ssh"} if command else {}),
    }


def _shared(env: Mapping[str, str]) -> bool:
    return "ControlPath=" in env.get("GIT_SSH_COMMAND", "")


def in_turn(once: Callable[[], T], env: Mapping[str, str], place: str, said: Callable[[T], str], *, again: bool) -> T:
    """`once` when it is its turn at the host of `place`; `again`: also later, where it `said` "not now"."""
    host = hosts.host(place, shared=_shared(env))
    if host is None:
        return once()
    return host.ask(once, lambda done: hosts.refusal(said(done)), again=again)
