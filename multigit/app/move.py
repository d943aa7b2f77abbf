"""The verbs that change something: how each looks at the fleet, and how it plans. story.py does the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from multigit.app import look, refs
from multigit.app.consent import Options
from multigit.app.session import Session
from multigit.app.story import Move, requested, run
from multigit.errors import DONE, MultigitError, PartlyApplied, UsageError
from multigit.model.config import Environment
from multigit.model.fleet import Fleet
from multigit.model.plan import Verb
from multigit.planners import hotfix as hotfix_planner
from multigit.planners import promote as promote_planner
from multigit.planners import rollback as rollback_planner
from multigit.ui.screen import Screen


def promote(
    session: Session,
    screen: Screen,
    source: str,
    target: str,
    options: Options,
    *,
    message: str = "",
    reapply: bool = False,
) -> int:
    """Merge one environment into the next, tag the whole fleet, all or nothing (G3-G6). A dry run is `plan SRC DST`."""
    return run(session, screen, _promotion(session, source, target, message, reapply=reapply), options)


def _promotion(session: Session, source: str, target: str, message: str, *, reapply: bool) -> Move:
    here, there = session.environment(source), session.environment(target)
    road = session.config.promotion(here, there)
    if road is None:
        known = (
            ", ".join(f"{p.from_} -> {p.to}" for p in session.config.promotions) or "neighbours, in the file's order"
        )
        raise UsageError(f"there is no promotion from {here.name} to {there.name}", why=f"repos.yaml has {known}")
    if road.by != "merge" or not (here.branch and there.branch):
        raise UsageError(
            f"{here.name} -> {there.name} is promoted by {road.by}, which this version does not do",
            why="it merges branches; tags and pins come with the deployment verbs",
        )
    request = requested(session, "promote", source=here, target=there, message=message, reapply=reapply)
    seen = lambda: look.pairs(session, look.fleet(session, (here, there)), here, there)  # noqa: E731
    return Move(request, seen, promote_planner.plan)


def backmerge(session: Session, screen: Screen, source: str, target: str, options: Options, message: str = "") -> int:
    """Bring what was fixed downstream back upstream; nothing to merge is no error (G9)."""
    return run(session, screen, _backmerge(session, source, target, message), options)


def _backmerge(session: Session, source: str, target: str, message: str) -> Move:
    here, there = session.environment(source), session.environment(target)
    request = requested(session, "backmerge", source=here, target=there, message=message)
    seen = lambda: look.pairs(session, look.fleet(session, (here, there)), here, there, back=True)  # noqa: E731
    return Move(request, seen, promote_planner.back)


def hotfix(
    session: Session, screen: Screen, target: str, options: Options, message: str, *, backmerge_too: bool
) -> int:
    """Publish what the clones have, past staging; the fix is then owed to the environments before (G8)."""
    there = session.environment(target)
    if there.name not in session.config.hotfix.allow:
        allowed = ", ".join(session.config.hotfix.allow) or "none"
        raise UsageError(f"repos.yaml allows no hotfix of {there.name}", why=f"hotfix.allow: {allowed}")
    publication = _publication(session, "hotfix", there, message, options)
    if not backmerge_too or options.dry_run:
        return run(session, screen, publication, options)
    road = [there.name, *(name for name in session.config.hotfix.backmerge if name != there.name)]
    after = [_backmerge(session, source, target, "") for source, target in pairwise(road)]
    return _in_turn(session, screen, [publication, *after], options)


def push(session: Session, screen: Screen, target: str, options: Options, message: str, then: str | None) -> int:
    """Commit and publish daily work of all clones; `then` promotes it to the next environment."""
    there = session.environment(target)
    if there.production:
        raise UsageError(f"{there.name} is production", hint=f'multigit hotfix --push {target} -m "…"')
    publication = _publication(session, "push", there, message, options)
    # A road that does not exist is said before anything moves.
    after = [_promotion(session, target, then, "", reapply=False)] if then else []
    if not after or options.dry_run:
        return run(session, screen, publication, options)
    return _in_turn(session, screen, [publication, *after], options)


def _in_turn(session: Session, screen: Screen, moves: Sequence[Move], options: Options) -> int:
    """One move after another; one that fails after the first was published says so with exit 4.

    Only consent that was spoken with the command holds for those that follow; otherwise each is asked for.
    """
    first, *rest = moves
    with screen.collected():
        code = run(session, screen, first, options)
        later = replace(options, plan_file=None, confirm=None, out=None, overrides={}, yes=options.spoken)
        for move in rest if code == DONE else ():
            what = f"{move.request.verb} {move.request.source} {move.request.target}"
            try:
                code = run(session, screen, move, later)
            except MultigitError as failed:
                raise _half(what, failed) from failed
            if code != DONE:
                return code
    return code


def _half(what: str, failed: MultigitError) -> PartlyApplied:
    return PartlyApplied(
        f"what came first is done, {what} is not: {failed.what}",
        why=failed.why,
        hint=failed.hint or f"multigit {what}",
        state=f"only {what} is missing",
        code=failed.code,
    )


def _publication(session: Session, verb: Verb, there: Environment, message: str, options: Options) -> Move:
    config = session.config
    request = requested(session, verb, target=there, message=message)

    def seen() -> Fleet:
        fleet = look.fleet(session, (there,))
        branch_of = lambda repo: config.branch(repo, there)  # noqa: E731
        own = [path.absolute() for path in (options.out, options.plan_file, session.log_path) if path]
        return look.clone_states(session, fleet, branch_of, publish=True, commit=bool(message), own=own)

    return Move(request, seen, hotfix_planner.plan)


def rollback(session: Session, screen: Screen, word: str, options: Options, *, mode: str | None, message: str) -> int:
    """Bring every repository's content back to a tag, by going forward; quarantine what is taken back (G11, R1-R6)."""
    before = look.fleet(session, tuple(session.config.environments.values()))
    there, to = refs.meant(session, before, word)
    chosen = mode or session.config.rollback.mode
    request = replace(requested(session, "rollback", target=there, message=message), to=to, mode=chosen)
    first = [before]

    def seen() -> Fleet:
        fleet = first.pop() if first else look.fleet(session, tuple(session.config.environments.values()))
        return look.restores(session, fleet, there, to, revert=chosen == "revert")

    return run(session, screen, Move(request, seen, rollback_planner.plan), options)
