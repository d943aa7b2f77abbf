"""Where the tools of others come from: PATH, or the user's cache, filled by `scripts/bench --install-peers`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Source:
    """A `package` that brings `program`, by the name it has at its registry."""

    how: Literal["pip", "apt", "npm"]
    package: str
    program: str

    @property
    def folder(self) -> Path:
        """A folder of its own: their dependencies need not agree with each other's, nor with ours."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        return cache / "multigit-bench" / self.package

    @property
    def places(self) -> tuple[Path, ...]:
        """Where the program is once it was installed."""
        folders = {"pip": "bin", "apt": "usr/bin", "npm": "node_modules/.bin"}
        return (self.folder / folders[self.how] / self.program,)


def find(source: Source) -> Path | None:
    """The program, ours before the machine's."""
    mine = next((place for place in source.places if os.access(place, os.X_OK)), None)
    found = mine or shutil.which(source.program)
    return Path(found) if found else None


def install(sources: Iterable[Source]) -> dict[str, str]:
    """Fetch what is not here, each by its own registry's client; why not, by package, for those that stay missing."""
    failed: dict[str, str] = {}
    for source in sources:
        if find(source):
            continue
        print(f"bench: installing {source.package} ({source.how})", file=sys.stderr)
        try:
            _get(source)
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(source.folder, ignore_errors=True)
            failed[source.package] = _why(error)
    return failed


def _get(source: Source) -> None:
    folder = source.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if source.how == "pip":
        _run(folder, sys.executable, "-m", "venv", ".")
        _run(folder, "bin/pip", "install", "--quiet", "--disable-pip-version-check", source.package)
    elif source.how == "apt":
        # Unpacked here instead of installed: it needs no root, and the machine stays as it is.
        _run(folder, "apt-get", "download", "-qq", source.package)
        _run(folder, "dpkg-deb", "-x", next(folder.glob("*.deb")).name, ".")
    else:
        (folder / "package.json").write_text('{"private": true}\n')
        _run(folder, "npm", "install", "--no-audit", "--no-fund", f"{source.package}@latest")
    if not find(source):
        raise OSError(f"it brought no program called {source.program}")


def _run(folder: Path, *argv: str) -> None:
    subprocess.run(argv, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)


def _why(error: Exception) -> str:
    if not isinstance(error, subprocess.CalledProcessError):
        return str(error)
    lines = (error.stderr or b"").decode(errors="replace").strip().splitlines()
    return f"{error.cmd[0]} {error.cmd[1]} ended with {error.returncode}: {' | '.join(lines)[:600]}"


def version(source: Source) -> str:
    """Which version is raced; '' where it is the machine's own."""
    folder = source.folder
    if not folder.is_dir():
        return ""
    if source.how == "pip":
        told = f"import importlib.metadata as m; print(m.version({source.package!r}))"
        return _said(folder / "bin/python", "-c", told)
    if source.how == "apt":
        return _said("dpkg-deb", "-f", next(folder.glob("*.deb")), "Version")
    return _said("node", "-p", f"require('{folder}/node_modules/{source.package}/package.json').version")


def _said(*argv: str | Path) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout.strip()
