"""What `doctor` asks every remote, all of them side by side, and what the answers mean."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from multigit.app.session import Session
from multigit.lanes import each
from multigit.ledger.records import BRANCH as LEDGER
from multigit.model.config import Environment, Repo
from multigit.model.drift import Door
from multigit.model.events import History
from multigit.model.fleet import Problem
from multigit.model.health import Finding, State
from multigit.model.names import Oid
from multigit.model.ownrefs import FENCE, PROBE, STAGE
from multigit.vcs import probe
from multigit.vcs.run import GitError
from multigit.vcs.urls import kind

_ON_HOST = "   (on the host)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One remote's answers; None where it was not asked."""

    repo: Repo
    url: str
    reading: probe.Reading
    offer: probe.Offer | None = None
    trial: probe.Trial | None = None


def ask(session: Session, envs: Sequence[Environment], *, write: bool) -> list[Asked]:
    """Ask the chosen repositories, and the home repository in any case: it has the ledger."""
    selection = session.selection()
    config = session.config
    home = config.home.name

    def one(repo: Repo) -> Asked:
        chosen = selection is None or repo.name in selection
        session.progress(repo.name, "ask")
        wanted = [branch.full for env in envs if (branch := config.branch(repo, env))]
        wanted += [FENCE, STAGE, PROBE, *([LEDGER.full] if repo.name == home else [])]
        try:
            return _asked(repo, session.url(repo), wanted, pushes=chosen, write=write)
        except (GitError, OSError, ValueError) as error:  # no room for the scratch repository, an answer that is none
            known = getattr(error, "problem", None) or Problem(kind="failed", why=str(error))
            return Asked(repo=repo, url=session.url(repo), reading=probe.Reading(at=datetime.now(UTC), problem=known))

    repos = [r for r in config.repos.values() if selection is None or r.name in selection or r.name == home]
    return each(one, repos, session.jobs)


def _asked(repo: Repo, url: str, wanted: Sequence[str], *, pushes: bool, write: bool) -> Asked:
    reading = probe.read(url, wanted)
    if reading.problem or not reading.smart or not pushes:
        return Asked(repo=repo, url=url, reading=reading)
    offer = probe.offer(url, reading.algorithm)
    tried = probe.trial(url, reading.algorithm) if write and offer.atomic else None
    return Asked(repo=repo, url=url, reading=reading, offer=offer, trial=tried)


def findings(
    session: Session, envs: Sequence[Environment], asked: Asked, history: History | None, again: str
) -> Iterator[Finding]:
    """What one remote's answers mean. `history`: None where the ledger cannot be read; `again`: how to let it write."""
    reading = asked.reading
    if reading.problem:
        yield _told(asked, "reach", "ng", reading.problem.why, reading.problem.hint)
        yield _told(asked, "rest", "skip", "it cannot be read")
        return
    yield _reach(asked)
    if not reading.smart:
        return
    if asked.repo.role == "code":
        yield _branches(session, envs, asked)
    yield from _pushing(asked)
    yield _fence(session, asked, again)
    yield from _leftovers(session, asked, history)


def _told(asked: Asked, name: str, state: State, why: str, fix: str = "") -> Finding:
    return Finding(name=name, state=state, why=why, fix=fix, repo=asked.repo.name)


def _reach(asked: Asked) -> Finding:
    reading = asked.reading
    if not reading.smart:
        why = "the host only gives out files (dumb http): nothing can be pushed there"
        return _told(asked, "reach", "ng", why, f"git ls-remote {shlex.quote(asked.url)}   (needs git-http-backend)")
    hash_name = {"sha1": "SHA-1", "sha256": "SHA-256"}.get(reading.algorithm, reading.algorithm)
    parts = [asked_by(asked.url), f"protocol {reading.protocol}", hash_name, reading.agent]
    if reading.protocol != 2:
        why = f"{', '.join(filter(None, parts))}: every reading brings all its refs"
        return _told(asked, "reach", "warn", why, f"{_config(asked)} protocol.version 2{_ON_HOST}")
    return _told(asked, "reach", "ok", ", ".join(filter(None, parts)))


def asked_by(url: str) -> str:
    """By which way it is reached."""
    return {"file": "path"}.get(kind(url), kind(url))


def _config(asked: Asked) -> str:
    path = asked.url if kind(asked.url) == "file" else "REPOSITORY"
    return f"git --git-dir={shlex.quote(path.removeprefix('file://'))} config"


