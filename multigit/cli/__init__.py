"""The command line: a lazy group, one file per verb, and one place where errors become words and exit codes."""

from multigit.cli.boundary import main

__all__ = ["main"]
