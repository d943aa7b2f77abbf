"""How far neighbouring environments are apart, for `status`: by what is known of object ids, else by asking git."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from multigit.app.known import commit_lines
from multigit.app.look import ready, study
from multigit.model.fleet import Distance, Fleet, Problem, RepoState
from multigit.model.names import EnvName, Oid, RepoName
from multigit.model.plain import plain

if TYPE_CHECKING:
    from multigit.app.session import Session
    from multigit.model.config import Config, Environment, Repo
    from multigit.vcs.mirror import Mirror


def distances(
    session: Session, seen: Fleet, *, offline: bool = False
) -> tuple[Fleet, dict[RepoName, tuple[Distance, ...]]]:
    """How far neighbouring environments are apart, for `status`. What was found out before is not asked again.

    `offline`: what is neither known nor measured with the objects that are here stays unknown.
    """
    config = session.config
    stations = [env for env in config.environments.values() if env.branch]
    roads = list(pairwise(stations))
    gaps = {repo.name: [_gap(config, repo, seen.state(repo.name), a, b) for a, b in roads] for repo in config.fleet}
    known = session.answers.known({gap.question for some in gaps.values() for gap in some if gap.open})
    fresh: dict[str, Any] = {}

    def one(repo: Repo, state: RepoState) -> tuple[Distance, ...] | Problem:
        if left := [gap for gap in gaps[repo.name] if gap.open and gap.question not in known]:
            from multigit.vcs.mirror import present

            session.progress(repo.name, "compare")
            names = [branch for env in stations if (branch := config.branch(repo, env))]
            mirror = session.mirror(repo) if offline else ready(session, repo, state, names)
            here = [gap for gap in left if not offline or len(present(mirror, gap.ends)) == 2]
            fresh.update({gap.question: plain(_measured(mirror, gap)) for gap in here})
        return tuple(_distance(repo, gap, known.get(gap.question, fresh.get(gap.question))) for gap in gaps[repo.name])

    found, fleet_now = study(session, seen, one, config.fleet)
    session.answers.put(fresh)
    return fleet_now, found


@dataclass(frozen=True, slots=True)
class _Gap:
    """Two neighbours and where their branches are."""

    source: EnvName
    target: EnvName
    a: Oid | None
    b: Oid | None

    @property
    def open(self) -> bool:
        """Whether there is something to measure."""
        return self.a is not None and self.b is not None and self.a != self.b

    @property
    def ends(self) -> list[Oid]:
        """Both, where they are there."""
        return [oid for oid in (self.a, self.b) if oid]

    @property
    def question(self) -> str:
        return f"gap {self.a} {self.b}"


def _gap(config: Config, repo: Repo, state: RepoState, source: Environment, target: Environment) -> _Gap:
    theirs, ours = config.branch(repo, source), config.branch(repo, target)
    a, b = (state.heads.get(branch) if branch else None for branch in (theirs, ours))
    return _Gap(source.name, target.name, a, b)


def _measured(mirror: Mirror, gap: _Gap) -> dict[str, object]:
    from multigit.vcs import merging, read

    assert gap.a
    assert gap.b
    debts, restored = merging.owes(mirror, having=gap.b, lacking=gap.a)
    return {"ahead": read.count(mirror, [gap.a], [gap.b]), "debts": debts, "restored": restored}


def _distance(repo: Repo, gap: _Gap, known: dict[str, Any] | None) -> Distance:
    if known is None:
        ahead = 0 if gap.a == gap.b and gap.a is not None else None
        return Distance(repo=repo.name, source=gap.source, target=gap.target, ahead=ahead)
    return Distance(
        repo=repo.name, source=gap.source, target=gap.target, ahead=known["ahead"],
        debts=commit_lines(known["debts"]), restored=known["restored"],
    )  # fmt: skip
