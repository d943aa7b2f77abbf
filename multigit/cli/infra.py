"""infra plan, apply, export."""

from __future__ import annotations

import click

from multigit.cli.options import World, global_options, pass_world

_ADOPT = click.option("--adopt", is_flag=True, help="Take in what exists without our tags: tag it, then mend it.")


@click.group("infra")
@global_options
def infra_command() -> None:
    """What repos.yaml wants in AWS: show it, make it, mend it."""


@infra_command.command("plan")
@click.argument("env", required=False)
@_ADOPT
@click.option("--exit-code", is_flag=True, help="Exit with 10 when there are changes.")
@global_options
@pass_world
def infra_plan(world: World, env: str | None, adopt: bool, exit_code: bool) -> int:
    """What would be made or mended; only reads.

    ENV: only what belongs to that environment alone. Exit 1: something could not be read; 3: something exists that
    multigit does not manage.
    """
    session = world.session
    from multigit.app import infra

    return infra.plan(session, world.screen, env, world.options(exit_code=exit_code), adopt=adopt)


@infra_command.command("apply")
@click.argument("env", required=False)
@_ADOPT
@click.option("-n", "--dry-run", is_flag=True, help="Stop after the plan; nothing is changed.")
@click.option("-y", "--yes", is_flag=True, help="Consent without a question; never to production.")
@click.option("--confirm", metavar="PHRASE", help="Consent to production: the phrase the plan names.")
@global_options
@pass_world
def infra_apply(world: World, env: str | None, adopt: bool, dry_run: bool, yes: bool, confirm: str | None) -> int:
    """Make and mend it; nothing is ever deleted.

    What all environments share counts as production. Exit 4: something is left, and the same command goes on; 3:
    something exists that multigit does not manage, and was left alone.
    """
    session = world.session
    from multigit.app import infra

    options = world.options(dry_run=dry_run, yes=yes, confirm=confirm)
    return infra.apply(session, world.screen, env, options, adopt=adopt)


@infra_command.command("export")
@click.argument("env", required=False)
@click.option("--format", "form", type=click.Choice(["cloudformation"]), default="cloudformation", help="Its language.")
@global_options
@pass_world
def infra_export(world: World, env: str | None, form: str) -> int:  # noqa: ARG001 - there is one language so far
    """Print the same as a template; AWS is not asked."""
    session = world.session
    from multigit.app import infra

    return infra.export(session, world.screen, env)
