"""Questions that several threads ask at about the same time, in one call: polling ten services costs what one costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")
_WINDOW: Final = 0.03
"""Seconds that the first one waits for others."""


@dataclass(slots=True)
class _Batch(Generic[T]):
    """Names that are asked about together."""

    names: list[str]
    answered: threading.Event = field(default_factory=threading.Event)
    answers: Mapping[str, T] = field(default_factory=dict)
    broken: BaseException | None = None


class Gathering(Generic[T]):
    """At most `most` names a call. `pause` waits while others come."""

    def __init__(self, most: int, pause: Callable[[], None] = lambda: time.sleep(_WINDOW)) -> None:
        self._most, self._pause = most, pause
        self._open: dict[Hashable, _Batch[T]] = {}
        self._lock = threading.Lock()

    def ask(self, about: Hashable, name: str, call: Callable[[Sequence[str]], Mapping[str, T]]) -> T | None:
        """The answer to `name`; None where the call has none. `about`: what one call may be about, a cluster say.

        Whoever asks first calls for all who came meanwhile; what it raises, all of them raise.
        """
        batch, first = self._joined(about, name)
        if first:
            self._pause()
            with self._lock:
                if self._open.get(about) is batch:
                    del self._open[about]
            self._answer(batch, call)
        batch.answered.wait()
        if batch.broken:
            raise batch.broken
        return batch.answers.get(name)

    def _joined(self, about: Hashable, name: str) -> tuple[_Batch[T], bool]:
        with self._lock:
            batch = self._open.get(about)
            if batch is not None and (name in batch.names or len(batch.names) < self._most):
                if name not in batch.names:
                    batch.names.append(name)
                return batch, False
            made = self._open[about] = _Batch(names=[name])
            return made, True

    @staticmethod
    def _answer(batch: _Batch[T], call: Callable[[Sequence[str]], Mapping[str, T]]) -> None:
        try:
            batch.answers = call(batch.names)
        except BaseException as broken:  # noqa: BLE001  whoever waits must not wait for ever
            batch.broken = broken
        finally:
            batch.answered.set()
