"""The fleet as it was seen last: kept by whoever looks at it, told by `status --no-fetch` without the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from multigit.app.session import Session
from multigit.ledger.records import BRANCH as LEDGER
from multigit.model.config import Environment, Repo
from multigit.model.events import History, Hold, Run
from multigit.model.fleet import Fleet, Problem, RepoState, TagSeen
from multigit.model.names import Branch, Oid, RepoName, Tag
from multigit.model.plain import plain
from multigit.tagschemes import matching
from multigit.vcs import lastseen

if TYPE_CHECKING:
    from multigit.model.plan import Keep, Land, Plan


def remember(session: Session, environments: Sequence[Environment], seen: Sequence[RepoState]) -> None:
    """Keep what was just seen of the branches of `environments`; what could not be read stays as it was known."""
    now, repos = session.now(), session.config.repos
    sights = {
        session.url(repos[state.repo]): lastseen.Sight(
            {name: (state.heads.get(name), now) for name in _branches(session, repos[state.repo], environments)},
            _newest(session, state),
        )
        for state in seen
        if not state.problem
    }
    lastseen.keep(session.sights, sights)


def remember_run(session: Session, plan: Plan, *, released: bool) -> None:
    """Keep what a run of ours left: the ledger, and where it is released branches and tags."""
    now, config = session.now(), session.config
    steps: dict[RepoName, Land | Keep] = {step.repo: step for step in plan.lands} if released else {}
    steps |= {step.repo: step for step in plan.keeps} if released else {}
    made = plan.tags() if released else {}
    urls = {name: session.url(config.repos[name]) for name in {*steps, config.home.name}}
    before = lastseen.recall(session.sights, list(urls.values()))
    sights: dict[str, lastseen.Sight] = {}
    for name, url in urls.items():
        known = before.get(url, lastseen.Sight())
        heads: dict[Branch, tuple[Oid | None, datetime]] = {}
        tags = dict(known.tags)
        if name == config.home.name:
            heads[LEDGER] = (session.ledger.history.head, now)
        if step := steps.get(name):
            heads[step.branch] = (plan.commits()[name], now)
        if tag := made.get(name):
            tags[tag.tag] = TagSeen(oid=tag.oid, commit=tag.commit)
        sights[url] = lastseen.Sight(heads, tags)
    lastseen.keep(session.sights, sights)
    remember_ledger(session, session.ledger.history)


def remember_ledger(session: Session, history: History) -> None:
    """Keep what `status` tells of the ledger, by its head."""
    if not history.head:
        return
    question = _question(session, history.head)
    if not session.answers.known([question]):
        run = history.open_run
        going = [one for one in history.deployments.values() if one.open]
        kept = replace(run, plan={}, signatures={}, statuses={}) if run else None
        session.answers.put({question: plain({"run": kept, "holds": history.holds, "deployments": going})})


def fleet(session: Session) -> tuple[Fleet, dict[RepoName, datetime], bool]:
    """The fleet as it was seen last, when that was for each repository, and whether its ledger is known."""
    config = session.config
    environments = tuple(config.environments.values())
    sights = lastseen.recall(session.sights, [session.url(repo) for repo in config.repos.values()])
    states, times = [], {}
    for repo in config.repos.values():
        branches = _branches(session, repo, environments)
        sight = sights.get(session.url(repo), lastseen.Sight())
        if since := sight.as_of(branches):
            times[repo.name] = since
            states.append(sight.state(repo.name, branches))
        else:
            never = Problem(kind="missing", why="never looked at from here: multigit status", hint="multigit status")
            states.append(RepoState(repo=repo.name, problem=never))
    home = next(state for state in states if state.repo == config.home.name)
    history = _history(session, home.heads.get(LEDGER)) if not home.problem else None
    return Fleet(repos=tuple(states), history=history or History()), times, history is not None


def _branches(session: Session, repo: Repo, environments: Sequence[Environment]) -> list[Branch]:
    found = [branch for env in environments if (branch := session.config.branch(repo, env))]
    return [*dict.fromkeys(found), *([LEDGER] if repo.name == session.config.home.name else [])]


def _newest(session: Session, state: RepoState) -> dict[Tag, TagSeen]:
    """The newest release tag of each environment: all that `status` asks of tags."""
    known = [matching(env.tag, state.tags.keys()) for env in session.config.environments.values() if env.tag]
    return {tags[-1]: state.tags[tags[-1]] for tags in known if tags}


def _question(session: Session, head: Oid) -> str:
    return f"ledger {head} {session.loaded.digest}"  # who may lift a hold is said in repos.yaml


def _history(session: Session, head: Oid | None) -> History | None:
    """Open run and holds as of `head`: known from an earlier command, else read where the record is here."""
    if head is None:
        return History()
    if kept := session.answers.known([_question(session, head)]):
        return _rebuilt(kept[_question(session, head)], head)
    from multigit.app import signing
    from multigit.ledger import chain
    from multigit.model.events import fold
    from multigit.vcs import read
    from multigit.vcs.mirror import present

    mirror = session.mirror(session.config.home)
    if not present(mirror, [head]):
        return None
    found = signing.without_unsigned_lifts(session, fold(chain.events(read.chain(mirror, head)), head))
    remember_ledger(session, found)
    return found


def _rebuilt(kept: Any, head: Oid) -> History | None:
    from multigit.model.building import built
    from multigit.model.deployments import Deployment

    try:
        run = built(Run | None, kept["run"])
        holds = built(tuple[Hold, ...], kept["holds"])
        going = built(tuple[Deployment, ...], kept["deployments"])
    except (ValueError, TypeError, KeyError):
        return None
    deployments = {one.id: one for one in going}
    return History(head=head, runs={run.id: run} if run else {}, holds=holds, deployments=deployments)
