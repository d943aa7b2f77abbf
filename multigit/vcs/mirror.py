"""Our own bare copy of each repository, under the user's cache: no one's hooks, configuration or checkout is in it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from multigit.model.fleet import Problem
from multigit.model.names import Oid, RepoName
from multigit.model.objects import EMPTY_TREE
from multigit.vcs.lsrefs import list_refs
from multigit.vcs.run import GitError, git, redact
from multigit.vcs.urls import absolute

FETCH_LIMIT = 900.0
"""Seconds; a host that falls silent is given up much earlier."""
LOCK_LIMIT = 600.0
"""Seconds to wait for another multigit that works on the same mirror."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """The bare copy at `path` of the repository at `url`."""

    repo: RepoName
    url: str
    path: Path


def open_mirror(repo: RepoName, url: str, like: str = "sha1") -> Mirror:
    """The mirror of `url`, made where there is none; `like`: sha1 or sha256. One without HEAD or objects is remade."""
    address = absolute(url)
    name = hashlib.sha256(address.encode()).hexdigest()[:20]
    mirror = Mirror(repo, address, user_cache_path("multigit") / "mirrors" / f"{name}.git")
    if not _whole(mirror.path):
        if mirror.path.exists() and not _whole(mirror.path):  # asked again: another multigit may have made it just now
            _set_aside(mirror.path)
        _make(mirror.path, like)
    return mirror


def rescue(mirror: Mirror) -> Mirror:
    """Set a corrupt mirror aside and open it anew, empty."""
    like = "sha256" if "sha256" in _text(mirror.path / "config") else "sha1"
    if mirror.path.exists():
        _set_aside(mirror.path)
    return open_mirror(mirror.repo, mirror.url, like)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""


def _whole(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()


def _set_aside(path: Path) -> None:
    """Keep the broken one for whoever wants to look at it; only the last."""
    aside = path.with_suffix(".broken")
    shutil.rmtree(aside, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):  # another multigit did it
        path.rename(aside)


def _make(path: Path, like: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    path.parent.parent.chmod(0o700)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=path.parent))
    try:
        # Refs as files: they are looked at without git (`_at`), whatever this git's own choice is.
        personal = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_DEFAULT_REF_FORMAT": "files"}
        git("init", "--quiet", "--bare", "--template=", f"--object-format={like}", str(fresh), env=personal)
        _add_empty_tree(fresh, EMPTY_TREE[64 if like == "sha256" else 40])
        fresh.rename(path)
    except OSError:
        if not _whole(path):  # else another multigit was faster
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _add_empty_tree(path: Path, oid: Oid) -> None:
    """As a loose object (gitformat-loose): a restore to an empty state needs it, and it saves a process."""
    place = path / "objects" / oid[:2]
    place.mkdir(exist_ok=True)
    (place / oid[2:]).write_bytes(zlib.compress(b"tree 0\0"))


@contextlib.contextmanager
def locked(mirror: Mirror) -> Iterator[None]:
    """Alone with the mirror's refs; GitError after ten minutes."""
    from filelock import FileLock, Timeout  # with asyncio and all: only where something is locked

    lock = FileLock(mirror.path.with_suffix(".lock"), timeout=LOCK_LIMIT)
    try:
        with lock:
            yield
    except Timeout:
        problem = Problem(kind="timeout", why="another multigit has been working on its cached copy for ten minutes")
        raise GitError(f"{mirror.repo} is busy", problem) from None


def update_refs(mirror: Mirror, lines: Sequence[str]) -> None:
    """`git update-ref --stdin` under the mirror's lock, which the caller holds; a killed run's left-overs give way."""
    if not lines:
        return
    stdin = "".join(f"{line}\n" for line in lines).encode()
    _despite_leftovers(mirror, lambda: git("update-ref", "--no-deref", "--stdin", at=mirror.path, stdin=stdin))


def fetch(mirror: Mirror, wants: Mapping[str, Oid]) -> None:
    """Make each local full ref of `wants` point to its oid, fetched from the mirror's url where it is not here yet.

    Refs that are right already cost nothing; oids that another ref holds cost a local process.
    GitError where the remote lacks an object (`missing`) or does not answer.
    """
    with locked(mirror):
        _suit(mirror, wants)
        _fetch(mirror, mirror.url, wants)


