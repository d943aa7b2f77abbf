"""A bug: the trace goes into a file that may be sent, with secrets taken out; the screen gets a sentence."""

from __future__ import annotations

import platform
import sys
import traceback
from datetime import UTC, datetime

from platformdirs import user_state_path

from multigit import __version__
from multigit.errors import BUG, MultigitError
from multigit.model.urls import hide_secrets


class BugError(MultigitError):
    """Something nobody thought of."""

    exit_code = BUG
    code = "MG-700"


def explain(bug: BaseException) -> BugError:
    """Write the crash file; the error that tells of it."""
    report = "\n".join(
        [
            f"multigit {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"arguments: {hide_secrets(' '.join(sys.argv[1:]))}",
            "",
            hide_secrets("".join(traceback.format_exception(bug))),
        ]
    )
    folder = user_state_path("multigit") / "crashes"
    path = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(report, encoding="utf-8")
        where = f"the details are in {path}; please report them"
    except OSError as unwritten:
        where = f"the details could not be written: {unwritten.strerror}"
    return BugError(
        f"multigit met something nobody thought of: {type(bug).__name__}",
        why=hide_secrets(str(bug)),
        hint=f"{where}\nmultigit status   (says whether a run is open)",
    )
