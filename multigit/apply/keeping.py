"""The ledger's part of a deployment: each record goes in while the deployment is still ours, or we stop.

What several steps have to tell at once goes in together: a record costs a round trip or two to the home repository.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event as Flag
from threading import Lock
from typing import Any
from uuid import uuid4

from multigit.errors import MultigitError
from multigit.ledger.shared import Ledger, Refused
from multigit.model.actor import Actor
from multigit.model.deployments import Deployment
from multigit.model.deployplan import DeployPlan
from multigit.model.events import History
from multigit.model.plain import plain
from multigit.model.record import Event, Kind


@dataclass(slots=True)
class Keeper:
    """Writes the records of one deployment. Safe for several threads."""

    plan: DeployPlan
    ledger: Ledger
    actor: Actor
    now: Callable[[], datetime]
    owner: str = field(default_factory=lambda: uuid4().hex)
    lost: Flag = field(default_factory=Flag)
    """Set when somebody else has the deployment, or has ended it."""
    unwritten: str = ""
    """Why the last record is not in the ledger yet; '' where all is."""
    _left: dict[str, dict[str, Any]] = field(default_factory=lambda: {"steps": {}, "backs": {}})
    _waiting: Lock = field(default_factory=Lock)
    _writing: Lock = field(default_factory=Lock)

    @property
    def deployment(self) -> Deployment:
        """As far as the ledger tells by now."""
        return self.ledger.history.deployments[self.plan.id]

    def begin(self, supersedes: str = "") -> Refused | None:
        """Write the whole plan; None = the environment is ours."""
        data = {"plan": plain(self.plan), **({"supersedes": supersedes} if supersedes else {})}
        return self._put(self._event("deploying", data), lambda now: self._free(now, supersedes),
                         "another deployment of the environment is open")  # fmt: skip

    def take(self) -> Refused | None:
        """Become the owner of an open deployment; the next record of its former owner counts for nothing."""
        return self._put(self._event("following", {}), self._open, "it is over")

    def turn_back(self, reason: str) -> bool:
        """From here on it only goes back; whether that is written."""
        return self._flush() and self._append("returning", {}, reason)

    def end(self, outcome: str, reason: str) -> bool:
        """It is over; whether that is written."""
        return self._flush() and self._append("deployed", {"outcome": outcome}, reason)

    def told(self, name: str, state: Mapping[str, Any], *, back: bool = False) -> bool:
        """How a step stands; whether that is written. What is not is tried again with the next record."""
        with self._waiting:
            kept = self._left["backs" if back else "steps"]
            kept[name] = {**kept.get(name, {}), **state}
        return self._flush()

    def _flush(self) -> bool:
        with self._writing:
            with self._waiting:
                told = {kind: dict(states) for kind, states in self._left.items() if states}
            if not told:
                return True
            if not self._append("step", told):
                return False
            with self._waiting:
                for kind, states in told.items():
                    for name, state in states.items():
                        if self._left[kind].get(name) == state:
                            del self._left[kind][name]
        return True

    def _put(self, event: Event, may_follow: Callable[[History], bool], why: str) -> Refused | None:
        """Write `event`, where it may follow what is known by now."""
        if not may_follow(self.ledger.history):
            return Refused(self.ledger.history, why)
        refused = self.ledger.append(event, may_follow=may_follow)
        return replace(refused, why=why) if refused and refused.history and not may_follow(refused.history) else refused

    def _append(self, kind: Kind, data: Mapping[str, Any], reason: str = "") -> bool:
        if not self._mine(self.ledger.history):
            self.lost.set()
        if self.lost.is_set():
            return False
        try:
            refused = self.ledger.append(self._event(kind, data, reason), may_follow=self._mine)
        except (MultigitError, OSError) as broken:
            self.unwritten = str(broken)
            return False
        if refused and refused.history is not None and not self._mine(refused.history):
            self.lost.set()
        self.unwritten = refused.why if refused else ""
        return refused is None and not self.lost.is_set()

    def _event(self, kind: Kind, data: Mapping[str, Any], reason: str = "") -> Event:
        return Event(kind=kind, deployment=self.plan.id, at=self.now(), by=self.actor, owner=self.owner, reason=reason,
                     data=data)  # fmt: skip

    def _free(self, history: History, supersedes: str) -> bool:
        others = [one.id for one in history.deployments.values() if one.open and one.env == self.plan.env]
        return others in ([], [supersedes])

    def _open(self, history: History) -> bool:
        found = history.deployments.get(self.plan.id)
        return found is not None and found.open

    def _mine(self, history: History) -> bool:
        found = history.deployments.get(self.plan.id)
        return found is not None and found.open and found.owner == self.owner
