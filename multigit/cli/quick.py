"""What needs no command line parser: --version, --help and completion, answered from tables made beforehand.

multigit/cli/tables.py is made by `python -m multigit.cli.tabulate`; a test compares it with what click says. What is
not in the tables is left to click.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from multigit import __version__


def answer(argv: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """The whole output of this command line; None where click has to look at it."""
    if instruction := environ.get("_MULTIGIT_COMPLETE", ""):
        shell, _, action = instruction.partition("_")
        return _completed(shell, environ) if action == "complete" and shell in _FORMATS else None
    if list(argv) == ["--version"]:
        return f"multigit {__version__}\n"
    if list(argv) in (["--help"], ["-h"]):
        from multigit.cli.tables import HELP

        return HELP.get(_width(environ))
    return None


def _width(environ: Mapping[str, str]) -> int:
    """How wide click would write (shutil.get_terminal_size), without importing what it needs."""
    try:
        columns = int(environ.get("COLUMNS", "0"))
    except ValueError:
        columns = 0
    if columns <= 0:
        try:
            columns = os.get_terminal_size(1).columns
        except OSError:
            columns = 0
    return min(columns or 80, 100)


# --- completion --------------------------------------------------------------------------------------------------

Item = tuple[str, str, str]
"""Type (plain or file), value, help."""


def _completed(shell: str, environ: Mapping[str, str]) -> str:
    before, typed = _words(shell, environ)
    return "".join(_FORMATS[shell].format(kind=kind, value=value, help=help or "_", tab=f"\t{help}" if help else "")
                   for kind, value, help in _items(before, typed))  # fmt: skip


_FORMATS = {
    "bash": "{kind},{value}\n",
    "zsh": "{kind}\n{value}\n{help}\n",
    "fish": "{kind},{value}{tab}\n",
}


def _words(shell: str, environ: Mapping[str, str]) -> tuple[list[str], str]:
    """The whole words before the cursor, without the program, and what is typed of the next."""
    words = environ.get("COMP_WORDS", "").split()
    if shell == "fish":
        typed = environ.get("COMP_CWORD", "")
        return (words[1:-1] if typed and words[-1:] == [typed] else words[1:]), typed
    number = int(environ.get("COMP_CWORD", "0") or 0)
    return words[1:number], words[number] if number < len(words) else ""


def _items(before: Sequence[str], typed: str) -> Iterator[Item]:
    from multigit.cli.tables import COMMON, OPTIONS, VERBS

    path = _path(before)
    values = _follow(path, before[-1]) if before else None
    if values is not None:
        yield from _values(values, typed)
    elif typed.startswith("-"):
        options = (*OPTIONS.get(path, ()), *COMMON)
        yield from (("plain", name, text) for name, text in options if name.startswith(typed))
    else:
        yield from (("plain", name, text) for name, text in VERBS.get(path, ()) if name.startswith(typed))


def _follow(path: str, option: str) -> tuple[str, ...] | None:
    """What may follow `option` of the verb: words, FILE, or () for anything; None where nothing does."""
    from multigit.cli.tables import COMMON_VALUES, VALUES

    return VALUES.get(f"{path} {option}", COMMON_VALUES.get(option))


def _values(values: Sequence[str], typed: str) -> Iterator[Item]:
    if values == ("FILE",):
        yield "file", typed, ""
    else:
        yield from (("plain", value, "") for value in values if value.startswith(typed))


def _path(before: Sequence[str]) -> str:
    """The verb that was typed, and its own verb if it has some: '', 'promote', 'hold set'."""
    from multigit.cli.tables import VERBS

    path, skip = "", False
    for word in before:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = _follow(path, word) is not None
        elif word in [name for name, _ in VERBS.get(path, ())]:
            path = f"{path} {word}".strip()
    return path
