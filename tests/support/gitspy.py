"""A `git` that writes down with which arguments and environment it was started, and then is git."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """\
#!/bin/sh
cat /proc/$$/cmdline > {log}/$$.argv
cat /proc/$$/environ > {log}/$$.environ
exec {git} "$@"
"""


@dataclass(frozen=True, slots=True)
class Started:
    """One git process: its words after `git`, and its environment."""

    words: tuple[str, ...]
    environment: dict[str, str]

    @property
    def options(self) -> set[str]:
        """The settings given with -c."""
        return {value for flag, value in zip(self.words, self.words[1:], strict=False) if flag == "-c"}

    @property
    def verb(self) -> str:
        """`push` of `git -c x=y push …`."""
        rest = list(self.words)
        while rest and rest[0].startswith("-"):
            del rest[: 2 if rest[0] in ("-c", "-C") else 1]
        return rest[0] if rest else ""


@dataclass(frozen=True, slots=True)
class GitSpy:
    """`path` is the PATH to start multigit with. Linux only (/proc)."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> GitSpy:
        spy = cls(folder)
        (folder / "log").mkdir(parents=True)
        git = folder / "git"
        git.write_text(_SCRIPT.format(log=folder / "log", git=shutil.which("git")))
        git.chmod(0o755)
        return spy

    @property
    def path(self) -> str:
        return f"{self.folder}:{os.environ['PATH']}"

    def started(self) -> list[Started]:
        """Every git so far; a process id that came twice counts once."""
        found = []
        for file in (self.folder / "log").glob("*.argv"):
            words = file.read_bytes().decode(errors="replace").rstrip("\0").split("\0")
            rows = file.with_suffix(".environ").read_bytes().decode(errors="replace").split("\0")
            found.append(Started(tuple(words[2:]), dict(row.split("=", 1) for row in rows if "=" in row)))
        return found

    def raw(self) -> bytes:
        """All arguments and environments as they were, to be searched."""
        return b"\n".join(file.read_bytes() for file in (self.folder / "log").iterdir())
