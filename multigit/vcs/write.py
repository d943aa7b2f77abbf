"""One function per deed; every ref that is moved names the value it replaces."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from multigit.model.fleet import Problem
from multigit.model.names import Oid
from multigit.model.objects import EMPTY_TREE
from multigit.vcs import made
from multigit.vcs.mirror import Mirror
from multigit.vcs.problems import gist, problem_of
from multigit.vcs.pushwire import Command
from multigit.vcs.run import GitError, Output, git, redact, tell
from multigit.vcs.urls import check_url
from multigit.vcs.urls import kind as kind_of
from multigit.vcs.wire import NotUnderstood, Unheard

PUSH = ("push", "--atomic", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--no-recurse-submodules")
_STALE: Final = re.compile(
    r"stale info|fetch first|is at [0-9a-f]+ but expected|reference already exists|incorrect old value"
    r"|unable to resolve reference"
)
_NO: Final = re.compile(
    r"declined|protected|denied|denying|prohibited|not allowed|refus|violation|GH\d{3}|non-fast-forward|hidden ref"
    r"|permission|forbidden|currently checked out|shallow update",
    re.IGNORECASE,
)
"""A reason the host gives for one ref."""
_NO_TO_ALL: Final = re.compile(
    r"does not support --atomic|error: 403|[Pp]ermission to \S+ denied|denied to|not allowed to|GH\d{3}"
    r"|read.only|archived"
)
"""Said instead of any answer about refs. Being unknown to ssh is no such no: the right key may come next."""
_LOCK: Final = re.compile(r"failed to (update|lock)|transaction fail")
"""The host could not take the lock of a ref; its error text says whether somebody else was faster."""
_FOLLOWS: Final = re.compile(r"atomic push fail|atomic transaction fail|push failed")
"""Reasons git gives for the refs that were fine, when another one was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefUpdate:
    """Move full ref `ref` at the remote from `old` (None: it must not exist) to `new` (None: delete it).

    `forced`: `new` need not descend from `old`.
    """

    ref: str
    old: Oid | None
    new: Oid | None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class PushReport:
    """What the remote said. Not done, not refused and not stale is unknown: read back (protocol.md, fact 1).

    `refused`: the host said no for good, in short. `stale`: a ref was not at the value named.
    """

    done: bool
    refused: str = ""
    stale: bool = False
    problem: Problem | None = None


def push(mirror: Mirror, updates: Sequence[RefUpdate], *, timeout: float = 300.0) -> PushReport:
    """All of `updates` or none, each under its lease; never raises for what the remote does."""
    moves = [update for update in updates if update.old or update.new]
    if not moves:
        return PushReport(done=True)
    if lost := _would_lose(mirror, moves):
        return PushReport(done=False, refused=lost)
    with suppress(NotUnderstood):
        return _without_git(mirror, moves, timeout)
    leases = [f"--force-with-lease={move.ref}:{move.old or ''}" for move in moves]
    specs = [f"{move.new or ''}:{move.ref}" for move in moves]
    try:
        output = git(
            *PUSH, *leases, "--", mirror.url, *specs,
            at=mirror.path, network=True, url=mirror.url, timeout=timeout, check=False,
        )  # fmt: skip
    except GitError as error:
        return PushReport(done=False, problem=error.problem)
    return _report(output, moves, mirror.url)


def _would_lose(mirror: Mirror, moves: Sequence[RefUpdate]) -> str:
    """A lease switches the host's own fast-forward check off, so it is made here."""
    for move in moves:
        if move.forced or not move.ref.startswith("refs/heads/") or not (move.old and move.new):
            continue
        if move.old in made.parents(move.new):
            continue
        asked = git("merge-base", "--is-ancestor", move.old, move.new, at=mirror.path, check=False)
        if asked.status == 1:
            return f"{move.new.short} does not build on {move.old.short}: {move.ref} would lose commits"
        if asked.status:
            return f"{move.ref} is not moved: {gist(asked.err)}"
    return ""


def _without_git(mirror: Mirror, moves: Sequence[RefUpdate], timeout: float) -> PushReport:
    """NotUnderstood: nothing was sent, and git has to push."""
    way = "" if check_url(mirror.url) else kind_of(mirror.url)
    if way in ("http", "https"):
        from multigit.vcs.web.push import push as pushed
    elif way == "ssh":
        from multigit.vcs.ssh.push import push as pushed
    else:
        raise NotUnderstood("a path on this machine")

    start = time.monotonic()
    try:
        said = pushed(mirror, [Command(move.ref, move.old, move.new) for move in moves], timeout)
    except (Unheard, TimeoutError) as unheard:
        late = isinstance(unheard, TimeoutError)
        told = problem_of(redact(str(unheard)), url=mirror.url, timed_out=timeout if late else 0.0)
        return PushReport(done=False, problem=told)
    except GitError as broken:  # our copy lacks something, or a helper hangs: nothing was sent
        raise NotUnderstood(str(broken)) from broken
    tell(("push", mirror.url), time.monotonic() - start)
    err = redact("".join(f"remote: {line}\n" for line in said.aside.splitlines()))
    answers = {ref: redact(why) for ref, why in said.refs.items()}
    if said.unpacked:
        err += f"error: remote unpack failed: {redact(said.unpacked)}\n"
        answers = {ref: why for ref, why in answers.items() if why}
    return _judged(answers, err, moves, mirror.url)


