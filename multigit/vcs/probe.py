"""Asking a remote what it offers: for reading, for pushing, and, by a throw-away ref, what it really takes.

Works alike over http, ssh and paths: git itself asks, and its packet trace (GIT_TRACE_PACKET, git(1)) says what the
host answered. No repository of anybody is touched; the objects come from a scratch repository that is gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from multigit.model.fleet import Problem
from multigit.model.names import Oid, RepoName
from multigit.model.objects import NewCommit, Signature
from multigit.model.ownrefs import PROBE
from multigit.vcs import write
from multigit.vcs.lsrefs import list_refs
from multigit.vcs.mirror import Mirror
from multigit.vcs.problems import problem_of
from multigit.vcs.run import GitError, git
from multigit.vcs.urls import absolute

LIMIT: Final = 20.0
"""Seconds for each question."""

_RECEIVED: Final = re.compile(r" packet: +(?!upload-pack|receive-pack)\S+< (.*)")
"""What our side was sent. A repository on this machine is served by a child that traces to the same file."""
_DATE: Final = re.compile(r"<= Recv header: date: (.+)", re.IGNORECASE)
_BY: Final = Signature(name="multigit", email="multigit@localhost", when=datetime(2026, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a remote answers to a reader."""

    refs: Mapping[str, Oid] = field(default_factory=dict)
    protocol: int = 0
    """2, or 0 for the old one."""
    smart: bool = False
    """False: plain files over http, which nothing can be pushed to."""
    algorithm: str = "sha1"
    agent: str = ""
    """What the host says it runs."""
    date: datetime | None = None
    """The host's time, where it says it (http)."""
    at: datetime
    """When it answered, by our clock."""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a remote answers to somebody who is about to push. Nothing was pushed."""

    writable: bool
    atomic: bool = False
    shallow: bool = False
    """The repository on the host is itself without its older history."""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of two throw-away refs that were pushed together and deleted at once.

    `split`: only one of them arrived. `hidden`: taken, and not to be seen afterwards. `stuck`: not deleted.
    """

    outcome: Literal["taken", "refused", "split", "hidden", "stuck", "unknown"]
    why: str = ""
    left: Mapping[str, Oid] = field(default_factory=dict)
    """Refs that are still there, or may yet arrive."""


def read(url: str, wanted: Sequence[str], *, timeout: float = LIMIT) -> Reading:
    """Refs of `url`: the full names in `wanted`, and all below those that end in `/`."""
    address = absolute(url)
    words = [f"{name}*" if name.endswith("/") else name for name in wanted]
    with _traced() as (trace, curl, env):
        try:
            out = git(
                "ls-remote", "--quiet", "--", address, *words, network=True, url=address, timeout=timeout, env=env
            )
        except GitError as error:
            return Reading(problem=error.problem, at=datetime.now(UTC), date=_date(curl))
        told, date, at = list(islice(_received(trace), 50)), _date(curl), datetime.now(UTC)
    lines = out.out.decode("utf-8", "backslashreplace").split("\n")
    rows = [line.partition("\t")[::2] for line in lines if not line.endswith("^{}")]  # else a tag would count twice
    prefixes = tuple(name for name in wanted if name.endswith("/"))
    refs = {name: Oid(oid) for oid, name in rows if name in wanted or name.startswith(prefixes)}
    said = " ".join(told)
    return Reading(
        refs=refs, protocol=2 if "version 2" in told else 0, smart=bool(told), date=date, at=at,
        algorithm=_word(said, "object-format") or "sha1", agent=_word(said, "agent")[:40],
    )  # fmt: skip


def offer(url: str, algorithm: str, *, timeout: float = LIMIT) -> Offer:
    """Ask as for a push of a new ref, and stop there (`git push --dry-run`)."""
    with _scratch(url, algorithm) as (scratch, commit), _traced() as (trace, _, env):
        ref = f"{PROBE}{uuid4().hex}"
        try:
            out = git(*write.PUSH, "--dry-run", "--", scratch.url, f"{commit}:{ref}", at=scratch.path, network=True,
                      url=scratch.url, timeout=timeout, env=env, check=False)  # fmt: skip
        except GitError as error:
            return Offer(writable=False, problem=error.problem)
        shallow = any(line.startswith("shallow ") for line in _received(trace))
    if out.status and "does not support --atomic" in out.err:
        return Offer(writable=True, shallow=shallow)
    if out.status:
        return Offer(writable=False, problem=problem_of(out.err, url=url))
    return Offer(writable=True, atomic=True, shallow=shallow)


