"""The end of what a task of ECS wrote, where its container logs to CloudWatch (driver awslogs). Not a target."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from multigit import secrets
from multigit.clients import asked
from multigit.cloud.ecs import said
from multigit.errors import MultigitError
from multigit.targets import Clients
from multigit.targets._ecs.service import Door, definition, task_id
from multigit.vcs.urls import redact

LINES: Final = 20
_SECRET: Final = re.compile(r"pass|secret|token|key|credential|dsn|url|auth", re.IGNORECASE)
"""Names of variables whose values are not shown."""
_SHORT: Final = 5
"""Values up to this many characters are not hidden: `true` and `dev` stand everywhere."""
_ASSIGNED: Final = re.compile(r"(?i)((?:password|passwd|secret|token|api[_-]?key)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+")
"""What else than in the words of git and of hosts (`redact`) looks like one: `"password": "…"`, `token: …`."""


def end(way: Door, task: Mapping[str, Any], container: str, clients: Clients, role: str = "") -> list[str]:
    """The last lines, on one line each, without secrets; why there are none where they cannot be read."""
    try:
        with asked("the task definition was not read"):
            described = definition(way, str(task["taskDefinitionArn"]))
        found = [one for one in described["containerDefinitions"] if container in ("", one["name"])]
        logging = [one for one in found if one.get("logConfiguration", {}).get("logDriver") == "awslogs"]
        if not logging:
            return ["its container does not log to CloudWatch (awslogs)"]
        return list(_lines(way, task, logging[0], clients, role))
    except MultigitError as problem:
        return [f"its log was not read: {problem.what}: {problem.why}"]


def _lines(way: Door, task: Mapping[str, Any], container: Mapping[str, Any], clients: Clients,
           role: str) -> Iterator[str]:  # fmt: skip
    options = container["logConfiguration"].get("options", {})
    group, prefix = options.get("awslogs-group", ""), options.get("awslogs-stream-prefix", "")
    if not prefix:
        yield f"its log is in {group}, in a stream that only the machine knows (no awslogs-stream-prefix)"
        return
    stream = f"{prefix}/{container['name']}/{task_id(task)}"
    with asked(f"{group} {stream}"):
        logs = clients.aws("logs", region=options.get("awslogs-region", way.region), role=role)
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=LINES, startFromHead=False)
    hidden = [str(one["value"]) for one in container.get("environment", ())
              if _SECRET.search(one["name"]) and len(str(one["value"])) > _SHORT]  # fmt: skip
    for event in events["events"][-LINES:]:
        yield shown(str(event["message"]), *hidden)


def shown(text: str, *hidden: str) -> str:
    """A line of a log for people."""
    return said(_ASSIGNED.sub(r"\1***", redact(secrets.without(text, *hidden))))
