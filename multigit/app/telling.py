"""Tells people: puts notices into the outbox and sends what is there, beside the command's own work.

Nothing here raises, and nothing takes longer than `BUDGET` of a command's time: what cannot be sent by then waits in
the outbox for the next command, and is said.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from multigit.errors import MultigitError
from multigit.model.delivery import Delivery, State
from multigit.model.notice import Notice, Telling, read, wanted
from multigit.model.plain import plain

if TYPE_CHECKING:
    from multigit.app.session import Session
    from multigit.ledger.outbox import Outbox, Row
    from multigit.model.notifier import Notifier

BUDGET: Final = 5.0
"""Seconds that a command waits for notices, all in all."""
_ONE: Final = 4.0
"""Seconds for one conversation with one server."""
_SLOW: Final = 1.0
"""Seconds of a failed conversation after which no other is tried there now."""
_PATIENCE: Final = 3.0
"""Seconds for which a notifier that was asked to wait is waited for."""


class Teller:
    """The notices of one command."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._left = BUDGET
        self._lock = Lock()
        self._lanes: dict[str, Thread] = {}
        self._tried: set[int] = set()
        self._mine: dict[int, Delivery] = {}
        """By row: what this command told, and what became of it."""
        self._remarks: list[str] = []

    @cached_property
    def outbox(self) -> Outbox:
        """JournalError where the journal's file cannot be used."""
        from multigit.ledger.outbox import Outbox

        return Outbox(self._session.journal, self._session.outbox_flag, self._session.clock)

    def tell(self, make: Callable[[], Notice | None]) -> None:
        """Keep the notice for everybody who asked for it, and begin to send it. A failure is kept as a warning."""
        try:
            notice = make()
            rules = [rule for rule in self._session.config.notify if wanted(self._session.config, rule, notice)] \
                if notice else []  # fmt: skip
            if notice is None or not rules:
                return
            rows = self.outbox.put([rule.name for rule in rules], plain(notice))
            for row, rule in zip(rows, rules, strict=True):
                self._mine[row] = Delivery(notifier=rule.name, event=notice.event, run=notice.run, state="waiting")
            self._tried.clear()  # what failed before is tried again first: the notices of a run keep their order
            self.send(force=True)
        except Exception as broken:  # noqa: BLE001  telling people must not end what people are told of
            self._remark(f"nobody can be told: {_said(broken)}")

    def send(self, *, force: bool = False) -> None:
        """Begin to send what waits, in the background. `force`: also what would not be tried again yet."""
        try:
            for row in self.outbox.expire():
                self._remark(f"{_named(row)} was given up after a day: {row.why or 'it was never tried'}")
                self._mine[row.id] = _delivery(row, "given-up", tried=False)
            rows = [row for row in self.outbox.waiting() if row.id not in self._tried]
            for name in dict.fromkeys(row.notifier for row in rows if force or row.due(self._now())):
                lane = self._lanes.get(name)
                if lane is None or not lane.is_alive():
                    self._lanes[name] = Thread(target=self._lane, args=(name, force), daemon=True)
                    self._lanes[name].start()
        except Exception as broken:  # noqa: BLE001
            self._remark(f"nobody can be told: {_said(broken)}")

    def flush(self, seconds: float) -> None:
        """Begin to send everything that waits, as the work of this very command, which may take that long."""
        self._left = max(self._left, seconds)
        try:
            self._mine.update({row.id: _delivery(row, "waiting", tried=False) for row in self.outbox.waiting()})
        except MultigitError as broken:
            self._remark(f"nobody can be told: {_said(broken)}")
        self.send(force=True)

    def settle(self, most: float = BUDGET) -> tuple[tuple[Delivery, ...], tuple[str, ...]]:
        """Wait for what is under way, within what is left of the budget. What became of it, and what to warn of."""
        began = time.monotonic()
        until = began + min(most, self._left)
        while self._lanes and self._wait(until):
            missed = set(self._mine) - self._tried - {row for row, one in self._mine.items() if one.state != "waiting"}
            if not missed:
                break
            self._lanes.clear()  # a lane may have ended just before the last notice came
            self.send(force=True)
        self._left = max(0.0, self._left - (time.monotonic() - began))
        with self._lock:
            told, remarks = dict(self._mine), list(self._remarks)
            self._mine, self._remarks = {}, []
        warnings = [*remarks, *_waiting([one for one in told.values() if one.state == "waiting"])]
        return tuple(told.values()), tuple(warnings)

    def _wait(self, until: float) -> bool:
        """Whether every lane ended in time."""
        for lane in list(self._lanes.values()):
            lane.join(max(0.0, until - time.monotonic()))
        return time.monotonic() < until and not any(lane.is_alive() for lane in self._lanes.values())

    def _lane(self, name: str, force: bool) -> None:
        """Send what waits for one notifier, in order; after a failure that may pass, nothing more goes there now."""
        try:
            rows = [row for row in self.outbox.waiting() if row.notifier == name]
            stuck: dict[str, str] = {}  # a run, of which nothing more is told now, and why
            for row in rows:
                if row.id in self._tried or not (force or row.due(self._now())):
                    stuck.setdefault(row.run, row.why)
                elif row.run not in stuck and (why := self._handled(row, stuck)):
                    stuck = dict.fromkeys((one.run for one in rows), why)
                    break
            self._left_over(rows, stuck)
            if force:
                self._tried.update(row.id for row in rows)
        except Exception as broken:  # noqa: BLE001  a thread's traceback helps nobody
            self._remark(f"notices for {name}: {_said(broken)}")

    def _handled(self, row: Row, stuck: dict[str, str]) -> str:
        """Send one row if it may be sent now; why nothing more should go this way now, or ''."""
        if row.pause and not self._patient(row.pause):
            return row.why
        if not self.outbox.claim(row.id):  # another command is at it
            stuck[row.run] = row.why
            return ""
        return self._sent(row, stuck)

    def _left_over(self, rows: Sequence[Row], stuck: Mapping[str, str]) -> None:
        """What was not tried now waits for the same reason as what it waits for."""
        with self._lock:
            for row in rows:
                mine = self._mine.get(row.id)
                if mine is not None and mine.state == "waiting" and not mine.why:
                    self._mine[row.id] = replace(mine, why=stuck.get(row.run, ""))

    def _patient(self, until: datetime) -> bool:
        """Whether the time that the other side asked for is over, or soon: then it is waited for."""
        seconds = (until - self._now()).total_seconds()
        if 0 < seconds <= _PATIENCE:
            time.sleep(seconds)
        return seconds <= _PATIENCE

    def _sent(self, row: Row, stuck: dict[str, str]) -> str:
        from multigit.notifiers import NotSent

        self._tried.add(row.id)
        began = time.monotonic()
        try:
            try:
                remark = self._deliver(row)
            except NotSent as busy:
                if not 0 < busy.retry_after <= _PATIENCE:
                    raise
                time.sleep(busy.retry_after)
                remark = self._deliver(row)
        except NotSent as failed:
            self.outbox.failed(row.id, failed.why, failed.retry_after)
            self._became(row, "waiting", failed.why)
            stuck[row.run] = failed.why
            # One that the server cannot take must not hold up the others; a server that is slow, or busy, holds up all.
            return failed.why if failed.retry_after or time.monotonic() - began >= _SLOW else ""
        self.outbox.sent(row.id)
        self._became(row, "sent", remark)
        if remark:
            self._remark(f"{row.notifier}: {remark}")
        return ""

    def _deliver(self, row: Row) -> str:
        from multigit.notifiers import Clients, NotSent, deliver

        rule = next((rule for rule in self._session.config.notify if rule.name == row.notifier), None)
        if rule is None:
            raise NotSent(f"repos.yaml has no notifier {row.notifier} any more", lasting=True)
        try:
            notice = read(row.document)
        except (ValueError, TypeError, KeyError):
            raise NotSent("another version of multigit wrote it", lasting=True) from None
        kept = self.outbox.kept(row.notifier, row.run)
        clients = Clients(environ=os.environ, seconds=_ONE, kept=kept,
                          on_keep=lambda values: self.outbox.keep(row.id, values))  # fmt: skip
        return deliver(rule, worded(self._session, rule, notice), clients)

    def _became(self, row: Row, state: State, why: str) -> None:
        with self._lock:
            if row.id in self._mine:
                self._mine[row.id] = _delivery(row, state, why)

    def _remark(self, text: str) -> None:
        with self._lock:
            if text not in self._remarks:
                self._remarks.append(text)

    def _now(self) -> datetime:
        return self._session.clock().astimezone(UTC)


def worded(session: Session, rule: Notifier, notice: Notice) -> Telling:
    """The notice in the language of `rule`."""
    from multigit.ui.notices import telling

    return telling(notice, rule.lang or session.config.system.lang)


def _delivery(row: Row, state: State, why: str = "", *, tried: bool = True) -> Delivery:
    return Delivery(notifier=row.notifier, event=row.event, run=row.run, state=state, why=why or row.why,
                    tries=row.tries + tried)  # fmt: skip


def _named(row: Row) -> str:
    return f'the notice "{row.event}" of {row.run or "a test"} for {row.notifier}'


def _waiting(left: Sequence[Delivery]) -> Iterator[str]:
    """A line for each notifier and reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for one in left:
        reasons.setdefault((one.notifier, one.why or f"no answer within {BUDGET:.0f} s"), []).append(f'"{one.event}"')
    for (name, why), events in reasons.items():
        again = "the next command tries again (or: multigit notify send)"
        yield f"{name} was not told {' and '.join(events)}: {why}; {again}"


def _said(broken: Exception) -> str:
    if isinstance(broken, MultigitError):
        return f"{broken.what}{': ' if broken.why else ''}{broken.why}"
    return f"{type(broken).__name__}: {broken}"
