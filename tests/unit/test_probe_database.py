"""The probe `database`: each step of the way against a real PostgreSQL, RDS and secrets against moto (G18)."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from multigit.clients import aws
from multigit.model.health import Finding
from tests.support.awscloud import aws_cloud
from tests.support.behind_elb import Behind, behind
from tests.support.patients import patient, probed, states, typed
from tests.support.postgres import PASSWORD, binaries, postgres

pytestmark = [pytest.mark.slow, pytest.mark.shows("G18")]
CHECKED = '{health: {kind: database, dsn: "${env:STG_DB}", timeout: 2s}}'
needs_postgres = pytest.mark.skipif(binaries() is None and os.environ.get("CI") != "true", reason="needs PostgreSQL")


def look(monkeypatch: pytest.MonkeyPatch, dsn: str) -> dict[str, Finding]:
    monkeypatch.setenv("STG_DB", dsn)
    found = probed("database", patient(CHECKED))
    for one in found.values():
        assert not any(secret in one.why + one.fix for secret in (PASSWORD, quote(PASSWORD, safe=""), "127.0.0.1"))
    return found


@needs_postgres
def test_each_step_to_a_real_database_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres() as port:
        place = f"127.0.0.1:{port}/postgres?sslmode=prefer"
        found = look(monkeypatch, f"postgresql://gli:wrong@{place}")
        assert states(found) == {"login": "ng"}
        assert "the login is refused" in found["login"].why
        assert found["login"].fix.startswith("aws secretsmanager describe-secret --secret-id … --query LastChangedDate")
        found = look(monkeypatch, f"postgresql://gli:{quote(PASSWORD, safe='')}@{place}")
        assert states(found) == {}
        assert found["database"].why == f"STG_DB: the name is known, port {port} answers, TLS is not offered"
        assert "PostgreSQL" in found["login"].why
        missing = look(monkeypatch, f"postgresql://gli:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/gli")
        assert "there is no such database" in missing["login"].why
    found = look(monkeypatch, f"postgresql://gli:{quote(PASSWORD, safe='')}@{place}")
    assert states(found) == {"database": "ng"}
    assert "cannot be reached (its address is one inside a VPC): Connection refused" in found["database"].why


def test_an_unknown_name_another_service_and_silence_are_three_things(monkeypatch: pytest.MonkeyPatch) -> None:
    said = look(monkeypatch, "postgresql://gli:p@nobody.invalid/gli")["database"].why
    assert said == "STG_DB: the name of its host is not known (DNS)"
    with server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert "is no PostgreSQL" in look(monkeypatch, f"postgresql://gli:p@127.0.0.1:{port}/gli")["database"].why
    with server(None) as port:
        assert "no answer in time" in look(monkeypatch, f"postgresql://gli:p@127.0.0.1:{port}/gli")["database"].why
    monkeypatch.delenv("STG_DB")
    found = probed("database", patient(CHECKED))["database"]
    assert (found.state, found.fix) == ("warn", "export STG_DB=…")


@contextmanager
def server(answer: bytes | None) -> Iterator[int]:
    """Something that answers whatever it is sent, or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as here:
        lines: list[socket.socket] = []

        def serve() -> None:
            line, _ = here.accept()
            lines.append(line)
            line.recv(64)
            if answer:
                line.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield here.getsockname()[1]
        thread.join()
        lines[0].close()


class Rds:
    """`stg-gli-database`, reached from inside by `gli-db`."""

    def __init__(self, here: Behind) -> None:
        self.here, self.rds, self.group = here, aws("rds"), here.group("gli-db")
        self.rds.create_db_subnet_group(DBSubnetGroupName="gli", DBSubnetGroupDescription="gli", SubnetIds=here.subnets)
        self.rds.create_db_instance(
            DBInstanceIdentifier="stg-gli-database", DBInstanceClass="db.t3.micro", Engine="postgres",
            MasterUsername="gli", MasterUserPassword=PASSWORD, AllocatedStorage=20, PubliclyAccessible=False,
            VpcSecurityGroupIds=[self.group], DBSubnetGroupName="gli", Port=5432,
        )  # fmt: skip

    def look(self, more: str = "") -> dict[str, Finding]:
        section = f'{{ecs: {{cluster: gli, service: ws}}, doctor: {{rds: "{{pre}}gli-database"{more}}}}}'
        return probed("database", patient(section))


@pytest.fixture
def rds() -> Iterator[Rds]:
    with aws_cloud(), behind() as here:
        yield Rds(here)


def test_a_database_that_lets_no_task_in_does_after_the_fix(rds: Rds) -> None:
    found = rds.look()
    assert states(found) == {"rds-port": "ng"}
    assert found["rds-port"].why == f"tasks to database: {rds.group} does not let {rds.here.tasks} in on 5432"
    typed(found["rds-port"].fix)
    assert states(rds.look()) == {}


def test_a_stopped_a_public_and_a_missing_instance(rds: Rds) -> None:
    rds.rds.stop_db_instance(DBInstanceIdentifier="stg-gli-database")
    found = rds.look()
    assert found["rds"].why == "stg-gli-database is stopped"
    typed(found["rds"].fix)
    rds.rds.modify_db_instance(DBInstanceIdentifier="stg-gli-database", PubliclyAccessible=True)
    found = rds.look()
    assert (found["rds"].state, found["rds-public"].state) == ("ok", "warn")
    typed(found["rds-public"].fix)
    assert rds.look()["rds-public"].state == "ok"
    rds.rds.delete_db_instance(DBInstanceIdentifier="stg-gli-database", SkipFinalSnapshot=True)
    assert "there is no RDS instance stg-gli-database" in rds.look()["rds"].why


def test_a_database_in_another_vpc_is_told(rds: Rds) -> None:
    ec2 = aws("ec2")
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="far", Description="far", VpcId=other)["GroupId"]
    rds.rds.modify_db_instance(DBInstanceIdentifier="stg-gli-database", VpcSecurityGroupIds=[group])
    assert "they lie in different VPCs" in rds.look()["rds-port"].why


def test_secrets_that_the_task_definition_names_are_there_and_their_values_are_never_read() -> None:
    with aws_cloud():
        keeper = aws("secretsmanager")
        arn = keeper.create_secret(Name="gli/stg/db", SecretString=PASSWORD)["ARN"]
        with behind(secrets=(f"{arn}:password::", "/gli/parameter")):
            asked: list[str] = []
            aws("secretsmanager").meta.events.register("before-call", lambda model, **_: asked.append(model.name))

            def look() -> dict[str, Finding]:
                return probed("database", patient("{ecs: {cluster: gli, service: ws}}"))

            found = look()
            assert states(found) == {}
            assert "its value was not read" in found["secret"].why
            keeper.delete_secret(SecretId="gli/stg/db", RecoveryWindowInDays=7)
            found = look()
            assert states(found) == {"secret": "ng"}
            assert "is being deleted" in found["secret"].why
            typed(found["secret"].fix)
            assert states(look()) == {}
            keeper.delete_secret(SecretId="gli/stg/db", ForceDeleteWithoutRecovery=True)
            assert "there is no secret gli/stg/db" in look()["secret"].why
    assert "GetSecretValue" not in asked
    assert "DescribeSecret" in asked
