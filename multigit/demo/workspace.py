"""The demo's world on disk: hosts (bare repositories), a workspace with repos.yaml, and a home of its own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from multigit.demo import past
from multigit.errors import UsageError
from multigit.examples import example
from multigit.lanes import each
from multigit.vcs.run import git, git_in

_ORIGIN = 'remotes: {origin: "git@github.com:dreamfurnace/{repo}.git"}'
_IDENTITY = "[user]\n\tname = 안서연\n\temail = seoyeon.ahn@example.invalid\n[init]\n\tdefaultBranch = main\n"
_REJECT = """#!/bin/sh
while read old new ref; do
  case "$ref" in refs/heads/stg) echo "stg is frozen for the load test" >&2; exit 1;; esac
done
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the demo plays."""

    root: Path

    @property
    def work(self) -> Path:
        """The folder of repos.yaml."""
        return self.root / "work"

    @property
    def home(self) -> Path:
        """A home folder, so that the demo leaves no trace in the real one."""
        return self.root / "home"

    def host(self, name: str) -> Path:
        """The bare repository that plays the host of `name`."""
        return self.root / "hosts" / f"{name}.git"

    def build(self) -> None:
        """Make everything; UsageError where something is there already."""
        if self.root.exists() and any(self.root.iterdir()):
            raise UsageError(f"{self.root} is not empty", hint="name a folder that does not exist yet")
        for folder in (self.home, self.root / "hosts"):
            folder.mkdir(parents=True)
        (self.home / ".gitconfig").write_text(_IDENTITY, encoding="utf-8")
        each(self._make_host, past.NAMES)
        self._clone("gli_root", self.work)  # the repository that holds the others
        ignored = [*(f"/{name}/" for name in past.NAMES), "/repos.yaml", "/deployment.log", "/plan.json"]
        (self.work / ".git" / "info").mkdir(exist_ok=True)
        (self.work / ".git" / "info" / "exclude").write_text("\n".join(ignored) + "\n")
        text = example("gli").replace(_ORIGIN, 'remotes: {origin: "../hosts/{repo}.git"}')
        text = re.sub(r"\n    deploy: .*|\n  stg-healthy: .*|stg-healthy, ", "", text)  # nothing of it runs here
        (self.work / "repos.yaml").write_text(text, encoding="utf-8")

    def _make_host(self, name: str) -> None:
        path = self.host(name)
        git("init", "--quiet", "--bare", "--initial-branch=main", str(path))
        git("fast-import", "--quiet", "--date-format=raw", at=path, stdin=past.stream(name))

    def colleague(self, name: str, branch: str, message: str, files: Mapping[str, str]) -> None:
        """Somebody else pushes a commit."""
        tip = git("rev-parse", f"refs/heads/{branch}", at=self.host(name)).out.decode().strip()
        git("fast-import", "--quiet", "--date-format=raw", at=self.host(name),
            stdin=past.later(branch, tip, message, files))  # fmt: skip

    def clone(self, name: str) -> Path:
        """A person's clone, on main."""
        folder = self.work / name
        if not folder.exists():
            self._clone(name, folder)
        return folder

    def _clone(self, name: str, folder: Path) -> None:
        git("clone", "--quiet", str(self.host(name)), str(folder), network=True, url=str(self.host(name)))
        git_in(folder, "config", "user.name", "안서연")
        git_in(folder, "config", "user.email", "seoyeon.ahn@example.invalid")

    def freeze(self, name: str) -> None:
        """The host refuses pushes to stg from now on."""
        hook = self.host(name) / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_REJECT)
        hook.chmod(0o755)

    def thaw(self, name: str) -> None:
        """The host takes pushes again."""
        (self.host(name) / "hooks" / "pre-receive").unlink()

    def remove(self) -> None:
        """Take everything away again."""
        shutil.rmtree(self.root, ignore_errors=True)
