"""Kind to the file that knows it (the contract stands in `multigit/infra/__init__.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from multigit.infra import alarm, bucket, cluster, log_group, repository, role, security_group, topic
from multigit.model.infra.wanted import Kind

MODULES: Final[Mapping[Kind, ModuleType]] = {
    "topic": topic,
    "log-group": log_group,
    "repository": repository,
    "bucket": bucket,
    "cluster": cluster,
    "role": role,
    "security-group": security_group,
    "alarm": alarm,
}
