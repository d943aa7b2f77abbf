"""The check `ci-green`: what GitHub says of a commit, as a health check and as a gate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from multigit import checks
from multigit.configfile import ConfigError
from multigit.model.config import Gate
from multigit.model.verdict import Verdict
from tests.support.asking import AT, NOON, asked, config
from tests.support.github import DESCRIPTION, GitHub, github, serving
from tests.support.services import http_service
from tests.support.subjects import API, WEB, land, oid, plan_of, subject

_IN_CI = os.environ.get("CI") == "true"
TOKEN = "ghp-not-shaped-like-one-0123456789"


@pytest.fixture
def hub() -> Iterator[GitHub]:
    with github() as here:
        yield here


def says(hub: GitHub, **settings: Any) -> Verdict:
    return asked("ci-green", **{"base_url": hub.url} | settings)


@pytest.mark.slow
@pytest.mark.skipif(DESCRIPTION is None and not _IN_CI, reason="needs scripts/schemas-install and openapi-core")
def test_what_is_asked_and_answered_here_is_as_github_describes_it(hub: GitHub) -> None:
    assert DESCRIPTION is not None
    hub.runs, hub.statuses = [("build", "success"), ("test", None)], [("ci/old", "pending")]
    assert says(hub).state == "wait"
    assert hub.wrong == []
    hub.answer(f"/repos/team/api/commits/{AT}/status?perpage=3", {})
    hub.runs = [("build", "splendid")]
    hub.answer(f"/repos/team/api/commits/{AT}/check-runs", {})
    assert "knows no perpage" in hub.wrong[0]
    assert "'splendid' is not one of" in hub.wrong[1]
    hub.wrong.clear()


def test_a_commit_is_green_when_every_check_and_status_is(hub: GitHub) -> None:
    hub.runs = [("build", "success"), ("docs", "skipped"), ("advice", "neutral")]
    hub.statuses = [("ci/circle", "success")]
    said = says(hub)
    assert (said.state, said.why) == ("pass", "team/api abababab: 4 checks are green")


@pytest.mark.parametrize(
    "conclusion", ["failure", "cancelled", "timed_out", "action_required", "stale", "startup_failure"]
)
def test_one_that_is_red_is_named_with_its_address(conclusion: str) -> None:
    fresh = conclusion in ("stale", "startup_failure")  # which GitHub gives, and does not describe
    here = GitHub(runs=[("build", "success"), ("lint", conclusion), ("slow", None)])
    if fresh:
        here.compare = lambda *_, **__: None  # type: ignore[method-assign]
    with serving(here):
        said = says(here)
    assert (said.state, said.why) == ("fail", f"team/api abababab: lint is {conclusion}")
    assert said.details == (f"lint: {conclusion}  https://github.com/team/api/runs/2",)


@pytest.mark.parametrize("state", ["failure", "error"])
def test_a_status_that_a_service_set_counts_as_well(hub: GitHub, state: str) -> None:
    hub.runs, hub.statuses = [("build", "success")], [("ci/circle", state)]
    assert says(hub).why == f"team/api abababab: ci/circle is {state}"


def test_what_still_runs_or_was_not_begun_is_waited_for(hub: GitHub) -> None:
    assert (says(hub).state, says(hub).why) == ("wait", "team/api abababab: no check has said anything yet")
    hub.runs, hub.statuses = [("build", None)], [("ci/circle", "pending")]
    said = says(hub)
    assert (said.state, said.retry_after) == ("wait", 30.0)
    assert said.why == "team/api abababab: not done yet: build, ci/circle"


def test_only_what_is_required_counts_and_must_be_there(hub: GitHub) -> None:
    hub.runs = [("build", "success"), ("flaky", "failure")]
    assert says(hub, required=["build"]).state == "pass"
    said = says(hub, required=["build", "e2e"])
    assert (said.state, said.why) == ("wait", "team/api abababab: nothing is said yet of e2e")


def test_every_page_is_read(hub: GitHub) -> None:
    hub.runs = [*((f"job {number}", "success") for number in range(250)), ("last", "failure")]
    assert says(hub).why == "team/api abababab: last is failure"
    assert [target.rpartition("=")[2] for target in hub.asked] == ["1", "2", "3", "1"]
    hub.runs = [(f"job {number}", "success") for number in range(1001)]
    assert "more than 1000 check runs" in says(hub).why


# --- who asks, and what GitHub refuses ---


def test_a_token_is_sent_and_never_shown(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_TOKEN", TOKEN)
    hub.token, hub.runs = TOKEN, [("build", "success")]
    assert says(hub, token="${env:CI_TOKEN}").state == "pass"
    assert all(headers["x-github-api-version"] == "2022-11-28" for headers in hub.headers)
    hub.runs = [(f"echo {TOKEN}", "failure")]
    assert TOKEN not in repr(says(hub, token="${env:CI_TOKEN}"))
    assert "it needs a token (404)" in says(hub).why
    hub.token = "another"
    said = says(hub, token="${env:CI_TOKEN}")
    assert "does not know the token (401)" in said.why
    assert TOKEN not in repr(said)


def test_a_token_that_is_not_set_is_named_by_its_variable(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert says(hub, token="${env:CI_TOKEN}").why == "CI_TOKEN is not set in the environment"
    monkeypatch.setenv("CI_TOKEN", "p4ss\nw0rd")
    said = says(hub, token="${env:CI_TOKEN}")
    assert said.state == "fail"
    assert "w0rd" not in repr(said)
    assert hub.asked == []


def test_a_token_goes_to_no_other_host(hub: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_TOKEN", TOKEN)
    with github() as other:
        hub.instead = (302, {"Location": f"{other.url}/repos/team/api/commits/{AT}/status"}, b"")
        said = says(hub, token="${env:CI_TOKEN}")
    assert (said.state, "leads to another host" in said.why, other.asked) == ("fail", True, [])


def test_a_limit_that_is_used_up_is_waited_for_until_github_says(hub: GitHub) -> None:
    reset = str(int(NOON.timestamp()) + 900)
    hub.instead = (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, b"{}")
    said = says(hub)
    assert (said.state, said.retry_after) == ("wait", 900.0)
    assert "limit is used up: without a token it is 60 questions an hour" in said.why
    hub.instead = (429, {"Retry-After": "60"}, b"{}")
    assert (says(hub).state, says(hub).retry_after) == ("wait", 60.0)
    hub.instead = (403, {"X-RateLimit-Remaining": "4999"}, b"{}")
    assert "may not (403): it needs to read checks and commit statuses" in says(hub).why
    hub.instead = (502, {}, b"<html>")
    assert says(hub).state == "wait"


def test_what_github_does_not_know_is_told_apart(hub: GitHub) -> None:
    assert "no such repository" in says(hub, repository="team/nope").why
    assert "does not know the commit (422)" in says(hub, commit=oid("c")).why
    assert "is not known which commit of api" in says(hub, commit=None).why
    for body in (b"<html>", b"[]", b"{}", b'{"total_count": "1", "check_runs": []}'):
        hub.instead = (200, {}, body)
        assert says(hub).why == "team/api abababab: the answer is none that GitHub's API gives"


def test_a_server_that_is_away_is_no_green() -> None:
    with http_service() as (url, _):
        pass
    said = asked("ci-green", base_url=url)
    assert (said.state, "GitHub was not asked: no connection" in said.why) == ("fail", True)


# --- which repository, and as a gate ---


def of(url: str, hub: GitHub, **settings: Any) -> Verdict:
    about = subject(plan_of(land(API, source="a"), land(WEB, source="b")))
    repos = {name: replace(repo, url=url.format(name)) for name, repo in about.config.repos.items()}
    about = replace(about, config=replace(about.config, repos=repos))
    gate = Gate(name="ci", kind="ci-green", settings={"base_url": hub.url} | settings)
    return checks.evaluate([gate], about)[0].verdict


@pytest.mark.parametrize(
    "url",
    ["git@github.com:team/{}.git", "https://github.com/team/{}", "ssh://git@github.com/team/{}.git",
     "ssh://git@ssh.github.com:443/team/{}.git"],
)  # fmt: skip
def test_as_a_gate_it_asks_about_what_the_plan_would_bring(hub: GitHub, url: str) -> None:
    hub.commit, hub.runs = oid("a"), [("build", "success")]
    said = of(url, hub)
    assert (said.state, said.why) == (
        "fail",
        "1 of 2 commits are not green: team/web bbbbbbbb: there is no such repository, or it needs a token (404)",
    )
    assert of(url, hub, repos=["api"]).why == "team/api aaaaaaaa: 1 checks are green"


def test_a_plan_without_such_a_commit_asks_nobody(hub: GitHub) -> None:
    gate = Gate(name="ci", kind="ci-green", settings={"base_url": hub.url, "repos": ["web"]})
    (said,) = checks.evaluate([gate], subject(plan_of(land(API))))
    assert (said.verdict.state, hub.asked) == ("pass", [])


def test_another_host_needs_its_own_address() -> None:
    with github() as hub:
        said = of("git@git.example:team/{}.git", hub, base_url="https://api.github.com", repos=["api"])
    assert "it is kept at git.example: base_url says where the API of that is" in said.why


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("base_url: http://ghe.example/api/v3", "must begin with https://"),
        ('base_url: "https://me@ghe.example"', "neither a login"),
        ("repository: api", "written owner/name"),
        ("repos: [nope]", 'there is no repository "nope"'),
    ],
)
def test_settings_that_cannot_be_right_are_mistakes_in_the_file(settings: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(gates=f"{{ci: {{kind: ci-green, {settings}}}}}")
    assert told in caught.value.why


@pytest.mark.parametrize("place", ["health", "gates"])
def test_a_token_that_is_written_out_is_refused_and_not_repeated(place: str) -> None:
    check = "{kind: ci-green, token: s3cr3t-of-no-known-shape}"
    with pytest.raises(ConfigError) as caught:
        config(check) if place == "health" else config(gates=f"{{ci: {check}}}")
    assert "write ${env:NAME}: a secret is never written in repos.yaml" in caught.value.why
    assert "s3cr3t" not in caught.value.why
