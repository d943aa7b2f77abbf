"""backmerge."""

from __future__ import annotations

from typing import Any

import click

from multigit.cli.options import World, consent_options, global_options, pass_world


@click.command("backmerge")
@click.argument("source")
@click.argument("target")
@click.option("-m", "--message", default="", help="Added to the merge commits.")
@consent_options
@global_options
@pass_world
def backmerge_command(world: World, source: str, target: str, message: str, **said: Any) -> int:
    """Bring fixes back upstream: SOURCE (main) into TARGET (stg). Nothing to merge is no error."""
    session = world.online()
    from multigit.app import move

    return move.backmerge(session, world.screen, source, target, world.options(**said), message)
