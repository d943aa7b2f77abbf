"""Looking without changing: diff, log, history, show."""

from __future__ import annotations

from multigit.app import look
from multigit.app.refs import meant
from multigit.app.session import Session
from multigit.errors import FAILED, UsageError
from multigit.model import deployreport
from multigit.model.config import Environment, Repo
from multigit.model.documents import DiffDocument, HistoryDocument, LogDocument, RepoDiff, RepoLog, ShowDocument
from multigit.model.events import Run
from multigit.model.fleet import Clean, Conflicted, Fleet, Pair, RepoState
from multigit.model.names import Oid, RepoName, Tag
from multigit.model.releases import releases
from multigit.tagschemes import matching, newest_not_later
from multigit.ui.reports import diff_text, log_text, show_text
from multigit.ui.screen import Screen
from multigit.ui.tables import history_text


def diff(session: Session, screen: Screen, source: str, target: str) -> int:
    """What `target` would get from `source`, repository by repository."""
    here, there = session.environment(source), session.environment(target)
    seen = look.pairs(session, look.fleet(session, (here, there)), here, there)
    rows = tuple(_difference(seen, repo) for repo in session.config.fleet if repo.name in seen.pairs)
    broken = tuple(RepoDiff(repo=s.repo, problem=s.problem.why) for s in seen.repos if s.problem)
    found = DiffDocument(source=here.name, target=there.name, repos=(*rows, *broken), exit_code=FAILED if broken else 0)
    screen.say(diff_text(found, width=screen.width, zone=session.zone, now=session.now()))
    screen.document(found)
    return found.exit_code


def _difference(seen: Fleet, repo: Repo) -> RepoDiff:
    pair: Pair = seen.pairs[repo.name]
    outcome = pair.outcome
    problem = "" if isinstance(outcome, Clean | Conflicted) else outcome.why
    return RepoDiff(
        repo=repo.name, source=pair.source, target=pair.target, source_oid=pair.source_oid, target_oid=pair.target_oid,
        ahead=pair.ahead, commits=pair.commits, files=outcome.changed if isinstance(outcome, Clean) else (),
        problem=problem,
        conflicts=tuple(path.path for path in outcome.paths) if isinstance(outcome, Conflicted) else (),
    )  # fmt: skip


def log(session: Session, screen: Screen, span: str | None, since: str | None) -> int:
    """Commits between two environments (`SRC..DST`: in SRC, not in DST) or since a release."""
    config = session.config
    seen = look.fleet(session, tuple(config.environments.values()))
    if span:
        left, dots, right = span.partition("..")
        if not dots:
            raise UsageError(f"{span!r} is no range", hint="multigit log stg..main   or   multigit log --since last")
        here, there = session.environment(left), session.environment(right)
        found = look.commit_lines(session, seen, lambda repo, state: _heads(session, repo, state, there, here))
    else:
        env, tag = meant(session, seen, since or "last")
        found = look.commit_lines(session, seen, lambda repo, state: _since(session, repo, state, env, tag))
    repos = tuple(RepoLog(repo=name, commits=lines) for name, lines in found.items())
    broken = tuple(RepoLog(repo=s.repo, problem=s.problem.why) for s in seen.repos if s.problem)
    told = LogDocument(
        range=span or f"since {since or 'last'}", repos=(*repos, *broken), exit_code=FAILED if broken else 0
    )
    screen.say(log_text(told, width=screen.width, zone=session.zone, now=session.now()))
    screen.document(told)
    return told.exit_code


def _heads(
    session: Session, repo: Repo, state: RepoState, after: Environment, upto: Environment
) -> tuple[Oid | None, Oid | None]:
    a, b = session.config.branch(repo, after), session.config.branch(repo, upto)
    return (state.heads.get(a) if a else None), (state.heads.get(b) if b else None)


def _since(session: Session, repo: Repo, state: RepoState, env: Environment, tag: Tag) -> tuple[Oid | None, Oid | None]:
    branch = session.config.branch(repo, env)
    known = newest_not_later(env.tag or "", set(state.tags), tag)
    return (state.tags[known].oid if known else None), (state.heads.get(branch) if branch else None)


def history(session: Session, screen: Screen, env: str | None, limit: int) -> int:
    """Releases, newest first: tagged, changed and live are three different facts."""
    config = session.config
    chosen = session.environment(env) if env else None
    seen = look.fleet(session, ())
    tags = {state.repo: tuple(state.tags) for state in seen.repos if not state.problem}
    templates = [e.tag for e in ([chosen] if chosen else config.environments.values()) if e.tag]
    ours = {repo: tuple(t for template in templates for t in matching(template, found)) for repo, found in tags.items()}
    env_name = chosen.name if chosen else None
    rows = releases(seen.history, ours, env_name, len(config.fleet), _env_of_tag(session), session.zone)
    shown = tuple(rows[:limit])
    unread = _warned(screen, seen)
    told = HistoryDocument(env=env_name, releases=shown, exit_code=FAILED if unread else 0)
    screen.say(history_text(shown, session.zone, session.now(), width=screen.width))
    screen.document(told)
    return told.exit_code


def _warned(screen: Screen, seen: Fleet) -> bool:
    """Say which repositories could not be read: their tags are not in what is shown."""
    for state in seen.repos:
        if state.problem:
            screen.warn(f"{state.repo} could not be read: {state.problem.why}")
    return any(state.problem for state in seen.repos)


def _env_of_tag(session: Session) -> dict[str, str]:
    """Prefix of a release tag to the environment it belongs to."""
    return {e.tag.partition("{")[0]: e.name for e in session.config.environments.values() if e.tag}


def show(session: Session, screen: Screen, word: str) -> int:
    """One release or run: its plan, its events, and where its tag stands."""
    seen = look.fleet(session, ())
    _warned(screen, seen)
    run = next((run for run in seen.history.runs.values() if run.id == word or run.id.startswith(f"r-{word}")), None)
    if word.startswith("d-"):
        told = _deployment(seen, word)
    elif run is None:
        _, tag = meant(session, seen, word)
        run = next((r for r in seen.history.runs.values() if r.tag == tag and r.phase == "released"), None)
        told = _told(run, seen, tag)
    else:
        told = _told(run, seen, run.tag)
    screen.say(show_text(told, width=screen.width, zone=session.zone))
    if told.deployments:
        from multigit.ui.deployments import report_text

        for one in told.deployments:
            screen.say(report_text(one, session.zone, session.now(), width=screen.width))
    screen.document(told)
    return 0


def _told(run: Run | None, seen: Fleet, tag: Tag | None) -> ShowDocument:
    commits: dict[RepoName, Oid] = {s.repo: s.tags[tag].commit for s in seen.repos if tag and tag in s.tags}
    if run is None:
        return ShowDocument(tag=tag, plan={}, statuses={}, commits=commits)
    events = tuple(event for event in seen.history.events if event.run == run.id)
    return ShowDocument(
        run=run.id, phase=run.phase, tag=tag, plan=run.plan, statuses=run.statuses, commits=commits, events=events,
        deployments=tuple(deployreport.of(one) for one in seen.history.deployments.values() if one.run == run.id),
    )  # fmt: skip


def _deployment(seen: Fleet, word: str) -> ShowDocument:
    found = next((one for one in seen.history.deployments.values() if one.id.startswith(word)), None)
    if found is None:
        raise UsageError(f"there is no deployment called {word!r}", hint="multigit history")
    return ShowDocument(tag=found.tag, plan={}, statuses={}, commits={}, deployments=(deployreport.of(found),))
