"""completion: the shell's own script, made by click."""

from __future__ import annotations

import click

from multigit.cli.options import World, global_options, pass_world


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@global_options
@pass_world
def completion_command(world: World, shell: str) -> int:
    """Print the completion script of SHELL.

    Bash: eval "$(multigit completion bash)" in ~/.bashrc.
    """
    from click.shell_completion import get_completion_class

    from multigit.cli.boundary import multigit

    found = get_completion_class(shell)
    assert found is not None
    world.screen.say(found(multigit, {}, "multigit", "_MULTIGIT_COMPLETE").source())
    return 0
