"""People's own clones: looked at, made, moved forward; never merged, never thrown away."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final, Literal

from multigit.model.fleet import CloneState, CommitLine, Problem
from multigit.model.names import Branch, Oid, RepoName
from multigit.vcs.read import LINE, fields, lines_of, text
from multigit.vcs.run import GitError, git, git_in, program
from multigit.vcs.urls import absolute, redact, same_place

Relation = Literal["same", "behind", "ahead", "diverged", "absent", "unknown"]

NETWORK_LIMIT: Final = 1800.0
"""Seconds for a clone or fetch; a host that falls silent is given up much earlier."""
_BUSY: Final = {
    "MERGE_HEAD": "a merge", "rebase-merge": "a rebase", "rebase-apply": "a rebase or am",
    "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert", "BISECT_LOG": "a bisect",
}  # fmt: skip


def look(repo: RepoName, folder: Path, url: str, branch: Branch | None, remote_head: Oid | None) -> CloneState:
    """The clone of `repo` in `folder`, changing nothing; `branch` is compared with `remote_head`.

    `relation` is `unknown` where the clone does not have `remote_head` yet.
    """
    path = str(folder.absolute())
    if not os.path.lexists(folder):
        return CloneState(repo=repo, path=path)
    try:
        if why := _foreign(folder, url):
            return CloneState(repo=repo, path=path, exists=True, foreign=why)
        current, dirty, untracked = _status(folder)
        heads = _heads(folder)
        relation = _relation(folder, heads.get(branch) if branch else None, remote_head)
        ahead = _ahead(folder, heads[branch], remote_head) if branch and relation in ("ahead", "diverged") else ()
    except GitError as error:
        return CloneState(repo=repo, path=path, exists=True, foreign=error.why)
    return CloneState(
        repo=repo, path=path, exists=True, linked=(folder / ".git").is_file(), current=current, dirty=dirty,
        untracked=untracked, busy=_busy(git_dir(folder)), heads=heads, relation=relation, commits=ahead,
    )  # fmt: skip


def _foreign(folder: Path, url: str) -> str:
    if not (folder / ".git").exists():
        return "it is not a git repository" if folder.is_dir() else "it is not a folder"
    out = git_in(folder, "config", "--null", "--get-regexp", r"^remote\..*\.url$", check=False).out
    remotes = [entry.partition("\n")[2] for entry in fields(out)]
    if any(same_place(_from(folder, remote), url) for remote in remotes):
        return ""
    return f"it is a clone of {redact(remotes[0])}" if remotes else "it has no remote"


def _from(folder: Path, remote: str) -> str:
    """A relative local path in a clone's configuration starts from the clone."""
    return str(folder / remote) if remote.startswith(("./", "../")) else remote


def git_dir(folder: Path) -> Path:
    """The clone's own git folder; a linked worktree names it in a file (gitrepository-layout(5))."""
    dot = folder / ".git"
    if dot.is_dir():
        return dot.absolute()
    return (folder / dot.read_text().partition("gitdir: ")[2].strip()).absolute()


def unfinished(folder: Path) -> tuple[str, tuple[str, ...]]:
    """What the clone in `folder` was left in (`a merge`, `a rebase`), and the paths in conflict; '' for nothing."""
    if not (folder / ".git").exists():
        return "", ()
    try:
        what = next((what for name, what in _BUSY.items() if (git_dir(folder) / name).exists()), "")
        out = git_in(folder, "diff", "--name-only", "--diff-filter=U", "-z", check=False).out if what else b""
    except (GitError, OSError):
        return "", ()
    return what, tuple(fields(out))


def _busy(folder: Path) -> str:
    return next((f"{what} is under way" for name, what in _BUSY.items() if (folder / name).exists()), "")


def _status(folder: Path) -> tuple[Branch | None, tuple[str, ...], tuple[str, ...]]:
    """Branch, tracked paths with changes, untracked paths (git-status(1), Porcelain Format Version 2)."""
    args = ("--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=dirty")
    current, dirty, untracked = None, list[str](), list[str]()
    for entry in fields(git_in(folder, "status", *args, timeout=300).out):
        kind, _, rest = entry.partition(" ")
        if entry.startswith("# branch.head ") and not Branch.problem(entry[14:]) and entry[14:] != "(detached)":
            current = Branch(entry[14:])
        elif kind in ("1", "u"):
            dirty.append(rest.split(" ", 7 if kind == "1" else 9)[-1])
        elif kind == "?":
            untracked.append(rest)
    return current, tuple(dirty), tuple(untracked)


