"""rollback."""

from __future__ import annotations

from typing import Any

import click

from multigit.cli.options import NO_DEPLOY, World, consent_options, global_options, pass_world


@click.command("rollback")
@click.argument("ref")
@click.option("--mode", type=click.Choice(["restore", "revert", "reset"]), help="How (default: repos.yaml, restore).")
@click.option("--repos", "only", multiple=True, metavar="NAME|GROUP", help="Only these repositories (same as -r).")
@click.option("-m", "--message", default="", help="Why: kept with the quarantine.")
@NO_DEPLOY
@consent_options
@global_options
@pass_world
def rollback_command(world: World, ref: str, mode: str | None, only: tuple[str, ...], message: str, **said: Any) -> int:
    """Take an environment back to REF: a tag, the unique beginning of one, a run id, last or previous.

    A commit with the tag's content goes on top (no force-push) and a tag of its own marks it. The release
    taken back is quarantined: promote refuses it until --reapply or `multigit hold release`.
    """
    session = world.online()
    from multigit.app import move

    session.selected = (*session.selected, *only)
    return move.rollback(session, world.screen, ref, world.options(**said), mode=mode, message=message)
