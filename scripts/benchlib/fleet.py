"""The repositories that are raced over: hosts with a history, and a workspace with clones and repos.yaml."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchlib.hosting import Hosting
from tests.support.gitkit import bare, plain_git

COMMITS = 300
"""Commits in each repository before the first round; `--quick` makes a tenth of it."""
NEW = 5
"""Commits that wait on dev in each repository at the beginning of a round."""
_CONFIG = """\
version: 1
system: {{name: bench, timezone: UTC}}
remotes: {{origin: "{origin}"}}
environments:
  dev: {{branch: dev}}
  stg: {{branch: stg, tag: "stg-deploy-{{now:%Y%m%d-%H%M%S}}"}}
  prod: {{branch: main, tag: "deploy-{{now:%Y%m%d-%H%M%S}}", tier: production}}
repos:
{repos}"""
_GITCONFIG = """\
[user]
\tname = Test Person
\temail = person@example.invalid
[init]
\tdefaultBranch = main
"""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Bare repositories `names` in `folder`. Two sets that are grown alike have the same commit ids."""

    folder: Path
    names: Sequence[str]

    def make(self, commits: int) -> None:
        """Make them: `commits` commits, dev = stg = main, and an old release tag."""
        for name in self.names:
            host = bare(self.folder / f"{name}.git")
            plain_git("fast-import", "--quiet", at=host.path, stdin=b"".join(_history(name, 0, commits, "")))
            for branch in ("dev", "stg"):
                host.git("update-ref", f"refs/heads/{branch}", "refs/heads/main")
            for tag in ("stg-deploy-20200101-000000", "deploy-20200101-000000"):
                host.git("tag", "-a", "-m", tag, tag, "main")

    def grow(self, turn: int) -> None:
        """Five commits more on dev of every repository; `turn` counts the rounds from 1."""
        for name in self.names:
            stream = b"".join(_history(name, 10_000 * turn, NEW, "refs/heads/dev"))
            plain_git("fast-import", "--quiet", at=self.folder / f"{name}.git", stdin=stream)

    def advance(self, name: str) -> None:
        """Somebody brings stg of one repository to where its dev is."""
        plain_git("update-ref", "refs/heads/stg", "refs/heads/dev", at=self.folder / f"{name}.git")

    def trees(self, branch: str) -> list[str]:
        """The content of `branch` in every repository."""
        return [plain_git("rev-parse", f"{branch}^{{tree}}", at=self.folder / f"{n}.git") for n in self.names]

    def tagged(self) -> list[int]:
        """How many release tags stand on the tip of stg, per repository."""
        tags = [plain_git("tag", "--points-at", "stg", at=self.folder / f"{name}.git") for name in self.names]
        return [len(found.split()) for found in tags]


def _history(name: str, start: int, commits: int, branch: str) -> Iterator[bytes]:
    """Commits for git-fast-import(1), each changing one of forty files; on main from nothing if `branch` is ''."""
    for number in range(start, start + commits):
        first = f"from {branch}^0\n" if branch and number == start else ""
        message = f"feat: change {number} of {name}"
        body = "".join(f"line {line} of {name}, as of {number}\n" for line in range(60))
        yield (
            f"commit {branch or 'refs/heads/main'}\ncommitter Kim Min-su <kim@example.invalid> {1_700_000_000 + number}"
            f" +0900\ndata {len(message)}\n{message}\n{first}M 100644 inline src/part{number % 8}/file{number % 40}.txt"
            f"\ndata {len(body)}\n{body}\n"
        ).encode()


@dataclass(frozen=True, slots=True)
class Workspace:
    """One contestant's machine: `folder` holds home, caches, and `work` with repos.yaml and the clones."""

    folder: Path
    hosting: Hosting
    hosts: Hosts

    @property
    def work(self) -> Path:
        """The folder of repos.yaml."""
        return self.folder / "work"

    def make(self) -> None:
        """Clones with dev, stg and main, stg checked out."""
        (self.folder / "home").mkdir(parents=True)
        (self.folder / "home/.gitconfig").write_text(_GITCONFIG)
        self.work.mkdir()
        repos = "".join(f"  {name}:\n" for name in self.hosts.names)
        origin = self._address("{repo}")
        (self.work / "repos.yaml").write_text(_CONFIG.format(origin=origin, repos=repos))
        for name in self.hosts.names:
            # Cloned from the folder, to be quick; from then on it is as far away as everything else.
            plain_git("clone", "--quiet", "--no-local", str(self.hosts.folder / f"{name}.git"), name, at=self.work)
            for branch in ("dev", "stg"):
                plain_git("checkout", "--quiet", branch, at=self.work / name)
            plain_git("remote", "set-url", "origin", self._address(name), at=self.work / name)

    def _address(self, name: str) -> str:
        return self.hosting.address(f"{self.hosts.folder.relative_to(self.hosting.root)}/{name}.git")

    def environment(self, runtime: str = "run") -> Mapping[str, str]:
        """No setting of the machine or the person. Another `runtime` folder: no open ssh connection is found there."""
        home = self.folder / "home"
        (self.folder / runtime).mkdir(mode=0o700, exist_ok=True)
        return {
            "PATH": ":".join((*self.hosting.search, os.environ["PATH"])),
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local/share"),
            "XDG_STATE_HOME": str(home / ".local/state"),
            "XDG_RUNTIME_DIR": str(self.folder / runtime),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "TZ": "UTC",
        }
