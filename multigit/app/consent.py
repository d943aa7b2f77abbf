"""Consent: what has to be said before anything is written, and by whom (mission X3, G4).

On a terminal a person is asked; elsewhere nothing is asked and options must say it. No environment variable consents.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path

from multigit.errors import MultigitError, UsageError
from multigit.model import plan as plans
from multigit.model.attest import SHELF_LIFE, SKEW
from multigit.model.plan import Plan
from multigit.model.verdict import GateResult
from multigit.ui import ask, problems
from multigit.ui.lang import Lang, pre_deploy, sentence
from multigit.ui.screen import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line said about consent."""

    dry_run: bool = False
    yes: bool = False
    confirm: str | None = None
    plan_file: Path | None = None
    out: Path | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    exit_code: bool = False
    lang: Lang = "en"
    deploy: bool = True
    """Whether what is released is deployed as well."""
    settled: bool = False
    """Consent was given before: repos.yaml or a person wants a release taken back whose deployment fails."""
    again: str = ""
    """The command as typed, without its consent options, for hints."""

    @property
    def spoken(self) -> bool:
        """Whether consent was given with the command itself."""
        return self.yes or self.confirm is not None


def obtain(
    screen: Screen,
    plan: Plan,
    gates: Sequence[GateResult],
    options: Options,
    still_true: Callable[[], None],
) -> tuple[GateResult, ...]:
    """Return once the run is agreed to, with the gates as they were answered; Refused or Interrupted otherwise.

    `still_true` reads the heads again and raises Refused when the plan is stale: it is asked before the last word.
    """
    if options.settled:
        return tuple(gates)
    asked = [result for result in gates if result.unanswered]
    if options.confirm is not None or not screen.interactive or (options.yes and not plan.production):
        # No time passes here, and leases guard every ref: heads are read again only where a person was waited for.
        _by_options(plan, options, asked)
        return tuple(gates)
    if options.yes:
        raise problems.yes_is_not_enough(**_commands(plan, options))
    answered = tuple(_ticked(screen, plan, result, options) for result in gates)
    if plan.verb == "promote" and plan.production and not any(result.verdict.state == "ask" for result in gates):
        _tick_all(screen, sentence(options.lang, "pre_title"), pre_deploy(options.lang), options)
    if not ask.yes(screen, _question(plan, options.lang)):
        raise problems.said_no(command=options.again)
    still_true()
    if plan.production and not ask.typed(screen, sentence(options.lang, "phrase", phrase=plan.phrase), plan.phrase):
        raise problems.wrong_phrase(given=None, phrase=plan.phrase, command=options.again)
    return answered


def _by_options(plan: Plan, options: Options, asked: Sequence[GateResult]) -> None:
    """Consent without a question: --yes outside production, a plan file and its phrase inside."""
    if not plan.production:
        if not options.spoken:
            raise problems.nobody_to_ask(command=options.again)
    elif options.confirm is None:
        names = _commands(plan, options)
        if options.yes:
            raise problems.yes_is_not_enough(**names)
        if plan.verb == "rollback":
            raise problems.rollback_needs_phrase(command=options.again, phrase=plan.phrase)
        raise problems.production_needs_plan(**names)
    elif options.plan_file is None and plan.verb != "rollback":
        raise problems.production_needs_plan(**_commands(plan, options))
    if options.confirm is not None and options.confirm != plan.phrase:
        file = f" --plan {shlex.quote(str(options.plan_file))}" if options.plan_file else ""
        command = f"{options.again}{file} --confirm {shlex.quote(plan.phrase)}"
        raise problems.wrong_phrase(given=options.confirm, phrase=plan.phrase, command=command)
    open_gates = [result for result in asked if result.blocks]
    if open_gates:
        first = open_gates[0]
        raise problems.not_ticked(
            item=first.unanswered[0], command=f'{options.again} --override {first.gate.name}="REASON"'
        )


def _commands(plan: Plan, options: Options) -> dict[str, str]:
    by_plan = f"multigit plan {plan.source} {plan.target}" if plan.verb == "promote" else f"{options.again} --dry-run"
    return {"plan_command": by_plan, "apply_command": options.again, "phrase": plan.phrase}


def _ticked(screen: Screen, plan: Plan, result: GateResult, options: Options) -> GateResult:
    if result.verdict.state != "ask" or result.overridden or not plan.lands:
        return result
    title = sentence(options.lang, "pre_title") if result.gate.kind == "checklist" else result.gate.name
    questions = result.unanswered
    ticked = ask.tick(screen, title, questions)
    answered = replace(result, answered=(*result.answered, *ticked))
    if answered.blocks:
        raise problems.not_ticked(item=answered.unanswered[0], command=options.again)
    return answered


def _tick_all(screen: Screen, title: str, items: Sequence[str], options: Options) -> None:
    ticked = ask.tick(screen, title, items)
    if len(ticked) < len(items):
        raise problems.not_ticked(item=items[len(ticked)], command=options.again)


def _question(plan: Plan, lang: Lang) -> str:
    return sentence(
        lang,
        plan.verb,
        source=plan.source,
        target=plan.target,
        tag=plan.to,
        count=len(plan.lands),
        total=len(plan.lands) + len(plan.keeps),
    )


def saved(path: Path, now: datetime) -> Plan:
    """The plan in `path`, if it may still be consented to. The file has more keys than the plan: digest, gates."""
    hint = "make it anew: multigit plan SRC DST --out " + str(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        names = {f.name for f in fields(Plan)}
        plan = plans.from_json(json.dumps({key: value for key, value in document.items() if key in names}))
        digest = document.get("digest", plan.digest)
    except OSError as error:
        raise UsageError(f"the plan {path} cannot be read", why=str(error.strerror), hint=hint) from error
    except (ValueError, AttributeError, RecursionError) as error:
        why = str(error).partition("\n")[0]
        raise UsageError(f"{path} is no plan of this multigit", why=why, hint=hint) from error
    if digest != plan.digest:
        raise problems.stale_plan(why=f"{path} was changed after it was made: its digest does not fit", command=hint)
    if plan.created - now > SKEW:
        raise problems.stale_plan(why=f"its date, {plan.created:%Y-%m-%d %H:%M %Z}, lies in the future", command=hint)
    if now - plan.created > SHELF_LIFE:
        raise problems.stale_plan(why=f"it was made {plan.created:%Y-%m-%d %H:%M %Z}, over 24 hours ago", command=hint)
    return plan


def save(path: Path, text: str) -> None:
    """Write a plan document, readable by its owner."""
    try:
        path.touch(mode=0o600)
        if path.is_file():  # not /dev/stdout
            path.chmod(0o600)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MultigitError(f"the plan was not saved to {path}", why=str(error.strerror)) from error
