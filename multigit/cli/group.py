"""The group of all verbs. Help and completion read this table; a verb's module is imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

VERBS: dict[str, tuple[str, str, str]] = {
    # verb: (section, module, one line)
    "init": ("SET UP", "init", "Write a repos.yaml: from clones found here, or from an example."),
    "demo": ("SET UP", "demo", "See everything work, on eight repositories made for it."),
    "doctor": ("SET UP", "doctor", "Whether this machine and every remote are fit for a release."),
    "clone": ("SET UP", "workspace", "Clone the repositories that are missing here."),
    "config": ("SET UP", "config", "Check, show or describe repos.yaml."),
    "status": ("LOOK", "look", "Where every repository is, what waits, what is owed."),
    "plan": ("LOOK", "promote", "What a promotion would do, with conflicts predicted."),
    "diff": ("LOOK", "look", "What one environment has that the next one lacks."),
    "log": ("LOOK", "look", "Commits between environments or since a release."),
    "history": ("LOOK", "look", "Releases, newest first."),
    "show": ("LOOK", "look", "One release or run in full."),
    "logs": ("LOOK", "logs", "What the services of an environment wrote."),
    "verify": ("LOOK", "verify", "Whether ledger, fences, tags and branches agree."),
    "pull": ("MOVE", "workspace", "Bring the clones' branch up to date; never merges or discards."),
    "promote": ("MOVE", "promote", "Merge an environment into the next, tag the fleet, all or nothing."),
    "hotfix": ("MOVE", "publish", "Emergency: publish what the clones have, past staging."),
    "push": ("MOVE", "publish", "Commit and publish the clones' work on a development branch."),
    "backmerge": ("MOVE", "backmerge", "Bring fixes back upstream: main into stg, stg into dev."),
    "rollback": ("MOVE", "rollback", "Take an environment back to a release."),
    "resume": ("MOVE", "settle", "Go on with a run that was left half done."),
    "abort": ("MOVE", "settle", "Take a half-done run back."),
    "hold": ("MOVE", "hold", "Set, list or release stop signs and quarantines."),
    "deploy": ("DEPLOY", "deploy", "Bring an environment to what its branch says, step by step."),
    "watch": ("DEPLOY", "deploy", "How a deployment goes on, live, from any machine."),
    "infra": ("DEPLOY", "infra", "What repos.yaml wants in AWS: show it, make it, mend it."),
    "approve": ("TELL", "approve", "Approve somebody else's saved plan, signed."),
    "notify": ("TELL", "notify", "Try the notifiers, or send what waits for them."),
    "completion": ("TELL", "completion", "Print the completion script of a shell."),
}


class LazyGroup(click.Group):
    """A group that knows its verbs' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All verbs, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The verb, imported now. Completing a verb's name does not come here, completing its options does."""
        if cmd_name not in VERBS:
            return None
        module = import_module(f"multigit.cli.{VERBS[cmd_name][1]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        command.short_help = VERBS[cmd_name][2]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, with the nearest verb in the error."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as unknown:
            from difflib import get_close_matches

            close = get_close_matches(args[0], list(VERBS), n=1)
            if close:
                raise click.UsageError(f"{unknown.message} Did you mean {close[0]!r}?", ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The verbs by section, from the table alone."""
        for section in dict.fromkeys(row[0] for row in VERBS.values()):
            with formatter.section(section):
                formatter.write_dl([(verb, row[2]) for verb, row in VERBS.items() if row[0] == section])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[click.shell_completion.CompletionItem]:
        """Names of verbs and options, nothing imported."""
        from click.shell_completion import CompletionItem

        verbs = [CompletionItem(verb, help=row[2]) for verb, row in VERBS.items() if verb.startswith(incomplete)]
        return verbs or click.Command.shell_complete(self, ctx, incomplete)
