"""How much each host is asked at once, and how it is left alone when it says "too much": one place for all ways to it.

The readers without git (web/refs.py, ssh/refs.py) and git itself (run.py) take their turns here. sshd refuses the
eleventh unauthenticated connection by chance and the eleventh session of a connection always (sshd_config(5),
MaxStartups 10:30:100, MaxSessions 10).
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from multigit.vcs.urls import kind, ssh_place, web_place

T = TypeVar("T")

WIDTHS: Final = {"shared": 8, "ssh": 8, "web": 16}
"""At once: sessions of one shared ssh connection (of ten; those that just ended count a moment longer with sshd), ssh
connections of their own, web requests.
"""
PAUSES: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
"""Seconds before a reading is asked again, at most; chance takes up to half, so that not all come back at once."""
LONGEST: Final = 60.0
"""Seconds that a host may make us wait with Retry-After; who wants more is believed and not asked again."""

_CROWDED: Final = re.compile(
    r"error: 429|((kex|ssh)_exchange_identification|banner exchange): .*(?i:closed|reset)|Exceeded MaxStartups"
    r"|(?i:too many (concurrent |open |simultaneous )?(connections|requests|sessions))|Session open refused by peer"
)
_AWAY: Final = re.compile(r"error: 50[234]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A host that says "not now". `crowded`: because it is asked too much; `after`: the seconds it wants, or 0.

    `briefly`: seconds after which it will be over, where that is known.
    """

    crowded: bool
    after: float = 0.0
    briefly: float = 0.0


def refusal(said: str) -> Refusal | None:
    """What git or ssh `said` (stderr), if it is a refusal for now only."""
    if _CROWDED.search(said):
        return Refusal(crowded=True)
    return Refusal(crowded=False) if _AWAY.search(said) else None


class Host:
    """The turns at one host. Safe for threads; a turn must not be taken within a turn."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._changed = threading.Condition()
        self._inside = 0
        self._kept = 0
        self._wave = 0
        self._free_at = 0.0
        self._given_up = False

    def ask(self, work: Callable[[], T], refused: Callable[[T], Refusal | None], *, again: bool) -> T:
        """The result of `work` in its turn; `again`: where it is `refused`, work a few more times (never a push).

        Once the host refused one reading to the end, the others are asked once only, until something succeeds.
        """
        for pause in (*PAUSES, None):
            wave = self._wave
            with self._turn():
                result = work()
            no = refused(result)
            if no is None:
                self._given_up = False
                return result
            self._hold_off(no, wave)
            if pause is None or no.after > LONGEST:
                self._given_up = True
            if self._given_up or not again:
                return result
            time.sleep(no.briefly or _some_of(pause or 0.0))
        raise AssertionError("the last pause is None")

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        with self._changed:
            while (rest := self._free_at - time.monotonic()) > 0 or self._full():
                self._changed.wait(rest if rest > 0 else None)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def _full(self) -> bool:
        """Room for one turn is always left beside what is kept, or those who keep and wait would wait for ever."""
        return self._inside - self._kept >= max(1, self.width - self._kept)

    def keep(self) -> bool:
        """Take a place for longer than a turn, if one stays free for turns; `leave` gives it back.

        Who keeps one may take turns meanwhile: there is always room for those.
        """
        with self._changed:
            if self._kept >= self.width - 1 or self._inside >= self.width or self._free_at > time.monotonic():
                return False
            self._kept += 1
            self._inside += 1
            return True

    def leave(self) -> None:
        """The end of what `keep` allowed."""
        with self._changed:
            self._kept -= 1
            self._inside -= 1
            self._changed.notify_all()

    def _hold_off(self, no: Refusal, wave: int) -> None:
        """Half as much at once for the rest of the run: once for all that were refused together."""
        with self._changed:
            if no.after <= LONGEST:
                self._free_at = max(self._free_at, time.monotonic() + no.after)
            if no.crowded and wave == self._wave:
                self._wave += 1
                self.width = max(1, min(self.width, self._inside + 1) // 2)


def _some_of(pause: float) -> float:
    import random  # not at the top: most runs are refused nothing

    return pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


_hosts: dict[tuple[str, ...], Host] = {}
_lock: Final = threading.Lock()


def host(url: str, *, shared: bool = False) -> Host | None:
    """The host of `url` (as git goes there); `shared`: over the ssh connection that is open. None on this machine."""
    way = kind(url) if url else "ssh"
    if way == "file":
        return None
    place = ssh_place(url) if way == "ssh" and url else web_place(url)
    name = "web" if way != "ssh" else "shared" if shared else "ssh"
    key = (name, *map(str, place or ()))
    with _lock:
        return _hosts.get(key) or _hosts.setdefault(key, Host(WIDTHS[name]))


def forget() -> None:
    """Forget what hosts refused: for tests."""
    with _lock:
        _hosts.clear()
