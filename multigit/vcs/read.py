"""One function per question to a mirror. Full object ids only, so that every answer stays true for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from multigit.model.fleet import Clean, CommitLine, Conflicted, ConflictPath, Outcome, Problem, Unmergeable
from multigit.model.names import Oid
from multigit.vcs import predict
from multigit.vcs.mirror import Mirror, present
from multigit.vcs.run import GitError, git

LINE = "--format=tformat:%H%x00%an%x00%at%x00%s"
"""Four NUL-ended fields per commit, with -z; `lines_of` reads them."""


LIMIT = 200
"""How many commits are named; more are only counted."""


def text(raw: bytes) -> str:
    """Names and messages as git has them; what is no UTF-8 stays visible as backslash escapes."""
    return raw.decode("utf-8", "backslashreplace")


def fields(raw: bytes) -> list[str]:
    """The parts of a -z output."""
    return [text(part) for part in raw.removesuffix(b"\0").split(b"\0")] if raw else []


def lines_of(raw: bytes) -> tuple[CommitLine, ...]:
    """Commits printed with LINE and -z."""
    parts = fields(raw)
    rows = zip(parts[::4], parts[1::4], parts[2::4], parts[3::4], strict=True)
    return tuple(line_of(*row) for row in rows)


def line_of(oid: str, author: str, seconds: str, subject: str) -> CommitLine:
    """A commit from its four fields as git prints them."""
    return CommitLine(oid=Oid(oid), author=author, when=_when(seconds), subject=subject)


def _when(seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):  # a commit may claim any number
        return datetime.fromtimestamp(0, UTC)


def exists(mirror: Mirror, oid: Oid) -> bool:
    """Whether the object is in the mirror."""
    return bool(present(mirror, [oid]))


def is_ancestor(mirror: Mirror, old: Oid, new: Oid) -> bool:
    """Whether `new` is `old` or builds on it."""
    if old == new:
        return True
    asked = git("merge-base", "--is-ancestor", old, new, at=mirror.path, check=False)
    if asked.status > 1:
        raise _missing(mirror, asked.err)
    return asked.status == 0


def tree_of(mirror: Mirror, commit: Oid) -> Oid:
    """The tree of a commit (or of what a tag stands for)."""
    out = git("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}", at=mirror.path).out
    return Oid(out.decode().strip())


def trees_of(mirror: Mirror, commits: Collection[Oid]) -> dict[Oid, Oid]:
    """The tree of each commit, by one process."""
    asked = list(commits)
    stdin = "".join(f"{oid}^{{tree}}\n" for oid in asked).encode()
    out = git("cat-file", "--batch-check=%(objectname)", at=mirror.path, stdin=stdin).out.decode()
    return {oid: Oid(tree) for oid, tree in zip(asked, out.splitlines(), strict=True)}


def parents(mirror: Mirror, commit: Oid) -> tuple[Oid, ...]:
    """Parents of a commit, in order."""
    out = git("rev-list", "--parents", "--max-count=1", "--end-of-options", commit, at=mirror.path).out.decode()
    return tuple(Oid(word) for word in out.split()[1:])


def read_object(mirror: Mirror, oid: Oid) -> bytes:
    """The object's bytes, whatever its kind."""
    out = git("cat-file", "--batch", at=mirror.path, stdin=f"{oid}\n".encode()).out
    head, _, rest = out.partition(b"\n")
    words = head.split()
    if len(words) != 3:
        raise _missing(mirror, f"object {oid} is missing")
    return rest[: int(words[2])]


def objects(mirror: Mirror, oids: Collection[Oid]) -> dict[Oid, tuple[str, bytes]]:
    """Kind and bytes of those of `oids` that are in the mirror, by one process."""
    asked = list(oids)
    if not asked:
        return {}
    stdin = "".join(f"{oid}\n" for oid in asked).encode()
    rest = git("cat-file", "--batch", at=mirror.path, stdin=stdin, timeout=300).out
    found: dict[Oid, tuple[str, bytes]] = {}
    for oid in asked:
        head, _, rest = rest.partition(b"\n")
        words = head.decode().split()
        if len(words) == 3:
            size = int(words[2])
            found[oid], rest = (words[1], rest[:size]), rest[size + 1 :]
    return found


