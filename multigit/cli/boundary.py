"""The outermost function: runs the group and turns whatever goes wrong into words and an exit code (X9)."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace

import click

from multigit import __version__
from multigit.cli.group import LazyGroup
from multigit.cli.options import World, global_options
from multigit.errors import INTERRUPTED, USAGE, MultigitError, UsageError


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="multigit", message="%(prog)s %(version)s")
@global_options
def multigit() -> None:
    """Move a whole fleet of git repositories at once, prove that it arrived, and take it back."""


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit code. No traceback reaches the user."""
    argv = sys.argv[1:] if args is None else list(args)
    world = World(argv=argv)
    try:
        _require_utf8(argv)
        # auto_envvar_prefix stays unset: no environment variable may consent to anything.
        result = multigit.main(args=argv, prog_name="multigit", standalone_mode=False, obj=world)
        return int(result or 0)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as usage:
        usage.show()
        if "--json" in argv:
            _document(world, usage)
        return USAGE
    except MultigitError as known:
        world.screen.error(known)
        return known.exit_code
    except KeyboardInterrupt:
        click.echo("interrupted; nothing more was started. See: multigit status", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as bug:  # noqa: BLE001 - the last resort is to explain
        from multigit.cli.crash import explain

        error = explain(bug)
        world.screen.error(error)
        return error.exit_code


def _require_utf8(argv: Sequence[str]) -> None:
    """Messages and names end in commits and records, which are UTF-8; anything else is said at once."""
    for word in argv:
        try:
            word.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(
                "an argument is not UTF-8", why=ascii(word), hint="type it in a terminal whose encoding is UTF-8"
            ) from None


def _document(world: World, usage: click.ClickException) -> None:
    """Who asked for JSON gets it, although the command line was not understood to the end."""
    from multigit.model.documents import ErrorDocument

    world.settings = replace(world.settings, json=True)
    world.screen.document(ErrorDocument(code=UsageError.code, what=usage.format_message(), exit_code=USAGE))
