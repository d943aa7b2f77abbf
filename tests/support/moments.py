"""Which calls of AWS to be killed after: those that change something; scripts/nightly takes every one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

_LOOKS: Final = ("Describe", "List", "Get", "Head", "BatchGet")


def telling(calls: Sequence[str]) -> list[int]:
    """Numbers of calls, the first being 1, after which a kill may tell something new."""
    every = os.environ.get("MULTIGIT_MOMENTS") == "all"
    return [number for number, name in enumerate(calls, 1) if every or not name.startswith(_LOOKS) or number == 1]
