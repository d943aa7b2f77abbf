"""Sends each notice as a mail; the mails of one run make one thread.

notify: [{email: "${env:SMTP_SERVER}", from: releases@shop.example, to: [team@shop.example],
user: "${env:SMTP_USER}", password: "${env:SMTP_PASSWORD}", when: [finished, failed]}]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from multigit.model.config import STRICT
from multigit.model.notice import Telling
from multigit.model.references import Reference
from multigit.notifiers import LOOPBACK, Clients, NotSent

if TYPE_CHECKING:
    import smtplib
    from email.message import EmailMessage

_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_SERVER: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(?::(?P<port>\d{1,5}))?")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this notifier."""

    __pydantic_config__ = STRICT
    address: Reference
    """The mail server: `host` or `host:port`; the port is 587, 465 or 25 by `tls` when left out."""
    from_: str
    """Address of the sender."""
    to: tuple[str, ...]
    """Addresses of those who are told."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """`none` only for a server on this machine: a notice, and a password, would be readable on the way."""
    user: Reference | None = None
    """Name for the login; no login when left out."""
    password: Reference | None = None
    """Password for the login."""

    def __post_init__(self) -> None:
        if not self.to:
            raise ValueError("to needs at least one address")
        for one in (self.from_, *self.to):
            if not _ADDRESS.fullmatch(one):
                raise ValueError(f"{one!r} is no mail address: write name@host")
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")


def notify(settings: Settings, event: Telling, clients: Clients) -> str:
    """Hand the mail to the server. Of several recipients, those it refuses are named in the remark."""
    import smtplib

    host, port = _server(clients.resolved(settings.address), settings)
    login = [clients.resolved(one) for one in (settings.user, settings.password) if one is not None]
    try:
        with _connected(settings, host.strip("[]"), port, clients.seconds) as server:
            if login:
                server.login(login[0], login[1])
            refused = server.send_message(mail(settings, event), settings.from_, list(settings.to))
    except smtplib.SMTPAuthenticationError as failed:
        raise NotSent(f"the mail server refused the login ({failed.smtp_code})", lasting=True) from None
    except smtplib.SMTPRecipientsRefused as failed:
        codes = ", ".join(f"{who} ({code})" for who, (code, _) in failed.recipients.items())
        raise NotSent(f"the mail server refused every recipient: {codes}",
                      lasting=all(code >= 500 for code, _ in failed.recipients.values())) from None  # fmt: skip
    except smtplib.SMTPResponseException as failed:
        said = failed.smtp_error.decode("utf-8", "replace") if isinstance(failed.smtp_error, bytes) else ""
        raise NotSent(f"the mail server answered {failed.smtp_code}: {said}", lasting=failed.smtp_code >= 500) from None
    except smtplib.SMTPNotSupportedError:
        raise NotSent(f"the mail server does not offer what tls: {settings.tls} or the login needs",
                      lasting=True) from None  # fmt: skip
    except smtplib.SMTPException as failed:
        raise NotSent(f"the mail server broke off: {type(failed).__name__}") from None
    except OSError as failed:
        from multigit.notifiers._http import reason

        raise NotSent(f"the mail server: {reason(failed, clients.seconds)}") from None
    return f"the mail server refused {', '.join(refused)}" if refused else ""


def _server(text: str, settings: Settings) -> tuple[str, int]:
    found = _SERVER.fullmatch(text)
    if not found:
        raise NotSent(f"{settings.address.variable} is no mail server: host or host:port is meant", lasting=True)
    if settings.tls == "none" and found["host"] not in LOOPBACK:
        raise NotSent("tls: none is only for a mail server on this machine", lasting=True)
    return found["host"], int(found["port"] or _PORTS[settings.tls])


def _connected(settings: Settings, host: str, port: int, seconds: float) -> smtplib.SMTP:
    import smtplib
    import socket
    import ssl

    name = socket.gethostname() or "localhost"  # smtplib would ask the name server for it, which may take long
    if settings.tls == "tls":
        secure = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, local_hostname=name, timeout=seconds, context=secure)
    server = smtplib.SMTP(host, port, local_hostname=name, timeout=seconds)
    try:
        if settings.tls == "starttls":
            server.starttls(context=ssl.create_default_context())
    except BaseException:
        server.close()
        raise
    return server


def mail(settings: Settings, event: Telling) -> EmailMessage:
    """The message. Header values are single lines already (`Telling`); the library refuses anything else."""
    from email.message import EmailMessage
    from email.policy import SMTP
    from email.utils import format_datetime

    notice = event.notice
    thread = f"<{_word(notice.run or notice.id)}.{_word(notice.system)}@multigit.invalid>"
    message = EmailMessage(policy=SMTP)
    message["Subject"] = event.headline
    message["From"], message["To"] = settings.from_, ", ".join(settings.to)
    message["Date"] = format_datetime(notice.at)
    message["Message-ID"] = f"<{_word(notice.id)}@multigit.invalid>"
    message["References"] = thread
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers by machines
    message["X-Multigit-Event"] = notice.event
    message.set_content("\n".join([event.headline, "", *event.lines, *([""] if event.details else []), *event.details])
                        + "\n", cte="base64")  # fmt: skip
    return message


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", text)
