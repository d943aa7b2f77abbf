"""Asks how long a host's certificate is still good, with whoever this machine trusts.

health: {kind: tls, host: "{site}", days: 21}
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from multigit.model.config import STRICT, seconds
from multigit.model.serving import Serving
from multigit.model.verdict import Verdict

ASKS: Final = "serving"
TEMPLATES: Final = ("host",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this check: `kind: tls`."""

    __pydantic_config__ = STRICT
    host: str
    """Name of the host; a template."""
    port: int = 443
    """Port that speaks TLS."""
    days: int = 7
    """Days that must be left."""
    timeout: str = "10s"
    """How long the handshake may take."""

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError("port must be a number from 1 to 65535")
        seconds(self.timeout)


def evaluate(settings: Settings, subject: Serving, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where enough days are left; a certificate that is refused is a fail that says why."""
    place = f"{settings.host}:{settings.port}"
    try:
        ends = _ends(settings)
    except ssl.SSLCertVerificationError as refused:
        return Verdict(state="fail", why=f"{place}: the certificate is refused: {refused.verify_message}")
    except OSError as no:
        return Verdict(state="fail", why=f"{place}: no connection: {no.strerror or str(no) or 'no answer in time'}")
    left = (ends - subject.now).days
    until = f"{ends.astimezone(subject.now.tzinfo):%Y-%m-%d}"
    good = f"{place}: the certificate is good for {left} more days, until {until}"
    if left >= settings.days:
        return Verdict(state="pass", why=good)
    return Verdict(state="fail", why=f"{good}; {settings.days} are asked for")


def _ends(settings: Settings) -> datetime:
    context = ssl.create_default_context()
    with (
        socket.create_connection((settings.host, settings.port), timeout=seconds(settings.timeout)) as line,
        context.wrap_socket(line, server_hostname=settings.host) as told,
    ):
        certificate = told.getpeercert()
    assert certificate is not None  # it was verified
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
