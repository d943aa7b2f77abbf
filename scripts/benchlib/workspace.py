"""One contestant's machine: a home, caches, and clones beside a repos.yaml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchlib.fleet import Hosts, copy_clone, refresh
from benchlib.hosting import Hosting

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
[advice]
\tdetachedHead = false
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """`folder` holds home, caches, and `work` with repos.yaml and the clones."""

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
        (self.folder / "home/.gitconfig").write_text(_GITCONFIG + self.hosting.gitconfig)
        self.work.mkdir()
        repos = "".join(f"  {name}:\n" for name in self.hosts.names)
        (self.work / "repos.yaml").write_text(_CONFIG.format(origin=self.address("{repo}"), repos=repos))
        for name in self.hosts.names:
            copy_clone(self.hosts.story, name, self.work / name, self.address(name))
        refresh([self.work / name for name in self.hosts.names])

    def address(self, name: str) -> str:
        """Where git finds the host of `name`."""
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

    def heads(self) -> Mapping[str, str]:
        """What is checked out in every clone, by name."""
        return {name: _head(self.work / name / ".git") for name in self.hosts.names}


def _head(git_dir: Path) -> str:
    """The commit HEAD stands for, read from the files: a process per clone would take longer than some contestants."""
    text = (git_dir / "HEAD").read_text().strip()
    if not text.startswith("ref: "):
        return text
    file = git_dir / text[5:]
    if file.is_file():
        return file.read_text().strip()
    packed = (git_dir / "packed-refs").read_text().splitlines()
    return next((line.split()[0] for line in packed if line.endswith(f" {text[5:]}")), "")
