"""verify."""

from __future__ import annotations

import click

from multigit.cli.options import Duration, World, global_options, pass_world


@click.command("verify")
@click.argument("env", required=False)
@click.option("--trust-ledger", "trust", metavar="OID", help="Forget the ledger seen before; OID is its head, or none.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before that.")
@click.option(
    "--for",
    "duration",
    type=Duration(),
    default=0,
    metavar="TIME",
    help="Watch the health of ENV that long, for example 30m.",
)
@global_options
@pass_world
def verify_command(world: World, env: str | None, trust: str | None, yes: bool, duration: int) -> int:
    """Whether ledger, fences, tags and branches agree; each drift with its fix.

    With ENV also whether what runs there is well, by its health checks. Nothing is written but the cache.
    Exit 1: something drifted; 4: a run is open; 5: something is not well.
    """
    if duration and not env:
        raise click.UsageError("--for watches an environment: name one")
    session = world.online()
    from multigit.app.proving import verify

    return verify.verify(session, world.screen, env, trust, world.options(yes=yes), duration)
