"""What services wrote to CloudWatch Logs (FilterLogEvents), oldest first, in bounded pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from multigit.clients import asked, aws
from multigit.model.logs import LogLine, Source

LATE: Final = 30.0
"""Seconds that an event may come after later ones: while following, that much is read again."""


@dataclass(slots=True)
class Reader:
    """One group, read from a moment on; what was told once is not told again."""

    source: Source
    since: float
    """Seconds since 1970."""
    pattern: str = ""
    """Text that a line must hold; '' = any."""
    told: dict[str, float] = field(default_factory=dict)
    """Ids of what was told, and when it was written: as far back as is read again."""

    def read(self, most: int) -> tuple[list[LogLine], bool]:
        """What is new, at most the latest `most` lines, and whether there were more. MultigitError: AWS says no."""
        lines: list[LogLine] = []
        more = False
        for event in self._events():
            if event["eventId"] in self.told:
                continue
            self.told[event["eventId"]] = event["timestamp"] / 1000
            lines.append(self._line(event))
            if len(lines) > 2 * most:
                lines, more = sorted(lines, key=_when)[-most:], True
        self._forget()
        return sorted(lines, key=_when)[-most:], more or len(lines) > most

    def _events(self) -> Iterator[dict[str, Any]]:
        wanted = {"logGroupName": self.source.group, "startTime": int(self.since * 1000)}
        if self.pattern:
            wanted["filterPattern"] = _quoted(self.pattern)
        with asked(f"the log group {self.source.group} was not read"):
            client = aws("logs", region=self.source.region or None)
            for page in client.get_paginator("filter_log_events").paginate(**wanted):
                yield from page["events"]

    def _line(self, event: dict[str, Any]) -> LogLine:
        at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        return LogLine(repo=self.source.repo, at=at, stream=event.get("logStreamName", ""), text=event["message"])

    def _forget(self) -> None:
        """The next reading begins a little before the last event: what comes late is still seen."""
        if self.told:
            self.since = max(self.since, max(self.told.values()) - LATE)
            self.told = {name: at for name, at in self.told.items() if at >= self.since}


def _when(line: LogLine) -> datetime:
    return line.at


def _quoted(text: str) -> str:
    """A text as it stands, not a pattern (CloudWatch Logs, filter pattern syntax: unstructured terms)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
