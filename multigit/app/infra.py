"""infra: look, say what differs, ask, do it, look again. Nothing is ever deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from multigit.app.consent import Options
from multigit.app.session import Session
from multigit.clients import SignedOut, asked
from multigit.errors import DONE, MultigitError, UsageError
from multigit.infra import look
from multigit.infra.door import Door, enter
from multigit.infra.perform import Performed, perform
from multigit.model.config import Environment
from multigit.model.infra.changes import Change, Infrastructure, Seen, apply_code, compare, digest, plan_code
from multigit.model.infra.cloudformation import template
from multigit.model.infra.settings import Infra, infra_of
from multigit.model.infra.wanted import Wanted, wanted
from multigit.ui import ask, problems
from multigit.ui.documents import document
from multigit.ui.infra import done_text, infra_text
from multigit.ui.lang import sentence
from multigit.ui.screen import Screen

_LOOKS, _PAUSE = 3, 2.0
"""How often, and after how many seconds, AWS is asked again for what it does not show yet."""


def plan(session: Session, screen: Screen, word: str | None, options: Options, *, adopt: bool) -> int:
    """What would be made or mended; nothing is written."""
    door = _door(session)
    _, found = _found(session, screen, door, word, adopt=adopt, verb="plan")
    found = replace(found, exit_code=plan_code(found.changes, exit_code=options.exit_code))
    _show(screen, found)
    screen.document(document("", found))
    return found.exit_code


def apply(
    session: Session, screen: Screen, word: str | None, options: Options, *, adopt: bool,
    pause: Callable[[float], None] = time.sleep,
) -> int:  # fmt: skip
    """Make and mend it, with consent; then look again and say what is left."""
    door = _door(session)
    ones, found = _found(session, screen, door, word, adopt=adopt, verb="apply")
    todo = [(one, change) for one, change in zip(ones, found.changes, strict=False) if change.does]
    _show(screen, found)
    if options.dry_run or not todo:
        code = plan_code(found.changes, exit_code=False) if options.dry_run else apply_code(found.changes)
        screen.document(document("", replace(found, exit_code=code)))
        return code
    _consent(session, screen, found, options)
    performed = perform(door, todo, session.jobs, session.progress)
    judged = _judged(session, door, todo, performed, pause)
    after = tuple(judged.get((one.kind, one.name), one) for one in found.changes)
    found = replace(found, changes=after, exit_code=apply_code(after))
    screen.close()
    screen.say(done_text(found, width=screen.width), always=found.exit_code != DONE)
    if performed.signed_out:
        screen.warn(f"{performed.signed_out.why}; {performed.signed_out.hint}")
    screen.document(document("", found))
    return found.exit_code


def export(session: Session, screen: Screen, word: str | None) -> int:
    """The same wishes as a CloudFormation template."""
    ones = _of(session, section(session), word)
    text = json.dumps(template(session.config.system.name, ones), ensure_ascii=False, indent=2)
    if screen.json:
        screen.document(text)
    else:
        screen.say(text, always=True)
    return DONE


def _of(session: Session, infra: Infra, word: str | None) -> list[Wanted]:
    """What is wanted; of one environment, what belongs to it alone."""
    env = session.environment(word) if word else None
    return [one for one in wanted(session.config, infra) if env is None or one.env == env.name]


def section(session: Session) -> Infra:
    """The section of repos.yaml; UsageError where there is none."""
    infra = infra_of(session.config)
    if infra is None:
        raise UsageError("repos.yaml has no section infra", hint="docs/infra.md shows one", code="MG-812")
    return infra


def _door(session: Session) -> Door:
    return enter(section(session), session.config.system.name)


def _found(
    session: Session, screen: Screen, door: Door, word: str | None, *, adopt: bool, verb: str
) -> tuple[list[Wanted], Infrastructure]:
    """What is wanted of that environment, and how it is; the changes begin in the same order."""
    env = session.environment(word) if word else None
    ones = _of(session, door.infra, word)
    changes = _compared(session, door, ones, adopt=adopt)
    if env is None:
        changes += _left_over(screen, door, ones)
    stamp = digest(door.infra.account, door.infra.region, changes)
    return ones, Infrastructure(
        title=session.config.title, verb="plan" if verb == "plan" else "apply", account=door.infra.account,
        region=door.infra.region, env=env.name if env else None, changes=tuple(changes), digest=stamp,
        production=any(one.production for one in changes if one.does), phrase=f"{_phrase(session)} {stamp[:8]}",
    )  # fmt: skip


def _compared(session: Session, door: Door, ones: Sequence[Wanted], *, adopt: bool) -> list[Change]:
    seen = look.seen(door, ones, session.jobs, lambda what: session.progress("", f"look at {what}"))
    return [compare(one, there, door.system, adopt=adopt) for one, there in zip(ones, seen, strict=True)]


def _left_over(screen: Screen, door: Door, everything: Sequence[Wanted]) -> list[Change]:
    try:
        with asked("what repos.yaml no longer names cannot be listed"):
            return look.left_over(door, everything)
    except SignedOut:
        raise
    except MultigitError as problem:
        screen.warn(f"{problem.what}: {problem.why}")
        return []


def _show(screen: Screen, found: Infrastructure) -> None:
    screen.close()
    quiet = not any(one.action != "keep" for one in found.changes)
    screen.say(infra_text(found, width=screen.width), always=not quiet)


def _phrase(session: Session) -> str:
    """The phrase of the production environment: `gli main`."""
    live: list[Environment] = [env for env in session.config.environments.values() if env.production]
    return session.config.phrase(live[0]) if live else f"{session.config.system.name} infra"


def _consent(session: Session, screen: Screen, found: Infrastructure, options: Options) -> None:
    """Return once it is agreed to; Refused or Interrupted otherwise. --confirm is bound to what was shown."""
    if options.confirm is not None:
        if options.confirm != found.phrase:
            raise problems.wrong_phrase(
                given=options.confirm, phrase=found.phrase, command=f"{options.again} --dry-run"
            )
        return
    if options.yes and not found.production:
        return
    if not screen.interactive:
        if found.production:
            raise problems.production_needs_phrase(command=options.again, phrase=found.phrase)
        raise problems.nobody_to_ask(command=options.again)
    many = sum(one.does for one in found.changes)
    question = sentence(options.lang, "infra", count=many, account=found.account)
    if not ask.yes(screen, question):
        raise problems.said_no(command=options.again)
    phrase = _phrase(session)
    if found.production and not ask.typed(screen, sentence(options.lang, "phrase", phrase=phrase), phrase):
        raise problems.wrong_phrase(given=None, phrase=phrase, command=options.again)


# --- what became of it -----------------------------------------------------------------------------------------


def _judged(
    session: Session, door: Door, todo: Sequence[tuple[Wanted, Change]], performed: Performed,
    pause: Callable[[float], None],
) -> dict[tuple[str, str], Change]:  # fmt: skip
    """Every change with its outcome. What AWS shows counts, not what it answered."""
    left = {(one.kind, one.name): (one, change) for one, change in todo}
    judged: dict[tuple[str, str], Change] = {}
    for number in range(_LOOKS):
        if number:
            pause(_PAUSE)
        for key, seen in zip(list(left), _again(session, door, left.values(), performed), strict=True):
            one, change = left[key]
            judged[key] = _outcome(one, change, seen, performed, door.system)
        left = {
            key: item for key, item in left.items() if judged[key].outcome == "failed" and key not in performed.problems
        }
        if not left or performed.signed_out:
            break
    return judged


def _again(session: Session, door: Door, todo: object, performed: Performed) -> list[Seen]:
    ones = [one for one, _ in todo]  # type: ignore[attr-defined]
    try:
        if performed.signed_out is None:
            return look.seen(door, ones, session.jobs, lambda what: session.progress("", f"look again at {what}"))
    except SignedOut as problem:
        performed.signed_out = problem
    return [Seen(there=False, problem="it could not be looked at again") for _ in ones]


def _outcome(one: Wanted, change: Change, seen: Seen, performed: Performed, system: str) -> Change:
    key = (one.kind, one.name)
    now = compare(one, seen, system, adopt=False)
    problem = performed.problems.get(key)
    if now.action == "keep":
        return replace(change, outcome="done")
    if key in performed.untried:
        return replace(change, outcome="left", why="not tried")
    if problem:
        return replace(change, outcome="failed", differs=now.differs or change.differs, fix=problem.hint,
                       why=": ".join(filter(None, (problem.what, problem.why))))  # fmt: skip
    why = seen.problem or f"AWS still shows otherwise: {', '.join(one.aspect for one in now.differs) or now.action}"
    return replace(change, outcome="failed", differs=now.differs or change.differs, why=why)
