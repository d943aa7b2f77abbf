"""The pin: the last ledger head that this user has seen, kept per home repository. What was seen once must stay.

It proves nothing to others and costs nothing to lose: one that is missing or garbage is as if there never was one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from multigit.model.names import Oid

_LOCK_LIMIT = 5.0
"""Seconds to wait for another multigit that moves the pin; it is done in a moment, or the next command does it."""
_LARGE = 1_000
"""Bytes; more is no pin."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The head that was seen, and when."""

    oid: Oid
    at: datetime


@dataclass(frozen=True, slots=True)
class Pin:
    """The file that holds one home repository's pin."""

    path: Path

    @classmethod
    def of(cls, folder: Path, url: str) -> Self:
        """The pin of the home repository at `url`."""
        return cls(folder / f"{hashlib.sha256(url.encode()).hexdigest()}.json")

    def load(self) -> Pinned | None:
        """What was seen last; None where nothing was, or the file cannot be read."""
        try:
            with self.path.open("rb") as file:
                told = json.loads(file.read(_LARGE))
            return Pinned(Oid(told["oid"]), datetime.fromisoformat(told["at"]).astimezone(UTC))
        except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
            return None

    def keep(self, head: Oid | None, chain: Collection[Oid | None]) -> None:
        """Move the pin to `head`, which the host was seen to have; `chain`: all records up to there.

        Another process may have seen a later head meanwhile: that one, which is not in `chain`, stays. A pin that
        cannot be written is no reason to stop.
        """
        if head is None or self._is(head):
            return
        from filelock import FileLock, Timeout

        with contextlib.suppress(OSError, Timeout):
            self._ready()
            with FileLock(self.path.with_suffix(".lock"), timeout=_LOCK_LIMIT, mode=0o600):
                before = self.load()
                if before is None or before.oid in chain:
                    self._write(head)

    def put(self, head: Oid | None) -> None:
        """Believe in `head` from now on, whatever was seen before; OSError where it cannot be written."""
        self._ready()
        if head is None:
            self.path.unlink(missing_ok=True)
        else:
            self._write(head)

    def _is(self, head: Oid) -> bool:
        before = self.load()
        return before is not None and before.oid == head

    def _ready(self) -> None:
        for folder in (self.path.parent.parent, self.path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _write(self, head: Oid) -> None:
        text = json.dumps({"oid": head, "at": datetime.now(UTC).replace(microsecond=0).isoformat()})
        handle, fresh = tempfile.mkstemp(prefix="pin-", dir=self.path.parent)  # readable by its owner alone
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        Path(fresh).replace(self.path)
