"""Options that several verbs share. The global ones may stand before or after the verb; after it wins."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from multigit.app.consent import Options
    from multigit.app.session import Session
    from multigit.ui.screen import Screen

_LATE = 2.0
"""Seconds that a command waits for the notices of others, at most."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """What was said before the verb, completed by what was said after it."""

    file: str | None = None
    repo: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    json: bool = False
    events: str | None = None
    quiet: bool = False
    verbose: bool = False
    no_input: bool = False
    jobs: int | None = None
    color: str | None = None
    lang: str | None = None


@dataclass(slots=True)
class World:
    """What a verb is run with: the screen at once, the session when the configuration is needed."""

    settings: Globals = field(default_factory=Globals)
    argv: Sequence[str] = ()
    """The command line without the program's name."""
    _screen: Screen | None = None
    _session: Session | None = None
    still: bool = False
    """A dry run: nobody is told anything, not even what earlier commands could not send."""

    @property
    def screen(self) -> Screen:
        """Where to speak."""
        if self._screen is None:
            from multigit.ui.screen import Screen

            s = self.settings
            color: Any = s.color or "auto"
            self._screen = Screen.open(json=s.json, quiet=s.quiet, verbose=s.verbose, color=color, no_input=s.no_input)
            if s.verbose:
                self._print_git_commands(self._screen)
        return self._screen

    @staticmethod
    def _print_git_commands(screen: Screen) -> None:
        from multigit.vcs.run import listen

        listen(lambda argv, seconds: screen.detail(f"{seconds * 1000:6.0f} ms  {shlex.join(argv)}"))

    @property
    def session(self) -> Session:
        """repos.yaml and all that hangs on it."""
        if self._session is None:
            from multigit.app.session import Session
            from multigit.configfile import find, load

            s = self.settings
            loaded = load(Path(s.file).absolute() if s.file else find(Path.cwd()))
            # Reading is shown while it lasts; a log of lines tells of changes only.
            passing = self.screen.progress if self.screen.err.terminal else lambda repo, what: None
            tell = passing if s.events is None else self._recorded(Path(s.events), passing)
            self._session = Session(
                loaded,
                jobs=s.jobs or 8,
                selected=s.repo,
                excluded=s.exclude,
                progress=lambda repo, what: tell(repo or None, what),
            )
            self._session.selection()  # a name that does not exist is said at once, whatever the verb
        return self._session

    def online(self) -> Session:
        """The session of a verb that talks to the hosts; called before the verb's own modules are imported."""
        session = self.session
        session.connect()
        if not self.still:
            session.tell_again()
        return session

    def settle(self) -> None:
        """Wait a little for notices of earlier commands that are being sent, and say what became of them."""
        if self._session is not None and "teller" in vars(self._session):
            for warning in self._session.teller.settle(_LATE)[1]:
                self.screen.warn(warning)

    @staticmethod
    def _recorded(path: Path, onward: Callable[[str | None, str], None]) -> Callable[[str | None, str], None]:
        from multigit.ui.events import recorder

        return recorder(path, onward)

    def options(self, **said: Any) -> Options:
        """The consent options of a verb."""
        from multigit.app.consent import Options
        from multigit.ui.lang import readable

        wanted: Any = self.settings.lang or self.session.config.system.lang
        overrides = dict(_override(text) for text in said.pop("override", ()))
        plan_file, out = said.pop("plan_file", None), said.pop("out", None)
        return Options(
            lang=readable(wanted, self.screen.can_show),
            overrides=overrides,
            plan_file=Path(plan_file) if plan_file else None,
            out=Path(out) if out else None,
            again=typed_command(self.argv),
            deploy=not said.pop("no_deploy", False),
            **said,
        )


def _override(text: str) -> tuple[str, str]:
    gate, equals, reason = text.partition("=")
    if not equals or not reason.strip():
        raise click.BadParameter(f'{text!r}: write GATE="reason"', param_hint="--override")
    return gate, reason.strip()


