"""The tools of others: how each is told of the clones, and its own way to update them and to say how they are.

They only read, so they race in status and pull. Where a tool can do several at once, it does eight. Their status is of
the clones alone, so fetching comes first, by the tool's own command for that.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchlib.contestants import WIDTH, Contestant, Words, in_shell
from benchlib.installing import Source, find
from benchlib.workspace import Workspace
from tests.support.gitkit import bare

Files = Callable[[Workspace], Mapping[str, str]]
"""What a person would have written once, by path below the workspace's folder."""


@dataclass(frozen=True, slots=True)
class Peer:
    """`{it}` in the commands is the program; they are run in the folder of the clones."""

    name: str
    source: Source
    pull: str
    status: str
    files: Files = lambda _: {}
    prepare: str = ":"


def _mrconfig(space: Workspace) -> Mapping[str, str]:
    rows = [f"[{space.work}/{name}]\ncheckout = git clone {space.address(name)}\n" for name in space.hosts.names]
    return {"home/.mrconfig": "\n".join(rows)}


def _west(space: Workspace) -> Mapping[str, str]:
    rows = [f"    - {{name: {n}, url: '{space.address(n)}', revision: stg}}\n" for n in space.hosts.names]
    return {"work/manifest/west.yml": "manifest:\n  projects:\n" + "".join(rows)}


def _tsrc(space: Workspace) -> Mapping[str, str]:
    """Its list of repositories is a repository, too, on the same host."""
    rows = [f"- {{dest: {n}, url: '{space.address(n)}', branch: stg}}\n" for n in space.hosts.names]
    host = bare(space.hosting.root / "tsrc" / "manifest.git")
    host.commit({"manifest.yml": "repos:\n" + "".join(rows)})
    return {"manifest-url": space.hosting.address("tsrc/manifest.git")}


PEERS = (
    Peer(
        "gita",
        Source("pip", "gita", "gita"),
        pull="{it} pull",
        status="{it} fetch && {it} ll",
        prepare='{it} add "$@"',
    ),
    Peer(
        "mu-repo",
        Source("pip", "mu-repo", "mu"),
        pull="{it} pull",
        status="{it} fetch && {it} st",
        prepare="{it} register --all && {it} set-var serial=0",
    ),
    Peer(
        "vcstool",
        Source("pip", "vcstool", "vcs"),
        pull="{it} pull -w {width}",
        status="{it} custom -w {width} --git --args fetch -q && {it} status -w {width}",
    ),
    Peer(
        "tsrc",
        Source("pip", "tsrc", "tsrc"),
        pull="{it} sync -j {width}",
        status="{it} foreach -j {width} -- git fetch -q && {it} status -j {width}",
        files=_tsrc,
        prepare='{it} init --branch main "$(cat ../manifest-url)"',
    ),
    Peer(
        "west",
        Source("pip", "west", "west"),
        pull="{it} update",
        status="{it} forall -c 'git fetch -q' && {it} status",
        files=_west,
        prepare="{it} init -l manifest && {it} update",
    ),
    Peer(
        "myrepos",
        Source("apt", "myrepos", "mr"),
        pull="{it} -j {width} update",
        status="{it} -j {width} fetch && {it} -j {width} status",
        files=_mrconfig,
    ),
    Peer(
        "meta",
        Source("npm", "meta", "meta"),
        pull="{it} git pull",
        status="{it} exec 'git fetch -q' && {it} git status",
        files=lambda space: {"work/.meta": _meta(space)},
    ),
)


def _meta(space: Workspace) -> str:
    rows = ", ".join(f'"{name}": "{space.address(name)}"' for name in space.hosts.names)
    return f'{{"projects": {{{rows}}}}}'


def contestants(wanted: Sequence[str] = ()) -> Iterator[Contestant | str]:
    """Every tool that is here as a contestant, and the name of every one that is not; `wanted`: only these."""
    for peer in PEERS:
        if not wanted or peer.name in wanted:
            place = find(peer.source)
            yield _contestant(peer, place) if place else peer.name


def _contestant(peer: Peer, place: Path) -> Contestant:
    def way(script: str) -> Words:
        return lambda space, _: in_shell(script.format(it=place, width=WIDTH), space)

    def prepare(space: Workspace) -> None:
        for path, text in peer.files(space).items():
            file = space.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        argv = way(peer.prepare)(space, "")
        done = subprocess.run(
            argv, cwd=space.work, env=space.environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{peer.name}: {(done.stdout + done.stderr).decode(errors='replace')[-1000:]}")

    return Contestant(peer.name, {"pull": way(peer.pull), "status": way(peer.status)}, must=False, prepare=prepare)
