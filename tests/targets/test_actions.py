"""The target `actions`: the run that a push or a dispatch started, and nothing else, followed to its end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from multigit import github
from multigit.apply.bringing import _PASSING
from multigit.errors import MultigitError, UsageError
from multigit.model.names import Branch, EnvName, Oid, RepoName, Tag
from multigit.model.target import Deployed, Progress, Release, Ticket
from multigit.targets import Clients, Unsure, actions, settings_of
from multigit.targets._actions.joblog import class_of, tail
from multigit.targets._actions.runs import Job
from tests.support.github import DESCRIPTION
from tests.support.github_actions import SIGNATURE, Actions, FakeJob, FakeRun
from tests.support.github_actions import actions as served
from tests.support.targets import bring

_IN_CI = os.environ.get("CI") == "true"
NOON = datetime(2026, 2, 12, 3, tzinfo=UTC)
COMMIT, OTHER = Oid("ab" * 20), Oid("cd" * 20)
TOKEN = "ghp-c4n4ry-not-shaped-like-one"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Actions]:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    github.forget()
    with served(token=TOKEN, now=NOON + timedelta(minutes=2)) as here:

        def clock() -> float:
            return here.now.timestamp()

        monkeypatch.setattr(actions, "_clock", clock)
        monkeypatch.setattr(actions, "_pause", lambda seconds: None)
        yield here


def of(hub: Actions, **values: Any) -> Any:
    return settings_of(actions, {"workflow": "deploy-staging.yml", "base_url": hub.url} | values)


def dispatch(hub: Actions, **values: Any) -> Any:
    return of(hub, **{"trigger": "dispatch", "inputs": {"environment": "stg", "create_tag": True}} | values)


def release(**values: Any) -> Release:
    named: dict[str, Any] = {
        "env": EnvName("stg"), "repo": RepoName("api"), "commit": COMMIT, "branch": Branch("stg"),
        "tag": Tag("deploy-20260212-120000"), "url": "https://ghe.example/team/api", "deployment": "d-1",
        "step": "api/deploy", "since": NOON,
    }  # fmt: skip
    return Release(**named | values)


def clients() -> Clients:
    return Clients(folder=Path("/"), clone=Path("/nowhere"))


def now(settings: Any, about: Release | None = None) -> Deployed:
    return actions.current(settings, about or release(), clients())


def poll(settings: Any, ticket: Ticket) -> Progress:
    return actions.poll(settings, ticket, clients())


def push(number: int, **values: Any) -> FakeRun:
    named: dict[str, Any] = {"id": 7000 + number, "sha": COMMIT} | values
    return FakeRun(**named)


JOBS = [
    FakeJob("build", "success", ended=1),
    FakeJob("test", "success", ended=2),
    FakeJob("deploy", "success", ended=3),
]


# --- GitHub's own description ---


@pytest.mark.slow
@pytest.mark.skipif(DESCRIPTION is None and not _IN_CI, reason="needs scripts/schemas-install and openapi-core")
def test_what_is_asked_and_answered_here_is_as_github_describes_it(hub: Actions) -> None:
    assert DESCRIPTION is not None
    bring(actions, dispatch(hub), release(), clients(), polls=1)
    assert hub.wrong == []
    base = f"/repos/{hub.repository}/actions/workflows/{hub.workflow}"
    ours = {"authorization": f"Bearer {TOKEN}"}
    hub.answer(f"{base}/dispatches", ours, "POST", b'{"ref": "stg", "input": {"a": "b"}}')
    assert "'input' was unexpected" in hub.wrong[0]
    hub.wrong.clear()
    hub.answer(f"{base}/runs?headsha=1", ours)
    assert "knows no headsha" in hub.wrong[0]
    hub.wrong.clear()


# --- the run of a push ---


@pytest.mark.shows("G12")
def test_the_run_of_the_push_is_found_among_others_and_followed(hub: Actions) -> None:
    mine = push(
        3, jobs=[FakeJob("build", "success"), FakeJob("deploy", None, [("checkout", "success"), ("ecs", None)])]
    )
    hub.made = [
        push(1, sha=OTHER, conclusion="success"),
        push(2, branch="main", conclusion="success"),
        mine,
        push(4, event="workflow_dispatch", conclusion="failure"),
        push(5, event="pull_request", conclusion="failure"),
        push(6, workflow="lint.yml", conclusion="failure"),
        push(7, branch="main", conclusion="failure"),
        push(8, sha=OTHER, made=NOON + timedelta(minutes=1), conclusion="failure"),
    ]
    found = now(of(hub))
    assert (found.state, found.ticket["run"]) == ("arriving", 7003)
    going = poll(of(hub), found.ticket)
    assert (going.state, going.link) == ("running", "https://github.com/team/api/actions/runs/7003")
    assert going.why == "deploy-staging.yml run 3: 1 of 2 jobs done, now: deploy / ecs"
    mine.conclusion = "success"
    end = poll(of(hub), found.ticket)
    assert (end.state, end.why) == ("ok", "deploy-staging.yml run 3 ended well")
    assert dict(end.artefact) == {"run": 7003, "attempt": 1, "url": going.link}
    assert now(of(hub)) == Deployed(
        state="here", what="deploy-staging.yml run 3, attempt 1: success", artefact=end.artefact
    )
    assert hub.posted == []


def test_the_run_of_the_tag_is_the_tag_s(hub: Actions) -> None:
    hub.made = [push(1, conclusion="failure"), push(2, branch="deploy-20260212-120000", conclusion="success")]
    assert now(of(hub, trigger="tag")).artefact["run"] == 7002
    with pytest.raises(MultigitError, match="which tag starts"):
        now(of(hub, trigger="tag"), release(tag=None))


def test_of_two_runs_of_one_commit_the_newest_counts(hub: Actions) -> None:
    hub.made = [push(2, conclusion="failure"), push(9), push(3, conclusion="success")]
    assert now(of(hub)).ticket["run"] == 7009


def test_a_run_of_long_ago_is_found_behind_many_others(hub: Actions) -> None:
    others = (push(number, sha=OTHER, branch="main") for number in range(2, 99))
    hub.made = [push(1, conclusion="success"), *others]
    assert now(of(hub)).artefact["run"] == 7001


def test_a_commit_that_ran_before_another_one_is_not_there_any_more(hub: Actions) -> None:
    yesterday = NOON - timedelta(days=1)
    hub.made = [push(1, conclusion="success", made=yesterday - timedelta(hours=1)),
                push(2, conclusion="success", made=yesterday, sha=OTHER)]  # fmt: skip
    found = now(of(hub))
    assert (found.state, found.ticket["run"]) == ("arriving", 0)
    hub.made.append(push(3, made=NOON + timedelta(minutes=1)))
    assert poll(of(hub), found.ticket).why.startswith("deploy-staging.yml run 3:")
    hub.made = [replace(hub.made[0]), replace(hub.made[1], conclusion="cancelled")]
    assert now(of(hub)).state == "here"


def test_somebody_s_re_run_is_followed(hub: Actions) -> None:
    hub.made = [push(1, conclusion="failure", jobs=[FakeJob("test", "failure", [("pytest", "failure")])])]
    ticket = now(of(hub)).ticket
    assert poll(of(hub), ticket).state == "failed"
    hub.made[0].attempt, hub.made[0].conclusion = 2, None
    assert poll(of(hub), ticket).state == "running"
    hub.made[0].conclusion, hub.made[0].jobs = "success", JOBS
    end = poll(of(hub), ticket)
    assert (end.state, end.artefact["attempt"]) == ("ok", 2)
    assert end.why == "deploy-staging.yml run 1, attempt 2 ended well"


def test_a_run_that_never_begins_fails_in_time_and_says_where_to_look(hub: Actions) -> None:
    settings = of(hub, within="10m")
    found = now(settings)
    assert (found.state, found.what) == ("arriving", "no run of deploy-staging.yml for abababa yet")
    assert poll(settings, found.ticket).state == "running"
    hub.now = NOON + timedelta(minutes=10, seconds=1)
    end = poll(settings, found.ticket)
    assert (end.state, end.why) == ("failed", "deploy-staging.yml did not begin for abababa within 10m")
    assert "does its trigger name stg (on: push:)" in end.details[0]
    assert "Actions enabled" in end.details[1]
    hub.made = [push(1)]
    assert poll(settings, found.ticket).state == "running", "late is better than never"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("disabled_manually", "somebody has disabled it"),
        ("disabled_inactivity", "quiet for 60 days"),
        ("disabled_fork", "is a fork"),
        ("deleted", "was deleted"),
    ],
)
def test_a_workflow_that_is_off_is_told_apart(hub: Actions, state: str, told: str) -> None:
    ticket, hub.state, hub.now = now(of(hub)).ticket, state, NOON + timedelta(hours=1)
    (detail,) = poll(of(hub), ticket).details
    assert told in detail


def test_a_workflow_that_is_not_there_and_a_repository_that_is_not(hub: Actions) -> None:
    settings = of(hub, workflow="nope.yml")
    ticket, hub.now = now(settings).ticket, NOON + timedelta(hours=1)
    assert "no such workflow: is it on the branch" in poll(settings, ticket).details[0]
    with pytest.raises(MultigitError) as caught:
        now(of(hub, repository="team/nope"))
    assert "there is no such repository, or the token may not see it (404)" in caught.value.why


def test_a_push_is_never_repeated(hub: Actions) -> None:
    hub.made = [push(1, conclusion="failure", jobs=JOBS)]
    end = bring(actions, of(hub), release(), clients())
    assert end.state == "failed"
    assert "gh run rerun 7001 --failed --repo team/api" in end.details[-1]
    assert hub.posted == []


def test_builds_are_not_taken_back(hub: Actions) -> None:
    earlier = {"run": 6999, "attempt": 1, "url": "https://github.com/team/api/actions/runs/6999"}
    assert now(of(hub), release(artefact=earlier)) == Deployed(
        state="here", what="builds are not taken back", artefact=earlier
    )
    assert hub.asked == []


# --- how it ends ---


@pytest.mark.parametrize(
    ("conclusion", "told"),
    [
        ("failure", "failed"),
        ("cancelled", "was cancelled, by somebody or by a newer run of its concurrency group"),
        ("timed_out", "took longer than it may"),
        ("startup_failure", "could not begin"),
        ("stale", "was given up by GitHub"),
        ("skipped", "was skipped: its conditions (if:) leave this out"),
        ("neutral", "ended as neutral"),
    ],
)
def test_each_end_that_is_no_success_has_its_own_words(hub: Actions, conclusion: str, told: str) -> None:
    hub.made = [push(1, conclusion=conclusion)]
    end = bring(actions, of(hub), release(), clients())
    assert (end.state, end.artefact) == ("failed", {})
    assert end.why.startswith(f"deploy-staging.yml run 1 {told}")


def test_who_has_to_approve_is_named(hub: Actions) -> None:
    hub.made = [push(1, status="waiting", waits_for=[("production", ["ana", "김철수"])])]
    ticket = now(of(hub)).ticket
    said = poll(of(hub), ticket)
    assert (said.state, said.why) == ("running", "deploy-staging.yml run 1 waits for approval: production: ana, 김철수")
    hub.made[0].conclusion = "action_required"
    said = poll(of(hub), ticket)
    assert (said.state, "may approve runs here: https://github.com/team/api/actions/runs/7001" in said.why) == (
        "running",
        True,
    )
    hub.made[0].conclusion, hub.made[0].status = None, "pending"
    assert "concurrency group" in poll(of(hub), ticket).why


def test_a_deploy_job_that_was_left_out_is_named_beside_success(hub: Actions) -> None:
    hub.made = [push(1, conclusion="success", jobs=[FakeJob("build", "success"), FakeJob("배포", "skipped")])]
    ticket = {**now(of(hub), release(commit=OTHER)).ticket, "sha": COMMIT}
    assert poll(of(hub), ticket).why == "deploy-staging.yml run 1 ended well; skipped: 배포"


def failed(*jobs: FakeJob, **values: Any) -> FakeRun:
    return push(1, conclusion="failure", jobs=list(jobs), **values)


@pytest.mark.shows("G12")
def test_a_failure_names_job_step_class_and_the_end_of_its_log(hub: Actions) -> None:
    log = "\n".join(
        [
            "\ufeff2026-02-12T03:00:00.0000000Z first",
            *(f"2026-02-12T03:00:0{n}.1234567Z \x1b[36;1m줄 {n}\x1b[0m\r" for n in range(9)),
            "2026-02-12T03:00:10.1234567Z ##[error]Process completed with exit code 1.",
            *(f"2026-02-12T03:00:11.1234567Z Post job cleanup {n}" for n in range(40)),
        ]
    )
    hub.made = [
        failed(
            FakeJob("이미지 빌드", "success", ended=1),
            FakeJob("끝", "cancelled", ended=2),
            FakeJob("배포", "failure", [("체크아웃", "success"), ("ECS 서비스 업데이트", "failure")], log, ended=3),
        )
    ]
    end = bring(actions, of(hub, log_lines=4), release(), clients())
    assert (end.state, end.fault) == ("failed", "deploy")
    assert end.why == "deploy-staging.yml run 1 failed at 배포 / ECS 서비스 업데이트 (deploy)"
    assert end.link == "https://github.com/team/api/actions/runs/7001/job/700102"
    assert end.details[0].startswith("배포: failure at ECS 서비스 업데이트 (deploy)  https://")
    assert end.details[1].startswith("끝: cancelled")
    assert end.details[2:6] == ("줄 6", "줄 7", "줄 8", "##[error]Process completed with exit code 1.")


@pytest.mark.parametrize(
    ("job", "step", "fault"),
    [
        ("ci", "Run pytest", "test"),
        ("ci", "npm run lint", "test"),
        ("ci", "Build, tag and push image to ECR", "build"),
        ("ci", "pip install -r requirements.txt", "build"),
        ("ci", "Install dependencies and run tests", "test"),
        ("ci", "Run migrations", "deploy"),
        ("ci", "S3 sync", "deploy"),
        ("ci", "Health check", "deploy"),
        ("ci", "헬스체크 실행", "deploy"),
        ("ci", "의존성 설치 및 테스트", "test"),
        ("ci", "Docker 이미지 빌드", "build"),
        ("run-tests", "actions/checkout", "test"),
        ("deploy", "Pull the latest", "deploy"),
        ("unknown", "unknown", "deploy"),
    ],
)
@pytest.mark.shows("G12")
def test_the_words_of_step_and_job_say_what_kind_of_work_failed(job: str, step: str, fault: str) -> None:
    one = Job(id=1, name=job, status="completed", conclusion="failure", url="", ended="",
              steps=((step, "failure", "completed"),))  # fmt: skip
    assert class_of(one, {}) == fault


def test_repos_yaml_says_better_what_a_job_does(hub: Actions) -> None:
    hub.made = [failed(FakeJob("stage 2 (kr)", "failure", [("pytest", "failure")]))]
    end = bring(actions, of(hub, classes={"stage 1*": "test", "stage 2*": "build"}), release(), clients())
    assert (end.fault, end.why) == ("build", "deploy-staging.yml run 1 failed at stage 2 (kr) / pytest (build)")


def test_half_a_line_is_left_out_of_the_end_of_a_log() -> None:
    assert tail("cret\n2026-02-12T03:00:00.1Z whole\n", 30, cut=True) == ["whole"]
    assert tail("cret", 30, cut=True) == []


# --- the token, the log's address, and other secrets ---


@pytest.mark.shows("X8")
def test_no_secret_is_shown_and_the_store_of_logs_gets_no_token(hub: Actions) -> None:
    secret = "hunter2hunter2"
    log = f"2026-02-12T03:00:00.1Z https://me:{secret}@example.com {TOKEN[:9]}\x1b[0m{TOKEN[9:]} " + "x" * 900
    hub.made = [
        failed(FakeJob(f"deploy {TOKEN}", "failure", [(f"curl https://me:{secret}@x.example", "failure")], log))
    ]
    found = now(of(hub))
    told = repr((found, poll(of(hub), found.ticket)))
    assert "https://***@example.com ***" in told
    for canary in (TOKEN, secret, SIGNATURE, "c4n4ry"):
        assert canary not in told
    (got,) = hub.store.got
    assert "authorization" not in got.headers
    assert TOKEN not in repr(got)
    assert SIGNATURE in got.path
    assert all(headers["authorization"] == f"Bearer {TOKEN}" for headers in hub.headers)


def test_a_log_that_cannot_be_had_hides_nothing_else(hub: Actions) -> None:
    hub.made = [failed(FakeJob("test", "failure", [("pytest", "failure")]))]
    hub.store.port = 1
    end = bring(actions, of(hub), release(), clients())
    assert (end.state, end.fault) == ("failed", "test")
    assert end.details[1] == "its log was not read: where it is kept does not give it, or not to its end"


def test_a_log_that_would_be_fetched_in_the_clear_is_not(hub: Actions, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.made = [failed(FakeJob("test", "failure"))]
    monkeypatch.setattr(type(hub.store), "url", property(lambda self: "http://logs.example"))
    end = bring(actions, of(hub), release(), clients())
    assert end.details[1] == "its log was not read: it leads to an address without https"


def test_only_the_end_of_a_long_log_is_read(hub: Actions) -> None:
    log = "first\n" + "x" * 3_000_000 + "\nlast"
    hub.made = [failed(FakeJob("test", "failure", log=log))]
    end = bring(actions, of(hub), release(), clients())
    assert end.details[1:-1] == ("last",)


# --- dispatch ---


@pytest.mark.shows("S2")
def test_a_dispatched_run_is_followed_by_its_id(hub: Actions) -> None:
    end = bring(actions, dispatch(hub), release(), clients(), polls=1)
    ((path, body),) = hub.posted
    assert path == "/repos/team/api/actions/workflows/deploy-staging.yml/dispatches"
    inputs = {"environment": "stg", "create_tag": "true"}
    assert body == {"ref": "stg", "inputs": inputs, "return_run_details": True}
    assert (end.state, end.why) == ("running", "deploy-staging.yml run 100: no job has begun")
    hub.made[0].conclusion = "success"
    assert bring(actions, dispatch(hub), release(), clients()).artefact["run"] == 7100
    assert len(hub.posted) == 1


def test_an_older_server_that_tells_no_id_is_asked_again_without_it(hub: Actions) -> None:
    hub.old = True
    ticket = actions.deploy(dispatch(hub), release(), clients())
    assert [("return_run_details" in body) for _, body in hub.posted] == [True, False]
    assert ticket["run"] == 0
    assert poll(dispatch(hub), ticket).why == "deploy-staging.yml run 100: no job has begun"


def test_a_run_that_others_dispatched_before_is_not_ours(hub: Actions) -> None:
    early = NOON - timedelta(minutes=1)
    hub.made = [push(1, event="workflow_dispatch", made=early, conclusion="success")]
    assert now(dispatch(hub)).state == "other"
    bring(actions, dispatch(hub), release(), clients(), polls=1)
    assert len(hub.posted) == 1


@pytest.mark.shows("X4", "X5")
def test_killed_after_the_dispatch_it_is_one_run_all_the_same(hub: Actions) -> None:
    actions.deploy(dispatch(hub), release(), clients())  # and the ticket is lost
    found = now(dispatch(hub))
    assert (found.state, found.ticket["run"]) == ("arriving", 7100)
    assert actions.deploy(dispatch(hub), release(), clients())["run"] == 7100
    assert len(hub.posted) == 1


@pytest.mark.shows("X4", "X5")
def test_an_answer_that_is_lost_is_looked_for_and_not_asked_for_twice(hub: Actions) -> None:
    hub.loses = True
    assert actions.deploy(dispatch(hub), release(), clients())["run"] == 7100
    assert len(hub.posted) == 1


def test_a_run_that_shows_up_late_after_a_kill_is_not_doubled(hub: Actions, monkeypatch: pytest.MonkeyPatch) -> None:
    actions.deploy(dispatch(hub), release(), clients())  # killed here
    late = hub.made.pop()
    assert now(dispatch(hub)).state == "other"
    monkeypatch.setattr(actions, "_pause", lambda seconds: hub.made.append(late))
    assert actions.deploy(dispatch(hub), release(), clients())["run"] == late.id
    assert len(hub.posted) == 1


def test_an_answer_that_makes_no_sense_is_no_reason_to_begin_again(hub: Actions) -> None:
    whole = hub.answer

    def garbled(target: str, headers: dict[str, str], method: str = "GET", body: bytes = b"") -> Any:
        status, named, content = whole(target, headers, method, body)
        return (status, named, b"<html>") if method == "POST" else (status, named, content)

    hub.answer = garbled  # type: ignore[method-assign]
    ticket = actions.deploy(dispatch(hub), release(), clients())
    assert (ticket["run"], len(hub.posted)) == (0, 1)
    assert poll(dispatch(hub), ticket).why == "deploy-staging.yml run 100: no job has begun"


def test_an_answer_that_is_lost_for_good_is_unsure(hub: Actions) -> None:
    hub.loses, hub.dispatched = True, None
    with pytest.raises(Unsure) as caught:
        actions.deploy(dispatch(hub), release(), clients())
    assert "not known whether deploy-staging.yml was started" in caught.value.what
    assert len(hub.posted) == 1


def test_our_clock_may_be_wrong(hub: Actions, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = timedelta(minutes=7)
    monkeypatch.setattr(actions, "_clock", (hub.now + fast).timestamp)
    about = release(since=NOON + timedelta(minutes=1) + fast)
    actions.deploy(dispatch(hub), about, clients())
    assert now(dispatch(hub), about).state == "arriving"


def test_with_a_mark_a_run_is_ours_or_not_for_certain(hub: Actions) -> None:
    settings = dispatch(hub, mark="multigit")
    theirs = push(50, event="workflow_dispatch", made=NOON + timedelta(minutes=1), title="Deploy d-2/api/deploy")
    hub.made = [theirs]
    assert now(settings).state == "other"
    actions.deploy(settings, release(), clients())
    assert hub.posted[0][1]["inputs"]["multigit"] == "d-1/api/deploy"
    assert now(settings).ticket["run"] == 7101


def test_a_failed_run_of_ours_is_run_again_where_it_failed(hub: Actions) -> None:
    settings = dispatch(hub)
    bring(actions, settings, release(), clients(), polls=1)
    hub.made[0].conclusion, hub.made[0].jobs = "failure", [FakeJob("deploy", "failure")]
    assert now(settings).state == "other"
    ticket = actions.deploy(settings, release(), clients())
    assert hub.posted[-1][0] == "/repos/team/api/actions/runs/7100/rerun-failed-jobs"
    assert (ticket["run"], ticket["attempt"]) == (7100, 2)
    hub.made[0].attempt, hub.made[0].conclusion = 1, "failure"  # GitHub has not got to it yet
    assert poll(settings, ticket).why == "deploy-staging.yml has not begun again for abababa yet"
    hub.made[0].attempt, hub.made[0].conclusion = 2, "success"
    assert poll(settings, ticket).artefact["attempt"] == 2


def test_one_that_is_run_again_already_is_not_dispatched_beside_it(hub: Actions) -> None:
    bring(actions, dispatch(hub), release(), clients(), polls=1)
    hub.made[0].shown = "failure"  # and GitHub says so still, although it was asked to run it again
    ticket = actions.deploy(dispatch(hub), release(), clients())
    assert (ticket["run"], ticket["attempt"], len(hub.made)) == (7100, 2, 1)


def test_what_cannot_be_run_again_is_dispatched_anew(hub: Actions) -> None:
    hub.old = hub.month_old = True
    settings = dispatch(hub)
    bring(actions, settings, release(), clients(), polls=1)
    hub.made[0].conclusion = "failure"
    ticket = actions.deploy(settings, release(), clients())
    assert [run.id for run in hub.made] == [7100, 7101]
    assert poll(settings, ticket).why == "deploy-staging.yml run 101: no job has begun"
    hub.made.pop()
    assert poll(settings, ticket).why == "deploy-staging.yml has not begun for abababa yet", "the failed one is past"


def test_a_branch_that_has_moved_on_is_not_dispatched(hub: Actions) -> None:
    hub.heads = {"stg": OTHER}
    with pytest.raises(MultigitError) as caught:
        actions.deploy(dispatch(hub), release(), clients())
    assert caught.value.what == "stg of team/api is not at the release's commit"
    assert hub.posted == []


def test_a_run_of_another_commit_is_no_success(hub: Actions) -> None:
    ticket = actions.deploy(dispatch(hub), release(), clients())
    hub.made[0].sha, hub.made[0].conclusion = OTHER, "success"
    end = poll(dispatch(hub), ticket)
    assert (end.state, "is of cdcdcdc, not of abababa" in end.why) == ("failed", True)


def test_what_github_does_not_take_is_told_in_its_words(hub: Actions) -> None:
    with pytest.raises(MultigitError) as caught:
        actions.deploy(dispatch(hub, ref="nowhere"), release(), clients())
    assert "No ref found for: nowhere" in caught.value.why


# --- when GitHub does not answer ---


def test_what_did_not_change_costs_nothing(hub: Actions) -> None:
    hub.made = [push(1, jobs=[FakeJob("deploy", None, [("ecs", None)])])]
    ticket = now(of(hub)).ticket
    first = poll(of(hub), ticket)
    before, hub.free = len(hub.asked), 0
    assert poll(of(hub), ticket) == first
    assert (hub.free, len(hub.asked) - before) == (2, 2)
    hub.made[0].conclusion = "success"
    assert poll(of(hub), ticket).state == "ok"


def test_it_asks_less_often_the_longer_it_takes(hub: Actions) -> None:
    hub.made = [push(1)]
    ticket = now(of(hub)).ticket
    assert poll(of(hub), ticket).retry_after == 15.0
    hub.now = NOON + timedelta(minutes=11)
    assert poll(of(hub), ticket).retry_after == 30.0
    hub.now = NOON + timedelta(hours=5)
    assert poll(of(hub), ticket).retry_after == 60.0


@pytest.mark.parametrize(
    ("answer", "again", "told"),
    [
        ((403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 1020)}, b"{}"), 900.0,
         "GitHub's limit is used up"),
        ((429, {"Retry-After": "77"}, b"{}"), 77.0, "GitHub asks for less"),
        ((403, {}, b'{"message": "You have exceeded a secondary rate limit."}'), 60.0, "GitHub asks for less"),
        ((502, {}, b"<html>"), 30.0, "GitHub answers 502"),
        ((0, {}, b""), 30.0, "GitHub was not asked"),
    ],
)  # fmt: skip
def test_trouble_that_passes_does_not_fail_the_deployment(hub: Actions, answer: Any, again: float, told: str) -> None:
    hub.made = [push(1)]
    ticket, hub.instead = now(of(hub)).ticket, answer
    said = poll(of(hub), ticket)
    assert (said.state, said.retry_after) == ("running", again)
    assert said.why.startswith(told)
    found = now(of(hub))
    assert (found.state, found.ticket["run"]) == ("arriving", 0)
    with pytest.raises(MultigitError) as caught:
        now(dispatch(hub))
    assert caught.value.why.startswith(told)
    assert caught.value.code in _PASSING
    hub.instead = None
    assert poll(of(hub), found.ticket).why == "deploy-staging.yml run 1: no job has begun"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, {}, b'{"message": "Bad credentials"}'), "GitHub does not know the token (401)"),
        ((403, {}, b'{"message": "Resource not accessible by personal access token"}'), "it needs to read Actions"),
        ((403, {"X-GitHub-SSO": "required; url=https://github.com/orgs/team/sso?x=1"}, b"{}"), "single sign-on (403)"),
        ((200, {}, b"[]"), "none that GitHub's API gives"),
        ((200, {}, b'{"id": 7001}'), "none that GitHub's API gives"),
    ],
)
def test_trouble_that_stays_is_an_error_with_its_cause(hub: Actions, answer: Any, told: str) -> None:
    hub.made = [push(1)]
    ticket, hub.instead = now(of(hub)).ticket, answer
    github.forget()
    with pytest.raises(MultigitError) as caught:
        poll(of(hub), ticket)
    assert told in caught.value.why
    assert TOKEN not in caught.value.why
    assert caught.value.code not in _PASSING


def test_a_limit_that_is_used_up_dispatches_nothing_and_says_when(hub: Actions) -> None:
    hub.instead = (429, {"Retry-After": "120"}, b"{}")
    with pytest.raises(MultigitError) as caught:
        actions.deploy(dispatch(hub), release(), clients())
    assert (caught.value.code, caught.value.hint) == ("MG-803", "the same command again, in 2 min")


def test_a_token_that_is_not_set_is_named(hub: Actions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(MultigitError, match="GITHUB_TOKEN is not set"):
        now(of(hub))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"workflow": "../secrets.yml"}, "name of a file in .github/workflows"),
        ({"ref": "main"}, "are for trigger: dispatch"),
        ({"trigger": "dispatch", "inputs": {str(n): "x" for n in range(26)}}, "25 inputs at most"),
        ({"trigger": "dispatch", "inputs": {"a": ["b"]}}, "inputs are texts"),
        ({"trigger": "dispatch", "inputs": {"a": "b"}, "mark": "a"}, "do not hold the mark"),
        ({"classes": {"x": "ship"}}, "classes"),
        ({"log_lines": 501}, "log_lines"),
        ({"within": "soon"}, "is no duration"),
        ({"base_url": "http://ghe.example"}, "must begin with https://"),
        ({"token": TOKEN}, "write ${env:NAME}"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_of(actions, {"workflow": "deploy.yml"} | values)
    assert told in caught.value.why
    assert TOKEN not in caught.value.why


def test_the_repository_comes_from_the_address(hub: Actions) -> None:
    with pytest.raises(MultigitError) as caught:
        now(of(hub, base_url="https://api.github.com"), release(url="git@git.example:team/api.git"))
    assert "it is kept at git.example" in caught.value.why
    hub.made = [push(1, conclusion="success")]
    assert now(of(hub), release(url="ssh://git@ghe.example/team/api.git")).state == "here"
