"""verify: whether ledger, fences, tags and branches agree; and the way out where the ledger was made anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from multigit.app import approvals, look, signing
from multigit.app.consent import Options
from multigit.app.proving import evidence
from multigit.app.serving import Vigil
from multigit.app.session import Session
from multigit.errors import DONE, MultigitError, UsageError
from multigit.ledger import chain
from multigit.ledger.pin import Pinned
from multigit.ledger.records import BRANCH
from multigit.ledger.shared import SEEN
from multigit.model.comparison import drifts, older
from multigit.model.config import Environment, Repo
from multigit.model.deployments import serving
from multigit.model.drift import Door, Drift, Held, Verified, exit_code
from multigit.model.events import History, fold
from multigit.model.fleet import Fleet, RepoState
from multigit.model.names import Oid
from multigit.model.past import Past
from multigit.ui import ask
from multigit.ui.documents import document
from multigit.ui.problems import nobody_to_ask, said_no
from multigit.ui.screen import Screen
from multigit.ui.verify import verified_text
from multigit.vcs import read
from multigit.vcs.lsrefs import survey
from multigit.vcs.mirror import Mirror, fetch, present

_TRIES = 3
"""How often the fleet is read again because a run went on meanwhile."""


def verify(
    session: Session, screen: Screen, word: str | None, trust: str | None, options: Options, duration: int = 0
) -> int:
    """Compare what the ledger says with what the repositories have, and ask what runs in the environment of `word`.

    Nothing is written but the cache and the pin. `duration`: seconds for which what runs is watched.
    """
    env = session.environment(word) if word else None
    if trust is not None:
        _trust(session, screen, trust, options)
    for _ in range(_TRIES):
        head, found, seen = _compared(session, env)
        if not found.drifts or head is None or session.ledger.head() == head:
            break
    if env:
        found = _serving(session, env, found, seen, duration)
    screen.close()
    screen.say(verified_text(found, width=screen.width), always=found.exit_code != DONE)
    screen.document(document("", found))
    return found.exit_code


def _serving(session: Session, env: Environment, found: Verified, seen: Fleet, duration: int) -> Verified:
    """With what the health checks of `env` say."""
    branches = {repo.name: session.config.branch(repo, env) for repo in session.config.repos.values()}
    heads = {state.repo: state.heads.get(branch) for state in seen.repos if (branch := branches[state.repo])}
    known = seen.history.deployments.values()
    vigil = Vigil(session, env, serving(known, str(env.name), heads), found.last)
    start = vigil.elapsed()
    serves = vigil.through(duration) if duration else vigil.once()
    watched = round(vigil.elapsed() - start, 1) if serves else 0.0
    if duration and not serves:
        raise UsageError(
            f"{env.name} has no health check to watch", hint="write health: under deploy of its repositories"
        )
    code = exit_code(found.open_run, found.drifts, serves)
    return replace(found, serves=serves, watched=watched, exit_code=code)


def _compared(session: Session, env: Environment | None) -> tuple[Oid | None, Verified, Fleet]:
    """The ledger's head, everything that is not as the ledger says, and what was seen."""
    config = session.config
    envs = [env] if env else list(config.environments.values())
    states = look.states(session, tuple(config.environments.values()))
    home = next(state for state in states if state.repo == config.home.name)
    selection = session.selection()
    repos = [repo for repo in config.repos.values() if selection is None or repo.name in selection]
    if home.problem:
        unread = "the ledger is in it: nothing can be compared"
        bad = _unreachable(states, repos, config.home, unread)
        return None, _told(session, env, Past.of(History()), repos, bad, []), Fleet(repos=states, history=History())
    head = home.heads.get(BRANCH)
    history, found = look.cached_anew(session, config.home, lambda: _ledger(session, head))
    past = Past.of(history)
    found += [Drift(repo=config.home.name, kind="ledger", what=f"the plan of run {run} is not to be believed", why=why,
                    fix=f"multigit show {run}") for run, why in past.unread.items()]  # fmt: skip

    def one(repo: Repo, state: RepoState) -> Held:
        session.progress(repo.name, "compare")
        return evidence.held(session, past, envs, repo, state)

    held, fleet = look.study(session, Fleet(repos=states, history=history), one, repos)
    found += _unreachable(fleet.repos, repos, config.home, "")
    found += [drift for one in held.values() for drift in drifts(past, one)]
    found += [*signing.drifts(session, past, envs, repos), *approvals.drifts(session, past, envs)]
    return head, _told(session, env, past, repos, found, list(held.values())), fleet


def _unreachable(states: Sequence[RepoState], repos: Sequence[Repo], home: Repo, unread: str) -> list[Drift]:
    names = {repo.name for repo in repos} | ({home.name} if unread else set())
    return [
        Drift(repo=state.repo, kind="unreachable", what="it cannot be read", fix=state.problem.hint,
              why="; ".join(filter(None, (state.problem.why, unread if state.repo == home.name else ""))))
        for state in states if state.problem and state.repo in names
    ]  # fmt: skip