def _suit(mirror: Mirror, wants: Mapping[str, Oid]) -> None:
    """A mirror is made before its host's hash is known; one of the other hash can hold nothing and is made anew."""
    like = "sha256" if any(len(oid) == 64 for oid in wants.values()) else "sha1"
    if wants and (like == "sha256") is not ("sha256" in _text(mirror.path / "config")):
        _set_aside(mirror.path)
        _make(mirror.path, like)


def fetch_from_folder(mirror: Mirror, folder: Path, wants: Mapping[str, Oid]) -> None:
    """The same from a clone on this machine: commits or trees that only it has."""
    with locked(mirror):
        _fetch(mirror, str(folder.absolute()), wants)


def _fetch(mirror: Mirror, url: str, wants: Mapping[str, Oid]) -> None:
    left = {ref: oid for ref, oid in wants.items() if _at(mirror, ref) != oid}
    if not left:
        return
    try:
        _despite_leftovers(mirror, lambda: _fetch_oids(mirror, url, left))
    except GitError as error:
        if "cannot lock ref" not in error.output.err or not _make_way(mirror, left):
            raise
        _fetch_oids(mirror, url, left)


def _at(mirror: Mirror, ref: str) -> str:
    """Where the ref is, as its file says: nobody packs the refs of a mirror, and who does costs us one fetch."""
    return _text(mirror.path / ref).strip()


def remember(mirror: Mirror, ref: str, oid: Oid) -> None:
    """Let our own `ref` point to an object that was made here, so that it is not fetched."""
    place = mirror.path / ref
    with locked(mirror):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=mirror.path)  # not among the refs, where git would find it
        with os.fdopen(handle, "w") as file:
            file.write(f"{oid}\n")
        Path(fresh).replace(place)


def _make_way(mirror: Mirror, wants: Mapping[str, Oid]) -> bool:
    """Delete what stands in the way of `wants`: where `release` is a branch now, `release/1` was one before."""
    out = git("for-each-ref", "--format=%(refname)", "refs/multigit/", at=mirror.path).out.decode()
    here = out.split()
    clashing = [ref for ref in here if any(ref.startswith(f"{w}/") or w.startswith(f"{ref}/") for w in wants)]
    update_refs(mirror, [f"delete {ref}" for ref in clashing])
    return bool(clashing)


def _fetch_oids(mirror: Mirror, url: str, wants: Mapping[str, Oid]) -> None:
    try:
        _git_fetch(mirror, url, [f"+{oid}:{ref}" for ref, oid in wants.items()])
    except GitError as error:
        if not any(sign in error.output.err for sign in ("not our ref", "unadvertised object")):
            raise
        _fetch_names(mirror, url, wants, error)


def _fetch_names(mirror: Mirror, url: str, wants: Mapping[str, Oid], error: GitError) -> None:
    """For a host that gives objects by name only: the names that stand for the oids right now."""
    names = {seen.oid: name for name, seen in list_refs(url, ["refs/"]).items()}
    if gone := [oid for oid in wants.values() if oid not in names]:
        why = f"{gone[0].short} is not at {redact(url)} any more"
        raise GitError("git fetch failed", Problem(kind="missing", why=why, hint=error.hint), error.output) from error
    _git_fetch(mirror, url, [f"+{names[oid]}:{ref}" for ref, oid in wants.items()])
    update_refs(mirror, [f"update {ref} {oid}" for ref, oid in wants.items()])  # fails if a name moved meanwhile


def _git_fetch(mirror: Mirror, url: str, specs: Sequence[str]) -> None:
    options = ("--no-tags", "--no-auto-maintenance", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap=")
    git("fetch", "--quiet", *options, "--", url, *specs, at=mirror.path, network=True, url=url, timeout=FETCH_LIMIT)


def _despite_leftovers(mirror: Mirror, work: Callable[[], object]) -> None:
    """Lock files of a git that was killed are ours to remove, because we hold the mirror's lock."""
    try:
        work()
    except GitError as error:
        if ".lock'" not in error.output.err or "File exists" not in error.output.err:
            raise
        for left in (*mirror.path.glob("*.lock"), *(mirror.path / "refs").rglob("*.lock")):
            left.unlink(missing_ok=True)
        work()


def present(mirror: Mirror, oids: Sequence[Oid]) -> set[Oid]:
    """Those of `oids` whose object is in the mirror."""
    stdin = "".join(f"{oid}\n" for oid in oids).encode()
    if not stdin:
        return set()
    out = git("cat-file", "--batch-check=%(objectname)", at=mirror.path, stdin=stdin).out.decode()
    return {Oid(line) for line in out.splitlines() if not line.endswith(" missing")}
