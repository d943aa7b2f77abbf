"""Rollouts for moto's ECS, which never rolls: every poll of a service is a step of its deployment.

As the developer guide has it ("Amazon ECS deployment circuit breaker", "Service deployment states"): a new deployment
is PRIMARY and IN_PROGRESS, the old one ACTIVE. When its tasks are up it is COMPLETED and the old one is gone. When
three of its tasks failed it is FAILED; with `rollback` the last completed one is PRIMARY again, and the failed one is
gone a poll later. Like the real one it refuses a task definition that does not exist or is inactive, begins nothing
where nothing differs, and lists stopped tasks only when they are asked for (ListTasks: "the default status filter is
RUNNING"), by startedBy alone ("it must be the only filter that you use").

RunTask heeds its clientToken ("Ensuring idempotency": the same answer, or ConflictException where the parameters
differ); a task steps on each time it is described, and ends with what `exits` says of its image or command.
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
        self.held = False
        """Whether deployments make no progress."""
        self.alarm = ""
        """Name of an alarm that rings: the next step of a deployment that it watches takes it back."""
        self.exits: dict[str, int | None] = {}
        """Exit codes by image or by command (its words joined); 0 for all others, None: the image cannot be pulled."""
        self.slow = 2
        """How often a task is described until it ends."""
        self.tokens: dict[str, tuple[Any, Any]] = {}
        """The parameters and the tasks of each clientToken."""

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
        if primary["rolloutState"] != "IN_PROGRESS" or self.held:
            return
        watched = getattr(service, "deployment_configuration", {}).get("alarms", {}).get("alarmNames", ())
        if self.alarm and self.alarm in watched:
            self.alarm = ""
            self._break(service, primary, "alarm detected")
        elif not set(images) & set(self.bad):
            self._complete(service, primary)
        elif primary["failedTasks"] < 2:
            primary["failedTasks"] += 1
            self.stopped_task(service, primary)
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

    def _break(self, service: Any, primary: dict[str, Any], why: str = "tasks failed to start") -> None:
        by = "circuit breaker" if why == "tasks failed to start" else "alarms"
        primary |= {"rolloutState": "FAILED", "rolloutStateReason": f"ECS deployment {by}: {why}."}
        self.say(service, f"(deployment {primary['id']}) deployment failed: {why}.")
        if self.rollback and len(service.deployments) > 1:
            old = service.deployments[1]
            self.say(service, f"rolling back to deployment {old['id']}.")
            primary["status"] = "ACTIVE"
            old |= {"status": "PRIMARY", "rolloutState": "IN_PROGRESS"}
            service.deployments.reverse()
            service.task_definition = old["taskDefinition"]

    def stopped_task(self, service: Any, deployment: dict[str, Any]) -> None:
        """A task of the deployment that did not come up."""
        from moto.ecs.models import Task

        definition = service._backend.describe_task_definition(deployment["taskDefinition"])
        cluster = service._backend._get_cluster(service.cluster_name)
        task = Task(cluster, definition, None, None, service._backend, group=f"service:{service.name}",
                    started_by=deployment["id"], networking_configuration=service.network_configuration)  # fmt: skip
        self._stop(task, definition, 3, "Essential container in task exited")
        service._backend.tasks.setdefault(service.cluster_name, {})[task.task_arn] = task

    def step(self, task: Any) -> None:
        """One look at a task that was started by itself."""
        task.looks = getattr(task, "looks", 0) + 1
        if getattr(task, "stop_code", "") or task.looks < self.slow or not task.started_by.startswith("multigit"):
            return
        definition = task._backend.describe_task_definition(task.task_definition_arn)
        command = next((" ".join(one.get("command", ())) for one in task.overrides.get("containerOverrides", ())), "")
        images = [one["image"] for one in definition.container_definitions]
        code = next((self.exits[key] for key in (command, *images) if key in self.exits), 0)
        if code is None:
            self._stop(task, definition, None, "CannotPullContainerError: not found", "TaskFailedToStart")
        else:
            self._stop(task, definition, code, "Essential container in task exited")

    def _stop(self, task: Any, definition: Any, code: int | None, reason: str,
              stop: str = "EssentialContainerExited") -> None:  # fmt: skip
        task.desired_status = "STOPPED"
        task.last_status, task.stop_code, task.stopped_reason = "STOPPED", stop, reason
        task.stopped_at = task.created_at = self.now
        task.containers = [{"name": one["name"], "image": one["image"], **({} if code is None else {"exitCode": code})}
                           for one in definition.container_definitions]  # fmt: skip

    def run(self, response: Any, run_task: Any) -> Any:
        """RunTask, which moto has without clientToken."""
        from moto.core.responses import ActionResult
        from moto.ecs.exceptions import ECSException

        asked = {key: value for key, value in response._get_params().items() if key != "clientToken"}
        token = response._get_param("clientToken")
        if token in self.tokens:
            before, answer = self.tokens[token]
            if before != asked:
                conflict = ECSException("ConflictException", "The clientToken is in use with other parameters.")
                conflict.resource_ids = [task.task_arn for task in answer]  # type: ignore[attr-defined]
                raise conflict
            return ActionResult({"tasks": answer, "failures": []})
        assert len(response._get_param("startedBy")) <= 128
        made = run_task(response)
        tasks = list(made.result["tasks"])
        for task in tasks:
            task.created_at = self.now
        self.tokens[token] = (asked, tasks)
        return made


@contextmanager
def rolling(*bad: str, rollback: bool = True) -> Iterator[Rollouts]:
    """moto's ECS with rollouts; to be used inside `mock_aws`."""
    from moto.ecs.exceptions import EcsClientException
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
        if wanted and self.describe_task_definition(wanted).status != "ACTIVE":
            raise EcsClientException("TaskDefinition is inactive")
        before = self._get_service(properties["cluster"], properties["service"]).task_definition
        service = update(self, properties)
        if wanted:
            service.task_definition = self.describe_task_definition(wanted).arn
        if forced or service.task_definition != before:
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
    with mock.patch.multiple(Backend, **patched), _tasks(rollouts):
        yield rollouts


@contextmanager
def _tasks(rollouts: Rollouts) -> Iterator[None]:
    """The same for tasks."""
    from moto.ecs.exceptions import InvalidParameterException
    from moto.ecs.models import EC2ContainerServiceBackend as Backend
    from moto.ecs.responses import EC2ContainerServiceResponse as Answers

    listed, run = Backend.list_tasks, Answers.run_task

    def listing(self: Any, *args: Any, **kwargs: Any) -> Any:
        cluster, instance, family, started_by, service, status = args
        if started_by and (family or service or instance):
            raise InvalidParameterException("startedBy must be the only filter")
        return listed(self, cluster, instance, family, started_by, service, status or "RUNNING")

    def looking(self: Any, *args: Any, **kwargs: Any) -> Any:
        tasks = [task for known in self.tasks.values() for arn, task in known.items() if arn in args[1]]
        self._get_cluster(args[0])
        for task in tasks:
            rollouts.step(task)
        return tasks

    answering = mock.patch.object(Answers, "run_task", lambda response: rollouts.run(response, run))
    with answering, mock.patch.multiple(Backend, list_tasks=listing, describe_tasks=looking):
        yield