def _missing(mirror: Mirror, err: str) -> GitError:
    why = err.strip().removeprefix("fatal: ") or "an object is missing"
    return GitError(f"the cached copy of {mirror.repo} is incomplete", Problem(kind="corrupt", why=why))


def _range(include: Iterable[Oid], exclude: Iterable[Oid]) -> bytes:
    return "".join([*(f"{oid}\n" for oid in include), *(f"^{oid}\n" for oid in exclude)]).encode()


def commits(
    mirror: Mirror,
    include: Sequence[Oid],
    exclude: Sequence[Oid],
    *,
    limit: int = LIMIT,
    merges: bool = False,
    cherry: bool = False,
    first_parent: bool = False,
) -> tuple[CommitLine, ...]:
    """Commits of `include` that `exclude` lacks, newest first, at most `limit`.

    `cherry`: leave out those whose change `exclude` has too, under another id. `first_parent`: the own line only.
    """
    if not include:
        return ()
    options = [f"--max-count={limit}", *(() if merges else ("--no-merges",))]
    options += [*(("--first-parent",) if first_parent else ()), *(("--cherry-pick", "--right-only") if cherry else ())]
    if cherry and exclude:
        stdin = "".join(f"{old}...{new}\n" for old in exclude for new in include).encode()
    else:
        stdin = _range(include, exclude)
    return lines_of(git("log", "-z", LINE, *options, "--stdin", at=mirror.path, stdin=stdin, timeout=300).out)


def count(mirror: Mirror, include: Sequence[Oid], exclude: Sequence[Oid], merges: bool = False) -> int:
    """How many commits of `include` `exclude` lacks."""
    if not include:
        return 0
    options = () if merges else ("--no-merges",)
    out = git("rev-list", "--count", *options, "--stdin", at=mirror.path, stdin=_range(include, exclude)).out
    return int(out)


def changed_paths(mirror: Mirror, a: Oid, b: Oid) -> tuple[str, ...]:
    """Paths whose content or mode differs between two commits or trees; a rename is two paths."""
    args = ("-r", "-z", "--no-renames", "--name-only", "--end-of-options", a, b)
    return tuple(fields(git("diff-tree", *args, at=mirror.path).out))


def renames(mirror: Mirror, a: Oid, b: Oid) -> dict[str, str]:
    """New path -> old path of the files that git sees as renamed between two commits or trees, as a merge does."""
    args = ("-r", "-z", "--find-renames", "--diff-filter=R", "--name-status", "--end-of-options", a, b)
    parts = fields(git("diff-tree", *args, at=mirror.path, timeout=300).out)
    return dict(zip(parts[2::3], parts[1::3], strict=True))


def merge_bases(mirror: Mirror, a: Oid, b: Oid) -> tuple[Oid, ...]:
    """Every best common ancestor; none where the histories are unrelated."""
    out = git("merge-base", "--all", a, b, at=mirror.path, check=False).out.decode()
    return tuple(Oid(line) for line in out.split())


def messages(
    mirror: Mirror, include: Sequence[Oid], exclude: Sequence[Oid], grep: str
) -> tuple[tuple[Oid, tuple[Oid, ...], str], ...]:
    """Commits of `include` that `exclude` lacks whose message has `grep` in it: id, parents, message; oldest first."""
    if not include:
        return ()
    args = ("-z", "--topo-order", "--reverse", "--fixed-strings", f"--grep={grep}", "--format=tformat:%H%x00%P%x00%B")
    parts = fields(git("log", *args, "--stdin", at=mirror.path, stdin=_range(include, exclude)).out)
    rows = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return tuple((Oid(oid), tuple(Oid(word) for word in above.split()), body) for oid, above, body in rows)


