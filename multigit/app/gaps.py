"""How far neighbouring environments are apart, for `status`: by what is known of object ids, else by asking git."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from multigit.app.look import ready, study
from multigit.app.session import Session
from multigit.model.config import Config, Environment, Repo
from multigit.model.fleet import CommitLine, Distance, Fleet, Problem, RepoState
from multigit.model.names import EnvName, Oid, RepoName
from multigit.model.plan import plain
from multigit.vcs import merging, read
from multigit.vcs.mirror import Mirror


def distances(session: Session, seen: Fleet) -> tuple[Fleet, dict[RepoName, tuple[Distance, ...]]]:
    """How far neighbouring environments are apart, for `status`. What was found out before is not asked again."""
    config = session.config
    stations = [env for env in config.environments.values() if env.branch]
    roads = list(pairwise(stations))

    def one(repo: Repo, state: RepoState) -> tuple[Distance, ...] | Problem:
        gaps = [_gap(config, repo, state, a, b) for a, b in roads]
        asked = [gap for gap in gaps if gap.open]
        known = {gap.question: session.answers.get(gap.question) for gap in asked}
        left = [gap for gap in asked if known[gap.question] is None]
        if left:
            session.progress(repo.name, "compare")
            names = [branch for env in stations if (branch := config.branch(repo, env))]
            mirror = ready(session, repo, state, names)
            found = {gap.question: plain(_measured(mirror, gap)) for gap in left}
            session.answers.put(found)
            known |= found
        return tuple(_distance(repo, gap, known.get(gap.question)) for gap in gaps)

    found, fleet_now = study(session, seen, one, config.fleet)
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
    def question(self) -> str:
        return f"gap {self.a} {self.b}"


def _gap(config: Config, repo: Repo, state: RepoState, source: Environment, target: Environment) -> _Gap:
    theirs, ours = config.branch(repo, source), config.branch(repo, target)
    a, b = (state.heads.get(branch) if branch else None for branch in (theirs, ours))
    return _Gap(source.name, target.name, a, b)


def _measured(mirror: Mirror, gap: _Gap) -> dict[str, object]:
    assert gap.a
    assert gap.b
    debts, restored = merging.owes(mirror, having=gap.b, lacking=gap.a)
    return {"ahead": read.count(mirror, [gap.a], [gap.b]), "debts": debts, "restored": restored}


def _distance(repo: Repo, gap: _Gap, known: dict[str, Any] | None) -> Distance:
    if known is None:
        ahead = 0 if gap.a == gap.b and gap.a is not None else None
        return Distance(repo=repo.name, source=gap.source, target=gap.target, ahead=ahead)
    debts = tuple(
        CommitLine(oid=Oid(d["oid"]), author=d["author"], when=datetime.fromisoformat(d["when"]), subject=d["subject"])
        for d in known["debts"]
    )
    return Distance(repo=repo.name, source=gap.source, target=gap.target, ahead=known["ahead"], debts=debts,
                    restored=known["restored"])  # fmt: skip
