"""Looking: reads what a verb's planner asks about, every repository side by side. Writes nothing but the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from multigit.errors import MultigitError
from multigit.lanes import each
from multigit.ledger.records import BRANCH as LEDGER
from multigit.model.events import History
from multigit.model.fleet import CloneState, CommitLine, Fleet, Pair, Problem, RepoState, Restore
from multigit.model.names import Branch, Oid, RepoName, Tag
from multigit.vcs.glance import up_to_date
from multigit.vcs.lsrefs import survey
from multigit.vcs.run import GitError
from multigit.vcs.ssh.sharing import share

if TYPE_CHECKING:
    from multigit.app.session import Session
    from multigit.model.config import Config, Environment, Repo
    from multigit.vcs.mirror import Mirror

T = TypeVar("T")


def states(
    session: Session, environments: Sequence[Environment], extra: Sequence[Branch] = ()
) -> tuple[RepoState, ...]:
    """Heads, release tags and fence of every repository, in one reading."""
    config = session.config
    share(session.url(repo) for repo in config.repos.values())
    globs = [env.tag.partition("{")[0] + "*" for env in config.environments.values() if env.tag]

    def one(repo: Repo) -> RepoState:
        session.progress(repo.name, "read")
        branches = [branch for env in environments if (branch := config.branch(repo, env))]
        branches += [*extra, LEDGER] if repo.name == config.home.name else [*extra]
        return survey(repo.name, session.url(repo), branches, globs)

    seen = tuple(each(one, config.repos.values(), session.jobs))
    from multigit.app import remembered  # while the hosts answer nobody waits for it

    remembered.remember(session, environments, seen)
    return seen


def fleet(session: Session, environments: Sequence[Environment], extra: Sequence[Branch] = ()) -> Fleet:
    """The fleet and its history; a home repository that cannot be read leaves the history empty, and is refused."""
    seen = states(session, environments, extra)
    return Fleet(repos=seen, history=history(session, seen))


def history(session: Session, seen: Sequence[RepoState]) -> History:
    """The ledger as of `seen`."""
    home = next(state for state in seen if state.repo == session.config.home.name)
    return History() if home.problem else _records(session, home)


def _records(session: Session, home: RepoState) -> History:
    head = home.heads.get(LEDGER)
    if head is None and session.pin.load() is None:  # no ledger, and nobody here ever saw one
        return History()
    read_now = cached_anew(session, session.config.home, lambda: session.ledger.read(head))
    if not any(env.signers for env in session.config.environments.values()):
        return read_now
    from multigit.app import signing

    return signing.without_unsigned_lifts(session, read_now)


def cached_anew(session: Session, repo: Repo, work: Callable[[], T]) -> T:
    """Do `work`; where the cached copy of `repo` turns out to be broken, set it aside and do it once more."""
    try:
        return work()
    except GitError as broken:
        if broken.problem.kind != "corrupt":
            raise
        from multigit.vcs.mirror import locked, rescue

        mirror = session.mirror(repo)
        with locked(mirror):
            rescue(mirror)
        return work()


def ledger(session: Session) -> History:
    """The ledger as it is now; MultigitError where the home repository cannot be read: "no run" would be a guess."""
    home = session.config.home
    seen = survey(home.name, session.url(home), [LEDGER], [])
    if seen.problem:
        raise MultigitError(
            f"the ledger cannot be read: it is in {home.name}",
            why=seen.problem.why,
            hint=seen.problem.hint or f"multigit status -r {home.name}",
            state="nothing was changed",
        )
    return _records(session, seen)


def pairs(session: Session, seen: Fleet, source: Environment, target: Environment, *, back: bool = False) -> Fleet:
    """Add what merging `source` into `target` means, to every repository that can be read."""
    from multigit.app import known
    from multigit.vcs import merging

    config = session.config
    selection = session.selection()
    repos = [repo for repo in config.fleet if selection is None or repo.name in selection]

    def question(repo: Repo, state: RepoState) -> str:
        ends = [state.heads.get(branch) if branch else None for branch in _ends(config, repo, source, target)]
        return known.quiet_question(ends[0], ends[1], back=back) if ends[0] and ends[1] else ""

    asked = {repo.name: question(repo, seen.state(repo.name)) for repo in repos}
    answers = session.answers.known({one for one in asked.values() if one})
    fresh: dict[str, Any] = {}

    def one(repo: Repo, state: RepoState) -> Pair | Problem:
        theirs, ours = _ends(config, repo, source, target)
        if theirs is None or ours is None:
            raise MultigitError(f"{repo.name} has no branch for {source.name} or {target.name}")
        theirs_at, ours_at = state.heads.get(theirs), state.heads.get(ours)
        if theirs_at and ours_at and (answer := answers.get(asked[repo.name])):
            return known.quiet_pair(answer, repo.name, theirs, ours, theirs_at, ours_at)
        session.progress(repo.name, "compare")
        mirror = ready(session, repo, state, [theirs, ours])
        pair = merging.compare(mirror, source=theirs, target=ours, source_oid=theirs_at, target_oid=ours_at, back=back)
        if asked[repo.name] and (answer := known.quiet_answer(pair)):
            fresh[asked[repo.name]] = answer
        return pair

    found, fleet_now = study(session, seen, one, repos)
    session.answers.put(fresh)
    return replace(fleet_now, pairs=found)


def _ends(config: Config, repo: Repo, source: Environment, target: Environment) -> tuple[Branch | None, Branch | None]:
    return config.branch(repo, source), config.branch(repo, target)


def restores(session: Session, seen: Fleet, target: Environment, to: Tag, *, revert: bool) -> Fleet:
    """Add what going back to `to` means, to every repository that can be read."""
    from multigit.app import signing
    from multigit.model.past import Past, expected_tags
    from multigit.tagschemes import newest_not_later
    from multigit.vcs import merging, read

    config = session.config
    assert target.tag is not None
    template = target.tag
    past = Past.of(seen.history)

    def one(repo: Repo, state: RepoState) -> Restore | Problem:
        branch = config.branch(repo, target)
        assert branch is not None
        tag = newest_not_later(template, set(state.tags), to)
        session.progress(repo.name, "compare")
        mirror = ready(session, repo, state, [branch], [state.tags[tag].oid] if tag else [])
        back = merging.back_to(
            mirror, branch=branch, head=state.heads.get(branch), tag=tag,
            commit=state.tags[tag].commit if tag else None, exact=tag == to, revert=revert,
        )  # fmt: skip
        if target.signers and tag != to and to in expected_tags(past, repo.name):
            return replace(back, doubt=f"{to} was released here, and its tag is gone")
        if tag is None:
            return back
        at = state.tags[tag]
        raw = read.read_object(mirror, at.oid)
        return replace(back, doubt=signing.doubt(session, past, target, repo.name, tag, raw, at))

    found, fleet_now = study(session, seen, one, config.fleet)
    return replace(fleet_now, restores=found)


def commit_lines(
    session: Session, seen: Fleet, spans: Callable[[Repo, RepoState], tuple[Oid | None, Oid | None]]
) -> dict[RepoName, tuple[CommitLine, ...]]:
    """Commits of each repository in a span (after, up to); empty where either end is unknown."""
    from multigit.vcs import read
    from multigit.vcs.mirror import fetch, open_mirror

    def one(repo: Repo, state: RepoState) -> tuple[CommitLine, ...] | Problem:
        after, upto = spans(repo, state)
        if upto is None:
            return ()
        mirror = open_mirror(repo.name, session.url(repo))
        wants = {f"refs/multigit/seen/span/{n}": oid for n, oid in enumerate((after, upto)) if oid}
        fetch(mirror, wants)
        return read.commits(mirror, [upto], [after] if after else [])

    selection = session.selection()
    repos = [repo for repo in session.config.fleet if selection is None or repo.name in selection]
    found, _ = study(session, seen, one, repos)
    return found


def clone_states(
    session: Session, seen: Fleet, branch_of: Callable[[Repo], Branch | None], *, publish: bool = False,
    commit: bool = False, own: Sequence[Path] = (),
) -> Fleet:  # fmt: skip
    """Add people's clones. `publish`: with what looks secret in what they are ahead by; `commit`: also the tree that
    the tracked changes would make; `own`: files that multigit wrote, which are nobody's untracked work.
    """
    not_work = {
        str(path) for path in (*own, session.loaded.path, *map(session.clone_path, session.config.repos.values()))
    }
    selection = session.selection()
    config = session.config
    repos = [repo for repo in config.repos.values() if selection is None or repo.name in selection]

    def one(repo: Repo) -> CloneState:
        branch = branch_of(repo)
        state = seen.state(repo.name)
        head = state.heads.get(branch) if branch else None
        path = session.clone_path(repo)
        if not path.is_relative_to(session.folder.resolve()):  # nobody who wrote repos.yaml could see that
            away = f"a symbolic link leads out of the workspace, to {path}"
            return CloneState(repo=repo.name, path=str(path), exists=True, foreign=away)
        if branch and head and not publish and (plain := up_to_date(repo.name, path, session.url(repo), branch, head)):
            return plain
        from multigit.vcs import clones

        found = clones.look(repo.name, path, session.url(repo), branch, head)
        if found.relation == "unknown" and branch and head and branch in found.heads:
            found = replace(found, relation=_relation(session, repo, found.heads[branch], head))
        work = tuple(name for name in found.untracked if str(path / name.rstrip("/")) not in not_work)
        found = replace(found, untracked=work)
        if commit and branch and found.exists and found.dirty and found.current == branch and branch in found.heads:
            tree, stat = clones.tracked_tree(path, found.heads[branch], look_only=True)
            found = replace(found, work_tree=tree, diffstat=stat, suspects=_suspects(session, path, stat))
        if publish and found.relation == "ahead" and branch and head:
            found = replace(found, suspects=(*found.suspects, *_published(session, path, head, found.heads[branch])))
        return found

    found = {clone.repo: clone for clone in each(one, repos, session.jobs)}
    return replace(seen, clones=found)


def _relation(session: Session, repo: Repo, local: Oid, remote: Oid) -> Literal["behind", "diverged"]:
    """A clone that lacks the remote's head: whether all it has is there already is asked in the mirror."""
    from multigit.vcs import read
    from multigit.vcs.mirror import fetch, present

    mirror = session.mirror(repo)
    fetch(mirror, {"refs/multigit/seen/clone": remote})
    return "behind" if present(mirror, [local]) and read.is_ancestor(mirror, local, remote) else "diverged"


