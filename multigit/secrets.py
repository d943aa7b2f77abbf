"""What references to secrets stand for. Read when it is used, kept nowhere, and repeated in no error."""

from __future__ import annotations

import os
from collections.abc import Mapping

from multigit.errors import MultigitError
from multigit.model.references import Reference


def resolved(reference: Reference, environ: Mapping[str, str] | None = None, *, letters: bool = False) -> str:
    """The value of `${env:NAME}`; MultigitError, which does not repeat it, where there is none that can be used.

    `letters`: those outside ASCII may be in it, as in a password.
    """
    value = (os.environ if environ is None else environ).get(reference.variable, "").strip()
    if not value:
        raise MultigitError(f"{reference.variable} is not set in the environment", why="repos.yaml refers to it",
                            hint=f"export {reference.variable}=…", code="MG-810")  # fmt: skip
    if not value.isprintable() or not (letters or value.isascii()):
        raise MultigitError(f"{reference.variable} has characters in it that no secret has", code="MG-810",
                            why="control characters, or letters outside ASCII")  # fmt: skip
    return value


def without(text: str, *secrets: str) -> str:
    """`text`, which others wrote, with each of `secrets` replaced by `***`."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
