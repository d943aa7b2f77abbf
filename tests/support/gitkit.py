"""Bare repositories for tests, built with plain git: fixed dates, no one's configuration, hooks on request."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from multigit.model.names import Oid
from multigit.vcs.mirror import Mirror, open_mirror

Files = Mapping[str | bytes, str | bytes | None]
"""Path -> content; None deletes. With mode 160000 the content is a submodule's commit."""

_EPOCH: Final = 1_700_000_000


def plain_git(*args: str, at: Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
    """Run git in `at` as nobody in particular; its output, stripped. CalledProcessError with stderr where it fails."""
    surroundings = {
        "PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_AUTHOR_NAME": "Kim Min-su", "GIT_AUTHOR_EMAIL": "kim@example.invalid",
        "GIT_COMMITTER_NAME": "Kim Min-su", "GIT_COMMITTER_EMAIL": "kim@example.invalid", **(env or {}),
    }  # fmt: skip
    done = subprocess.run(["git", *args], cwd=at, input=stdin, env=surroundings, capture_output=True, check=False)
    assert done.returncode == 0, f"git {args}: {done.stderr.decode('utf-8', 'replace')}"
    return done.stdout.decode("utf-8", "surrogateescape").strip()


@dataclass(slots=True)
class Bare:
    """A bare repository that plays the host."""

    path: Path
    clock: int = _EPOCH

    @property
    def url(self) -> str:
        return str(self.path)

    def git(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        return plain_git(*args, at=self.path, stdin=stdin, env=env)

    def commit(
        self, files: Files, *, on: str = "main", message: str = "change", parents: tuple[Oid, ...] | None = None,
        mode: str = "100644", by: str = "Kim Min-su",
    ) -> Oid:  # fmt: skip
        """Commit `files` over the first parent's tree (by default the branch `on`) and move `on` there."""
        above = parents if parents is not None else tuple(oid for oid in [self.head(on)] if oid)
        with tempfile.TemporaryDirectory() as scratch:
            env = {"GIT_INDEX_FILE": f"{scratch}/index"}
            self.git("read-tree", *([above[0]] if above else ["--empty"]), env=env)
            self.git("update-index", "-z", "--index-info", stdin=self._index_info(files, mode), env=env)
            tree = self.git("write-tree", env=env)
        return self.commit_tree(tree, above, message, on=on, by=by)

    def commit_tree(self, tree: str, parents: tuple[Oid, ...], message: str, *, on: str, by: str = "Kim Min-su") -> Oid:
        self.clock += 60
        when = f"{self.clock} +0900"
        env = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when, "GIT_AUTHOR_NAME": by}
        above = [word for parent in parents for word in ("-p", parent)]
        oid = Oid(self.git("commit-tree", tree, *above, stdin=message.encode("utf-8", "surrogateescape"), env=env))
        self.git("update-ref", f"refs/heads/{on}", oid)
        return oid

    def _index_info(self, files: Files, mode: str) -> bytes:
        rows = []
        for name, content in files.items():
            path = name.encode() if isinstance(name, str) else name
            if content is None:
                rows.append(b"0 " + b"0" * 40 + b"\t" + path)
                continue
            body = content.encode() if isinstance(content, str) else content
            oid = body.decode() if mode == "160000" else self.git("hash-object", "-w", "--stdin", stdin=body)
            rows.append(f"{mode} {oid}\t".encode() + path)
        return b"".join(row + b"\0" for row in rows)

    def head(self, branch: str = "main") -> Oid | None:
        return self.ref(f"refs/heads/{branch}")

    def ref(self, name: str) -> Oid | None:
        found = self.git("for-each-ref", "--format=%(objectname)", name)
        return Oid(found) if found else None

    def refs(self) -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return {name: oid for name, _, oid in (line.partition(" ") for line in lines)}

    def hook(self, name: str, script: str) -> None:
        """Install a shell hook; `script` without the first line."""
        file = self.path / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)


def bare(folder: Path, *, sha: str = "sha1") -> Bare:
    """A new empty bare repository in `folder`."""
    folder.mkdir(parents=True)
    plain_git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", f"--object-format={sha}", at=folder)
    with (folder / "config").open("a", encoding="utf-8") as config:  # and no garbage is collected after each push
        config.write(f'[core]\n\thooksPath = "{folder / "hooks"}"\n[receive]\n\tautogc = false\n')
    return Bare(folder)


def mirrored(host: Bare, **wants: Oid) -> Mirror:
    """A mirror of `host` that has `wants` under refs/multigit/have/<key>; by default all its branches."""
    from multigit.model.names import RepoName
    from multigit.vcs.mirror import fetch

    mirror = open_mirror(RepoName("api"), host.url)
    heads = {ref: Oid(oid) for ref, oid in host.refs().items() if ref.startswith("refs/heads/")}
    named = {f"refs/multigit/have/{key}": oid for key, oid in wants.items()}
    fetch(mirror, named or {f"refs/multigit/have/{ref[11:]}": oid for ref, oid in heads.items()})
    return mirror
