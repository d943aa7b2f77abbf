"""Who races: multigit, the shell loop it replaces, the same plumbing eight wide, and the tools of others (peers.py)."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchlib.workspace import Workspace

OURS = "multigit"
WIDTH = 8
Words = Callable[[Workspace, str], Sequence[str]]
"""The command for a workspace and the name of the round's release tag."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """`ways`: what it does, by verb (promote, status, pull); it takes part in nothing else.

    `keeps`: a second run finds its ssh connection open. `must`: where it fails, so does the benchmark.
    """

    name: str
    ways: Mapping[str, Words]
    keeps: bool = False
    must: bool = True
    prepare: Callable[[Workspace], None] | None = field(default=None, compare=False)


def multigit(program: str | None) -> Contestant:
    """The installed multigit of this Python, or another `program`."""
    words = own(program)
    return Contestant(
        OURS,
        {
            "promote": lambda *_: [*words, "promote", "dev", "stg", "--yes"],
            "plan": lambda *_: [*words, "plan", "dev", "stg"],
            "status": lambda *_: [*words, "status"],
            "pull": lambda *_: [*words, "pull", "stg"],
        },
        keeps=True,
    )


def own(program: str | None) -> list[str]:
    """The words that start multigit."""
    if program:
        return [program]
    script = Path(sys.executable).with_name("multigit")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "multigit"]


_LOOP = {
    "promote": "git checkout -q dev; git pull -q; git checkout -q stg; git pull -q; "
    "git merge -q --no-ff -m 'Merge dev' dev; git tag -a -m release {tag}; "
    "git push -q origin stg; git push -q origin {tag}",
    "status": "git fetch -q; git rev-list --count origin/stg..origin/dev; "
    "git rev-list --count origin/main..origin/stg; git describe --tags --abbrev=0 origin/stg",
    "pull": "git pull -q --ff-only",
}
_PLUMBING = {
    **_LOOP,
    "promote": "git fetch -q --no-tags origin +refs/heads/dev:refs/remotes/origin/dev "
    "+refs/heads/stg:refs/remotes/origin/stg; new=$(git rev-parse origin/stg); "
    "git merge-base --is-ancestor origin/dev origin/stg || "
    "{{ tree=$(git merge-tree --write-tree origin/stg origin/dev); "
    'new=$(git commit-tree "$tree" -p origin/stg -p origin/dev -m "Merge dev"); }}; '
    "git tag -a -m release {tag} $new; git push -q --atomic origin $new:refs/heads/stg refs/tags/{tag}",
}
# Opened first, because eight that begin together would each open a connection of their own.
_SHARE = (
    'S="$XDG_RUNTIME_DIR/shared"; T={target}; ssh -o ControlPath="$S" -O check $T 2>/dev/null || '
    'ssh -o ControlPath="$S" -o ControlPersist=60 -o SendEnv=GIT_PROTOCOL -MNf $T; '
    'export GIT_SSH_COMMAND="ssh -o ControlMaster=no -o ControlPath=$S"; '
)


def loop() -> Contestant:
    """A shell that does one git command after another in one clone after another."""

    def way(each: str) -> Words:
        script = 'set -e; for name in "$@"; do cd "{work}/$name"; {each}; done'
        return lambda space, tag: in_shell(script.format(work=space.work, each=each.format(tag=tag)), space)

    return Contestant("loop", {verb: way(each) for verb, each in _LOOP.items()})


def plumbing() -> Contestant:
    """The least git commands that do the work, eight repositories at once, over one ssh connection."""

    def way(each: str) -> Words:
        def words(space: Workspace, tag: str) -> Sequence[str]:
            target = space.hosting.ssh_target
            share = _SHARE.format(target=shlex.quote(target)) if target else ""
            one = shlex.quote(f'set -e; cd "{space.work}/$1"; {each.format(tag=tag)}')
            return in_shell(f'{share}printf "%s\\n" "$@" | xargs -P{WIDTH} -n1 sh -c {one} each', space)

        return words

    return Contestant(f"xargs -P{WIDTH}", {verb: way(each) for verb, each in _PLUMBING.items()}, keeps=True)


def in_shell(script: str, space: Workspace) -> list[str]:
    """`script` with the names of the repositories as its arguments."""
    return ["sh", "-c", script, "sh", *space.hosts.names]
