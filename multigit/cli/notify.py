"""notify test, send."""

from __future__ import annotations

import click

from multigit.cli.options import World, global_options, pass_world

_DRY = click.option("-n", "--dry-run", is_flag=True, help="Say who would be told; send nothing.")


@click.group("notify")
@global_options
def notify_command() -> None:
    """Those who are told of releases: try them, or send what could not be sent."""


@notify_command.command("test")
@click.argument("name", required=False)
@_DRY
@global_options
@pass_world
def notify_test(world: World, name: str | None, dry_run: bool) -> int:
    """Send a test notice to every notifier of repos.yaml, or to NAME, now. Exit 1 if one did not take it."""
    session = world.session
    from multigit.app import notifying

    return notifying.test(session, world.screen, name, dry_run=dry_run)


@notify_command.command("send")
@_DRY
@global_options
@pass_world
def notify_send(world: World, dry_run: bool) -> int:
    """Send the notices that wait in this machine's outbox. Exit 1 if some still wait."""
    session = world.session
    from multigit.app import notifying

    return notifying.send(session, world.screen, dry_run=dry_run)
