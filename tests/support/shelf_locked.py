"""A target whose place cannot be reached: whoever asks is not known there."""

from __future__ import annotations

from typing import Any

from multigit.clients import SignedOut
from tests.support.shelf import TEMPLATES, Settings, deploy, poll

__all__ = ["TEMPLATES", "Settings", "current", "deploy", "poll"]


def current(settings: Settings, release: Any, clients: Any) -> Any:
    raise SignedOut("the shelf does not know who is asking", hint="sign in")
