"""Writes multigit/cli/tables.py, from which multigit/cli/quick.py answers: `python -m multigit.cli.tabulate`."""

from __future__ import annotations

import pprint
from collections.abc import Iterator
from pathlib import Path

import click

from multigit.cli.boundary import multigit
from multigit.cli.group import VERBS

_TOP = click.Context(multigit, info_name="multigit", **multigit.context_settings)
WIDTHS = (80, 100)
"""Columns of terminals for which help is made beforehand: the usual one, and all from 100 on."""
Options = tuple[tuple[str, str], ...]
"""Name and help of each."""
_TEXTS = "dict[str, tuple[tuple[str, str], ...]]"
_WORDS = "dict[str, tuple[str, ...]]"


def tables() -> str:
    """The text of multigit/cli/tables.py."""
    commands = dict(_commands())
    verbs = {"": tuple((verb, row[2]) for verb, row in VERBS.items())}
    verbs |= {path: _below(command) for path, command in commands.items() if isinstance(command, click.Group) and path}
    options = {path: tuple(_options(command)) for path, command in commands.items()}
    common = tuple(option for option in options[""] if all(option in others for others in options.values()))
    values = {path: dict(_values(command)) for path, command in commands.items()}
    shared = {name: values[""][name] for name, _ in common if name in values[""]}
    parts: dict[str, tuple[str, object]] = {
        "HELP": ("dict[int, str]", {width: _help(width) for width in WIDTHS}),
        "VERBS": (_TEXTS, verbs),
        "COMMON": ("tuple[tuple[str, str], ...]", common),
        "OPTIONS": (_TEXTS, {path: _own(path, found, common) for path, found in options.items()}),
        "COMMON_VALUES": (_WORDS, shared),
        "VALUES": (_WORDS, {f"{path} {name}": found for path, some in values.items() for name, found in some.items()
                            if shared.get(name) != found}),
    }  # fmt: skip
    body = "\n".join(f"{name}: {kind} = {pprint.pformat(part, width=110)}\n" for name, (kind, part) in parts.items())
    head = '"""Made by `python -m multigit.cli.tabulate`; a test compares it with the verbs themselves."""'
    return f"# ruff: noqa: E501\n{head}\n\n# fmt: off\n{body}"


def _own(path: str, options: Options, common: Options) -> Options:
    """Those that only this verb has; quick.py puts those of all verbs behind them."""
    own = tuple(option for option in options if option not in common)
    assert own + common == options, f"{path or 'multigit'}: its options are not its own, then those of all verbs"
    return own


def _help(width: int) -> str:
    settings = multigit.context_settings
    with click.Context(multigit, info_name="multigit", terminal_width=width - 2, **settings) as context:
        return multigit.get_help(context) + "\n"


def _commands() -> Iterator[tuple[str, click.Command]]:
    yield "", multigit
    for verb in VERBS:
        command = multigit.get_command(_TOP, verb)
        assert command is not None
        yield verb, command
        if isinstance(command, click.Group):
            yield from ((f"{verb} {name}", below) for name, below in command.commands.items())


def _below(command: click.Group) -> tuple[tuple[str, str], ...]:
    return tuple((name, below.get_short_help_str(100)) for name, below in command.commands.items())


def _options(command: click.Command) -> Iterator[tuple[str, str]]:
    for option in command.get_params(click.Context(command, parent=_TOP)):
        if isinstance(option, click.Option) and not option.hidden:
            yield from ((name, option.help or "") for name in option.opts)


def _values(command: click.Command) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What may follow each option that takes a value: words, FILE, or () for anything."""
    for option in command.get_params(click.Context(command, parent=_TOP)):
        if isinstance(option, click.Option) and not option.is_flag and not option.count:
            words = tuple(option.type.choices) if isinstance(option.type, click.Choice) else ()
            found = ("FILE",) if option.metavar in ("FILE", "DIR") else words
            yield from ((name, found) for name in option.opts)


if __name__ == "__main__":
    Path(__file__).with_name("tables.py").write_text(tables(), encoding="utf-8")
