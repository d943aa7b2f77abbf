"""demo."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from multigit.cli.options import World, global_options, pass_world


def _play(folder: Path) -> str:
    """What to type next, wherever multigit was installed."""
    command = Path(sys.executable).parent
    return (
        f"\nplay  cd {folder} && export PATH={command}:$PATH\n"
        "      multigit status | multigit plan stg main | multigit promote stg main --lang en | multigit history"
    )


@click.command("demo")
@click.option("--keep", metavar="DIR", help="Build it in DIR and leave it there to play with.")
@click.option("--setup-only", is_flag=True, help="With --keep: only build the workspace.")
@global_options
@pass_world
def demo_command(world: World, keep: str | None, setup_only: bool) -> int:
    """See everything work, on eight repositories made for it in a temporary folder.

    status, plan, promote, a predicted conflict, a server that rejects half-way, a hotfix with its
    back-merge, a rollback and the promotion after it: the same commands you would type.
    """
    from multigit.demo.story import tell
    from multigit.demo.workspace import Workspace

    place = Workspace(Path(keep).absolute() if keep else Path(tempfile.mkdtemp(prefix="multigit-demo-")))
    try:
        place.build()
        if not setup_only:
            tell(place, lambda text: world.screen.say(text, always=True))
        if keep:
            world.screen.say(_play(place.work), always=True)
        else:
            world.screen.say("\nThat was all. To play with it: multigit demo --keep DIR", always=True)
    finally:
        if not keep:
            place.remove()
    return 0
