"""The check `database`, against a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from multigit.configfile import ConfigError
from multigit.model.verdict import Verdict
from tests.support.asking import asked, config
from tests.support.postgres import PASSWORD, binaries, postgres

_IN_CI = os.environ.get("CI") == "true"
_HERE = binaries() is not None or _IN_CI


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    if not _HERE:
        pytest.skip("needs PostgreSQL: run scripts/servers-install as root")
    native = pytest.importorskip("pg8000.native") if not _IN_CI else __import__("pg8000.native").native
    with postgres() as port:
        line = native.Connection("gli", password=PASSWORD, host="127.0.0.1", port=int(port), database="postgres")
        line.run("CREATE DATABASE gli")
        line.close()
        line = native.Connection("gli", password=PASSWORD, host="127.0.0.1", port=int(port), database="gli")
        line.run("CREATE TABLE django_migrations (id serial, app text, name text)")
        line.run("INSERT INTO django_migrations (app, name) VALUES ('o', '0001_initial'), ('o', '0002_total')")
        line.run("CREATE SCHEMA ops")
        line.run("CREATE TABLE ops.schema_migrations (version bigint, dirty boolean)")
        line.run("INSERT INTO ops.schema_migrations VALUES (42, false)")
        line.close()
        yield port


def says(monkeypatch: pytest.MonkeyPatch, dsn: str, **settings: Any) -> Verdict:
    monkeypatch.setenv("DATABASE_URL", dsn)
    said = asked("database", **{"dsn": "${env:DATABASE_URL}"} | settings)
    assert PASSWORD not in repr(said)
    assert quote(PASSWORD, safe="") not in repr(said)
    return said


def dsn(port: str, user: str = "gli", password: str = PASSWORD, database: str = "gli", more: str = "") -> str:
    return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{port}/{database}{more}"


@pytest.mark.slow
@pytest.mark.shows("G18")
def test_a_database_that_answers_is_well(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = says(monkeypatch, dsn(port))
    assert said.state == "pass"
    assert said.why.startswith("DATABASE_URL: PostgreSQL 1")


@pytest.mark.slow
def test_a_migration_must_have_arrived(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"table": "django_migrations", "column": "name"}
    said = says(monkeypatch, dsn(port), migrations={**table, "expected": "0002_total"})
    assert (said.state, said.why.endswith("ms, 0002_total is in django_migrations")) == ("pass", True)
    said = says(monkeypatch, dsn(port), migrations={**table, "expected": "{sha:8}'; DROP TABLE django_migrations; --"})
    assert said.why == "DATABASE_URL: migration abababab'; DROP TABLE django_migrations; -- is not in django_migrations"
    assert says(monkeypatch, dsn(port), migrations={**table, "expected": "0001_initial"}).state == "pass"
    numbered = {"table": "ops.schema_migrations", "column": "version", "expected": "42"}
    assert says(monkeypatch, dsn(port), migrations=numbered).state == "pass"


@pytest.mark.slow
def test_a_migration_that_is_half_done_is_not_well(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import pg8000.native

    asks = {"table": "ops.schema_migrations", "column": "version", "expected": "42", "dirty": "dirty"}
    assert says(monkeypatch, dsn(port), migrations=asks).state == "pass"
    line = pg8000.native.Connection("gli", password=PASSWORD, host="127.0.0.1", port=int(port), database="gli")
    try:
        line.run("UPDATE ops.schema_migrations SET dirty = true")
        assert "is dirty: a migration is half done" in says(monkeypatch, dsn(port), migrations=asks).why
    finally:
        line.run("UPDATE ops.schema_migrations SET dirty = false")
        line.close()


@pytest.mark.slow
def test_what_the_database_refuses_is_told_apart(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    why = {
        dsn(port, password="wrong-secret"): "DATABASE_URL: the login is refused",
        dsn(port, database="nope"): "DATABASE_URL: there is no such database",
        dsn(port, more="?sslmode=require"): "DATABASE_URL: no connection: it refuses TLS",
    }
    for address, told in why.items():
        assert says(monkeypatch, address).why == told
    asks = {"table": "nope", "column": "name", "expected": "x"}
    assert says(monkeypatch, dsn(port), migrations=asks).why == "DATABASE_URL: there is no table nope"
    asks = {"table": "django_migrations", "column": "nope", "expected": "x"}
    assert "django_migrations has no such column" in says(monkeypatch, dsn(port), migrations=asks).why


@pytest.mark.slow
def test_nobody_there_and_nobody_answering_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pg8000")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = str(free.getsockname()[1])
    assert says(monkeypatch, dsn(closed)).why == "DATABASE_URL: no connection: Connection refused"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = says(monkeypatch, dsn(str(silent.getsockname()[1])), timeout="1s")
    assert said.why == "DATABASE_URL: no connection: no answer in time"
    assert "its name is not known" in says(monkeypatch, "postgresql://gli:x@no-such.invalid/gli").why


@pytest.mark.parametrize(
    "address", ["p4ss", "mysql://u:p4ss@h/d", "postgresql:///gli", "postgresql://u:p4ss@h:port/d",
                "postgresql://u:p4ss@h/d?sslmode=maybe"],
)  # fmt: skip
def test_what_is_no_address_is_not_repeated(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    pytest.importorskip("pg8000")
    said = says(monkeypatch, address)
    assert said.state == "fail"
    assert said.why.startswith("DATABASE_URL ")
    assert "p4ss" not in repr(said)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ('dsn: "postgresql://gli:hunter22@db/gli"', "looks like a secret"),
        ("dsn: hunter22", "write ${env:NAME}"),
        ('dsn: "${env:A}", migrations: {table: "a; drop", column: b, expected: c}', "is no name of a table"),
        ('dsn: "${env:A}", migrations: {table: a, column: b, expected: "{shaa}"}', 'did you mean "sha"'),
        ('dsn: "${env:A}", timeout: 0s', "timeout must be"),
    ],
)
def test_settings_that_cannot_be_right_are_mistakes_in_the_file(settings: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(f"{{kind: database, {settings}}}")
    assert told in caught.value.why
    assert "hunter22" not in caught.value.why


@pytest.mark.slow
@pytest.mark.skipif(not _HERE, reason="needs PostgreSQL: run scripts/servers-install as root")
def test_a_database_that_is_going_or_coming_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    native = pytest.importorskip("pg8000.native")
    with postgres() as port:
        line = native.Connection("gli", password=PASSWORD, host="127.0.0.1", port=int(port), database="postgres")
        backend = line.run("SELECT pg_backend_pid()")[0][0]
        postmaster = int(Path(f"/proc/{backend}/stat").read_text("ascii").rpartition(")")[2].split()[1])
        os.kill(postmaster, signal.SIGTERM)  # a smart shutdown: it waits for this session and takes no other
        said = says(monkeypatch, dsn(port, database="postgres"))
    assert (said.state, said.retry_after) == ("wait", 5.0)
    with suppress(OSError, native.InterfaceError):
        line.close()
