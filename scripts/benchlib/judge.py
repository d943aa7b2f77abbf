"""Whether a contestant did the work: the fastest way to be fast is to leave something out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchlib.fleet import OLD_TAGS, Hosts
from benchlib.workspace import Workspace
from multigit.lanes import each


def promoted(hosts: Hosts, times: int) -> list[str]:
    """The content of stg in each repository; RuntimeError where it is not that of dev, or lacks its one new tag.

    `times`: promotions so far, each of which tags every repository.
    """
    shape = "%(refname) %(objectname) %(*objectname) %(tree)"
    said = hosts.ask("for-each-ref", f"--format={shape}", "refs/heads/dev", "refs/heads/stg", "refs/tags/")
    trees: list[str] = []
    for name, rows in zip(hosts.names, said, strict=True):
        refs = {row.split()[0]: row.split()[1:] for row in rows.splitlines()}
        tags = [words[1] for ref, words in refs.items() if ref.startswith("refs/tags/")]
        (stg, tree), dev_tree = refs["refs/heads/stg"], refs["refs/heads/dev"][1]
        if tree != dev_tree:
            raise RuntimeError(f"{hosts.folder.name}: {name} was not promoted")
        if len(tags) != len(OLD_TAGS) + times or stg not in tags:
            raise RuntimeError(f"{hosts.folder.name}: {name} has {len(tags) - len(OLD_TAGS)} new tags, not {times}")
        trees.append(tree)
    return trees


def asked(space: Workspace, since: float) -> None:
    """RuntimeError unless git heard from every host after `since`: some tools end well though a host refused them."""
    heard = {name: space.work / name / ".git/FETCH_HEAD" for name in space.hosts.names}
    silent = [name for name, file in heard.items() if not _written(file, since - 0.1)]
    if silent:
        raise RuntimeError(f"{len(silent)} of {len(heard)} hosts did not answer, {silent[0]} first")


def _written(file: Path, since: float) -> bool:
    # git empties the file before it connects.
    return file.is_file() and file.stat().st_size > 0 and file.stat().st_mtime >= since


def looked(space: Workspace) -> None:
    """RuntimeError unless every clone knows where the host's dev is."""
    ask = ("rev-parse", "refs/remotes/origin/dev")
    known = each(lambda name: _git(space, name, *ask), space.hosts.names, 4)
    if known != space.hosts.ask("rev-parse", "refs/heads/dev"):
        raise RuntimeError("it does not know where every dev is")


def told(space: Workspace, program: Sequence[str]) -> None:
    """RuntimeError unless the status that multigit prints as JSON is what git counts on the hosts."""
    said = subprocess.run(
        [*program, "--json", "status"], cwd=space.work, env=dict(space.environment()), check=True, capture_output=True
    ).stdout
    found = json.loads(said)
    waiting = [str(row["distances"][0]["ahead"]) for row in found["rows"]]
    if waiting != space.hosts.ask("rev-list", "--count", "refs/heads/stg..refs/heads/dev"):
        raise RuntimeError("multigit status does not tell what git counts")


def pulled(space: Workspace) -> None:
    """RuntimeError unless every clone has the host's stg checked out."""
    wanted, heads = space.hosts.ask("rev-parse", "refs/heads/stg"), space.heads()
    behind = [name for name, oid in zip(space.hosts.names, wanted, strict=True) if heads[name] != oid]
    if behind:
        raise RuntimeError(f"{len(behind)} clones are not where the host is, {behind[0]} first")


def _git(space: Workspace, name: str, *args: str) -> str:
    return subprocess.run(
        ["git", *args], cwd=space.work / name, env=dict(space.environment()), check=True, capture_output=True, text=True
    ).stdout.strip()
