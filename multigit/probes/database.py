"""The way to a PostgreSQL database, step by step: name, port, TLS, login; and RDS, security groups and secrets.

    health: {kind: database, dsn: "${env:STG_DATABASE_URL}"}
    doctor: {rds: "{pre}gli-database"}

Of an address nothing is shown, and of a secret nothing is read but whether it is there.
"""

from __future__ import annotations

import re
import shlex
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from multigit.checks import database, filled_in, settings_of
from multigit.errors import MultigitError
from multigit.model.config import seconds
from multigit.model.health import Finding
from multigit.model.probing import Patient
from multigit.model.serving import HealthCheck
from multigit.probes import Eye, guarded, one_line
from multigit.probes._ecs import service_of, task_groups
from multigit.probes._ports import door
from multigit.secrets import resolved

_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
"""https://www.postgresql.org/docs/15/protocol-message-formats.html"""
_SECRET: Final = re.compile(r"arn:aws[\w-]*:secretsmanager:[^:]*:\d*:secret:[^:]+")
_BUNDLE: Final = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
_PASSING: Final = ("backing-up", "configuring-enhanced-monitoring", "maintenance", "modifying", "rebooting", "starting",
                   "upgrading")  # fmt: skip
"""What an instance is for a while, by itself."""


def probe(patient: Patient, eye: Eye) -> Iterator[Finding]:
    """What `kind: database` among the health checks and `doctor.rds` and `doctor.secret` name."""
    for check in patient.checks:
        if check.kind == "database":
            yield from _connection(patient, eye, check)
    if not eye.account_known:
        return
    if patient.doctor.rds:
        yield from guarded(patient, "rds", lambda: _instance(patient, eye))
    if patient.ecs or patient.doctor.secret:
        yield from guarded(patient, "secret", lambda: _secrets(patient, eye))


def _connection(patient: Patient, eye: Eye, check: HealthCheck) -> Iterator[Finding]:
    """Name, port and TLS one after the other; then the login, by the check itself."""
    try:
        settings: database.Settings = settings_of(
            database, filled_in(database, check.settings, {**patient.words(), "tag": "", "sha": ""})
        )
        name = settings.dsn.variable
        target = database.target_of(name, resolved(settings.dsn))
    except MultigitError as no:
        yield patient.told("database", "warn", f"not looked at: {no.what}", no.hint)
        return
    limit = min(10, seconds(settings.timeout))
    reached = _reached(patient, name, str(target["host"]), int(target["port"]), limit)
    yield reached
    if reached.state == "ng":
        return
    said = eye.ask(check)
    why = one_line(said.why)
    if said.state == "pass":
        yield patient.told("login", "ok", why)
    else:
        yield patient.told("login", "warn" if said.state == "wait" else "ng", why, _mended(patient, why, said.details))


def _mended(patient: Patient, why: str, details: Sequence[str]) -> str:
    if "certificate is refused" in why:
        return f"curl -sSO {_BUNDLE} && export SSL_CERT_FILE=$PWD/global-bundle.pem   (that of RDS)"
    if "login is refused" in why:
        secret = patient.doctor.secret or "…"
        return f"aws secretsmanager describe-secret --secret-id {secret} --query LastChangedDate   (rotated since?)"
    if "too many connections" in why:
        return "psql -c 'select usename, state, count(*) from pg_stat_activity group by 1, 2'"
    return details[-1] if details else f"multigit verify {patient.env.name} -r {patient.repo.name}"


