"""What is wrong with repos.yaml, said like a compiler: place, message, source line, caret, suggestion."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from multigit.errors import UsageError
from multigit.model.urls import has_secret, hide_secrets

MAX_BYTES: Final = 1024 * 1024
"""Of a repos.yaml: a fleet of a thousand repositories needs about a fifth of it."""

SHOWN: Final = 50
"""Problems that are printed; all of them are in `ConfigError.problems`."""

Where = tuple[str | int, ...]
"""Place inside the data: `("repos", "gli_api-server", "after", 0)`."""

_WIDTH: Final = 96
_UNSEEN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong. `line` and `column` count from 1, columns in characters."""

    file: str
    line: int
    column: int
    message: str
    source: str = ""
    """The line as it is in the file; secrets are hidden and control characters made visible in `text` only."""
    suggestion: str = ""

    @property
    def text(self) -> str:
        """`repos.yaml:12:5: message`, the line, a caret below the place, the suggestion; no newline at the end."""
        lines = [f"{self.file}:{self.line}:{self.column}: {visible(hide_secrets(self.message))}"]
        if self.source.strip():
            lines += _excerpt(self.source, self.column)
        if self.suggestion:
            lines.append(f"    {visible(self.suggestion)}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong at a place of the data. `key`: the key itself is wrong, not its value."""

    where: Where
    message: str
    suggestion: str = ""
    key: bool = False
    secret: bool = False
    """What stands there may be a secret: the line is not shown."""


class ConfigError(UsageError):
    """repos.yaml cannot be used. Carries every problem that was found, in the file's order."""

    code = "MG-201"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.line, p.column, p.message)))
        count = len(self.problems)
        shown = [problem.text for problem in self.problems[:SHOWN]]
        if count > SHOWN:
            shown.append(f"and {count - SHOWN} more")
        super().__init__(
            f"{self.problems[0].file} cannot be used: {count} problem{'s' if count > 1 else ''}",
            why="\n".join(shown),
            hint="multigit config check",
        )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "after"?`, or '' when nothing known is close."""
    return _nearest(word, tuple(dict.fromkeys(known)))


@lru_cache(maxsize=256)
def _nearest(word: str, words: tuple[str, ...]) -> str:
    close = get_close_matches(word, words, n=1, cutoff=0.6) or [
        one for one in words if len(word) > 1 and one.casefold().startswith(word.casefold())
    ]
    return f'did you mean "{close[0]}"?' if close else ""


def one_of(words: Iterable[str]) -> str:
    """`known: a, b, c`, cut after sixteen."""
    listed = list(words)
    return f"known: {', '.join(listed[:16])}{' …' if len(listed) > 16 else ''}" if listed else ""


def visible(text: str) -> str:
    """`text` with control and bidirectional characters written as escapes, so that they cannot act on a terminal."""
    return _UNSEEN.sub(lambda found: _escape(found[0]), text)


def _escape(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


def _excerpt(line: str, column: int) -> list[str]:
    if has_secret(line):
        return [f"    {_cut(visible(hide_secrets(line.strip())), 0)}"]
    before, after = visible(line[: column - 1].replace("\t", " ")), visible(line[column - 1 :].replace("\t", " "))
    start = max(0, len(before) - _WIDTH * 2 // 3) if len(before) + len(after) > _WIDTH else 0
    lead = "…" if start else ""
    return [f"    {lead}{_cut(before[start:] + after, len(lead))}", "    " + " " * _cells(lead + before[start:]) + "^"]


def _cut(text: str, used: int) -> str:
    room = _WIDTH - used
    return text.rstrip() if len(text) <= room else text[: room - 1] + "…"


def _cells(text: str) -> int:
    """Terminal columns: Korean is two wide, combining marks none."""
    wide = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
    return wide - sum(1 for char in text if unicodedata.combining(char))