def chain(mirror: Mirror, head: Oid) -> list[tuple[Oid, tuple[Oid, ...], Oid, str]]:
    """Id, parents, tree and message of every commit up to `head`, oldest first."""
    args = ("-z", "--topo-order", "--reverse", "--format=tformat:%H%x00%P%x00%T%x00%B", "--stdin")
    parts = fields(git("log", *args, at=mirror.path, stdin=_range([head], []), timeout=300).out)
    rows = zip(parts[::4], parts[1::4], parts[2::4], parts[3::4], strict=True)
    return [(Oid(oid), tuple(map(Oid, above.split())), Oid(tree), body) for oid, above, tree, body in rows]


def own_paths(
    mirror: Mirror, include: Sequence[Oid], exclude: Sequence[Oid], without: Collection[Oid] = ()
) -> set[str]:
    """Paths touched by commits of `include` that `exclude` lacks, those in `without` left out.

    A merge counts only where its result differs from every parent: what a person wrote while merging.
    """
    if not include:
        return set()
    out = git("rev-list", "--stdin", at=mirror.path, stdin=_range(include, exclude)).out.decode()
    left = [oid for oid in out.split() if oid not in without]
    return {path for _, paths in touched(mirror, left) for path in paths}


def touched(mirror: Mirror, commits: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each of `commits` with the paths it changed (of a merge: against every parent)."""
    if not commits:
        return
    stdin = "".join(f"{oid}\n" for oid in commits).encode()
    args = ("--stdin", "-r", "-c", "-z", "--root", "--raw", "--no-renames", "--no-abbrev")
    parts = fields(git("diff-tree", *args, at=mirror.path, stdin=stdin, timeout=300).out)
    oid, paths, rest = "", list[str](), iter(parts)
    for part in rest:
        if part.startswith(":"):  # ":100644 100644 <old> <new> M", then the path: names cannot be mistaken for ids
            paths.append(next(rest, ""))
            continue
        if oid:
            yield oid, paths
        oid, paths = part, []
    if oid:
        yield oid, paths


def merge_trees(mirror: Mirror, ours: Oid, theirs: Oid) -> Outcome:
    """What `git merge theirs` on `ours` would give, without doing it; .gitattributes are those of `ours`.

    GitError where an object is missing.
    """
    merged = predict.merge(mirror.path, ours, theirs)
    if merged is None:
        why = "the two branches have no commit in common (unrelated histories)"
        return Unmergeable(why=why, hint=f"git merge-base {ours.short} {theirs.short}")
    if not merged.conflicts:
        return Clean(tree=merged.tree, changed=changed_paths(mirror, ours, merged.tree))
    paths = tuple(merged.conflicts)
    mine, others = _last_touch(mirror, ours, theirs, paths), _last_touch(mirror, theirs, ours, paths)
    return Conflicted(
        paths=tuple(
            ConflictPath(path=path, kinds=kinds, ours=mine.get(path), theirs=others.get(path))
            for path, kinds in merged.conflicts.items()
        )
    )


def _last_touch(mirror: Mirror, side: Oid, other: Oid, paths: Collection[str]) -> dict[str, CommitLine]:
    """The newest commit of `side` since the merge base that changed each of `paths`; merges are passed over."""
    out = git("rev-list", "--no-merges", "--max-count=5000", side, f"^{other}", at=mirror.path).out.decode()
    last: dict[str, str] = {}
    for oid, changed in touched(mirror, out.split()):
        last.update({path: oid for path in changed if path in paths and path not in last})
    stdin = _range([Oid(oid) for oid in set(last.values())], [])
    if not stdin:
        return {}
    lines = lines_of(git("log", "-z", LINE, "--no-walk", "--stdin", at=mirror.path, stdin=stdin).out)
    known = {line.oid: line for line in lines}
    return {path: known[Oid(oid)] for path, oid in last.items()}
