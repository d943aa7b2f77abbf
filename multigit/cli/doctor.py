"""doctor."""

from __future__ import annotations

import os

import click

from multigit.cli.options import World, global_options, pass_world


@click.command("doctor")
@click.argument("env", required=False)
@click.option("--write", is_flag=True, help="Also push throw-away refs (refs/multigit/probe/…) and delete them.")
@click.option("-n", "--dry-run", is_flag=True, help="Push nothing, not even with --write.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before --write.")
@global_options
@pass_world
def doctor_command(world: World, env: str | None, write: bool, dry_run: bool, yes: bool) -> int:
    """Whether this machine and every remote are fit for a release; with ENV, also what keeps people from what runs.

    One line each: [OK], [!!] worth a look, [NG] with the command that mends it, [SKIP] not looked at. Exit 1: something
    is not well. Nothing is changed that anybody sees. ENV looks at that environment's branch only, and also at what
    serves there: Actions, ECS, load balancer, WebSocket, database, S3 and CloudFront.
    """
    inherited = tuple(name for name in os.environ if name.startswith("GIT_"))  # before the first git, which drops them
    session = world.session
    from multigit.app.doctoring import doctor

    options = world.options(dry_run=dry_run, yes=yes)
    return doctor.doctor(session, world.screen, env, options, write=write, inherited=inherited)
