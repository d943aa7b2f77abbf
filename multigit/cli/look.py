"""status, diff, log, history, show."""

from __future__ import annotations

import click

from multigit.cli.options import World, global_options, pass_world


@click.command("status")
@click.option("--no-fetch", is_flag=True, help="What was seen the last time, and when; no host is asked.")
@global_options
@pass_world
def status_command(world: World, no_fetch: bool) -> int:
    """Where every repository is, what waits, what is owed.

    Commits that wait for the next environment, fixes that were never merged back, releases whose tag is
    missing somewhere, holds, and runs that were left open.
    """
    session = world.session if no_fetch else world.online()
    from multigit.app import overview

    return overview.remembered_status(session, world.screen) if no_fetch else overview.status(session, world.screen)


@click.command("diff")
@click.argument("source")
@click.argument("target")
@click.argument("only", metavar="[REPO]", required=False)
@global_options
@pass_world
def diff_command(world: World, source: str, target: str, only: str | None) -> int:
    """What SOURCE has that TARGET lacks: commits and files, per repository."""
    session = world.online()
    from multigit.app import views

    if only:
        session.selected = (*session.selected, only)
    return views.diff(session, world.screen, source, target)


@click.command("log")
@click.argument("span", metavar="[SRC..DST]", required=False)
@click.option("--since", metavar="REF", help="Since a release: tag, beginning of a tag, run, last, previous.")
@global_options
@pass_world
def log_command(world: World, span: str | None, since: str | None) -> int:
    """Commits of SRC that DST lacks, or commits since a release."""
    session = world.online()
    from multigit.app import views

    return views.log(session, world.screen, span, since)


@click.command("history")
@click.argument("env", required=False)
@click.option("-n", "--limit", default=20, show_default=True, type=click.IntRange(1), help="How many releases.")
@global_options
@pass_world
def history_command(world: World, env: str | None, limit: int) -> int:
    """Releases, newest first: what was tagged, what changed, what is live."""
    session = world.online()
    from multigit.app import views

    return views.history(session, world.screen, env, limit)


@click.command("show")
@click.argument("ref")
@global_options
@pass_world
def show_command(world: World, ref: str) -> int:
    """One release or run in full: REF is a tag, its beginning, a run id, last or previous."""
    session = world.online()
    from multigit.app import views

    return views.show(session, world.screen, ref)
