"""What a person's own git configuration says about ways to hosts. Pure: run.py asks git for it, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WANTED: Final = r"^(core\.sshcommand|url\..*\.(push)?insteadof|http\..*|credential\..*|remote\..*\.proxy)$"
"""The settings that matter, for `git config --get-regexp`."""


@dataclass(frozen=True, slots=True)
class PersonalSettings:
    """What the person's own git configuration says about transports."""

    ssh_command: bool
    rewrites: tuple[tuple[str, str], ...]
    """(prefix, what stands for it instead), `url.<base>.insteadOf` and pushInsteadOf."""
    web: tuple[tuple[str, str], ...] = ()
    """Everything under `http.`, in git's order."""
    peculiar: bool = False
    """A proxy or a login that depends on more than the host."""

    def meanings(self, url: str) -> tuple[str, ...]:
        """`url` and everything git might go to instead."""
        return (url, *(base + url[len(prefix) :] for prefix, base in self.rewrites if url.startswith(prefix)))


def settings_of(listed: bytes) -> PersonalSettings:
    """The settings in what `git config --null --get-regexp WANTED` printed."""
    found = listed.decode("utf-8", "replace")
    pairs = [entry.partition("\n")[::2] for entry in found.split("\0") if entry]
    return PersonalSettings(
        ssh_command=any(key == "core.sshcommand" for key, _ in pairs),
        rewrites=tuple((value, key[4:].rpartition(".")[0]) for key, value in pairs if key.startswith("url.")),
        web=tuple((key, value) for key, value in pairs if key.startswith("http.")),
        peculiar=any(_peculiar(key) for key, _ in pairs),
    )


def _peculiar(key: str) -> bool:
    if not key.startswith("credential."):
        return key.startswith("remote.")
    address = key[11:].rpartition(".")[0]
    return key.endswith(".usehttppath") or "/" in (address.partition("://")[2] or address).rstrip("/")
