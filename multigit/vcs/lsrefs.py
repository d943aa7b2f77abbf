"""What is where: the refs of a remote, without fetching anything.

Over http and over a shared ssh connection without a git process (web/refs.py, ssh/refs.py); everywhere else, and
wherever those do not do exactly what git would, by `git ls-remote`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from multigit.model.fleet import Problem, RepoState, TagSeen
from multigit.model.names import Branch, Oid, RepoName, Tag
from multigit.model.ownrefs import FENCE, STAGE
from multigit.vcs.run import GitError, git, tell
from multigit.vcs.urls import absolute, check_url, kind, redact
from multigit.vcs.wire import NotUnderstood, RefSeen, matching

R = TypeVar("R", Branch, Tag)

if TYPE_CHECKING:
    from multigit.vcs.ssh.mux import Session


def list_refs(url: str, prefixes: Sequence[str], *, timeout: float = 60.0) -> dict[str, RefSeen]:
    """The refs at `url` that match `prefixes`, by full name; `timeout` in seconds.

    A prefix is a full ref (`refs/heads/main`, exactly that one), ends in `/` (everything below) or holds `*`, which
    also stands for slashes. GitError where the remote does not answer, or not in words of git.
    """
    patterns, address = _patterns(prefixes), absolute(url)
    try:
        return _without_git(address, patterns, timeout)
    except NotUnderstood:
        return _by_git(address, patterns, timeout)


@contextmanager
def expecting(url: str) -> Iterator[Callable[[Sequence[str]], dict[str, RefSeen]]]:
    """`list_refs` of `url` for what is about to be done there: over ssh the way is opened now, the question comes then.

    That saves the read-back of a push a round trip and the start of the host's program.
    """
    address = absolute(url)
    waiting: Session | None = None
    if not check_url(address) and kind(address) == "ssh":
        from multigit.vcs.ssh import refs as sshrefs

        with suppress(NotUnderstood):
            waiting = sshrefs.ahead(address)

    def reading(prefixes: Sequence[str]) -> dict[str, RefSeen]:
        nonlocal waiting
        session, waiting = waiting, None  # it answers once
        if session:
            with session, suppress(NotUnderstood, TimeoutError):
                return sshrefs.asked(session, _patterns(prefixes), 10.0)
        return list_refs(url, prefixes)

    try:
        yield reading
    finally:
        if waiting:
            waiting.close()


def _patterns(prefixes: Sequence[str]) -> list[str]:
    return [f"{prefix}*" if prefix.endswith("/") else prefix for prefix in prefixes]


def _without_git(url: str, patterns: Sequence[str], timeout: float) -> dict[str, RefSeen]:
    way = "" if check_url(url) else kind(url)
    if way in ("http", "https"):
        from multigit.vcs.web.refs import list_refs as reader
    elif way == "ssh":
        from multigit.vcs.ssh.refs import list_refs as reader
    else:
        raise NotUnderstood("a path on this machine")
    start = time.monotonic()
    try:
        found = reader(url, patterns, timeout)
    except TimeoutError as late:
        problem = Problem(kind="timeout", why=f"no answer within {timeout:g} s", hint=f"git ls-remote {redact(url)}")
        raise GitError("the refs were not read", problem) from late
    tell(("ls-refs", url), time.monotonic() - start)
    return found


def _by_git(address: str, patterns: Sequence[str], timeout: float) -> dict[str, RefSeen]:
    words = [word for pattern in patterns for word in (pattern, f"{pattern}^{{}}")]
    args = ("ls-remote", "--quiet", "--", address, *words)
    out = git(*args, network=True, url=address, timeout=timeout).out.decode("utf-8", "backslashreplace")
    # Not splitlines(): a name may hold U+2028 or U+0085, and what stands before it would pass for another ref.
    rows = {name: oid for oid, tab, name in (line.partition("\t") for line in out.split("\n")) if tab}
    wanted = matching(patterns)
    # ls-remote matches tails too: `refs/heads/main` also finds refs/heads/x/refs/heads/main.
    try:
        return {
            name: RefSeen(Oid(oid), Oid(rows[f"{name}^{{}}"]) if f"{name}^{{}}" in rows else None)
            for name, oid in rows.items()
            if not name.endswith("^{}") and wanted(name)
        }
    except ValueError as error:
        why = f"the host's answer is not understood: {error}"
        raise GitError("git ls-remote failed", Problem(kind="failed", why=why)) from error


def survey(repo: RepoName, url: str, branches: Sequence[Branch], tag_globs: Sequence[str] = ("*",)) -> RepoState:
    """Heads, tags, fence and stages of one repository; trouble becomes `problem`. An empty one has no heads."""
    wanted = [branch.full for branch in branches] + [f"refs/tags/{glob}" for glob in tag_globs]
    try:
        refs = list_refs(url, [*wanted, FENCE, f"{STAGE}*"])
    except GitError as error:
        return RepoState(repo=repo, problem=error.problem)
    return RepoState(
        repo=repo,
        heads={branch: seen.oid for name, seen in refs.items() if (branch := _branch(name))},
        tags={tag: _seen(seen) for name, seen in refs.items() if (tag := _tag(name))},
        fence=refs[FENCE].oid if FENCE in refs else None,
        stages={name[len(STAGE) :]: seen.oid for name, seen in refs.items() if name.startswith(STAGE)},
    )


def _seen(seen: RefSeen) -> TagSeen:
    return TagSeen(oid=seen.oid, commit=seen.peeled or seen.oid)


def _branch(name: str) -> Branch | None:
    return _named(name, Branch) if name.startswith(Branch.prefix) else None


def _tag(name: str) -> Tag | None:
    return _named(name, Tag) if name.startswith(Tag.prefix) else None


@lru_cache(maxsize=32768)
def _named(name: str, sort: type[R]) -> R | None:
    """The name, if git allows it there and we do too (a stranger's odd tag is no reason to fail); one for the fleet."""
    short = name[len(sort.prefix) :]
    return None if sort.problem(short) else sort(short)
