"""Known holes of git by version. Source: git's own release notes (Documentation/RelNotes), security releases only.

Distributions patch without a new number, so a hole here is a question to ask, not a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Version = tuple[int, ...]
KNOWN_UP_TO: Final = "July 2025"


@dataclass(frozen=True, slots=True)
class Hole:
    """`fixed`: the first good version of each line that got the fix; later lines have it from their start."""

    cves: str
    what: str
    fixed: tuple[Version, ...]

    def in_(self, version: Version) -> bool:
        """Whether plain git of that version has it. A line that never got the fix has it."""
        own = next((good for good in self.fixed if good[:2] == version[:2]), None)
        return version < own if own else version[:2] < max(self.fixed)[:2]


def _lines(text: str) -> tuple[Version, ...]:
    return tuple(tuple(map(int, word.split("."))) for word in text.split())


HOLES: Final = (
    Hole("CVE-2022-41903, CVE-2022-23521", "memory is overwritten by log formats and attribute files",
         _lines("2.38.3 2.39.1")),
    Hole("CVE-2023-22490, CVE-2023-23946", "clone and apply reach files outside",
         _lines("2.38.4 2.39.2")),
    Hole("CVE-2023-25652, CVE-2023-29007", "apply writes outside; configuration is injected by submodule names",
         _lines("2.38.5 2.39.3 2.40.1")),
    Hole("CVE-2024-32002, CVE-2024-32004", "a clone runs code of the repository",
         _lines("2.39.4 2.40.2 2.41.1 2.42.2 2.43.4 2.44.1 2.45.1")),
    Hole("CVE-2024-50349, CVE-2024-52006", "credentials go to the wrong host by control characters in addresses",
         _lines("2.40.4 2.41.3 2.42.4 2.43.6 2.44.3 2.45.3 2.46.3 2.47.2 2.48.1")),
    Hole("CVE-2025-48384, CVE-2025-48385", "a clone runs code of the repository or writes where it should not",
         _lines("2.43.7 2.44.4 2.45.4 2.46.4 2.47.3 2.48.2 2.49.1 2.50.1")),
)  # fmt: skip


def holes(version: Version) -> tuple[Hole, ...]:
    """Those that plain git of `version` has, oldest first."""
    return tuple(hole for hole in HOLES if hole.in_(version))
