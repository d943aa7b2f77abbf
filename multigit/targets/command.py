"""Brings a release by a program of the team, which is run without a shell in the folder of repos.yaml.

    deploy: {default: {command: {run: [scripts/deploy, "{env}", "{sha}"], current: [scripts/what-runs, "{env}"]}}}

It is told MULTIGIT_ENV, MULTIGIT_REPO, MULTIGIT_COMMIT, MULTIGIT_TAG, MULTIGIT_TOKEN (the same for every try of one
step), MULTIGIT_CLONE and, of a release that goes back, MULTIGIT_ARTEFACT (JSON) and MULTIGIT_WHAT. Whoever runs
multigit may be killed in the middle of it: then it is run again, and must be safe to repeat.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from multigit import programs
from multigit.errors import MultigitError
from multigit.model.config import STRICT, seconds
from multigit.model.references import Reference
from multigit.model.target import Artefact, Class, Deployed, Progress, Release, Ticket
from multigit.model.urls import hide_secrets
from multigit.secrets import without
from multigit.targets import Clients

TEMPLATES: Final = ("run", "current", "rollback")
_LOOK: Final = "1m"
"""How long `current` may take."""
_LINES: Final = 30
"""How many lines of the output's end are kept."""
_WIDE: Final = 500
_SHORT: Final = 6
"""Characters below which a variable's value is none that could be hidden: `1`, `true`."""
_WHOLE: Final = 40
_OIDS: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,64}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this target: `command`."""

    __pydantic_config__ = STRICT
    run: tuple[str, ...]
    """The program and its arguments, one by one; a program named with a slash lies relative to repos.yaml."""
    current: tuple[str, ...] = ()
    """A program that prints what runs: its commit (seven digits or more), or what it is called. It only looks."""
    rollback: tuple[str, ...] = ()
    """What is run instead to bring back an earlier release; `run`, with its commit, when left out."""
    timeout: str = "15m"
    """How long it may take; then it and its children are ended."""
    fault: Class = "deploy"
    """What kind of work has failed where it fails: `build`, `test` or `deploy`."""
    variables: Mapping[str, Reference] = field(default_factory=dict)
    """More variables of its environment, each `${env:NAME}`: it gets none of the caller's by itself."""

    def __post_init__(self) -> None:
        programs.check_words(self.run)
        for named, words in (("current", self.current), ("rollback", self.rollback)):
            if words:
                programs.check_words(words, named)
        if not 0 < seconds(self.timeout) <= 24 * 3600:
            raise ValueError("timeout must be between 1s and 1d")
        for name in self.variables:
            if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or name.startswith("MULTIGIT_"):
                raise ValueError(f"variables: {name!r} cannot be given")


def current(settings: Settings, release: Release, clients: Clients) -> Deployed:
    """What `current` prints; `other` where it is not named, or does not know. MultigitError where it cannot be run."""
    if not settings.current:
        return Deployed(state="other", what="not known: no program says what runs (current)")
    shown = _shown(settings, release, clients)
    if shown is None:
        return Deployed(state="other", what=f"not known: {settings.current[0]} does not say")
    line, whole = shown
    wanted = str(release.artefact.get("what", ""))
    here = _names(whole, _commit(release)) is True or (bool(wanted) and line == wanted)
    return Deployed(state="here" if here else "other", what=line or "nothing", artefact=_artefact(release, line, here))


def deploy(settings: Settings, release: Release, clients: Clients) -> Ticket:
    """Run the program to its end, telling its lines. The ticket says how it ended; a failure is told by `poll`."""
    back = bool(release.artefact and settings.rollback)
    words = settings.rollback if back else settings.run
    hidden = _hidden(settings, clients)
    if release.artefact:
        _refuse_another(words, release)
    ended = _ran(words, settings, release, clients, settings.timeout, say=True)
    ticket = {
        "program": words[0],
        "exit": ended.status,
        "how": ended.told(settings.timeout),
        "tail": [_clean(line, hidden) for line in ended.lines(_LINES)],
        "commit": _commit(release),
        "what": "",
    }
    if ended.status == 0 and settings.current:
        shown = _shown(settings, release, clients)
        if shown and _names(shown[1], _commit(release)) is not False:  # or it still says what ran before
            ticket["what"] = shown[0]
    return ticket


