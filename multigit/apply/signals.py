"""Ctrl-C, SIGTERM and SIGHUP while a run is applied: a push is never ended in the middle, its fate is read back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from multigit.apply.engine import Work

_STOPPING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heeded(work: Work, tell: Callable[[str], None]) -> Iterator[None]:
    """First Ctrl-C: settle the run. Second Ctrl-C, SIGTERM, SIGHUP: finish what is under way and leave it open."""

    def interrupted(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGINT or work.cancel.is_set():
            work.stop.set()
            tell("stopping after what is under way; the run stays open: multigit resume")
        else:
            work.cancel.set()
            tell("settling the run first; once more to stop and leave it open")

    with _handled(interrupted):
        yield


@contextmanager
def stopping(stop: threading.Event, tell: Callable[[str], None]) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP while something is only followed: it is left to itself, and stays open."""

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if not stop.is_set():
            stop.set()
            tell("stopping here: what was begun goes on by itself, and the deployment stays open")

    with _handled(interrupted):
        yield


@contextmanager
def _handled(interrupted: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, *_STOPPING)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
