"""promote and backmerge: merge one environment's branch into another's, in every repository (G3, G4, G9, R2-R4)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from multigit.model.config import Config, Environment, Repo
from multigit.model.events import Hold
from multigit.model.fleet import Clean, Fleet, Pair
from multigit.model.names import Oid
from multigit.model.objects import NewCommit, Signature
from multigit.model.plan import Land, Plan, Refusal, Request, Step
from multigit.model.trailers import ABSORBS
from multigit.planners import common


def plan(config: Config, fleet: Fleet, request: Request, now: datetime) -> Plan:
    """Merge `request.source` into `request.target`; a tag for everyone, the unchanged ones included (G5)."""
    source, target = common.env_of(config, request.source), common.env_of(config, request.target)
    road = config.promotion(source, target)
    template = road.message if road else "Merge {from} into {to}"
    steps, refusals = common.sort_out(
        _one(config, fleet, request, repo, source, target, template, now) for repo in config.fleet
    )
    quarantine = _quarantined(fleet, request, target, steps)
    drafted = common.frame(
        config,
        fleet,
        request,
        now,
        branches=(source, target),
        steps=steps,
        refusals=[*refusals, *quarantine.refusals],
        phrase=config.phrase(target, road),
        tag=common.next_tag(target.tag, fleet, now),
    )
    return replace(drafted, lifts=quarantine.lifts)


def back(config: Config, fleet: Fleet, request: Request, now: datetime) -> Plan:
    """Merge what `request.source` has and `request.target` lacks back into it. Nothing to merge is no error (G9)."""
    source, target = common.env_of(config, request.source), common.env_of(config, request.target)
    steps, refusals = common.sort_out(
        _one(config, fleet, request, repo, source, target, "Merge {from} back into {to}", now) for repo in config.fleet
    )
    return common.frame(config, fleet, request, now, branches=(source, target), steps=steps, refusals=refusals)


def _one(
    config: Config,
    fleet: Fleet,
    request: Request,
    repo: Repo,
    source: Environment,
    target: Environment,
    template: str,
    now: datetime,
) -> Step | Refusal:
    state = fleet.state(repo.name)
    branch = config.branch(repo, target)
    if refusal := common.unreadable(state):
        return refusal
    if not request.selects(repo.name):
        return common.keep(repo.name, branch, state.heads.get(branch) if branch else None, "not selected")
    pair = fleet.pairs[repo.name]
    fix = _way_out(config, repo, source, target, pair.absorbs, back=request.verb == "backmerge")
    if refusal := common.cannot_merge(repo.name, pair.outcome, pair.source, pair.target, fix):
        return refusal
    if pair.traps:
        return _trapped(pair)
    if nothing_to_merge(pair, back=request.verb == "backmerge"):
        return common.keep(repo.name, pair.target, pair.target_oid, "nothing to merge")
    return _merge(pair, template, request, now)


def nothing_to_merge(pair: Pair, *, back: bool) -> bool:
    """Whether a merge would bring neither a commit nor a change of content."""
    assert isinstance(pair.outcome, Clean)
    commits = len(pair.owed) if back else pair.ahead
    return commits == 0 and not pair.outcome.changed


def _merge(pair: Pair, template: str, request: Request, now: datetime) -> Land:
    assert isinstance(pair.outcome, Clean)
    assert pair.source_oid is not None
    assert pair.target_oid is not None
    by = Signature(name=request.operator.name, email=request.operator.email, when=now.replace(microsecond=0))
    commit = NewCommit(
        tree=pair.outcome.tree,
        parents=(pair.target_oid, pair.source_oid),
        message=_message(template, pair, request.message),
        by=by,
    )
    return Land(
        repo=pair.repo,
        branch=pair.target,
        old=pair.target_oid,
        new=commit.oid,
        how="merge",
        commit=commit,
        source=pair.source_oid,
        commits=pair.ahead,
        files=len(pair.outcome.changed),
        notes=tuple(f"ships again what {oid.short} took back" for oid in pair.absorbs),
    )


def _message(template: str, pair: Pair, reason: str) -> str:
    subject = template.replace("{from}", pair.source).replace("{to}", pair.target)
    trailers = "\n".join(f"{ABSORBS}: {oid}" for oid in pair.absorbs)
    return "\n\n".join(part for part in (subject, reason, trailers) if part)


def _way_out(
    config: Config, repo: Repo, source: Environment, target: Environment, restores: Sequence[Oid], *, back: bool
) -> str:
    """The commands that resolve a conflict: merge the other way in a clone, where a person can see the files.

    Restore commits are absorbed first (R3): merged plainly they would delete what they took back, without a word.
    """
    theirs, ours = config.branch(repo, source), config.branch(repo, target)
    # A promotion's conflict is settled on the source, so that what was tested is what is promoted;
    # a back-merge's on its target, because nobody may touch production for it.
    into, other = (ours, theirs) if back else (theirs, ours)
    where = config.folder(repo)
    absorb = (
        line
        for restore in restores
        for line in (
            f"git merge {restore}^   (edit the files, git commit -a)",
            f"git merge -s ours -m 'Absorb {restore.short}' -m '{ABSORBS}: {restore}' {restore}",
        )
    )
    return "\n".join(
        (
            f"cd {where} && git switch {into} && git pull --ff-only && git fetch origin",
            *absorb,
            f"git merge origin/{other}",
            f"(edit the files) git commit -am 'Merge {other} into {into}' && git push origin {into}",
            "multigit resume",
        )
    )


def _trapped(pair: Pair) -> Refusal:
    """R4: the merge would drop the source's content without a word."""
    look = f"git log {pair.source}..{pair.target} {_argument(pair.traps[0].path)}".strip()
    return Refusal(
        repo=pair.repo,
        code="trap",
        why=f"the merge would silently drop {len(pair.traps)} path{'s' * (len(pair.traps) != 1)} of {pair.source}",
        hint=f"{look}   shows what was done on {pair.target};"
        f" bring the content back there or in {pair.source}, then plan again",
        details=tuple(f"{trap.path}: {trap.why}" for trap in pair.traps[:20]),
    )


