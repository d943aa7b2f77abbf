"""What references to secrets stand for. Read when it is used, kept nowhere, and repeated in no error."""

from __future__ import annotations

import os

from multigit.errors import MultigitError
from multigit.model.references import Reference


def resolved(reference: Reference) -> str:
    """The value of `${env:NAME}`; MultigitError, which does not repeat it, where there is none that can be used."""
    value = os.environ.get(reference.variable, "").strip()
    if not value:
        raise MultigitError(f"{reference.variable} is not set in the environment", why="repos.yaml refers to it",
                            hint=f"export {reference.variable}=…", code="MG-810")  # fmt: skip
    if not value.isprintable() or not value.isascii():
        raise MultigitError(f"{reference.variable} has characters in it that no secret has", code="MG-810",
                            why="control characters, or letters outside ASCII")  # fmt: skip
    return value


def without(text: str, *secrets: str) -> str:
    """`text`, which others wrote, with each of `secrets` replaced by `***`."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
