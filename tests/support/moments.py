"""At which moments to be killed: a part of them for every change, all of them by scripts/nightly."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

_LOOKS: Final = ("Describe", "List", "Get", "Head", "BatchGet")


def every() -> bool:
    """Whether all moments are asked for."""
    return os.environ.get("MULTIGIT_MOMENTS") == "all"


def telling(calls: Sequence[str]) -> list[int]:
    """Numbers of calls of AWS, the first being 1, after which a kill may tell something new: those that change it."""
    return [number for number, name in enumerate(calls, 1) if every() or not name.startswith(_LOOKS) or number == 1]
