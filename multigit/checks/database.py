"""Asks a PostgreSQL database whether it answers, and whether a migration has arrived in it.

    health: {kind: database, dsn: "${env:STG_DATABASE_URL}",
             migrations: {table: django_migrations, column: name, expected: 0042_orders}}

Needs `pip install 'multigit-release[database]'`. Nothing is written, and of the address nothing is shown.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from multigit.errors import MultigitError
from multigit.model.config import STRICT, seconds
from multigit.model.references import Reference
from multigit.model.serving import Serving
from multigit.model.verdict import Verdict
from multigit.secrets import resolved, without

ASKS: Final = "serving"
TEMPLATES: Final = ("migrations",)
_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", re.ASCII)
_REFUSED: Final = {  # https://www.postgresql.org/docs/15/errcodes-appendix.html
    "28P01": "the login is refused", "28000": "the login is refused", "3D000": "there is no such database",
    "42P01": "there is no table {table}", "42703": "{table} has no such column", "57014": "no answer in time",
    "42501": "the login may not read {table}", "53300": "it has too many connections",
}  # fmt: skip
_STARTING: Final = "57P03"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations:
    """Where a tool for migrations writes down what it did."""

    __pydantic_config__ = STRICT
    table: str
    """Table of the tool, with its schema where needed: `django_migrations`, `public.schema_migrations`."""
    column: str
    """Column that names a migration."""
    expected: str
    """Migration that must be there; a template."""
    dirty: str = ""
    """Column that is true while a migration is half done."""

    def __post_init__(self) -> None:
        for name in (self.table, self.column, *([self.dirty] if self.dirty else [])):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a table or column")
        if not self.expected:
            raise ValueError("expected must not be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this check: `kind: database`."""

    __pydantic_config__ = STRICT
    dsn: Reference
    """`${env:NAME}` of the address: `postgresql://user:password@host:5432/name?sslmode=verify-full`."""
    migrations: Migrations | None = None
    """What must have arrived; only whether it answers when left out."""
    timeout: str = "10s"
    """How long the connection, and each question, may take."""

    def __post_init__(self) -> None:
        if not 1 <= seconds(self.timeout) <= 300:
            raise ValueError("timeout must be 1s to 5m")


def evaluate(settings: Settings, subject: Serving, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where it answers, and has the migration; wait while it starts."""
    driver, name = _driver(), settings.dsn.variable
    target = target_of(name, resolved(settings.dsn))
    start = time.monotonic()
    try:
        with _connected(driver, target, seconds(settings.timeout)) as line:
            version = line.run("SHOW server_version")[0][0]
            took = (time.monotonic() - start) * 1000
            wrong = _migrated(line, settings.migrations) if settings.migrations else ""
    except driver.DatabaseError as no:
        return _refused(settings, no, target)
    except (driver.InterfaceError, OSError) as no:
        return Verdict(state="fail", why=f"{name}: no connection{_cause(no)}")
    if wrong:
        return Verdict(state="fail", why=f"{name}: {wrong}")
    arrived = f", {settings.migrations.expected} is in {settings.migrations.table}" if settings.migrations else ""
    return Verdict(state="pass", why=f"{name}: PostgreSQL {version} answers in {took:.0f} ms{arrived}")


@contextmanager
def _connected(driver: Any, target: Mapping[str, Any], limit: int) -> Iterator[Any]:
    """A connection, closed in the end; `limit`: seconds for each step. The socket is ours: the driver leaks its own."""
    with socket.create_connection((target["host"], target["port"]), limit) as plain:
        line = driver.Connection(sock=plain, application_name="multigit", **target)
        try:
            line.run(f"SET statement_timeout = {limit * 1000}")
            yield line
        finally:
            with suppress(OSError, driver.InterfaceError):  # one that broke cannot say goodbye
                line.close()


def _driver() -> Any:
    try:
        import pg8000.native
    except ImportError:
        raise MultigitError("pg8000 is not installed", why="this speaks with PostgreSQL", code="MG-811",
                            hint="pip install 'multigit-release[database]'") from None  # fmt: skip
    return pg8000.native


def target_of(name: str, dsn: str) -> dict[str, Any]:
    """What the driver needs, of an address as libpq has it; MultigitError, which does not repeat it, otherwise."""
    try:
        parts = urlsplit(dsn)
        host, port = parts.hostname, parts.port or 5432
    except ValueError:
        host, port = None, 0
    if not host or parts.scheme not in ("postgresql", "postgres") or not parts.username:
        raise MultigitError(f"{name} is no address of a PostgreSQL database", code="MG-811",
                            why="it is written postgresql://user:password@host:5432/name")  # fmt: skip
    user = unquote(parts.username)
    return {"host": host, "port": port, "user": user, "password": unquote(parts.password or "") or None,
            "database": unquote(parts.path.lstrip("/")) or user,
            "ssl_context": _tls(name, parse_qs(parts.query).get("sslmode", ["prefer"])[-1])}  # fmt: skip


def _tls(name: str, mode: str) -> Any:
    """As libpq has it (sslmode): None uses it where the server can, without asking who that is; True insists on it."""
    if mode in ("verify-ca", "verify-full"):
        context = ssl.create_default_context()
        context.check_hostname = mode == "verify-full"
        return context
    known: dict[str, bool | None] = {"disable": False, "allow": None, "prefer": None, "require": True}
    if mode not in known:
        raise MultigitError(f"{name} has an sslmode that is not known", why=f"known: {', '.join(known)}, verify-ca, "
                            "verify-full", code="MG-811")  # fmt: skip
    return known[mode]


def _migrated(line: Any, asked: Migrations) -> str:
    """Why the migration has not arrived; '' where it has."""
    table, column = _quoted(asked.table), _quoted(asked.column)  # checked by Migrations: letters, digits and _
    half = f"SELECT EXISTS (SELECT 1 FROM {table} WHERE {_quoted(asked.dirty)})"  # noqa: S608
    if asked.dirty and line.run(half)[0][0]:
        return f"{asked.table} is dirty: a migration is half done"
    there = f"SELECT EXISTS (SELECT 1 FROM {table} WHERE {column}::text = :expected)"  # noqa: S608
    arrived = line.run(there, expected=asked.expected)[0][0]
    return "" if arrived else f"migration {asked.expected} is not in {asked.table}"


def _quoted(name: str) -> str:
    return ".".join(f'"{part}"' for part in name.split("."))


def _refused(settings: Settings, no: Exception, target: dict[str, Any]) -> Verdict:
    said = no.args[0] if no.args and isinstance(no.args[0], dict) else {}
    code, name = str(said.get("C", "")), settings.dsn.variable
    if code == _STARTING:
        return Verdict(state="wait", why=f"{name}: the database is starting or stopping", retry_after=5.0)
    table = settings.migrations.table if settings.migrations else "it"
    words = _REFUSED.get(code, "").format(table=table) or f"PostgreSQL says {code}: {said.get('M', 'nothing more')}"
    secrets = [str(target[key]) for key in ("password", "user", "host", "database") if target[key]]
    return Verdict(state="fail", why=f"{name}: {words if code in _REFUSED else without(words, *secrets)}")


def _cause(no: Exception) -> str:
    """Why there is none, without the address that the driver names."""
    reason = no if isinstance(no, OSError) else no.__cause__
    if isinstance(reason, TimeoutError):
        return ": no answer in time"
    if isinstance(reason, socket.gaierror):
        return ": its name is not known"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f": the certificate is refused: {reason.verify_message}"
    if isinstance(reason, OSError) and reason.strerror:
        return f": {reason.strerror}"
    return ": it refuses TLS" if "SSL" in str(no) else ""
