"""Puts a table into a document, between two comments that name the profile it belongs to."""

from __future__ import annotations

import re
from pathlib import Path


def write(file: Path, profile: str, text: str) -> None:
    """Replace what stands between the profile's comments, or add it at the end where there are none."""
    begin, end = f"<!-- bench: {profile} -->", "<!-- bench end -->"
    section = f"{begin}\n{text.strip()}\n{end}"
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    there = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    new = there.sub(lambda _: section, old) if there.search(old) else f"{old.rstrip()}\n\n{section}\n".lstrip()
    file.write_text(new, encoding="utf-8")