def _heads(folder: Path) -> dict[Branch, Oid]:
    lines = text(git_in(folder, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/").out).split("\n")
    rows = [(name[11:], oid) for oid, _, name in (line.partition(" ") for line in lines)]
    return {Branch(name): Oid(oid) for name, oid in rows if not Branch.problem(name)}


def _relation(folder: Path, local: Oid | None, remote: Oid | None) -> Relation:
    if local is None or remote is None:
        return "absent" if local is None else "unknown"
    if local == remote:
        return "same"
    asked = git_in(folder, "rev-list", "--left-right", "--count", f"{local}...{remote}", check=False)
    if asked.status:
        return "unknown"
    ahead, behind = (int(word) for word in asked.out.split())
    return "diverged" if ahead and behind else "ahead" if ahead else "behind"


def _ahead(folder: Path, local: Oid, remote: Oid | None) -> tuple[CommitLine, ...]:
    exclude = (f"^{remote}",) if remote else ()
    return lines_of(git_in(folder, "log", "-z", LINE, "--max-count=200", local, *exclude).out)


def clone(url: str, folder: Path, branch: Branch | None) -> None:
    """Clone `url` to `folder`, which must not exist, with `branch` checked out (None: the remote's choice).

    All or nothing: GitError leaves no folder behind.
    """
    if os.path.lexists(folder):
        raise _no("git clone", f"{folder} exists already", f"ls -la {folder}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    address = absolute(url)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    fresh.chmod(0o777 & ~_umask())
    wanted = (f"--branch={branch}",) if branch else ()
    try:
        args = ("--quiet", "--origin=origin", "--no-recurse-submodules", *wanted, "--", address, str(fresh))
        git("clone", *args, network=True, url=address, timeout=NETWORK_LIMIT)
        if os.path.lexists(folder):
            raise _no("git clone", f"{folder} was made by somebody else meanwhile", f"ls -la {folder}")
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _no(what: str, why: str, hint: str = "") -> GitError:
    return GitError(f"{what} was not done", Problem(kind="failed", why=why, hint=hint))


def forward(folder: Path, url: str, branch: Branch, old: Oid | None, new: Oid, checked_out: bool) -> None:
    """Fast-forward `branch` from `old` (None: make it) to `new`, fetched from `url`.

    A checked-out branch moves with its files, any other by its ref alone. GitError, and nothing lost, where the
    branch is not at `old`, `new` does not build on it, or a changed file is in the way.
    """
    address = absolute(url)
    options = ("--quiet", "--no-tags", "--no-auto-maintenance", "--no-write-fetch-head", "--no-recurse-submodules")
    spec = f"+{new}:refs/remotes/origin/{branch}"
    args = (*options, "--refmap=", "--no-prune", "--", address, spec)
    git_in(folder, "fetch", *args, network=True, url=address, timeout=NETWORK_LIMIT)
    if old and git_in(folder, "merge-base", "--is-ancestor", old, new, check=False).status:
        raise _no("fast-forward", f"{new.short} does not build on {old.short}", f"git -C {folder} log {old}...{new}")
    _require(folder, branch, old, checked_out)
    if checked_out:
        git_in(folder, "merge", "--quiet", "--ff-only", "--no-autostash", new, timeout=NETWORK_LIMIT)
    else:
        _move(folder, branch, old, new, "multigit pull: fast-forward")


def _require(folder: Path, branch: Branch, old: Oid | None, checked_out: bool) -> None:
    here = _head_branch(folder)
    if checked_out and (here != branch.full or _value(folder, branch.full) != old):
        raise _no("fast-forward", f"{branch} moved in {folder} meanwhile", f"git -C {folder} status")
    worktrees = fields(git_in(folder, "worktree", "list", "--porcelain", "-z").out)
    if not checked_out and f"branch {branch.full}" in worktrees:
        raise _no("fast-forward", f"{branch} is checked out in a worktree", f"git -C {folder} worktree list")


def _head_branch(folder: Path) -> str:
    return text(git_in(folder, "symbolic-ref", "--quiet", "HEAD", check=False).out).strip()


def _value(folder: Path, ref: str) -> Oid | None:
    found = text(git_in(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", ref, check=False).out).strip()
    return Oid(found) if found else None


def _move(folder: Path, branch: Branch, old: Oid | None, new: Oid, why: str) -> None:
    git_in(folder, "update-ref", "-m", why, branch.full, new, old or "0" * len(new))


def tracked_tree(
    folder: Path, head: Oid, *, untracked: bool = False, look_only: bool = False
) -> tuple[Oid, tuple[tuple[int, int, str], ...]]:
    """Tree of `head` plus the clone's tracked changes (and new files, with `untracked`), and its diffstat to `head`.

    The diffstat is lines added, lines removed, path; 0, 0 for binary files. Index and files stay as they are;
    with `look_only` so do the clone's objects, and the tree is known but not kept.
    """
    with tempfile.TemporaryDirectory(prefix="multigit-") as scratch:
        index = Path(scratch) / "index"
        env = {"GIT_INDEX_FILE": str(index)}
        if look_only:
            own_objects = text(git_in(folder, "rev-parse", "--git-path", "objects").out).strip()
            env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(folder.absolute() / own_objects)
            env["GIT_OBJECT_DIRECTORY"] = str(Path(scratch) / "objects")
            (Path(scratch) / "objects").mkdir()
        own = git_dir(folder) / "index"
        if own.exists():
            # What was added or removed there counts, and its cached times save reading. Its own time goes along: git
            # mistrusts entries as young as the index, or a change of equal size in the same second goes unseen.
            shutil.copy2(own, index)
        else:
            git_in(folder, "read-tree", head, env=env)
        git_in(folder, "add", "--all" if untracked else "--update", "--", ":/", env=env, timeout=300)
        tree = Oid(git_in(folder, "write-tree", env=env).out.decode().strip())
        args = ("diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", head, tree)
        stat = git_in(folder, *args, env=env).out
    rows = (entry.split("\t", 2) for entry in fields(stat))
    return tree, tuple((_lines(added), _lines(removed), path) for added, removed, path in rows)


def _lines(number: str) -> int:
    return int(number) if number.isdigit() else 0


def remote_of(folder: Path) -> str:
    """The address of a clone's `origin`, as its configuration has it; '' where it has none."""
    return text(git_in(folder, "config", "--get", "remote.origin.url", check=False).out).strip()


def advance(folder: Path, branch: Branch, old: Oid, new: Oid, *, source: Path | None = None) -> bool:
    """Move the checked-out `branch` to `new`, which was made from its changes; False if anything moved meanwhile.

    The files are `new` already, so only the ref and the index change. `source`: a repository on this machine that
    has `new`, where the clone may lack it.
    """
    if _head_branch(folder) != branch.full or _value(folder, branch.full) != old:
        return False
    if source and git_in(folder, "cat-file", "-e", new, check=False).status:
        where = str(source.absolute())
        git_in(
            folder,
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--refmap=",
            where,
            new,
            network=True,
            url=where,
        )
    wanted = _value(folder, f"{new}^{{tree}}")
    if wanted not in (tracked_tree(folder, old)[0], tracked_tree(folder, old, untracked=True)[0]):
        return False
    try:
        _move(folder, branch, old, new, "multigit: commit")
    except GitError:
        return False
    git_in(folder, "reset", "--quiet", "--mixed", timeout=300)
    # The push went to an address, so git did not note it under origin; without this `git status` says "ahead by 1".
    git_in(folder, "update-ref", f"refs/remotes/origin/{branch}", new, old, check=False)
    return True


def pre_push(folder: Path, url: str, updates_line: str) -> str:
    """Ask the person's own pre-push hook about `updates_line` (githooks(5)); '' or why it refused.

    Run directly: `git hook run` gives a hook no input before git 2.41, and git-lfs works from that input.
    """
    asked = git_in(folder, "rev-parse", "--git-path", "hooks/pre-push", hooks=True)
    hook = folder.absolute() / text(asked.out).strip()
    if not hook.is_file() or not os.access(hook, os.X_OK):
        return ""
    stdin = f"{updates_line.rstrip()}\n".encode()
    try:
        output = program([str(hook), "origin", url], cwd=folder.absolute(), stdin=stdin, timeout=600)
    except OSError as error:
        return f"its pre-push hook cannot be started: {error.strerror}"
    said = [*output.err.splitlines(), *text(output.out).splitlines()]
    return "" if output.status == 0 else (redact(" ".join(said[-5:]).strip()) or "its pre-push hook said no")
