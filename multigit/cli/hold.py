"""hold set, list, release."""

from __future__ import annotations

import click

from multigit.cli.options import World, global_options, pass_world

_DRY = click.option("-n", "--dry-run", is_flag=True, help="Say what would be done.")
_WHY = click.option("-m", "--message", "--reason", "message", default="", help="Why; kept in the ledger.")


@click.group("hold")
@global_options
def hold_command() -> None:
    """Stop signs that everybody sees: freeze an environment, or end a freeze or quarantine."""


@hold_command.command("list")
@click.argument("env", required=False)
@global_options
@pass_world
def hold_list(world: World, env: str | None) -> int:
    """The holds in force."""
    session = world.online()
    from multigit.app import holds

    return holds.show(session, world.screen, env)


@hold_command.command("set")
@click.argument("env")
@_WHY
@_DRY
@global_options
@pass_world
def hold_set(world: World, env: str, message: str, dry_run: bool) -> int:
    """Freeze ENV: promote, hotfix and push refuse until it is released."""
    session = world.online()
    from multigit.app import holds

    return holds.put(session, world.screen, env, message, world.options(dry_run=dry_run))


@hold_command.command("release")
@click.argument("env")
@_WHY
@_DRY
@global_options
@pass_world
def hold_release(world: World, env: str, message: str, dry_run: bool) -> int:
    """Release every hold of ENV, quarantined releases included."""
    session = world.online()
    from multigit.app import holds

    return holds.release(session, world.screen, env, message, world.options(dry_run=dry_run))
