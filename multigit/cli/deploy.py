"""deploy and watch."""

from __future__ import annotations

from typing import Any

import click

from multigit.cli.options import World, global_options, pass_world


@click.command("deploy")
@click.argument("env")
@click.option("--ref", metavar="REF", help="A release of ENV instead of what its branch says: a tag, run or `last`.")
@click.option("-n", "--dry-run", is_flag=True, help="Stop after the plan; nothing is changed.")
@click.option("--exit-code", is_flag=True, help="With -n: exit with 10 if there is something to do.")
@click.option("-y", "--yes", is_flag=True, help="Consent without a question; never to production.")
@click.option("--confirm", metavar="PHRASE", help="Consent to production: its phrase, such as `gli main`.")
@global_options
@pass_world
def deploy_command(world: World, env: str, ref: str | None, **said: Any) -> int:
    """Bring ENV to what its branch says: build, migrate, deploy, health, wave by wave, each followed to its end.

    What is there already is left alone. Exit 5: a step failed, or what runs is not well.
    """
    session = world.online()
    from multigit.app.deploying import verb

    return verb.deploy(session, world.screen, env, ref, world.options(**said))


@click.command("watch")
@click.argument("what", metavar="[RUN|ENV]", required=False)
@global_options
@pass_world
def watch_command(world: World, what: str | None) -> int:
    """How a deployment goes on, from any machine; it changes nothing. Exit as the deployment: 0 well, 5 not.

    Without a name: the one that is open, or the last one.
    """
    session = world.online()
    from multigit.app.deploying import settling

    return settling.watch(session, world.screen, what)
