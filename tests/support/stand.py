"""Fleets behind a server that outlives its clients, machines of several people, and a colleague who pushes."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.support.fleetkit import FleetKit, Ran
from tests.support.killer import ROOT, copied
from tests.support.servers import HttpGit, SshGit

Server: TypeAlias = HttpGit | SshGit
Environment = dict[str, str]


@dataclass(slots=True)
class Stand:
    """A prepared fleet below a server's root; without a server its hosts are folders."""

    root: Path
    prepared: FleetKit
    server: Server | None = None
    number: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def make(cls, root: Path, names: Sequence[str], changed: Sequence[str], server: Server | None = None) -> Stand:
        """`names` of the repositories; those `changed` have a feature on dev."""
        place = server.url if server else lambda path: str(root / path)
        repos = "".join(f'  {name}: {{url: "{place(f"f0/hosts/{name}.git")}"}}\n' for name in names)
        kit = FleetKit.make(root / "f0", names, repos=repos)
        for name in changed:
            kit.commit(name, "dev", {"feature.txt": "good\n"}, "feat: good")
        return cls(root, kit, server)

    def fresh(self) -> FleetKit:
        """A copy of the prepared fleet, at addresses of its own."""
        name = f"f{next(self.number)}"
        twin = copied(self.prepared, self.root / name)
        twin.config = self.prepared.config.replace(f"/{self.prepared.root.name}/hosts/", f"/{name}/hosts/")
        (twin.work / "repos.yaml").write_text(twin.config, encoding="utf-8")
        return twin

    def machine(self, kit: FleetKit, person: str) -> Environment:
        """What a command finds on `person`'s own machine: their name, no cache and no journal yet."""
        home = kit.root / "homes" / person
        home.mkdir(parents=True)
        ssh = f'[core]\n\tsshCommand = "{self.server.ssh_command}"\n' if isinstance(self.server, SshGit) else ""
        text = f"[user]\n\tname = {person.title()}\n\temail = {person}@example.invalid\n{ssh}"
        (home / ".gitconfig").write_text(text, encoding="utf-8")
        folders = {f"XDG_{word}_HOME": str(home / word.lower()) for word in ("CACHE", "CONFIG", "DATA", "STATE")}
        return {
            "PATH": os.environ["PATH"], "HOME": str(home), **folders, "PYTHONPATH": str(ROOT), "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1", "LANG": "C.UTF-8", "TERM": "dumb", "LOGNAME": person, "USER": person,
        }  # fmt: skip


def words(kit: FleetKit, *args: str) -> list[str]:
    """A command on `kit`, from wherever it is started."""
    return [*args[:1], "-f", str(kit.work / "repos.yaml"), *args[1:]]


def ran(kit: FleetKit, env: Mapping[str, str], *args: str, seconds: float = 180) -> Ran:
    """One command on somebody's machine."""
    done = subprocess.run(
        [sys.executable, "-m", "multigit", *words(kit, *args)], cwd=kit.work, env=dict(env), capture_output=True,
        encoding="utf-8", stdin=subprocess.DEVNULL, timeout=seconds, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


def pushes(kit: FleetKit, env: Mapping[str, str], url: str, branch: str) -> str:
    """Somebody clones, commits on `branch` and pushes, again where they come second; the commit they got in."""
    folder = Path(tempfile.mkdtemp(prefix="clone-", dir=kit.root))

    def git(*args: str) -> subprocess.CompletedProcess[str]:
        words = ["git", "-C", str(folder), *args]
        return subprocess.run(words, env=dict(env), capture_output=True, text=True, timeout=60, check=False)

    assert git("clone", "-q", "--branch", branch, url, ".").returncode == 0
    git("commit", "-q", "--allow-empty", "-m", "feat: theirs").check_returncode()
    for _ in range(10):
        if git("push", "-q", "origin", f"HEAD:{branch}").returncode == 0:
            break
        git("pull", "-q", "--rebase").check_returncode()
    else:
        raise AssertionError("a colleague's push never got in")
    oid = git("rev-parse", "HEAD").stdout.strip()
    shutil.rmtree(folder)
    return oid
