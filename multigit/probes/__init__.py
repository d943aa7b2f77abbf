"""Probes of `doctor ENV`: one file per thing that gives trouble, asked of every repository that deploys there.
Files that start with `_` are helpers, not probes.

A probe is a module with `probe(patient, eye) -> Iterator[Finding]`. It only looks, says what it saw and, where that is
not well, the command that mends it; it says nothing where the patient has no such thing. What is asked of AWS goes by
`eye.aws`; each group of questions stands in `guarded`, so that what may not be asked or does not answer is a finding
of its own and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from multigit import clients
from multigit.errors import MultigitError
from multigit.model.health import Finding
from multigit.model.probing import Patient
from multigit.model.serving import HealthCheck
from multigit.model.urls import hide_secrets
from multigit.model.verdict import Verdict

_RIGHTS: Final = {  # where the right is not called like the question (Service Authorization Reference)
    "s3:HeadBucket": "s3:ListBucket", "s3:HeadObject": "s3:GetObject", "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
}  # fmt: skip
_PREFIXES: Final = {"elbv2": "elasticloadbalancing"}
_DENIED: Final = "MG-802"
NAMES: Final = ("actions", "database", "service", "static", "websocket")
"""The probes, in the order in which their findings are told."""


class NotAllowed(MultigitError):
    """The credentials are known, and may not ask this."""


@dataclass(frozen=True, slots=True)
class Eye:
    """What probes reach the world by."""

    ask: Callable[[HealthCheck], Verdict]
    """The answer of a health check."""
    account_known: bool = True
    """False: nothing is asked of AWS; a finding said why."""
    denied: set[str] = field(default_factory=set)
    """Rights that were missing."""

    def aws(self, patient: Patient, service: str, question: str, absent: Sequence[str] = (), **values: Any) -> Any:
        """The answer to `question`, such as `describe_services`; None where AWS says one of `absent`.

        NotAllowed, or MultigitError in words.
        """
        right = right_of(service, question)
        try:
            with clients.asked(right):
                client = clients.aws(service, region=patient.region or None, role=patient.role)
                try:
                    return getattr(client, question)(**values)
                except Exception as error:
                    if clients.code_of(error) in absent:
                        return None
                    raise
        except MultigitError as no:
            if no.code == _DENIED:
                self.denied.add(right)
                raise NotAllowed(right, why=no.why, code=_DENIED) from None
            raise


def right_of(service: str, question: str) -> str:
    """The right that is needed: `ecs:DescribeServices`."""
    asked = "".join(word.capitalize() for word in question.split("_"))
    right = f"{_PREFIXES.get(service, service)}:{asked.removesuffix('V2')}"
    return _RIGHTS.get(right, right)


def guarded(patient: Patient, name: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings; what may not be asked, or does not answer, is one as well."""
    try:
        yield from look()
    except NotAllowed as no:
        yield patient.told(name, "skip", f"not looked at: these credentials lack {no.what}")
    except MultigitError as no:
        yield patient.told(name, "warn", hide_secrets(f"not looked at: {no.what}: {no.why}"), *no.hint.split("\n"))


def one_line(text: object) -> str:
    """What others wrote, on one line, without what looks like a secret."""
    return hide_secrets(" ".join(str(text or "").split()))


Answer = Mapping[str, Any]
