"""Who did something, and from where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it, and from where."""

    name: str
    email: str
    user: str
    host: str
