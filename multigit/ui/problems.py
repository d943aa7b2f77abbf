"""How an error is printed, and the refusals that are about consent (interface.md, "Consent")."""

from __future__ import annotations

import shlex

from multigit.errors import MultigitError, Refused
from multigit.ui.text import cells, visible, visible_lines

NOTHING = "nothing was changed"


def error_text(problem: MultigitError, *, width: int = 80) -> str:
    """The error as people see it: what failed, then why, fix, state, and the exit code flush right."""
    lines = [f"error[{problem.code}] {visible(problem.what)}"]
    for word, text in (("why", problem.why), ("fix", problem.hint), ("state", problem.state)):
        if text:
            first, *more = visible_lines(text)
            lines += [f"  {word:<5}  {first}", *(f"         {line}".rstrip() for line in more)]
    return "\n".join(with_exit(lines, problem.exit_code, width))


def with_exit(lines: list[str], code: int, width: int) -> list[str]:
    """`lines` with `exit N` at the right end of the last one, or below it where there is no room."""
    word = f"exit {code}"
    room = width - cells(lines[-1]) - len(word)
    if room >= 2:
        return [*lines[:-1], lines[-1] + " " * room + word]
    return [*lines, " " * max(0, width - len(word)) + word]


def production_needs_plan(*, plan_command: str, apply_command: str, phrase: str) -> Refused:
    """Production, nobody to ask, and the consent options are missing. Commands without their options."""
    return Refused(
        "production is changed only with consent to one plan, and there is nobody to ask",
        why="stdin and stderr are not both a terminal, or --no-input was given; a piped answer is no consent",
        hint=f"{plan_command} --out plan.json\n{apply_command} --plan plan.json --confirm {shlex.quote(phrase)}",
        state=NOTHING,
        code="MG-310",
    )


def yes_is_not_enough(*, plan_command: str, apply_command: str, phrase: str) -> Refused:
    """`--yes` was given for production."""
    return Refused(
        "--yes covers non-production only",
        why="consent to production is bound to the plan it was given for",
        hint=f"{plan_command} --out plan.json\n{apply_command} --plan plan.json --confirm {shlex.quote(phrase)}",
        state=NOTHING,
        code="MG-311",
    )


def rollback_needs_phrase(*, command: str, phrase: str) -> Refused:
    """A rollback of production without a terminal: the reference names the content, the phrase is the consent."""
    return Refused(
        "a rollback of production needs its phrase, and there is nobody to ask",
        why="stdin and stderr are not both a terminal, or --no-input was given",
        hint=f"{command} --confirm {shlex.quote(phrase)}",
        state=NOTHING,
        code="MG-312",
    )


def production_needs_phrase(*, command: str, phrase: str) -> Refused:
    """Production, nobody to ask, and the phrase that is bound to what was shown is missing."""
    return Refused(
        "production is changed only with consent to what was shown, and there is nobody to ask",
        why="stdin and stderr are not both a terminal, or --no-input was given; --yes covers non-production only",
        hint=f"{command} --confirm {shlex.quote(phrase)}",
        state=NOTHING,
        code="MG-318",
    )


def nobody_to_ask(*, command: str) -> Refused:
    """A change outside production without a terminal and without --yes."""
    return Refused(
        "this needs a yes, and there is nobody to ask",
        why="stdin and stderr are not both a terminal, or --no-input was given; a piped answer is no consent",
        hint=f"{command} --yes",
        state=NOTHING,
        code="MG-313",
    )


def never_asked(question: str) -> Refused:
    """A prompt was about to be shown where nobody could answer it."""
    return Refused(
        f"nobody can be asked: {question}",
        why="stdin and stderr are not both a terminal, or --no-input was given; a piped answer is no consent",
        hint="outside production give --yes; for production --plan FILE and --confirm PHRASE",
        state=NOTHING,
        code="MG-313",
    )


def said_no(*, command: str) -> Refused:
    """A person was asked and did not agree."""
    return Refused("not confirmed", why="the answer was no", hint=command, state=NOTHING, code="MG-314")


def not_ticked(*, item: str, command: str) -> Refused:
    """An item of a checklist was answered with no."""
    return Refused("the checklist is not complete", why=f"no: {item}", hint=command, state=NOTHING, code="MG-315")


def wrong_phrase(*, given: str | None, phrase: str, command: str) -> Refused:
    """What was typed, or given with --confirm, is not the phrase. `given` None: it was typed and is not repeated."""
    why = "what was typed is something else" if given is None else f"--confirm said {given!r}"
    return Refused(f"the phrase is {phrase!r}", why=why, hint=command, state=NOTHING, code="MG-316")


def stale_plan(*, why: str, command: str) -> Refused:
    """The plan that was consented to no longer describes what would happen."""
    return Refused("the plan is out of date", why=why, hint=command, state=NOTHING, code="MG-317")
