"""config check, show, schema."""

from __future__ import annotations

import json

import click

from multigit.cli.options import World, global_options, pass_world


@click.group("config")
@global_options
def config_command() -> None:
    """repos.yaml: is it right, how is it understood, what may stand in it."""


@config_command.command("check")
@global_options
@pass_world
def config_check(world: World) -> int:
    """Check repos.yaml; every problem with file, line and column."""
    from multigit.app import configured

    return configured.check(world.session, world.screen)


@config_command.command("show")
@global_options
@pass_world
def config_show(world: World) -> int:
    """repos.yaml as it is understood, defaults filled in."""
    from multigit.app import configured

    return configured.show(world.session, world.screen)


@config_command.command("schema")
@global_options
@pass_world
def config_schema(world: World) -> int:
    """The JSON Schema of repos.yaml, for editors."""
    from multigit.configfile import json_schema

    text = json.dumps(json_schema(), ensure_ascii=False, indent=2)
    if world.settings.json:
        world.screen.document(text)
    else:
        world.screen.say(text)
    return 0
