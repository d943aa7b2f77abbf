"""An ECS service as its probes see it (DescribeServices)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multigit.model.probing import Patient
from multigit.probes import Eye

Service = Mapping[str, Any]


def service_of(patient: Patient, eye: Eye) -> Service | None:
    """The service that the patient names; None where there is none."""
    cluster, name = patient.ecs["cluster"], patient.ecs["service"]
    said = eye.aws(patient, "ecs", "describe_services", ("ClusterNotFoundException",), cluster=cluster, services=[name])
    found = said["services"] if said else []
    return found[0] if found else None


def task_groups(service: Service) -> list[str]:
    """Ids of the security groups of its tasks."""
    network = (service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    return [*network.get("securityGroups", ())]


def flags(patient: Patient) -> str:
    """How commands of `aws ecs` name it."""
    return f"--cluster {patient.ecs['cluster']} --service {patient.ecs['service']}"