def _report(output: Output, moves: Sequence[RefUpdate], url: str) -> PushReport:
    text = output.out.decode("utf-8", "backslashreplace")
    told = text.split("\n")  # not splitlines(): the host's reasons may hold U+2028, and lines of their own behind it
    lines = [line.split("\t") for line in told]
    rows = {row[1].rpartition(":")[2]: (row[0], row[2]) for row in lines if len(row) == 3}
    answers = {
        ref: "" if flag in (" ", "+", "-", "*", "=") else _reason(summary) for ref, (flag, summary) in rows.items()
    }
    if output.status or "Done" not in told:
        answers = {ref: why for ref, why in answers.items() if why}
    return _judged(answers, output.err, moves, url, answered=bool(rows))


def _judged(
    answers: Mapping[str, str], err: str, moves: Sequence[RefUpdate], url: str, *, answered: bool = True
) -> PushReport:
    """`answers`: by ref, '' = moved, else why not; `err`: what else was said."""
    if not any(answers.get(move.ref, "?") for move in moves):
        return PushReport(done=True)
    reasons = [why for why in answers.values() if why]
    causes = [reason for reason in reasons if not _FOLLOWS.search(reason)]
    said_no = any(_NO.search(cause) for cause in causes) or (not answered and _NO_TO_ALL.search(err))
    beaten = not said_no and any(_LOCK.search(reason) for reason in reasons) and _STALE.search(err)
    if beaten or any(_STALE.search(cause) for cause in causes):
        return PushReport(done=False, stale=True, problem=_rejected(err, causes))
    if said_no:
        return PushReport(done=False, refused=_short(err, causes))
    if reasons:
        return PushReport(done=False, problem=_rejected(err, causes or reasons))
    return PushReport(done=False, problem=problem_of(err, url=url))


def _reason(summary: str) -> str:
    return redact(summary.partition("(")[2].rpartition(")")[0] or summary)


def _short(err: str, causes: Sequence[str]) -> str:
    """The reasons, then what the host's hook printed."""
    said = [line[7:].strip() for line in err.splitlines() if line.startswith("remote:")]
    said = [line for line in said if line and not set(line) <= set("=-*# ")]
    return "; ".join(dict.fromkeys([*causes, *said[:4]])) or gist(err)


def _rejected(err: str, causes: Sequence[str]) -> Problem:
    return Problem(kind="rejected", why=_short(err, causes))


def write_object(mirror: Mirror, kind: Literal["commit", "tag", "tree", "blob"], body: bytes) -> Oid:
    """Store an object in the mirror; its id. Whether it makes sense is for who made it, and for hosts that check."""
    oid = _by_git(mirror, kind, body) if _sha256(mirror) else _loose(mirror, kind, body)
    made.note(oid, kind, body)
    return oid


def _loose(mirror: Mirror, kind: str, body: bytes) -> Oid:
    """As git would, without a process for each. Not flushed to the disk: a mirror that loses it is made anew."""
    from gitdb import IStream, LooseObjectDB  # type: ignore[import-untyped]  # here: it is slow to import

    try:
        stored = LooseObjectDB(str(mirror.path / "objects")).store(IStream(kind, len(body), io.BytesIO(body)))
    except OSError as broken:
        why = f"{mirror.path}: {broken.strerror or broken}"
        raise GitError(f"an object for {mirror.repo} could not be written", Problem(kind="failed", why=why)) from broken
    return Oid(stored.hexsha.decode())


def _by_git(mirror: Mirror, kind: str, body: bytes) -> Oid:
    out = git("hash-object", "-w", "-t", kind, "--stdin", at=mirror.path, stdin=body).out
    return Oid(out.decode().strip())


def _sha256(mirror: Mirror) -> bool:
    return "sha256" in (mirror.path / "config").read_text()


def empty_tree(mirror: Mirror) -> Oid:
    """Id of the tree without files, in the mirror's hash."""
    return EMPTY_TREE[64 if _sha256(mirror) else 40]
