"""A bug: the trace goes into a file that may be sent, with secrets taken out; the screen gets a sentence."""

from __future__ import annotations

import errno
import platform
import sys
import traceback
from datetime import UTC, datetime

from platformdirs import user_state_path

from multigit import __version__
from multigit.errors import BUG, MultigitError
from multigit.vcs.urls import redact


class BugError(MultigitError):
    """Something nobody thought of."""

    exit_code = BUG
    code = "MG-700"


class MachineError(MultigitError):
    """A disk is full, a folder read-only or somebody else's: no bug, and nothing to report."""

    code = "MG-120"


_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR)


def explain(bug: BaseException) -> MultigitError:
    """What to say of an exception that nobody caught; for a bug, write the crash file."""
    if isinstance(bug, OSError) and bug.errno in _MACHINE and bug.filename:
        return MachineError(
            f"{bug.filename} cannot be used",
            why=str(bug.strerror),
            hint="multigit status   (says whether a run is open)",
        )
    report = "\n".join(
        [
            f"multigit {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"arguments: {redact(' '.join(sys.argv[1:]))}",
            "",
            redact("".join(traceback.format_exception(bug))),
        ]
    )
    folder = user_state_path("multigit") / "crashes"
    path = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.txt"
    try:
        for one in (folder.parent, folder):  # parents=True would open the upper one to everybody
            one.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(report, encoding="utf-8")
        where = f"the details are in {path}; please report them"
    except OSError as unwritten:
        where = f"the details could not be written: {unwritten.strerror}"
    return BugError(
        f"multigit met something nobody thought of: {type(bug).__name__}",
        why=redact(str(bug)),
        hint=f"{where}\nmultigit status   (says whether a run is open)",
    )
