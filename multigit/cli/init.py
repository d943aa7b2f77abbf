"""init."""

from __future__ import annotations

from pathlib import Path

import click

from multigit.cli.options import World, global_options, pass_world


@click.command("init")
@click.option("--scan", metavar="DIR", help="Find clones in DIR and one level below.")
@click.option("--example", metavar="NAME", help="Start from a preset: gli, webui-mcp, manpasik, astrago, talkstudio.")
@global_options
@pass_world
def init_command(world: World, scan: str | None, example: str | None) -> int:
    """Write a repos.yaml in this folder; an existing one is never overwritten."""
    from multigit.app import configured

    if example:
        return configured.write_example(world.screen, Path.cwd(), example)
    from multigit.configfile.scanning import scan as scanned
    from multigit.vcs.clones import remote_of

    folder = Path(scan or ".").absolute()
    return configured.write_scanned(world.screen, Path.cwd(), scanned(folder, remote_of))
