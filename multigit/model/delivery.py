"""What became of a notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["sent", "waiting", "given-up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one notice at one notifier. `waiting`: it is tried again; `given-up`: it is not."""

    notifier: str
    event: str
    run: str = ""
    state: State
    why: str = ""
    tries: int = 0