def _reached(patient: Patient, name: str, host: str, port: int, limit: int) -> Finding:
    """Whether its name is known, its port open, and PostgreSQL behind it; without the address."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        fix = "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,Endpoint.Address]'"
        return patient.told("database", "ng", f"{name}: the name of its host is not known (DNS)", fix)
    try:
        with socket.create_connection((host, port), limit) as line:
            line.sendall(_SSL_REQUEST)
            answer = line.recv(1)
    except OSError as no:
        inside = " (its address is one inside a VPC)" if _private(found[0][4][0]) else ""
        cause = "no answer in time" if isinstance(no, TimeoutError) else no.strerror or "the connection broke off"
        why = f"{name}: port {port} cannot be reached{inside}: {cause}"
        return patient.told("database", "ng", why, *_opened(patient))
    if answer not in (b"S", b"N"):
        return patient.told(
            "database", "ng", f"{name}: what answers on port {port} is no PostgreSQL", *_opened(patient)
        )
    tls = "TLS is offered" if answer == b"S" else "TLS is not offered"
    return patient.told("database", "ok", f"{name}: the name is known, port {port} answers, {tls}")


def _private(address: object) -> bool:
    from ipaddress import ip_address

    return not ip_address(str(address).partition("%")[0]).is_global


def _opened(patient: Patient) -> Sequence[str]:
    """What helps where the port does not answer."""
    query = "'DBInstances[].[DBInstanceIdentifier,DBInstanceStatus,PubliclyAccessible,VpcSecurityGroups]'"
    which = f" --db-instance-identifier {patient.doctor.rds}" if patient.doctor.rds else ""
    return (f"aws rds describe-db-instances{which} --query {query}",)


def _instance(patient: Patient, eye: Eye) -> Iterator[Finding]:
    """The RDS instance: available, not in the open, and open to the tasks."""
    name = patient.doctor.rds
    said = eye.aws(patient, "rds", "describe_db_instances", ("DBInstanceNotFound", "DBInstanceNotFoundFault"),
                   DBInstanceIdentifier=name)  # fmt: skip
    if not said or not said["DBInstances"]:
        yield patient.told("rds", "ng", f"there is no RDS instance {name} in {patient.region or 'this region'}",
                           "aws rds describe-db-instances --query 'DBInstances[].DBInstanceIdentifier'")  # fmt: skip
        return
    one = said["DBInstances"][0]
    yield _status(patient, name, str(one["DBInstanceStatus"]))
    if one.get("PubliclyAccessible"):
        shut = (
            f"aws rds modify-db-instance --db-instance-identifier {name} --no-publicly-accessible --apply-immediately"
        )
        yield patient.told("rds-public", "warn", f"{name} has an address on the internet", shut)
    else:
        yield patient.told("rds-public", "ok", f"{name} is reached from inside its VPC only")
    yield from guarded(patient, "rds-port", lambda: _tasks_let_in(patient, eye, one))


def _status(patient: Patient, name: str, status: str) -> Finding:
    if status == "available":
        return patient.told("rds", "ok", f"{name} is available")
    if status == "stopped":
        start = f"aws rds start-db-instance --db-instance-identifier {name}"
        return patient.told("rds", "ng", f"{name} is stopped", start)
    wait = f"aws rds wait db-instance-available --db-instance-identifier {name}"
    return patient.told("rds", "warn" if status in _PASSING else "ng", f"{name} is {status}", wait)


def _tasks_let_in(patient: Patient, eye: Eye, one: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether the instance's security groups let those of the tasks in."""
    service = service_of(patient, eye) if patient.ecs else None
    if service is None:
        yield patient.told("rds-port", "skip", "whose tasks use it is not known: it is named beside no ecs service")
        return
    groups = [str(group["VpcSecurityGroupId"]) for group in one.get("VpcSecurityGroups", ())]
    port = int((one.get("Endpoint") or {}).get("Port") or one.get("DbInstancePort") or 5432)
    yield from door(patient, eye, "rds-port", to=groups, who=task_groups(service), port=port or 5432,
                    words="tasks to database")  # fmt: skip


def _secrets(patient: Patient, eye: Eye) -> Iterator[Finding]:
    """Those that the task definition names, and the one that repos.yaml does: there, and not about to be deleted."""
    names = dict.fromkeys([*([patient.doctor.secret] if patient.doctor.secret else ()), *_referred(patient, eye)])
    for name in names:
        said = eye.aws(patient, "secretsmanager", "describe_secret", ("ResourceNotFoundException",), SecretId=name)
        short = name.rpartition(":secret:")[2]
        if said is None:
            fix = f"aws secretsmanager list-secrets --region {patient.region}" if patient.region else ""
            yield patient.told("secret", "ng", f"there is no secret {short}", fix or "aws secretsmanager list-secrets")
        elif gone := said.get("DeletedDate"):
            why = f"the secret {short} is being deleted (since {gone:%Y-%m-%d %H:%M} UTC): tasks cannot start"
            yield patient.told(
                "secret", "ng", why, f"aws secretsmanager restore-secret --secret-id {shlex.quote(name)}"
            )
        else:
            yield patient.told("secret", "ok", f"{short} is there; its value was not read")


def _referred(patient: Patient, eye: Eye) -> list[str]:
    """ARNs of the secrets that the service's task definition takes values from."""
    service = service_of(patient, eye) if patient.ecs else None
    if service is None or not service.get("taskDefinition"):
        return []
    said = eye.aws(patient, "ecs", "describe_task_definition", taskDefinition=service["taskDefinition"])
    texts = [str(secret.get("valueFrom", "")) for one in said["taskDefinition"]["containerDefinitions"]
             for secret in one.get("secrets", ())]  # fmt: skip
    return [found[0] for text in texts if (found := _SECRET.match(text))]
