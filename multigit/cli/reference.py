"""docs/cli.md, made from the verbs' own help: `python -m multigit.cli.reference` prints it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from multigit.cli.boundary import multigit
from multigit.cli.group import VERBS

WIDTH = 100
_HEAD = """\
# Command line

Made from the verbs' own help by `python -m multigit.cli.reference > docs/cli.md`; a test compares the two.
Options of the group may stand before or after the verb. Exit codes: 0 done or nothing to do, 1 failed and nothing
changed, 2 usage or repos.yaml, 3 refused and nothing changed, 4 partly applied or a run is open, 5 landed
but what runs is not well, 10 with `--exit-code` if there are changes, 70 a bug, 130 interrupted.
"""


def helps() -> Iterator[tuple[str, str]]:
    """Every command line that has a help page (`multigit`, `multigit hold set` ...), and the page."""
    settings = {**multigit.context_settings, "max_content_width": WIDTH}
    top = click.Context(multigit, info_name="multigit", terminal_width=WIDTH, **settings)
    yield "multigit", multigit.get_help(top)
    for verb in VERBS:
        command = multigit.get_command(top, verb)
        assert command is not None
        yield from _pages(command, click.Context(command, parent=top, info_name=verb))


def _pages(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _pages(below, click.Context(below, parent=context, info_name=name))


def reference() -> str:
    """The whole page, Markdown."""
    return "\n".join([_HEAD, *(f"## {line}\n\n```text\n{page.rstrip()}\n```\n" for line, page in helps())])


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - a generator's output
