"""doctor: whether this machine and every remote are fit for a release. Writes nothing that anybody sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from multigit.app import look
from multigit.app.consent import Options
from multigit.app.doctoring import machine, notices, probing, remotes
from multigit.app.session import Session
from multigit.errors import MultigitError
from multigit.ledger.records import BRANCH as LEDGER
from multigit.model.config import Environment
from multigit.model.events import History
from multigit.model.health import Finding, Health, exit_code, skew
from multigit.model.names import Oid, RepoName
from multigit.ui import ask
from multigit.ui.doctor import health_text
from multigit.ui.documents import document
from multigit.ui.problems import nobody_to_ask, said_no
from multigit.ui.screen import Screen
from multigit.ui.text import count
from multigit.vcs.ssh.sharing import share


def doctor(
    session: Session, screen: Screen, word: str | None, options: Options, *, write: bool, inherited: Sequence[str]
) -> int:
    """Look at everything and say it. `write`: also push and delete throw-away refs, with consent.

    `inherited`: the GIT_* variables that came with the command.
    """
    env = session.environment(word) if word else None
    envs = [env] if env else list(session.config.environments.values())
    writes = write and not options.dry_run
    if writes:
        _consent(session, screen, options)
    found = list(machine.programs(session, inherited))
    fit = found[0].state == "ok"
    found += [*(machine.person(session, envs) if fit else ()), machine.terminal(screen), *machine.folders(session)]
    found += notices.notifiers(session, envs)
    if fit:
        found += _fleet(session, envs, options, write=writes, env=env)
    else:
        found.append(Finding(name="remotes", state="skip", why="nothing can be asked without git"))
    selection = session.selection()
    health = Health(
        title=session.config.title, env=env.name if env else None, wrote=writes and fit, findings=tuple(found),
        repos=len(session.config.repos if selection is None else selection), exit_code=exit_code(found),
    )  # fmt: skip
    screen.close()
    screen.say(health_text(health, width=screen.width, brief=screen.quiet), always=bool(health.exit_code))
    screen.document(document("", health))
    return health.exit_code


def _consent(session: Session, screen: Screen, options: Options) -> None:
    """The probes that write are agreed to before anything is looked at."""
    if options.yes:
        return
    if not screen.interactive:
        raise nobody_to_ask(command=options.again)
    selection = session.selection()
    many = count(len(session.config.repos if selection is None else selection), "remote")
    if not ask.yes(screen, f"Push two throw-away refs below refs/multigit/probe/ to {many}, and delete them?"):
        raise said_no(command=options.again)


def _fleet(
    session: Session, envs: Sequence[Environment], options: Options, *, write: bool, env: Environment | None
) -> Iterator[Finding]:
    """The hosts' clock, the ledger, every remote, and where `env` is named, what runs there."""
    share(session.url(repo) for repo in session.config.repos.values())
    asked = remotes.ask(session, envs, write=write)
    yield _clock(asked)
    home = next(one for one in asked if one.repo.name == session.config.home.name)
    history, problem = _history(session, home)
    yield from problem
    if history:
        yield from _under_way(history, envs)
    selection = session.selection()
    chosen = [one for one in asked if selection is None or one.repo.name in selection]
    left = {found.repo: found for found in probing.unfinished(session, [one.repo for one in chosen])}
    general, probed = probing.probed(session, env, _heads(session, env, chosen)) if env else ([], {})
    yield from general
    again = f"{options.again} --write" if "--write" not in options.again else options.again
    for one in chosen:
        yield from remotes.findings(session, envs, one, history, again)
        yield from (found for found in (left.get(one.repo.name),) if found)
        yield from probed.get(one.repo.name, ())
    why = "hosts are not asked for protected branches and tags: staging and landing find them, and put all back"
    yield Finding(name="protection", state="skip", why=why)


def _heads(session: Session, env: Environment, asked: Sequence[remotes.Asked]) -> dict[RepoName, Oid | None]:
    """Where the environment's branches are, as they were just read."""
    branches = {one.repo.name: session.config.branch(one.repo, env) for one in asked}
    return {one.repo.name: one.reading.refs.get(branch.full) for one in asked if (branch := branches[one.repo.name])}


def _clock(asked: Sequence[remotes.Asked]) -> Finding:
    told = [(one.reading.at - one.reading.date, one.repo.name) for one in asked if one.reading.date]
    if not told:
        return machine.guarded("clock", machine.clock_of_disk)
    worst, repo = max(told, key=lambda row: abs(row[0]))
    return skew(worst.total_seconds(), f"the host of {repo}")


def _history(session: Session, home: remotes.Asked) -> tuple[History | None, list[Finding]]:
    if home.reading.problem:
        why = f"it is in {home.repo.name}, which cannot be read: {home.reading.problem.why}"
        return None, [Finding(name="ledger", state="ng", why=why, fix=home.reading.problem.hint)]
    head = home.reading.refs.get(LEDGER.full)
    try:
        history = look.cached_anew(session, session.config.home, lambda: session.ledger.read(head))
    except MultigitError as error:
        return None, [Finding(name="ledger", state="ng", why=f"{error.what}: {error.why}", fix=error.hint)]
    return history, [Finding(name="ledger", state="ok", why=f"{len(history.events)} records")]


def _under_way(history: History, envs: Sequence[Environment]) -> Iterator[Finding]:
    run = history.open_run
    if run:
        who = run.taken_by or run.by
        why = f"run {run.id} of {who.user}@{who.host} is open ({run.phase}): nothing else can begin"
        yield Finding(name="runs", state="ng", why=why, fix=f"multigit resume {run.id}\nmultigit abort {run.id}")
    else:
        yield Finding(name="runs", state="ok", why="none is open")
    names = {env.name for env in envs}
    for hold in history.holds:
        if hold.env in names:
            kind = "a quarantine" if hold.quarantine else "a hold"
            why = f"{hold.env} has {kind} of {hold.by.name}: {hold.reason}"
            yield Finding(name="holds", state="warn", why=why, fix=f'multigit hold release {hold.env} -m "…"')
