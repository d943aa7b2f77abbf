"""pull and clone."""

from __future__ import annotations

import click

from multigit.cli.options import World, global_options, pass_world

_DRY = click.option("-n", "--dry-run", is_flag=True, help="Say what would be done; no clone is touched.")


@click.command("pull")
@click.argument("branch")
@_DRY
@global_options
@pass_world
def pull_command(world: World, branch: str, dry_run: bool) -> int:
    """Clone what is missing, fetch, and fast-forward BRANCH (or environment) in every clone.

    Dirty and diverged clones are left alone and named. Never merges, never discards, never commits.
    """
    session = world.online()
    from multigit.app import workspace

    return workspace.pull(session, world.screen, branch, dry_run=dry_run)


@click.command("clone")
@_DRY
@global_options
@pass_world
def clone_command(world: World, dry_run: bool) -> int:
    """Clone the repositories that are missing next to repos.yaml."""
    session = world.online()
    from multigit.app import workspace

    return workspace.clone(session, world.screen, dry_run=dry_run)
