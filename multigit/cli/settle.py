"""resume and abort."""

from __future__ import annotations

import click

from multigit.cli.options import World, global_options, pass_world

_RUN = click.argument("run", required=False)
_DRY = click.option("-n", "--dry-run", is_flag=True, help="Say which run is meant; change nothing.")
_YES = click.option("-y", "--yes", is_flag=True, help="Do not ask; consent is recorded with the run.")


@click.command("resume")
@_RUN
@_DRY
@_YES
@global_options
@pass_world
def resume_command(world: World, run: str | None, dry_run: bool, yes: bool) -> int:
    """Go on with the run that was left open, from any machine.

    With none open, the last plan that was refused here (a conflict, say) is made again.
    """
    return _settle(world, "resume", run, dry_run=dry_run, yes=yes)


@click.command("abort")
@_RUN
@_DRY
@_YES
@global_options
@pass_world
def abort_command(world: World, run: str | None, dry_run: bool, yes: bool) -> int:
    """Take the open run back: every branch it moved returns to where it was, unless somebody built on it."""
    return _settle(world, "abort", run, dry_run=dry_run, yes=yes)


def _settle(world: World, intent: str, run: str | None, *, dry_run: bool, yes: bool) -> int:
    session = world.online()
    from multigit.app import settle
    from multigit.cli.boundary import main

    options = world.options(dry_run=dry_run, yes=yes)
    return settle.settle(session, world.screen, "abort" if intent == "abort" else "resume", run, options, again=main)
