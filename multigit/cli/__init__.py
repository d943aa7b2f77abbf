"""The command line: a lazy group, one file per verb, and one place where errors become words and exit codes.

Nothing is imported here: --version, --help and completion are answered before the parser is loaded (quick.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from multigit.cli.quick import answer

__all__ = ["main"]


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit code. No traceback reaches the user."""
    said = answer(sys.argv[1:] if args is None else args, os.environ)
    if said is None:
        return _run(sys.argv[1:] if args is None else args)
    try:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        sys.stdout.write(said.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _run(args: Sequence[str]) -> int:
    from multigit.cli.ahead import open_connections

    try:
        open_connections(args, os.environ)
        from multigit.cli.boundary import main as run

        return run(args)
    except KeyboardInterrupt:  # so early that nothing else was there to say it
        from multigit.errors import INTERRUPTED

        return INTERRUPTED
    finally:
        if opening := sys.modules.get("multigit.vcs.ssh.opening"):
            opening.drop()
