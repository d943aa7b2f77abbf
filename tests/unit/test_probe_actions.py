"""The probe `actions`: the workflow that deploys, and how its last run ended (G18)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from multigit.model.health import Finding
from tests.support.github_runs import Runs, github_runs
from tests.support.patients import AT, patient, probed

pytestmark = [pytest.mark.slow, pytest.mark.shows("G18")]
TOKEN = "ghp-not-shaped-like-one-0123456789"


@pytest.fixture(autouse=True)
def nobodys_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hub() -> Iterator[Runs]:
    with github_runs() as here:
        yield here


def look(hub: Runs, more: str = "") -> Finding:
    section = f'{{build: {{actions: {{workflow: "deploy-{{long}}.yml", base_url: "{hub.url}"{more}}}}}}}'
    found = probed("actions", patient(section))["actions"]
    assert TOKEN not in found.why + found.fix
    return found


def test_a_run_of_the_branchs_head_that_succeeded_is_well(hub: Runs) -> None:
    hub.runs = [("dev", "cd" * 20, "completed", "failure"), ("stg", AT, "completed", "success")]
    found = look(hub)
    assert (found.state, found.why) == ("ok", f"deploy-staging.yml: run 12 of stg ({AT[:8]}) is success")


@pytest.mark.parametrize(
    ("job", "step", "words"),
    [("deploy", "Run pytest", "job deploy, step Run pytest (test failed: look at the test cases)"),
     ("deploy", "Build and push image to ECR", "(build failed: read the log and mend the code)"),
     ("deploy", "Update ECS service", "(deploy failed: look at AWS: rights and resources)"),
     ("build", "", "job build (build failed: read the log and mend the code)"), ("strange", "", "job strange")],
)  # fmt: skip
def test_a_run_that_failed_is_told_by_what_failed_with_the_log_and_the_retry(
    hub: Runs, job: str, step: str, words: str
) -> None:
    hub.runs = [("stg", AT, "completed", "failure")]
    hub.jobs = [("lint", "success", ""), (job, "failure", step), ("after", "skipped", "")]
    found = look(hub)
    assert found.state == "ng"
    assert found.why.endswith(words)
    assert found.fix.splitlines() == [
        "gh run view 7 --repo team/api --log-failed",
        "gh run rerun 7 --repo team/api --failed",
    ]


def test_a_workflow_that_never_ran_is_disabled_or_is_not_there(hub: Runs) -> None:
    hub.runs = [("main", AT, "completed", "success")]
    found = look(hub)
    assert (found.state, found.why) == ("warn", "deploy-staging.yml never ran on stg")
    assert found.fix.startswith("gh workflow run deploy-staging.yml --repo team/api --ref stg")
    hub.state = "disabled_inactivity"
    found = look(hub)
    assert (found.state, found.fix) == ("ng", "gh workflow enable deploy-staging.yml --repo team/api")
    assert "nothing happened for 60 days" in found.why
    hub.file = "other.yml"
    assert "team/api has no workflow deploy-staging.yml, or it is hidden" in look(hub).why


def test_a_run_that_goes_on_and_a_push_that_started_none(hub: Runs) -> None:
    hub.runs = [("stg", AT, "in_progress", None)]
    found = look(hub)
    assert (found.state, found.fix) == ("warn", "gh run watch 7 --repo team/api")
    hub.runs = [("stg", AT, "completed", "cancelled")]
    assert look(hub).state == "warn"
    hub.runs = [("stg", "cd" * 20, "completed", "success")]
    assert "the branch is at abababab: that push started nothing" in look(hub).why


def test_tokens_that_are_refused_missing_or_used_up(hub: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.runs, hub.token = [("stg", AT, "completed", "success")], TOKEN
    assert "hidden from those without a token" in look(hub).why
    asking = ', token: "${env:CI_TOKEN}"'
    found = look(hub, asking)
    assert (found.state, found.fix) == ("warn", "export CI_TOKEN=…")
    monkeypatch.setenv("CI_TOKEN", TOKEN + "x")
    assert "GitHub does not know the token (401)" in look(hub, asking).why
    monkeypatch.setenv("CI_TOKEN", TOKEN)
    assert look(hub, asking).state == "ok"
    for status, words in ((403, "it needs to read Actions"), (429, "answers 429"), (502, "answers 502")):
        hub.instead = status
        assert words in look(hub, asking).why


def test_the_token_of_the_environment_goes_to_github_alone(hub: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.token = TOKEN
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    assert (
        "hidden from those without a token" in look(hub).why
    )  # a host of one's own is told none that it was not given


def test_a_repository_that_is_not_on_github_says_so() -> None:
    who = patient("{workflow: a.yml}")
    object.__setattr__(who.config, "remotes", {"origin": "git@gitlab.com:team/{repo}.git"})
    assert "it is kept at gitlab.com" in probed("actions", who)["actions"].why
    assert probed("actions", patient("{logs: x}")) == {}