def _suspects(session: Session, folder: Path, stat: Sequence[tuple[int, int, str]]) -> tuple[tuple[str, str], ...]:
    from multigit.vcs.secrets import suspects

    return suspects(folder, [path for _, _, path in stat], session.config.hotfix.never_commit)


def _published(session: Session, folder: Path, old: Oid, new: Oid) -> tuple[tuple[str, str], ...]:
    from multigit.vcs.secrets import published

    return published(folder, old, new, session.config.hotfix.never_commit)


def ready(
    session: Session, repo: Repo, state: RepoState, branches: Sequence[Branch], more: Sequence[Oid] = ()
) -> Mirror:
    """The mirror with everything in it that the questions are about: one fetch, none where all is there."""
    from multigit.vcs.mirror import fetch

    mirror = session.mirror(repo)
    wants = {f"refs/multigit/seen/heads/{name}": state.heads[name] for name in branches if name in state.heads}
    if state.fence:
        wants["refs/multigit/seen/fence"] = state.fence
    wants |= {f"refs/multigit/seen/more/{number}": oid for number, oid in enumerate(more)}
    fetch(mirror, wants)
    return mirror


def study(
    session: Session, seen: Fleet, one: Callable[[Repo, RepoState], T | Problem], repos: Sequence[Repo]
) -> tuple[dict[RepoName, T], Fleet]:
    """Ask `one` of every readable repository. One that fails gets its problem, and nobody is dropped silently."""

    def guarded(repo: Repo) -> T | Problem | None:
        state = seen.state(repo.name)
        if state.problem:
            return None
        try:
            return cached_anew(session, repo, lambda: one(repo, state))
        except MultigitError as failed:
            known: Problem | None = getattr(failed, "problem", None)
            return known or Problem(kind="failed", why=failed.what, hint=failed.hint)

    answers = dict(zip([repo.name for repo in repos], each(guarded, repos, session.jobs), strict=True))
    broken: Mapping[RepoName, Problem] = {name: a for name, a in answers.items() if isinstance(a, Problem)}
    found = {name: a for name, a in answers.items() if a is not None and not isinstance(a, Problem)}
    states_now = tuple(replace(s, problem=broken[s.repo]) if s.repo in broken else s for s in seen.repos)
    return found, replace(seen, repos=states_now)
