"""hotfix and push: from people's clones to the remotes."""

from __future__ import annotations

from typing import Any

import click

from multigit.cli.options import NO_DEPLOY, World, consent_options, global_options, pass_world
from multigit.errors import UsageError


@click.command("hotfix")
@click.argument("target", metavar="BRANCH")
@click.option("--push", "push_it", is_flag=True, help="Publish (the only thing a hotfix does).")
@click.option("-m", "--message", default="", help="Commit the clones' tracked changes first, with this message.")
@click.option("--backmerge", "backmerge_too", is_flag=True, help="Pay the fix back upstream right away.")
@NO_DEPLOY
@consent_options
@global_options
@pass_world
def hotfix_command(world: World, target: str, push_it: bool, message: str, backmerge_too: bool, **said: Any) -> int:
    """Emergency: publish what the clones' BRANCH is ahead of its remote, past staging.

    It is tagged and marked EMERGENCY, and owed to the environments before until it is merged back.
    """
    session = world.online()
    from multigit.app import move

    if not push_it:
        raise UsageError("a hotfix is published with --push", hint=f"multigit hotfix --push {target}")
    return move.hotfix(session, world.screen, target, world.options(**said), message, backmerge_too=backmerge_too)


@click.command("push")
@click.argument("target", metavar="ENV")
@click.option("-m", "--message", required=True, help="Message of the commits.")
@click.option("--then", metavar="ENV", help="Promote to this environment afterwards.")
@consent_options
@global_options
@pass_world
def push_command(world: World, target: str, message: str, then: str | None, **said: Any) -> int:
    """Commit the clones' tracked changes on ENV's branch and publish them together."""
    session = world.online()
    from multigit.app import move

    return move.push(session, world.screen, target, world.options(**said), message, then)
