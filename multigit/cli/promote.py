"""plan and promote."""

from __future__ import annotations

from typing import Any

import click

from multigit.cli.options import NO_DEPLOY, World, consent_options, global_options, pass_world

_REAPPLY = click.option(
    "--reapply", is_flag=True, help="Ship again a release that was rolled back, with its fix on top."
)


@click.command("plan")
@click.argument("source")
@click.argument("target")
@click.option("--out", metavar="FILE", help="Save the plan, to be applied with promote --plan FILE.")
@click.option("-m", "--message", default="", help="Added to the merge commits and the release.")
@click.option("--override", multiple=True, metavar='GATE="REASON"', help="Plan as if the gate were passed.")
@click.option("--exit-code", is_flag=True, help="Exit with 10 if there are changes.")
@_REAPPLY
@global_options
@pass_world
def plan_command(world: World, source: str, target: str, message: str, reapply: bool, **said: Any) -> int:
    """What promoting SOURCE to TARGET would do: every repository, conflicts, gates. Changes nothing."""
    session = world.online()
    from multigit.app import move

    options = world.options(dry_run=True, **said)
    return move.promote(session, world.screen, source, target, options, message=message, reapply=reapply)


@click.command("promote")
@click.argument("source")
@click.argument("target")
@click.option("-m", "--message", default="", help="Added to the merge commits and the release.")
@_REAPPLY
@NO_DEPLOY
@consent_options
@global_options
@pass_world
def promote_command(world: World, source: str, target: str, message: str, reapply: bool, **said: Any) -> int:
    """Merge SOURCE into TARGET in every repository and tag the whole fleet: all or nothing.

    Environments are named by id, alias or branch. Production asks for the checklist, a yes and a typed
    phrase; without a terminal it takes --plan FILE and --confirm PHRASE.
    """
    session = world.online()
    from multigit.app import move

    return move.promote(session, world.screen, source, target, world.options(**said), message=message, reapply=reapply)
