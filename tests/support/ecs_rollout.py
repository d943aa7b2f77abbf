"""Rollouts for moto's ECS, which never rolls: every poll of a service is a step of its deployment.

As the developer guide has it ("Amazon ECS deployment circuit breaker", "Service deployment states"): a new deployment
is PRIMARY and IN_PROGRESS, the old one ACTIVE. When its tasks are up it is COMPLETED and the old one is gone. When
three of its tasks failed it is FAILED; with `rollback` the last completed one is PRIMARY again, and the failed one is
gone a poll later. Like the real one it refuses a task definition that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock


class Rollouts:
    """`bad`: the images whose tasks fail. `now`: the clock of ECS, ten seconds on with every call."""

    def __init__(self, *bad: str, rollback: bool = True) -> None:
        self.bad, self.rollback, self.now, self.made = bad, rollback, datetime(2026, 2, 12, 3, tzinfo=UTC), 0

    def deployment(self, definition: str, desired: int) -> dict[str, Any]:
        self.made += 1
        counts = {"desiredCount": desired, "runningCount": 0, "pendingCount": desired, "failedTasks": 0}
        state = {"status": "PRIMARY", "rolloutState": "IN_PROGRESS", "rolloutStateReason": ""}
        times = {"createdAt": self.now, "updatedAt": self.now}
        return {"id": f"ecs-svc/{self.made:03}", "taskDefinition": definition, **state, **counts, **times}

    def start(self, service: Any) -> None:
        """A deployment of what the service's task definition is now."""
        self.now += timedelta(seconds=10)
        for old in service.deployments:
            old["status"] = "ACTIVE"
        service.deployments.insert(0, self.deployment(service.task_definition, service.desired_count))

    def poll(self, service: Any, images: list[str]) -> None:
        """One step of the primary deployment."""
        self.now += timedelta(seconds=10)
        primary = service.deployments[0]
        if primary["rolloutState"] != "IN_PROGRESS":
            return
        if not set(images) & set(self.bad):
            self._complete(service, primary)
        elif primary["failedTasks"] < 2:
            primary["failedTasks"] += 1
        else:
            self._break(service, primary)

    def say(self, service: Any, text: str) -> None:
        service.events.insert(0, {"id": str(len(service.events)), "createdAt": self.now,
                                  "message": f"(service {service.name}) {text}"})  # fmt: skip

    def _complete(self, service: Any, primary: dict[str, Any]) -> None:
        primary |= {"rolloutState": "COMPLETED", "runningCount": primary["desiredCount"], "pendingCount": 0,
                    "rolloutStateReason": f"ECS deployment {primary['id']} completed."}  # fmt: skip
        service.deployments[1:] = []
        service.running_count, service.pending_count = primary["desiredCount"], 0
        self.say(service, f"(deployment {primary['id']}) deployment completed.")

    def _break(self, service: Any, primary: dict[str, Any]) -> None:
        primary |= {"rolloutState": "FAILED",
                    "rolloutStateReason": "ECS deployment circuit breaker: tasks failed to start."}  # fmt: skip
        self.say(service, f"(deployment {primary['id']}) deployment failed: tasks failed to start.")
        if self.rollback and len(service.deployments) > 1:
            old = service.deployments[1]
            self.say(service, f"rolling back to deployment {old['id']}.")
            primary["status"] = "ACTIVE"
            old |= {"status": "PRIMARY", "rolloutState": "IN_PROGRESS"}
            service.deployments.reverse()
            service.task_definition = old["taskDefinition"]


@contextmanager
def rolling(*bad: str, rollback: bool = True) -> Iterator[Rollouts]:
    """moto's ECS with rollouts; to be used inside `mock_aws`."""
    from moto.ecs.models import EC2ContainerServiceBackend as Backend

    rollouts = Rollouts(*bad, rollback=rollback)
    create, update, describe = Backend.create_service, Backend.update_service, Backend.describe_services

    def creating(self: Any, *args: Any, **kwargs: Any) -> Any:
        service = create(self, *args, **kwargs)
        service.deployments = []
        rollouts.start(service)
        rollouts.poll(service, [])
        return service

    def updating(self: Any, properties: dict[str, Any]) -> Any:
        wanted, forced = properties.get("task_definition"), properties.get("force_new_deployment")
        service = update(self, properties)
        if wanted:
            service.task_definition = self.describe_task_definition(wanted).arn
        if wanted or forced:
            rollouts.start(service)
        return service

    def describing(self: Any, *args: Any, **kwargs: Any) -> Any:
        services, failures = describe(self, *args, **kwargs)
        for service in services:
            containers = self.describe_task_definition(service.task_definition).container_definitions
            rollouts.poll(service, [one["image"] for one in containers])
        return services, failures

    patched: dict[str, Any] = {
        "create_service": creating, "update_service": updating, "describe_services": describing,
    }  # fmt: skip
    with mock.patch.multiple(Backend, **patched):
        yield rollouts
