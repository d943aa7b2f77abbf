"""Starts a task of ECS, and tells whether one ended well. Not a target."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from multigit.clients import asked, code_of
from multigit.cloud.ecs import said
from multigit.errors import MultigitError
from multigit.targets import Unsure
from multigit.targets._ecs.service import Door

_TASK_ARN: Final = re.compile(r"arn:[a-z-]+:ecs:[a-z0-9-]+:\d{12}:task/[\w/-]+")


def started(way: Door, words: dict[str, Any]) -> Mapping[str, Any]:
    """The task that ECS started, or had started for this token."""
    try:
        with asked(f"{way.place}: ECS did not start the task"):
            try:
                answer = way.client.run_task(**words)
            except Exception as error:
                if code_of(error) != "ConflictException":
                    raise
                return _earlier(way, words["cluster"], error)
    except MultigitError as problem:
        if problem.code == "MG-804":
            raise Unsure(problem.what, why=problem.why, hint="the same command again: it looks first") from None
        problem.state = problem.state or "no task was started"
        raise
    if not answer["tasks"]:
        why = "; ".join(said(f"{one.get('reason', '')} {one.get('detail', '')}") for one in answer.get("failures", ()))
        raise MultigitError(f"{way.place}: ECS did not start the task", why=why, state="no task was started",
                            hint="look at the capacity of the cluster, its network and its quotas")  # fmt: skip
    task: Mapping[str, Any] = answer["tasks"][0]
    return task


def _earlier(way: Door, cluster: str, error: Exception) -> Mapping[str, Any]:
    """The task of an earlier try, which was asked for with other words: the definition has changed in between."""
    told = getattr(error, "response", {})
    arns = told.get("resourceIds") or _TASK_ARN.findall(str(error))
    found = way.client.describe_tasks(cluster=cluster, tasks=arns[:1])["tasks"] if arns else []
    if not found:
        raise error
    return dict(found[0])


def _containers(task: Mapping[str, Any], container: str) -> Sequence[Mapping[str, Any]]:
    return [one for one in task.get("containers", ()) if container in ("", one.get("name"))]


def went_well(task: Mapping[str, Any], container: str) -> bool:
    """Whether it ended by itself with exit code 0; one that was stopped may answer 0, too."""
    codes = [one.get("exitCode") for one in _containers(task, container)]
    by_itself = task.get("stopCode", "EssentialContainerExited") == "EssentialContainerExited"
    return task["lastStatus"] == "STOPPED" and by_itself and bool(codes) and set(codes) == {0}