def _argument(path: str) -> str:
    """A path as it may be typed after a command; nothing where its name could be taken for something else."""
    return f"-- {shlex.quote(path)}" if path.isprintable() else ""


class _Quarantine:
    """What the quarantines of the target say to this promotion (R2)."""

    def __init__(self, refusals: Sequence[Refusal] = (), lifts: Sequence[str] = ()) -> None:
        self.refusals = tuple(refusals)
        self.lifts = tuple(lifts)


def _quarantined(fleet: Fleet, request: Request, target: Environment, steps: Sequence[Step]) -> _Quarantine:
    lands = {step.repo: step for step in steps if isinstance(step, Land)}
    holds = [h for h in fleet.history.holds if h.quarantine and h.env == target.name and set(h.sources) & set(lands)]
    if not holds:
        return _Quarantine()
    if not request.reapply:
        return _Quarantine(
            [_held(hold, f"multigit promote {request.source} {request.target} --reapply") for hold in holds]
        )
    stale = [hold for hold in holds if not _new_work(hold, {repo: land.source for repo, land in lands.items()})]
    if stale:
        return _Quarantine([_held(hold, "", "and there is no new work on top of it") for hold in stale])
    # What was left out of this promotion was taken back as well, and stays quarantined.
    return _Quarantine(lifts=[hold.id for hold in holds if all(request.selects(repo) for repo in hold.sources)])


def _new_work(hold: Hold, sources: dict[str, Oid | None]) -> bool:
    """Whether any quarantined repository would ship something else than what was taken back."""
    return any(repo in sources and sources[repo] not in oids for repo, oids in hold.sources.items())


def _held(hold: Hold, command: str, more: str = "") -> Refusal:
    lift = f"multigit hold release {hold.env} -m REASON"
    why = f"the release was taken back by {hold.by.name}: {hold.reason or 'no reason given'}"
    return Refusal(
        repo=None,
        code="quarantine",
        why=f"{why} {more}".strip(),
        hint=f"{command}   (with the fix on top), or {lift}" if command else f"commit the fix first, or {lift}",
        details=tuple(
            f"{repo} {' '.join(dict.fromkeys(oid.short for oid in oids))}" for repo, oids in hold.sources.items()
        ),
    )