def typed_command(argv: Sequence[str]) -> str:
    """The command line as typed, without what gives consent: what a hint shows to type again."""
    words, skip = [], False
    for word in argv:
        if skip:
            skip = False
        elif word in ("--confirm", "--plan", "--out"):
            skip = True
        elif word not in ("--yes", "--dry-run") and not word.startswith(("--confirm=", "--plan=", "--out=")):
            words.append(_without_consent(word))
    words = [word for word in words if word]
    return shlex.join(["multigit", *words])


def _without_consent(word: str) -> str:
    """Short options may stand together: `-qy` says yes as well."""
    bundle = re.fullmatch(r"-([qvyn]+)([frxm].*)?", word)
    if not bundle:
        return word
    left = bundle[1].replace("y", "").replace("n", "") + (bundle[2] or "")
    return f"-{left}" if left else ""


def _global(*names: str, **settings: Any) -> Callable[[F], F]:
    def keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        world = ctx.ensure_object(World)
        if value not in (None, False, ()):
            assert param.name is not None
            before = getattr(world.settings, param.name)
            value = (*before, *value) if isinstance(before, tuple) else value
            world.settings = replace(world.settings, **{param.name: value})

    return click.option(*names, expose_value=False, callback=keep, **settings)


class Duration(click.ParamType[int]):
    """`90s`, `10m`, `2h` on the command line, in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Seconds; what repos.yaml takes is taken here."""
        from multigit.model.config import seconds

        try:
            return value if isinstance(value, int) else seconds(value)
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)


def global_options(command: F) -> F:
    """Every option that is understood before and after the verb."""
    for decorate in reversed(
        (
            _global("-f", "--file", "file", metavar="FILE", help="repos.yaml to use (default: here or above)."),
            _global("-r", "--repo", "repo", multiple=True, metavar="NAME|GROUP", help="Only these repositories."),
            _global("-x", "--exclude", "exclude", multiple=True, metavar="NAME|GROUP", help="All but these."),
            _global("--json", "json", is_flag=True, help="One JSON document on stdout; text goes to stderr."),
            _global("--events", "events", metavar="FILE", help="Append what happens to FILE, one JSON object a line."),
            _global("-q", "--quiet", "quiet", is_flag=True, help="Say only what matters."),
            _global("-v", "--verbose", "verbose", is_flag=True, help="Print each git command."),
            _global("--no-input", "no_input", is_flag=True, help="Never ask; stdin is not read."),
            _global(
                "--jobs", "jobs", type=click.IntRange(1, 64), metavar="N", help="Repositories at once (default 8)."
            ),
            _global("--color", "color", type=click.Choice(["auto", "always", "never"]), help="Colours."),
            _global("--lang", "lang", type=click.Choice(["ko", "en"]), help="Language of questions."),
        )
    ):
        command = decorate(command)
    return command


def consent_options(command: F) -> F:
    """Options of verbs that change remotes."""
    for decorate in reversed(
        (
            click.option("-n", "--dry-run", is_flag=True, help="Stop after the plan; nothing is changed."),
            click.option("--out", metavar="FILE", help="Save the plan."),
            click.option("-y", "--yes", is_flag=True, help="Consent without a question; never to production."),
            click.option("--plan", "plan_file", metavar="FILE", help="Apply exactly this saved plan."),
            click.option("--confirm", metavar="PHRASE", help="Consent to production: the phrase the plan names."),
            click.option("--override", multiple=True, metavar='GATE="REASON"', help="Pass a gate; recorded."),
        )
    ):
        command = decorate(command)
    return command


NO_DEPLOY = click.option("--no-deploy", is_flag=True, help="Only move the branches; deploy what was released later.")
"""Of verbs whose release is deployed."""


def pass_world(function: Callable[..., int | None]) -> Callable[..., None]:
    """Give the verb its world; its answer is the exit code."""
    from functools import wraps

    @click.pass_context
    @wraps(function)
    def called(ctx: click.Context, *args: Any, **kwargs: Any) -> None:
        world = ctx.ensure_object(World)
        world.still = bool(kwargs.get("dry_run"))
        try:
            code = function(world, *args, **kwargs)
        finally:
            world.settle()
        ctx.exit(code or 0)

    return called
