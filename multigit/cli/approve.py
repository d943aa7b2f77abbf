"""approve."""

from __future__ import annotations

from pathlib import Path

import click

from multigit.cli.options import World, global_options, pass_world


@click.command("approve")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("-n", "--dry-run", is_flag=True, help="Show the plan and whether you may approve it; change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@global_options
@pass_world
def approve_command(world: World, plan: Path, dry_run: bool, yes: bool) -> int:
    """Approve the plan saved in PLAN: your signature, bound to its digest, waits in the home repository.

    For environments with `approvals` in repos.yaml. Nobody approves their own plan. The author then applies it:
    multigit promote SRC DST --plan PLAN.
    """
    session = world.online()
    from multigit.app import approvals

    return approvals.approve(session, world.screen, plan, world.options(dry_run=dry_run, yes=yes))
