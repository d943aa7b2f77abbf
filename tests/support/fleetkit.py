"""A whole fleet for tests: bare repositories that play the hosts, a workspace with repos.yaml, and the command."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multigit.model.names import Oid
from tests.support.gitkit import Bare, bare, plain_git

ENVIRONMENTS = """\
environments:
  dev: {branch: dev}
  stg: {branch: stg, alias: [staging], tag: "stg-deploy-{now:%Y%m%d-%H%M%S}"}
  prod: {branch: main, alias: [production], tag: "deploy-{now:%Y%m%d-%H%M%S}", tier: production}
hotfix: {allow: [stg, prod], backmerge: [stg, dev]}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command answered."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that was said, line breaks and indents folded: a test asks for words, not for the width."""
        return " ".join((self.out + " " + self.err).split())

    def json(self) -> Any:
        return json.loads(self.out)

    def ok(self) -> Ran:
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        return self

    def exits(self, code: int) -> Ran:
        assert self.code == code, f"exit {self.code}, not {code}\n{self.out}\n{self.err}"
        return self


@dataclass(slots=True)
class FleetKit:
    """`hosts` by repository name; `work` is the folder of repos.yaml."""

    root: Path
    names: tuple[str, ...]
    hosts: dict[str, Bare] = field(default_factory=dict)
    config: str = ""

    @property
    def work(self) -> Path:
        return self.root / "work"

    @classmethod
    def make(
        cls, root: Path, names: Sequence[str] = ("root", "api", "web"), *, extra: str = "", repos: str = "",
        environments: str = ENVIRONMENTS, wide: Sequence[str] = (),
    ) -> FleetKit:  # fmt: skip
        """Hosts with dev = stg = main at one commit each, and a repos.yaml. `extra`: more of it; `repos`: its repos.

        `wide`: hosts whose ids are SHA-256.
        """
        kit = cls(root, tuple(names))
        kit.work.mkdir(parents=True)
        for name in names:
            host = kit.hosts[name] = bare(root / "hosts" / f"{name}.git", sha="sha256" if name in wide else "sha1")
            first = host.commit({"README.md": f"# {name}\n", "app.txt": "one\ntwo\nthree\n"}, message="chore: start")
            for branch in ("dev", "stg"):
                host.git("update-ref", f"refs/heads/{branch}", first)
        repos = repos or "".join(f"  {name}: {{}}\n" for name in names)
        system = "version: 1\nsystem: {name: shop, title: Shop, timezone: Asia/Seoul}\n"
        remotes = f'remotes: {{origin: "{root}/hosts/{{repo}}.git"}}\n'
        kit.config = f"{system}{remotes}{environments}repos:\n{repos}{extra}"
        (kit.work / "repos.yaml").write_text(kit.config, encoding="utf-8")
        return kit

    def run(self, *args: str, stdin: str = "", env: Mapping[str, str] | None = None, timeout: float = 60) -> Ran:
        """The command as a user types it, in a process of its own; stdin is no terminal."""
        command = [sys.executable, "-m", "multigit", *args]
        done = subprocess.run(
            command, cwd=self.work, input=stdin, capture_output=True, encoding="utf-8",
            env={**os.environ, **(env or {})}, timeout=timeout, check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    def call(self, *args: str) -> Ran:
        """The same in this process, for speed; nobody is there to be asked."""
        from multigit.cli import main

        out, err = io.StringIO(), io.StringIO()
        before = Path.cwd()
        os.chdir(self.work)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(["--no-input", *args])
        finally:
            os.chdir(before)
        return Ran(code, out.getvalue(), err.getvalue())

    def promote(self, source: str = "dev", target: str = "stg", *more: str) -> Ran:
        """Promote with consent, whatever it takes without a terminal."""
        if target in ("main", "prod"):
            plan = self.root / "plan.json"
            shown = self.call("plan", source, target, "--out", str(plan), *more)
            if shown.code:
                return shown
            return self.call("promote", source, target, "--plan", str(plan), "--confirm", "shop main", *more)
        return self.call("promote", source, target, "--yes", *more)

    def release(self) -> str:
        """dev -> stg -> main; answers the production tag."""
        self.promote().ok()
        self.promote("stg", "main").ok()
        return self.tags("deploy-")[-1]

    def commit(self, repo: str, branch: str, files: Mapping[str, str | None], message: str = "change") -> Oid:
        """Somebody pushes a commit."""
        content: dict[str | bytes, str | bytes | None] = {path: text for path, text in files.items()}  # noqa: C416 - widens
        return self.hosts[repo].commit(content, on=branch, message=message)

    def head(self, repo: str, branch: str = "main") -> Oid:
        found = self.hosts[repo].head(branch)
        assert found, f"{repo} has no branch {branch}"
        return found

    def tree(self, repo: str, rev: str) -> str:
        return self.hosts[repo].git("rev-parse", f"{rev}^{{tree}}")

    def file(self, repo: str, rev: str, path: str) -> str | None:
        host = self.hosts[repo]
        if not host.git("ls-tree", rev, "--", path):
            return None
        return host.git("cat-file", "blob", f"{rev}:{path}")

    def tags(self, prefix: str = "", repo: str | None = None) -> list[str]:
        host = self.hosts[repo or self.names[0]]
        return sorted(host.git("for-each-ref", "--format=%(refname:lstrip=2)", f"refs/tags/{prefix}*").split())

    def refs(self, *, ledger: bool = False, inner: bool = False) -> dict[str, dict[str, str]]:
        """Branches and tags of every host; with `ledger` and `inner` also multigit's own refs."""

        def wanted(ref: str) -> bool:
            if ref.startswith("refs/multigit/"):
                return inner
            return ledger or ref != "refs/heads/multigit-ledger"

        return {n: {r: o for r, o in host.refs().items() if wanted(r)} for n, host in self.hosts.items()}

    def clone(self, repo: str, branch: str = "main") -> Path:
        """A person's clone where repos.yaml expects it."""
        folder = self.work / repo
        plain_git("clone", "--quiet", "--branch", branch, self.hosts[repo].url, str(folder), at=self.root)
        plain_git("config", "user.name", "Lee", at=folder)
        plain_git("config", "user.email", "lee@example.invalid", at=folder)
        return folder

    def log(self) -> str:
        path = self.work / "deployment.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def fsck(self) -> None:
        for host in self.hosts.values():
            host.git("fsck", "--strict", "--no-dangling")
