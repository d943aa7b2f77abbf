"""Hosts that refuse a ref, and say why."""

from __future__ import annotations

from tests.support.fleetkit import FleetKit

WORDS = "frozen by the platform team"
_REFUSE = 'while read old new ref; do case "$ref" in {ref}) echo "{words}" >&2; exit 1;; esac; done'


def refuse(kit: FleetKit, name: str, ref: str) -> None:
    """Let the host of `name` refuse every push of `ref`, a shell pattern, with WORDS."""
    kit.hosts[name].hook("pre-receive", _REFUSE.format(ref=ref, words=WORDS))


def heal(kit: FleetKit, name: str) -> None:
    """Let it take everything again."""
    (kit.hosts[name].path / "hooks/pre-receive").unlink()
