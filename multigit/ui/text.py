"""Text for terminals: what repositories wrote made visible, and everything measured in cells, not characters.

A Korean syllable is two cells wide (Unicode Standard Annex #11). The marks used in columns are ASCII, so no
terminal draws them wider than they are counted.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

CHANGE, SAME, REFUSED, WARNING, OPEN, OK = "+", "=", "x", "!", ".", "ok"

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_CLOCK = re.compile(r"(\d{4})(\d{2})(\d{2})-(\d{2})(\d{2})\d{2}$")


def visible(text: str) -> str:
    """`text` on one line; every control, escape, bidi and other invisible character is written out (X8)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written_out(c) for c in text)


def _written_out(char: str) -> str:
    if unicodedata.category(char) not in _HIDDEN and char not in _FILLERS:
        return char
    return char.encode("unicode_escape").decode("ascii")


def visible_json(text: str) -> str:
    """JSON `text` in which the same characters are escaped as JSON has it: a terminal shows it, a program reads it."""
    if text.isascii():
        return text
    return "".join(json.dumps(c)[1:-1] if c != "\n" and _written_out(c) != c else c for c in text)


def visible_lines(text: str) -> list[str]:
    """The same for text of several lines, such as what a server said: only line feeds still part lines."""
    return [visible(line.rstrip("\r")) for line in text.rstrip("\n").split("\n")]


def cells(text: str) -> int:
    """How many terminal cells `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """`text` filled with blanks to `width` cells; never cut. `right`: the blanks come first."""
    blanks = " " * max(0, width - cells(text))
    return blanks + text if right else text + blanks


def fit(text: str, width: int) -> str:
    """`text` in at most `width` cells; `..` says that something is missing."""
    if cells(text) <= width:
        return text
    room, end = max(0, width - 2), 0
    for char in text:
        room -= cells(char)
        if room < 0:
            break
        end += 1
    return (text[:end] + "..")[: max(width, end)]


def wrap(text: str, width: int, *, hang: int = 0) -> list[str]:
    """`text` broken at blanks into lines of at most `width` cells, all but the first indented by `hang`.

    Runs of blanks and the indentation are kept; a word that is longer than a line stays whole, beside its label.
    """
    indent = " " * hang if width - hang >= 8 else ""
    lines: list[str] = []
    line = ""
    for piece in re.findall(r"\s*\S+", text):
        start = indent if lines else ""
        hopeless = cells(line) <= hang and cells(piece.lstrip()) > width - hang
        if line.strip() and cells(line + piece) > width and not hopeless:
            lines.append(line)
            line = indent + piece.lstrip()
        else:
            line = (line or start) + piece
    return [*lines, line]


def aligned(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset(), gap: int = 2) -> list[str]:
    """Rows of cells as lines with straight columns; columns in `right` are flush right, the last is not filled."""
    widths = [max((cells(row[i]) for row in rows if i < len(row)), default=0) for i in range(max(map(len, rows)))]
    lines = []
    for row in rows:
        parts = [pad(cell, widths[i], right=i in right) for i, cell in enumerate(row)]
        lines.append((" " * gap).join(parts).rstrip())
    return lines


def took(seconds: float | None) -> str:
    """A duration as `mm:ss`, from an hour on `h:mm:ss`; `-` where it is not known."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, short = divmod(minutes, 60)
    return f"{hours}:{short:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def ago(when: datetime, now: datetime) -> str:
    """How long ago, in the one unit that matters: `3 s`, `5 min`, `2 h`, `2 days`."""
    seconds = max(0, int((now - when).total_seconds()))
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' * (unit == 'day' and count != 1)} ago"
    return f"{seconds} s ago"


def day(when: datetime, now: datetime, zone: tzinfo) -> str:
    """When, as people say it: `today 07:00`, `yesterday 18:30`, `2 days ago`, from a month on the date."""
    local, today = when.astimezone(zone), now.astimezone(zone).date()
    days = (today - local.date()).days
    if days in (0, 1):
        return f"{('today', 'yesterday')[days]} {local:%H:%M}"
    return f"{days} days ago" if 1 < days < 30 else f"{local:%Y-%m-%d}"


def clock(when: datetime, zone: tzinfo) -> str:
    """`2026-02-12 06:58 KST`: minute and the zone's name."""
    return f"{when.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def iso(when: datetime) -> str:
    """UTC, whole seconds, `Z`: the one form of time in JSON."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def short_tag(tag: str | None, *, year: int | None = None) -> str:
    """`0211-1830` for `deploy-20260211-183012`, with the year where it is not `year`; other tags whole."""
    if not tag:
        return "(none)"
    found = _CLOCK.search(tag)
    if not found:
        return visible(tag)
    date = f"{found[2]}{found[3]}-{found[4]}{found[5]}"
    return date if year is None or found[1] == str(year) else found[1] + date


def count(number: int, noun: str, *, plural: str = "") -> str:
    """`1 commit`, `2 commits`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def short_oids(old: str | None, new: str | None, between: str = "..") -> str:
    """`7221481..6e9a9b3`; an id that is not known is left out."""
    return between.join(oid[:7] for oid in (old, new) if oid)
