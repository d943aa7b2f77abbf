"""logs."""

from __future__ import annotations

import click

from multigit.cli.options import Duration, World, global_options, pass_world


@click.command("logs")
@click.argument("env")
@click.argument("only", metavar="[REPO]", required=False)
@click.option("-F", "--follow", is_flag=True, help="Go on with what is written from now, until Ctrl-C.")
@click.option(
    "--since", type=Duration(), metavar="TIME", default="10m", show_default=True, help="How far back, for example 2h."
)
@click.option("--grep", "pattern", metavar="TEXT", default="", help="Only lines with this text.")
@click.option("-n", "--limit", default=200, show_default=True, type=click.IntRange(1, 10_000), help="Lines at most.")
@global_options
@pass_world
def logs_command(world: World, env: str, only: str | None, follow: bool, since: int, pattern: str, limit: int) -> int:
    """What the services of ENV wrote, from CloudWatch, all together and oldest first.

    The log groups are named by `logs` of the repositories' `deploy`. Exit 1: a group could not be read.
    """
    if follow and world.settings.json:
        raise click.UsageError("--json is one document, and --follow has no end")
    session = world.session
    from multigit.app import logs

    if only:
        session.selected = (*session.selected, only)
    tell = logs.follow if follow else logs.show
    return tell(session, world.screen, env, since, pattern, limit)