def trial(url: str, algorithm: str, *, timeout: float = LIMIT) -> Trial:
    """Push two throw-away refs at once, look, delete them, look again. What is left behind is said."""
    with _scratch(url, algorithm) as (scratch, commit):
        folder = f"{PROBE}{uuid4().hex}/"
        refs = [f"{folder}{name}" for name in ("a", "b")]
        try:
            report = write.push(scratch, [write.RefUpdate(ref=ref, old=None, new=commit) for ref in refs],
                                timeout=timeout)  # fmt: skip
            seen = _seen(url, folder, timeout)
        except BaseException:  # Ctrl-C as well: what may be there is taken away before anything else
            _delete(scratch, dict.fromkeys(refs, commit), timeout)
            raise
        there = dict.fromkeys(refs, commit) if seen is None or (report.done and not seen) else seen
        gone = _delete(scratch, there, timeout) if there and not report.refused else write.PushReport(done=True)
        after = _seen(url, folder, timeout)
    left = after if after is not None else there
    if report.refused:
        return Trial(outcome="refused", why=report.refused, left=left)
    if not report.done and not seen:
        why = report.problem.why if report.problem else "the host gave no answer"
        return Trial(outcome="unknown", why=why, left=left or dict.fromkeys(refs, commit))
    if left or not gone.done:
        silent = "the host said ok and did nothing" if after else "it could not be read back"
        why = gone.refused or (gone.problem.why if gone.problem else silent)
        return Trial(outcome="stuck", why=why, left=left or there)
    return Trial(outcome="taken" if seen and len(seen) == len(refs) else "split" if seen else "hidden")


def _seen(url: str, folder: str, timeout: float) -> dict[str, Oid] | None:
    """The probe's refs at the host; None where it cannot be asked."""
    try:
        return {name: found.oid for name, found in list_refs(url, [folder], timeout=timeout).items()}
    except GitError:
        return None


def _delete(scratch: Mirror, refs: Mapping[str, Oid], timeout: float) -> write.PushReport:
    moves = [write.RefUpdate(ref=ref, old=oid, new=None) for ref, oid in refs.items()]
    return write.push(scratch, moves, timeout=timeout)


@contextlib.contextmanager
def _scratch(url: str, algorithm: str) -> Iterator[tuple[Mirror, Oid]]:
    """A repository with one commit like a fence: without files, parents or a person's name."""
    with tempfile.TemporaryDirectory(prefix="multigit-") as folder:
        path = Path(folder)
        personal = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        git("init", "--quiet", "--bare", "--template=", f"--object-format={algorithm}", folder, env=personal)
        mirror = Mirror(RepoName("probe"), absolute(url), path)
        tree = write.write_object(mirror, "tree", b"")
        body = NewCommit(tree=tree, parents=(), message="multigit doctor", by=_BY).body()
        yield mirror, write.write_object(mirror, "commit", body)


@contextlib.contextmanager
def _traced() -> Iterator[tuple[Path, Path, dict[str, str]]]:
    """Where git writes its packets and its http headers (git leaves secrets out of them), and the way to make it."""
    with tempfile.TemporaryDirectory(prefix="multigit-") as folder:
        trace, curl = Path(folder) / "packets", Path(folder) / "headers"
        env = {"GIT_TRACE_PACKET": str(trace), "GIT_TRACE_CURL": str(curl), "GIT_TRACE_CURL_NO_DATA": "1"}
        yield trace, curl, env


def _received(trace: Path) -> Iterator[str]:
    if not trace.exists():
        return
    with trace.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if found := _RECEIVED.search(line):
                yield found[1]


def _word(said: str, key: str) -> str:
    found = re.search(rf"(?:^|\s|\\0){key}=(\S+)", said)
    return found[1] if found else ""


def _date(curl: Path) -> datetime | None:
    """The last time an http host told; the answer to a login question counts as well."""
    text = curl.read_text(encoding="utf-8", errors="replace") if curl.exists() else ""
    try:
        told = [parsedate_to_datetime(found.strip()) for found in _DATE.findall(text)]
        return max((when if when.tzinfo else when.replace(tzinfo=UTC) for when in told), default=None)
    except (ValueError, TypeError):
        return None