def poll(settings: Settings, ticket: Ticket, clients: Clients) -> Progress:  # noqa: ARG001
    """How it ended."""
    tail = tuple(map(str, ticket["tail"]))
    if ticket["exit"] == 0:
        made = {"commit": ticket["commit"], **({"what": ticket["what"]} if ticket["what"] else {})}
        why = next((line for line in reversed(tail) if line.strip()), f"{ticket['program']} has ended well")
        return Progress(state="ok", why=" ".join(why.split()), artefact=made)
    return Progress(state="failed", why=f"{ticket['program']}: {ticket['how']}", fault=settings.fault, details=tail)


def _shown(settings: Settings, release: Release, clients: Clients) -> tuple[str, str] | None:
    """First line and all of what `current` prints; None where it says by its exit status that it does not know."""
    ended = _ran(settings.current, settings, release, clients, _LOOK, say=False)
    if ended.status is None:
        raise MultigitError(f"{settings.current[0]} did not say within {_LOOK} what runs", code="MG-871",
                            hint=f"try it: {' '.join(settings.current)}")  # fmt: skip
    if ended.status != 0:
        return None
    hidden = _hidden(settings, clients)
    lines = [_clean(line, hidden).strip() for line in ended.lines(1000)]
    return next((line for line in lines if line), ""), "\n".join(lines)


def _ran(
    words: Sequence[str], settings: Settings, release: Release, clients: Clients, limit: str, *, say: bool
) -> programs.Ended:
    hidden = _hidden(settings, clients)
    given = {name: clients.secret(reference) for name, reference in settings.variables.items()}

    def heard(line: bytes) -> None:
        clients.say(_clean(line.decode("utf-8", "replace"), hidden))

    try:
        return programs.run(words, folder=str(clients.folder), env=given | _told(release, clients),
                            limit=seconds(limit), heard=heard if say else None)  # fmt: skip
    except (OSError, ValueError) as problem:  # ValueError: a NUL that a template brought
        why = getattr(problem, "strerror", None) or str(problem)
        raise MultigitError(f"{words[0]} cannot be run", why=why, code="MG-870",
                            hint="multigit config show   says what deploy runs") from None  # fmt: skip


def _told(release: Release, clients: Clients) -> dict[str, str]:
    back = release.artefact
    went = {"MULTIGIT_ARTEFACT": json.dumps(dict(back)), "MULTIGIT_WHAT": str(back.get("what", ""))} if back else {}
    return {
        "MULTIGIT_ENV": str(release.env),
        "MULTIGIT_REPO": str(release.repo),
        "MULTIGIT_COMMIT": _commit(release),
        "MULTIGIT_TAG": str(release.tag or ""),
        "MULTIGIT_TOKEN": release.token,
        "MULTIGIT_CLONE": str(clients.clone),
        **went,
    }


def _hidden(settings: Settings, clients: Clients) -> tuple[str, ...]:
    values = (clients.secret(reference) for reference in settings.variables.values())
    return tuple(value for value in values if len(value) >= _SHORT)


def _clean(line: str, hidden: Sequence[str]) -> str:
    """A line that a program wrote, without what must not be kept."""
    return hide_secrets(without(line.rstrip("\r"), *hidden))[:_WIDE]


def _commit(release: Release) -> str:
    """The commit that is to serve; of what goes back, the one that is recorded, which may be a short one."""
    recorded = str(release.artefact.get("commit") or "")
    return str(release.commit) if release.commit.startswith(recorded) else recorded


def _refuse_another(words: Sequence[str], release: Release) -> None:
    """MultigitError where words that go back name a commit that is not the one: they would bring the bad one again."""
    if any(_names(word, _commit(release)) is False for word in words):
        raise MultigitError(f"{words[0]} would bring another commit than {_commit(release)[:7]} back", code="MG-872",
                            why="its words name it", hint="name rollback, which is told MULTIGIT_COMMIT")  # fmt: skip


def _names(text: str, commit: str) -> bool | None:
    """Whether `text` names the commit; None where it names none at all."""
    short = len(commit) < _WHOLE
    found = _OIDS.findall(text)
    if any(commit.startswith(one) or (short and one.startswith(commit)) for one in found):
        return True
    return False if any(map(_surely, found)) else None


def _surely(word: str) -> bool:
    """Whether it is an id of a commit and no number, such as that of an account."""
    return not word.isdecimal() or len(word) >= _WHOLE


def _artefact(release: Release, line: str, here: bool) -> Artefact:
    """What would bring back what runs now."""
    commit = _commit(release) if here else next(filter(_surely, _OIDS.findall(line)), "")
    return {**({"commit": commit} if commit else {}), **({"what": line} if line else {})}