def _branches(session: Session, envs: Sequence[Environment], asked: Asked) -> Finding:
    named = [branch for env in envs if (branch := session.config.branch(asked.repo, env))]
    if not named:
        return _told(asked, "branches", "skip", "no environment is a branch here")
    missing = [branch for branch in named if branch.full not in asked.reading.refs]
    if not missing:
        return _told(asked, "branches", "ok", ", ".join(named))
    there = [branch for branch in named if branch not in missing]
    clone = shlex.quote(str(session.clone_path(asked.repo)))
    source = f"refs/remotes/origin/{there[0]}" if there else "HEAD"
    fixes = [f"git -C {clone} push {shlex.quote(asked.url)} {source}:{branch.full}" for branch in missing]
    return _told(asked, "branches", "ng", f"it has no branch {', '.join(missing)}", "\n".join(fixes))


def _pushing(asked: Asked) -> Iterator[Finding]:
    offer = asked.offer
    if offer is None:
        return
    if not offer.writable:
        problem = offer.problem
        why = f"the host lets you read, not push: {problem.why}" if problem else "the host does not let you push"
        yield _told(asked, "write", "ng", why, _as_if(asked))
        yield _told(asked, "atomic", "skip", "the host says so only to those who may push")
        return
    yield _told(asked, "write", "ok", "the host takes the call; what its rules say is found while staging")
    if offer.atomic:
        yield _told(asked, "atomic", "ok", "branch and fence move together or not at all")
    else:
        why = "the host does not offer atomic pushes: a release would be refused there"
        yield _told(asked, "atomic", "ng", why, f"{_config(asked)} receive.advertiseAtomic true{_ON_HOST}")
    if offer.shallow:
        why = "the host's own copy lacks its older history (shallow): what was merged cannot be told"
        yield _told(asked, "history", "ng", why, f"{_config(asked).removesuffix('config')}fetch --unshallow{_ON_HOST}")


def _as_if(asked: Asked) -> str:
    return f"git push --dry-run {shlex.quote(asked.url)} HEAD:{PROBE}x   (in any clone: asks, pushes nothing)"


def _fence(session: Session, asked: Asked, again: str) -> Finding:
    trial = asked.trial
    if trial is None:
        if asked.offer is None or not asked.offer.atomic:
            return _told(asked, "fence", "skip", "not tried: see above")
        if FENCE in asked.reading.refs:
            return _told(asked, "fence", "ok", "it has one, from a run before")
        return _told(asked, "fence", "skip", "nothing was pushed to try it", again)
    rules = f"{_config(asked)} --get-regexp 'hiderefs|hookspath'{_ON_HOST}"
    match trial.outcome:
        case "taken":
            return _told(asked, "fence", "ok", "two refs below refs/multigit/ were taken together, and deleted")
        case "refused":
            why = f"the host does not take refs below refs/multigit/: {trial.why}"
            return _told(asked, "fence", "ng", why, rules)
        case "hidden":
            return _told(asked, "fence", "ng", "refs below refs/multigit/ are taken, but not shown (hidden)", rules)
        case "split":
            return _told(asked, "fence", "ng", "the host offers atomic pushes and did one by halves")
        case "stuck":
            why = f"refs below refs/multigit/ are taken, and cannot be deleted: {trial.why}"
            return _told(asked, "fence", "ng", why, _deletes(session, asked, trial.left))
        case "unknown":
            why = f"no clear answer ({trial.why}); the refs may still arrive"
            return _told(asked, "fence", "ng", why, _deletes(session, asked, trial.left))


def _deletes(session: Session, asked: Asked, refs: Mapping[str, Oid]) -> str:
    mirror = session.mirror(asked.repo)
    door = Door(str(mirror.path), mirror.url)
    return "\n".join(door.push(ref, oid, None) for ref, oid in refs.items())


def _leftovers(session: Session, asked: Asked, history: History | None) -> Iterator[Finding]:
    if history is None:
        yield _told(asked, "leftovers", "skip", "the ledger cannot be read")
        return
    run = history.open_run.id if history.open_run else None
    refs = asked.reading.refs
    old = {ref: oid for ref, oid in refs.items() if ref.startswith((STAGE, PROBE)) and ref != f"{STAGE}{run}"}
    if not old:
        yield _told(asked, "leftovers", "ok", "none")
        return
    names = ", ".join(ref.removeprefix("refs/multigit/") for ref in old)
    why = f"{names}: of no open run, or of one that begins just now; harmless"
    yield _told(asked, "leftovers", "warn", why, _deletes(session, asked, old))