def _told(
    session: Session, env: Environment | None, past: Past, repos: Sequence[Repo], found: Sequence[Drift],
    seen: Sequence[Held],
) -> Verified:  # fmt: skip
    run = past.history.open_run
    who = (run.taken_by or run.by) if run else None
    # Of another name, from before the template was changed: their tags are not among those that are read.
    starts = tuple(e.tag.partition("{")[0] for e in session.config.environments.values() if e.tag)
    released = [
        other.tag for other in past.history.runs.values()
        if other.tag and other.tag.startswith(starts) and other.phase == "released"
        and (env is None or other.target == env.name)
    ]  # fmt: skip
    return Verified(
        title=session.config.title, env=env.name if env else None, open_run=run.id if run else None,
        open_by=f"{who.user}@{who.host}" if who else "", open_phase=run.phase if run else "", repos=len(repos),
        releases=len(released), records=len(past.history.events), older_tags=sum(older(past, held) for held in seen),
        last=released[-1] if released else None, drifts=tuple(found), exit_code=exit_code(run, found),
    )  # fmt: skip


# --- the ledger itself -----------------------------------------------------------------------------------------


def _ledger(session: Session, head: Oid | None) -> tuple[History, list[Drift]]:
    """The records that can be read, and what is wrong with the chain. The one reader that reads on."""
    ledger, home = session.ledger, session.mirror(session.config.home)
    rows = _rows(home, head)
    events, faults = chain.examine(rows)
    known = {row[0] for row in rows}
    found = [Drift(repo=home.repo, kind="ledger", what=f"the ledger has {fault.oid.short}, which is no record",
                   why=fault.why, fix=_without(home, rows, faults, fault)) for fault in faults]  # fmt: skip
    pinned = ledger.pin.load() if ledger.pin else None
    if pinned and pinned.oid not in known:
        found.append(_lost(home, pinned, head))
    elif ledger.pin and not faults:
        ledger.pin.keep(head, known)
    return fold(events, head), found


def _rows(home: Mirror, head: Oid | None) -> list[chain.Row]:
    if head is None:
        return []
    fetch(home, {SEEN: head})
    return read.chain(home, head)


def _without(home: Mirror, rows: Sequence[chain.Row], faults: Sequence[chain.Fault], fault: chain.Fault) -> str:
    """What was put on top of good records may be taken off again; anything else has to be looked at."""
    door, bad = Door(str(home.path), home.url), {one.oid for one in faults}
    good = [row[0] for row in rows if row[0] not in bad]
    on_top = {row[0] for row in rows[len(good) :]} == bad
    return door.push(BRANCH.full, rows[-1][0], good[-1]) if on_top and good else door.git("show", fault.oid)


def _lost(home: Mirror, pinned: Pinned, head: Oid | None) -> Drift:
    told = chain.rewritten(home.repo, pinned, head)
    door, fix = Door(str(home.path), home.url), chain.trust_command(head)
    why = told.why
    if present(home, [pinned.oid]):
        lost = read.count(home, [pinned.oid], [head] if head else [])
        why = f"{lost} record{'s' * (lost != 1)} lost; {why}"
        if head is None or read.is_ancestor(home, head, pinned.oid):
            fix = door.push(BRANCH.full, head, pinned.oid)
        why += f"; if the home repository was made anew on purpose: {chain.trust_command(head)}"
    return Drift(repo=home.repo, kind="ledger", what=told.what, why=why, fix=fix)


def _trust(session: Session, screen: Screen, word: str, options: Options) -> None:
    """Believe in the ledger as it is now, whatever was seen before."""
    repo = session.config.home
    state = survey(repo.name, session.url(repo), [BRANCH], [])
    if state.problem:
        raise MultigitError(f"the ledger cannot be read: it is in {repo.name}", why=state.problem.why,
                            hint=state.problem.hint, state="nothing was changed")  # fmt: skip
    head = state.heads.get(BRANCH)
    if not (word == "none" if head is None else len(word) >= 7 and head.startswith(word)):
        now = f"at {head.short}" if head else "gone"
        raise UsageError(f"the ledger of {repo.name} is not at {word!r}", why=f"it is {now}; look at it first",
                         hint=chain.trust_command(head))  # fmt: skip
    home, pin = session.mirror(repo), session.ledger.pin
    rows = _rows(home, head)
    seen = pin.load() if pin else None
    if pin is None or seen is None or seen.oid in {row[0] for row in rows}:
        screen.say(f"the ledger of {repo.name} has all that was seen in it: nothing to trust anew")
        return
    screen.say(_what_is_lost(home, seen, head, len(rows)), always=True)
    if not options.yes:
        if not screen.interactive:
            raise nobody_to_ask(command=options.again)
        if not ask.yes(screen, "Forget what was seen, and trust the ledger as it is?"):
            raise said_no(command=options.again)
    pin.put(head)


def _what_is_lost(home: Mirror, seen: Pinned, head: Oid | None, now: int) -> str:
    lost = "an unknown number of"
    if present(home, [seen.oid]):
        lost = str(read.count(home, [seen.oid], [head] if head else []))
    return (
        f"the ledger of {home.repo} now has {now} records; {lost} that were in it on {seen.at:%Y-%m-%d %H:%M} UTC "
        f"(up to {seen.oid.short}) are lost with it"
    )
