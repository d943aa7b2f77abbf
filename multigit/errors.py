"""Every error a person can meet: what failed, why, what has changed so far, and what to type next."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
PARTLY: Final = 4
UNWELL: Final = 5
CHANGES: Final = 10
BUG: Final = 70
INTERRUPTED: Final = 130


class MultigitError(Exception):
    """A failure that is explained, not traced.

    `what` is one sentence, `why` the cause, `hint` the command to type next, `state` what has
    changed so far ("nothing was pushed (0 of 8)"). `code` is stable (`MG-212`) and may be searched for.
    """

    exit_code: int = FAILED
    code: str = "MG-100"

    def __init__(self, what: str, *, why: str = "", hint: str = "", state: str = "", code: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint
        self.state = state
        self.code = code or type(self).code


class UsageError(MultigitError):
    """The command line or repos.yaml is wrong; nothing was looked at yet."""

    exit_code = USAGE
    code = "MG-200"


class Refused(MultigitError):
    """A gate, a conflict, a hold, a stale plan or a missing consent; nothing changed."""

    exit_code = REFUSED
    code = "MG-300"


class PartlyApplied(MultigitError):
    """A run is open: `resume` or `abort` settles it."""

    exit_code = PARTLY
    code = "MG-400"


class Interrupted(MultigitError):
    """Ctrl-C, EOF or a "no" before anything was pushed."""

    exit_code = INTERRUPTED
    code = "MG-130"
