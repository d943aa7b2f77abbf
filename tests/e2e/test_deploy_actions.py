"""The target `actions` behind the verbs that deploy: a push starts the workflow, and the deployment waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from multigit import github
from multigit.apply import bringing
from tests.support.fleetkit import ENVIRONMENTS, FleetKit
from tests.support.github_actions import Actions, FakeJob, FakeRun
from tests.support.github_actions import actions as served

TOKEN = "ghp-c4n4ry-not-shaped-like-one"
REPOS = """\
  api:
    deploy:
      default: {{build: {{actions: {{workflow: "deploy-{{env}}.yml", repository: team/api, base_url: "{url}"}}}}}}
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Actions]:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setattr(bringing, "_FIRST_PAUSE", 0.01)
    github.forget()
    with served(token=TOKEN, workflow="deploy-stg.yml") as here:
        yield here


@pytest.fixture
def kit(tmp_path: Path, hub: Actions) -> FleetKit:
    made = FleetKit.make(tmp_path, repos=REPOS.format(url=hub.url), environments=ENVIRONMENTS)
    made.commit("api", "dev", {"app.txt": "new\n"})
    made.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    return made


def run_of(kit: FleetKit, conclusion: str, *jobs: FakeJob) -> FakeRun:
    head = kit.hosts["api"].head("stg")
    assert head
    return FakeRun(id=7001, sha=head, workflow="deploy-stg.yml", conclusion=conclusion, jobs=list(jobs))


@pytest.mark.shows("G12")
def test_a_deployment_is_well_when_the_workflow_is(kit: FleetKit, hub: Actions) -> None:
    hub.made = [run_of(kit, "success")]
    ran = kit.call("deploy", "stg", "--yes").exits(0)
    assert "deploy-stg.yml run 1, attempt 1: success" in ran.text


@pytest.mark.shows("G12", "X8")
def test_a_workflow_that_failed_is_told_with_job_step_and_class(kit: FleetKit, hub: Actions) -> None:
    at = "2026-02-12T03:00:00.1234567Z"
    log = f"{at} 실패 \x1b[31m{TOKEN}\x1b]0;title\x07\u202e\n{at} ##[error]exit code 1"
    hub.made = [run_of(kit, "failure", FakeJob("테스트", "failure", [("pytest", "failure")], log))]
    ran = kit.call("deploy", "stg", "--yes")
    assert ran.code != 0
    assert "deploy-stg.yml run 1 failed at 테스트 / pytest (test)" in ran.text
    assert "##[error]exit code 1" in ran.text
    told = ran.text + (kit.work / "deployment.log").read_text("utf-8")
    assert TOKEN not in told
    assert "\x1b" not in told
    assert "\u202e" not in told
