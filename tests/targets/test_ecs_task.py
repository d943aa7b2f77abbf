"""The target `ecs-task`, through boto3, against moto with tasks that end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from multigit.clients import SignedOut
from multigit.errors import MultigitError, UsageError
from multigit.targets import Unsure, ecs, ecs_task
from multigit.targets._ecs.log import shown
from tests.support.cloud import refuse
from tests.support.ecs_stand import NEW, OLD, Stand, killed_after_every_call, release, standing

pytestmark = pytest.mark.slow
MIGRATE = "manage.py migrate"
WORDS: dict[str, Any] = {"command": ["manage.py", "migrate"]}
STEP: dict[str, Any] = {"step": "gli_api-server/migrate"}
FIRST = datetime(2026, 2, 12, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, FIRST + timedelta(minutes=2))


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(ecs_task, "_now", lambda: moment)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as stand:
        yield stand


def started(stand: Stand) -> list[Any]:
    """The tasks that were started by themselves, as moto keeps them."""
    known = stand.service()._backend.tasks.get("gli", {})
    return [task for task in known.values() if task.started_by.startswith("multigit/")]


def containers(stand: Stand, task: Any) -> dict[str, str]:
    told = stand.ecs.describe_task_definition(taskDefinition=task.task_definition_arn)["taskDefinition"]
    return {one["name"]: one["image"] for one in told["containerDefinitions"]}


# --- to its end ---


@pytest.mark.shows("G12")
def test_a_migration_runs_once_from_the_new_image_with_its_command_where_the_service_runs(stand: Stand) -> None:
    assert stand.current(ecs_task, release(**STEP), **WORDS).state == "other"
    done = stand.bring(ecs_task, release(**STEP), **WORDS)
    assert done.state == "ok"
    assert done.why.endswith("ended with exit code 0")
    (task,) = started(stand)
    assert containers(stand, task) == {"log": "fluent-bit:3", "api": NEW}
    assert task.overrides == {"containerOverrides": [{"name": "api", "command": ["manage.py", "migrate"]}]}
    assert task.network_configuration == stand.network()
    assert task.launch_type == "FARGATE"
    assert len(task.started_by) <= 36
    assert stand.images() == ["fluent-bit:3", OLD]  # the service is as it was
    there = stand.current(ecs_task, release(**STEP), **WORDS)
    assert (there.state, there.artefact) == ("here", done.artefact)
    assert stand.bring(ecs_task, release(**STEP), **WORDS).state == "ok"
    assert len(started(stand)) == 1


def test_the_service_then_gets_the_same_revision(stand: Stand) -> None:
    assert stand.bring(ecs_task, release(**STEP), **WORDS).state == "ok"
    assert stand.bring(ecs, release()).state == "ok"
    assert stand.revisions() == 2
    assert stand.images() == ["fluent-bit:3", NEW]


def test_another_deployment_of_the_same_commit_runs_it_anew(stand: Stand) -> None:
    stand.bring(ecs_task, release(**STEP), **WORDS)
    stand.bring(ecs_task, release(**STEP, deployment="d-8"), **WORDS)
    assert len(started(stand)) == 2


def test_a_task_that_runs_is_followed(stand: Stand) -> None:
    stand.rollouts.slow = 3
    ticket = stand.deploy(ecs_task, release(**STEP), **WORDS)
    there = stand.current(ecs_task, release(**STEP), **WORDS)
    assert (there.state, there.ticket) == ("arriving", ticket)
    said = stand.poll(ecs_task, ticket, **WORDS)
    assert (said.state, "is RUNNING" in said.why) == ("running", True)
    assert stand.poll(ecs_task, ticket, **WORDS).state == "ok"


def test_it_may_be_described_without_a_service(stand: Stand) -> None:
    network = stand.network()["awsvpcConfiguration"]
    done = stand.bring(ecs_task, release(**STEP), service=None, task_definition="gli-api", ecr=None, container="api",
                       subnets=network["subnets"], security_groups=network["securityGroups"])  # fmt: skip
    assert done.state == "ok"
    (task,) = started(stand)
    assert containers(stand, task)["api"] == OLD
    assert task.network_configuration["awsvpcConfiguration"]["subnets"] == network["subnets"]
    assert task.overrides == {"containerOverrides": []}
    assert "RegisterTaskDefinition" not in stand.cloud.calls


@pytest.mark.shows("R6")
def test_on_the_way_back_nothing_runs(stand: Stand) -> None:
    back = release(OLD, **STEP, artefact={"task": "arn:old"})
    there = stand.current(ecs_task, back, **WORDS)
    assert (there.state, there.what) == ("here", "migrations are not taken back")
    assert stand.bring(ecs_task, back, **WORDS).state == "ok"
    with pytest.raises(MultigitError, match="migrations are not taken back"):
        stand.deploy(ecs_task, back, **WORDS)
    assert started(stand) == []


def test_what_is_recorded_of_the_time_before_leads_back_to_nothing(stand: Stand) -> None:
    before = stand.current(ecs_task, release(**STEP), **WORDS)
    assert before.artefact
    ticket = stand.deploy(ecs_task, release(**STEP), **WORDS)
    assert stand.poll(ecs_task, ticket, **WORDS).state == "running"
    assert stand.current(ecs_task, release(**STEP, artefact=before.artefact), **WORDS).state == "here"


# --- that fails ---


@pytest.mark.shows("G12", "X8")
@pytest.mark.fault("ecs-task-failed")
def test_one_that_fails_is_told_with_its_exit_code_and_the_end_of_its_log_without_secrets(stand: Stand) -> None:
    stand.rollouts.exits[MIGRATE] = 3
    ticket = stand.deploy(ecs_task, release(**STEP), **WORDS)
    logs = stand.cloud.aws("logs")
    stream = f"run/api/{ticket['task'].rpartition('/')[2]}"
    logs.create_log_group(logGroupName="/gli/api")
    logs.create_log_stream(logGroupName="/gli/api", logStreamName=stream)
    said = [
        "relation \x1b[31musers\x1b[0m exists",
        "login geheim123 at postgres://gli:topsecret@db/gli",
        "password=abc",
    ]
    now = int(datetime.now(UTC).timestamp() * 1000)
    logs.put_log_events(logGroupName="/gli/api", logStreamName=stream, logEvents=[
        {"timestamp": now + n, "message": text} for n, text in enumerate([*(f"line {n}" for n in range(40)), *said])
    ])  # fmt: skip
    for _ in range(3):
        told = stand.poll(ecs_task, ticket, **WORDS)
    assert (told.state, told.fault) == ("failed", "deploy")
    assert told.why.startswith("gli/api: task ")
    assert told.why.endswith(": Essential container in task exited; api: exit code 3")
    assert len(told.details) == 20
    assert told.details[:2] == ("line 23", "line 24")
    assert told.details[-3:] == (
        "relation \\x1b[31musers\\x1b[0m exists", "login *** at postgres://***@db/gli", "password=***",
    )  # fmt: skip


@pytest.mark.fault("ecs-task-failed")
def test_one_that_failed_is_run_again_when_the_release_is_tried_again(stand: Stand) -> None:
    stand.rollouts.exits[MIGRATE] = 3
    assert stand.bring(ecs_task, release(**STEP), **WORDS).state == "failed"
    there = stand.current(ecs_task, release(**STEP), **WORDS)
    assert (there.state, "api: exit code 3" in there.what) == ("other", True)
    del stand.rollouts.exits[MIGRATE]
    assert stand.bring(ecs_task, release(**STEP), **WORDS).state == "ok"
    assert len(started(stand)) == 2


def test_an_image_that_cannot_be_pulled_is_told_and_a_log_that_is_not_there_only_helps_less(stand: Stand) -> None:
    stand.rollouts.exits[NEW] = None
    told = stand.bring(ecs_task, release(**STEP), **WORDS)
    assert (told.state, "CannotPullContainerError: not found" in told.why) == ("failed", True)
    assert "its log was not read: /gli/api run/api/" in told.details[0]


def test_one_that_was_stopped_has_not_ended_well_although_its_exit_code_is_0(stand: Stand) -> None:
    ticket = stand.deploy(ecs_task, release(**STEP), **WORDS)
    stand.poll(ecs_task, ticket, **WORDS)
    stand.poll(ecs_task, ticket, **WORDS)
    (task,) = started(stand)
    task.stop_code, task.stopped_reason = "UserInitiated", "Task stopped by user"
    told = stand.poll(ecs_task, ticket, **WORDS)
    assert (told.state, "Task stopped by user; api: exit code 0" in told.why) == ("failed", True)
    assert stand.current(ecs_task, release(**STEP), **WORDS).state == "other"


def test_the_end_of_containers_beside_it_does_not_count(stand: Stand) -> None:
    ticket = stand.deploy(ecs_task, release(**STEP), **WORDS)
    stand.poll(ecs_task, ticket, **WORDS)
    stand.poll(ecs_task, ticket, **WORDS)
    (task,) = started(stand)
    next(one for one in task.containers if one["name"] == "log")["exitCode"] = 137  # ended with the task
    assert stand.poll(ecs_task, ticket, **WORDS).state == "ok"
    assert stand.current(ecs_task, release(**STEP), **WORDS).state == "here"


def test_one_that_ended_between_looking_and_starting_is_not_run_again(stand: Stand) -> None:
    ticket = stand.deploy(ecs_task, release(**STEP), **WORDS)
    assert stand.bring(ecs_task, release(**STEP), **WORDS).state == "ok"
    assert stand.deploy(ecs_task, release(**STEP), **WORDS) == ticket
    assert len(started(stand)) == 1


def test_one_that_runs_too_long_has_failed_and_is_left_alone(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    stand.rollouts.slow = 99
    ticket = stand.deploy(ecs_task, release(**STEP), **WORDS)
    at(monkeypatch, FIRST + timedelta(minutes=31))
    told = stand.poll(ecs_task, ticket, **WORDS)
    assert (told.state, "is RUNNING for more than 30m; it was not ended" in told.why) == ("failed", True)
    assert told.details[0].startswith("aws ecs stop-task --region ap-northeast-2 --cluster gli --task ")
    assert stand.poll(ecs_task, ticket, **WORDS, timeout="1h").state == "running"
    assert "StopTask" not in stand.cloud.calls


@pytest.mark.fault("ecs-task-forgotten")
def test_one_that_ecs_has_forgotten_is_not_sure(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = stand.deploy(ecs_task, release(**STEP), **WORDS)
    stand.service()._backend.tasks["gli"].clear()
    told = stand.poll(ecs_task, ticket, **WORDS)
    assert (told.state, "does not show task" in told.why) == ("running", True)  # ECS is eventually consistent
    at(monkeypatch, FIRST + timedelta(hours=2))
    with pytest.raises(Unsure) as caught:
        stand.poll(ecs_task, ticket, **WORDS)
    assert "forgets them an hour after they stopped" in caught.value.why


# --- killed, and refused ---


@pytest.mark.shows("X5", "G12")
@pytest.mark.fault("ecs-killed")
def test_killed_after_every_call_it_goes_on_and_one_task_runs(tmp_path: Path) -> None:
    many = 0
    for stand in killed_after_every_call(tmp_path, lambda stand: stand.bring(ecs_task, release(**STEP), **WORDS)):
        many += 1
        assert len(started(stand)) == 1
        assert stand.revisions() == 2
    assert many > 10


@pytest.mark.fault("ecs-no-answer")
def test_a_start_without_an_answer_starts_no_second_one_even_while_ecs_does_not_show_the_first(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(name: str) -> None:
        if name == "RunTask":
            raise ReadTimeoutError(endpoint_url="https://ecs.example/")

    stand.cloud.after = silent
    with pytest.raises(Unsure):
        stand.deploy(ecs_task, release(**STEP), **WORDS)
    stand.cloud.after = lambda name: None
    (task,) = started(stand)
    assert stand.deploy(ecs_task, release(**STEP), **WORDS)["task"] == task.task_arn
    monkeypatch.setattr(ecs_task, "_ours", lambda *_: [])
    ticket = stand.deploy(ecs_task, release(**STEP), **WORDS)
    assert (ticket["task"], len(started(stand))) == (task.task_arn, 1)
    again = stand.deploy(ecs_task, release(**STEP), command=["other"])  # ConflictException: the one that runs
    assert (again["task"], len(started(stand))) == (task.task_arn, 1)


@pytest.mark.fault("ecs-refused")
def test_what_ecs_cannot_start_is_told(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    stand.cloud.spoil = refuse("InvalidParameterException", "RunTask")
    with pytest.raises(MultigitError) as caught:
        stand.deploy(ecs_task, release(**STEP), **WORDS)
    assert (caught.value.what, caught.value.state) == ("gli/api: ECS did not start the task", "no task was started")
    stand.cloud.spoil = lambda name, words: None
    full = {"tasks": [], "failures": [{"arn": "arn:x", "reason": "RESOURCE:MEMORY", "detail": "none left"}]}
    from moto.core.responses import ActionResult

    monkeypatch.setattr(stand.rollouts, "run", lambda *_: ActionResult(full))
    with pytest.raises(MultigitError) as caught:
        stand.deploy(ecs_task, release(**STEP), **WORDS)
    assert caught.value.why == "RESOURCE:MEMORY none left"


@pytest.mark.fault("ecs-signed-out")
def test_credentials_that_expire_midway_end_it_and_the_next_try_goes_on(stand: Stand) -> None:
    stand.cloud.spoil = refuse("ExpiredTokenException", "DescribeTasks")
    with pytest.raises(SignedOut):
        stand.bring(ecs_task, release(**STEP), **WORDS)
    stand.cloud.spoil = lambda name, words: None
    assert stand.bring(ecs_task, release(**STEP), **WORDS).state == "ok"
    assert len(started(stand)) == 1


@pytest.mark.fault("ecs-elsewhere")
def test_another_account_or_cluster_and_a_missing_image_are_told_apart(stand: Stand) -> None:
    for settings, told in (
        ({"cluster": "glo"}, "there is no such cluster in ap-northeast-2"),
        ({"account": "999999999999"}, "is in the AWS account 123456789012, repos.yaml names 999999999999"),
        ({"service": "web"}, "there is no such service"),
        ({"image_tag": "x-{sha:8}"}, "the image gli-api:x-b2b2b2b2 is not in ECR"),
        ({"container": "web"}, "no container 'web'"),
    ):
        with pytest.raises(MultigitError) as caught:
            stand.deploy(ecs_task, release(**STEP), **{**WORDS, **settings})
        assert told in caught.value.what
    assert started(stand) == []
    assert "RegisterTaskDefinition" not in stand.cloud.calls


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"service": None}, "service or task_definition is missing"),
        ({"cluster": ""}, "cluster must not be empty"),
        ({"security_groups": ["sg-1"]}, "security_groups need subnets"),
        ({"timeout": "soon"}, "is no duration"),
        ({"command": "manage.py migrate"}, "command"),
    ],
)
def test_settings_that_make_no_sense_are_mistakes_in_the_file(
    stand: Stand, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        stand.settings(ecs_task, **settings)
    assert told in caught.value.why


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ('{"password": "abc def"}', '{"password": "*** def"}'),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
        ("token: xyz, next", "token: ***, next"),
        ("redis://:hunter2@cache:6379/0", "redis://***@cache:6379/0"),
        ("migrating https://example.com/a:b@c", "migrating https://example.com/a:b@c"),
    ],
)
def test_a_line_of_a_log_is_shown_without_what_looks_like_a_secret(text: str, seen: str) -> None:
    assert shown(text) == seen
