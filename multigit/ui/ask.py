"""Questions to the person at the terminal. Never asked of a pipe: a piped `yes` is no consent.

questionary draws on stderr, so that stdout stays what it is. Ctrl-C and Ctrl-D mean: nothing is done (130).
"""

from __future__ import annotations

import contextlib
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from multigit.errors import Interrupted
from multigit.ui.encoding import carried
from multigit.ui.problems import NOTHING, never_asked
from multigit.ui.screen import Screen
from multigit.ui.text import visible

if TYPE_CHECKING:
    from questionary import Question


def yes(screen: Screen, question: str) -> bool:
    """y/N; anything but a clear yes is no. Raises Refused where nobody can answer, Interrupted on Ctrl-C and EOF."""
    question = _ready(screen, question)
    if screen.dumb:
        return _read_line(screen, f"{question} (y/N) ").casefold() in ("y", "yes", "예", "네", "ㅛ")
    import questionary

    return _answer(screen, lambda ends: questionary.confirm(question, default=False, auto_enter=False, **ends)) is True


def tick(screen: Screen, title: str, items: Sequence[str]) -> tuple[str, ...]:
    """Ask for each item; the first no stops. Answers the items that were answered with yes."""
    ticked: list[str] = []
    for number, item in enumerate(items, 1):
        if not yes(screen, f"{title} {number}/{len(items)}: {item.removesuffix('?')}?"):
            break
        ticked.append(item)
    return tuple(ticked)


def typed(screen: Screen, prompt: str, phrase: str) -> bool:
    """Whether the person typed exactly `phrase` (blanks at the ends and the way Hangul is composed do not matter).

    One try: who mistypes the name of an environment should look again.
    """
    prompt = _ready(screen, prompt)
    if screen.dumb:
        answer = _read_line(screen, f"{prompt} ")
    else:
        import questionary

        answer = str(_answer(screen, lambda ends: questionary.text(prompt, **ends)) or "")
    return _composed(answer) == _composed(phrase)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _ready(screen: Screen, question: str) -> str:
    """The question as it may be shown; Refused where nobody could answer it."""
    question = visible(question)
    if not screen.interactive:
        raise never_asked(question)
    screen.pause()
    _forget_typed_ahead()
    return carried(screen.err.encoding, question)


def _forget_typed_ahead() -> None:
    """Keys pressed before the question was shown do not answer it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import termios

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, EOFError):
        raise Interrupted("stopped at a question", why="Ctrl-C or end of input", state=NOTHING) from None


def _answer(screen: Screen, ask: Callable[[dict[str, Any]], Question]) -> Any:
    """Ask on stderr. `unsafe_ask` raises on Ctrl-C, where `ask` would print to stdout and answer None."""
    from prompt_toolkit.input import create_input
    from prompt_toolkit.input.typeahead import clear_typeahead
    from prompt_toolkit.output.color_depth import ColorDepth
    from prompt_toolkit.output.vt100 import Vt100_Output

    keyboard = create_input(sys.stdin)
    clear_typeahead(keyboard)
    depth = ColorDepth.DEPTH_4_BIT if screen.colored(screen.err) else ColorDepth.DEPTH_1_BIT
    # No cursor position request: a terminal that does not answer it would hold up the prompt.
    page = Vt100_Output(sys.stderr, _size, term=os.environ.get("TERM"), default_color_depth=depth, enable_cpr=False)
    with _stopping():
        return ask({"input": keyboard, "output": page}).unsafe_ask()


def _size() -> Any:
    from prompt_toolkit.data_structures import Size

    try:
        columns, rows = os.get_terminal_size(sys.stderr.fileno())
    except OSError:
        columns, rows = 0, 0
    return Size(rows=rows or 24, columns=columns or 80)


def _read_line(screen: Screen, prompt: str) -> str:
    """One line from a terminal that can do nothing else."""
    screen.err.write(prompt)
    line = ""
    with _stopping():
        try:
            line = sys.stdin.readline()
        finally:
            if not line:
                screen.err.write("\n")
        if not line:
            raise EOFError
    return line.strip()
