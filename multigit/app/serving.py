"""Whether what runs in an environment is well: every health check asked, once or for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from multigit.app.session import Session
from multigit.checks import ask
from multigit.lanes import each
from multigit.model.config import Environment
from multigit.model.names import Oid, RepoName, Tag
from multigit.model.serving import HealthCheck, Pulse, Served, Serving, Watch, checks_of, watch_of
from multigit.model.urls import hide_secrets

_LANES = 32
_PAUSE = 1.0
"""Seconds before one that did not answer well is asked again, where nothing else is watched."""


@dataclass(slots=True)
class Vigil:
    """The checks of one environment, and what they answered so far."""

    session: Session
    env: Environment
    heads: Mapping[RepoName, Oid | None]
    tag: Tag | None = None
    sleep: Callable[[float], None] = time.sleep
    elapsed: Callable[[], float] = time.monotonic
    only: RepoName | None = None
    """Only the checks of this repository."""
    everyone: bool = False
    """Whatever --repo selects: what was deployed has to be well."""
    stopped: Callable[[], bool] = lambda: False
    """Whether to end early: what was found then says nothing."""
    checks: tuple[HealthCheck, ...] = ()
    watches: list[Watch] = field(default_factory=list)
    pulses: list[Pulse] = field(default_factory=list)

    def __post_init__(self) -> None:
        selection = None if self.everyone else self.session.selection()
        found = checks_of(self.session.config, self.env)
        self.checks = tuple(one for one in found if (selection is None or one.repo is None or one.repo in selection)
                            and self.only in (None, one.repo))  # fmt: skip
        self.watches = [watch_of(self.session.config, self.env, check.repo) for check in self.checks]
        self.pulses = [Pulse() for _ in self.checks]

    def once(self) -> tuple[Served, ...]:
        """Each is asked until it is well, or was not a few times in a row: one bad answer is chance."""
        left = list(range(len(self.checks)))
        while left:
            self._ask(left)
            left = [i for i in left if not self.pulses[i].well and self.pulses[i].ill < self.watches[i].stable]
            if left:
                self.sleep(_PAUSE)
        return self._told(lambda i: self.pulses[i].well > 0)

    def through(self, duration: float) -> tuple[Served, ...]:
        """Each is asked for `duration` seconds, or until it had to be well; the first ill one ends it."""
        start = self.elapsed()
        everyone = range(len(self.checks))
        while self.checks and not self.stopped():
            self._ask(everyone)
            gone = self.elapsed() - start
            if any(self._failed(i, gone) for i in everyone):
                break
            if gone >= duration and all(pulse.proved for pulse in self.pulses):
                break
            self.sleep(min(watch.seconds_between() for watch in self.watches))
        gone = self.elapsed() - start
        return self._told(lambda i: self.pulses[i].proved and not self._failed(i, gone))

    def _failed(self, i: int, gone: float) -> bool:
        watch = self.watches[i]
        return self.pulses[i].failed(watch.stable, late=gone >= watch.seconds_to_be_well())

    def _ask(self, which: Sequence[int]) -> None:
        config, now, folder = self.session.config, self.session.now(), str(self.session.folder)

        def one(i: int) -> Pulse:
            check = self.checks[i]
            said = ask(check, Serving(
                config=config, env=self.env, repo=check.repo, now=now, folder=folder, tag=self.tag,
                commit=self.heads.get(check.repo) if check.repo else None,
            ))  # fmt: skip
            why, details = hide_secrets(said.why), tuple(map(hide_secrets, said.details))
            return self.pulses[i].fold(said.state == "pass", why, details, self.watches[i].stable)

        for i, pulse in zip(which, each(one, which, _LANES), strict=True):
            self.pulses[i] = pulse
            state = "well" if pulse.well else f"not well ({pulse.ill} in a row): {pulse.why}"
            self.session.progress(str(self.checks[i].repo or self.env.name), state)

    def _told(self, well: Callable[[int], bool]) -> tuple[Served, ...]:
        return tuple(pulse.told(check, well=well(i))
                     for i, (check, pulse) in enumerate(zip(self.checks, self.pulses, strict=True)))  # fmt: skip
