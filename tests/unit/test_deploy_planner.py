"""The plan of a deployment: what is done in which wave, what is left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from multigit.configfile import parse
from multigit.model import deployplan
from multigit.model.config import Config
from multigit.model.deployments import Running
from multigit.model.deployplan import DeployPlan
from multigit.model.names import DeploymentId, EnvName, Oid, RepoName
from multigit.model.plain import plain
from multigit.model.target import Deployed
from multigit.planners.deploy import Asked, Sight
from multigit.planners.deploy import plan as planned
from tests.support.deploykit import API, KIM, NEW, OLD, START, STG, TAG, WEB

ROOT, DOCS = RepoName("root"), RepoName("docs")
CONFIG = """\
version: 1
system: {name: shop, timezone: Asia/Seoul}
remotes: {origin: "git@example.com:x/{repo}.git"}
environments:
  dev:  {branch: dev, deploys: false}
  stg:  {branch: stg, tag: "stg-deploy-{now:%Y%m%d-%H%M%S}", auto_rollback: always}
  prod: {branch: main, tier: production}
repos:
  root: {}
  docs: {deploy: {default: {argocd: {app: docs}}}}
  api:
    after: [root]
    deploy:
      default:
        build: {command: {run: [make, image]}}
        migrate: {command: {run: [make, migrate]}WHEN}
        tests.support.shelf: {place: /x}
        health: "https://api.example.com/health"
  web: {after: [api], deploy: {default: {tests.support.shelf: {place: /x}, timeout: 2m}}}
"""


def config(when: str = "") -> Config:
    return parse(CONFIG.replace("WHEN", when).encode(), "repos.yaml")


def asked(found: Config, env: str = "stg", **more: Any) -> Asked:
    commits = dict.fromkeys((ROOT, DOCS, API, WEB), NEW)
    given: dict[str, Any] = {"commits": commits, "heads": commits, "tag": TAG, **more}
    return Asked(env=found.environments[EnvName(env)], operator=KIM, **given)


def sights(api: str = "other", web: str = "other") -> Mapping[RepoName, Sight]:
    return {
        repo: Sight(now=Deployed(state=state, what=f"{repo} 1", artefact={"of": str(repo)}), commit=OLD)  # type: ignore[arg-type]
        for repo, state in ((API, api), (WEB, web))
    }


def plan(seen: Mapping[RepoName, Sight] | None = None, when: str = "", env: str = "stg", **more: Any) -> DeployPlan:
    found = config(when)
    return planned(found, asked(found, env, **more), sights() if seen is None else seen, START)


def steps(made: DeployPlan) -> list[str]:
    return [f"{step.wave} {step.id}" for step in made.steps]


def test_builds_come_first_then_wave_by_wave() -> None:
    made = plan()
    assert steps(made) == ["0 api/build", "2 api/migrate", "2 api/deploy", "2 api/health", "3 web/deploy"]
    assert [(skip.repo, skip.why) for skip in made.skips] == [(DOCS, "argocd is not acted on by this version")]
    api = next(step for step in made.steps if step.id == "api/deploy")
    assert (api.commit, api.before, api.before_commit, api.was) == (NEW, {"of": "api"}, OLD, "api 1")
    assert made.steps[-1].seconds == 120
    assert made.auto_rollback == "always"


def test_a_migration_may_come_after_the_service() -> None:
    assert steps(plan(when=", when: after"))[1:4] == ["2 api/deploy", "2 api/migrate", "2 api/health"]


def test_what_is_there_is_neither_built_nor_migrated_but_looked_at() -> None:
    assert steps(plan(sights(api="here"))) == ["2 api/deploy", "2 api/health", "3 web/deploy"]
    assert steps(plan(sights(api="arriving")))[:2] == ["0 api/build", "2 api/migrate"]


def test_a_release_that_was_gone_back_to_is_built_and_not_migrated() -> None:
    assert steps(plan(migrates=False))[:2] == ["0 api/build", "2 api/deploy"]


def test_all_is_watched_at_the_end_where_something_can_be_asked() -> None:
    assert steps(plan(watch=600))[-1].endswith(" soak")
    made = plan(watch=600)
    assert made.steps[-1].wave == max(step.wave for step in made.steps)
    assert (made.steps[-1].seconds, made.steps[-1].repo) == (600, None)
    some = plan(watch=600, repos=frozenset({API}))
    assert "soak" not in [step.id for step in some.steps]


def test_only_what_is_selected() -> None:
    made = plan(repos=frozenset({WEB}))
    assert steps(made) == ["3 web/deploy"]
    assert {skip.repo: skip.why for skip in made.skips} == {DOCS: "not selected", API: "not selected"}
    assert API in made.commits


def test_a_repository_without_the_branch_is_left_out_and_named() -> None:
    made = plan(commits={WEB: NEW}, heads={WEB: NEW})
    assert steps(made) == ["3 web/deploy"]
    assert {skip.repo: skip.why for skip in made.skips}[API] == "it has no branch stg"


def test_an_environment_that_deploys_nothing_has_nothing_to_do() -> None:
    assert plan(env="dev").steps == ()


RECORDED = {API: Running(commit=OLD, artefact={"image": "old"}, deployment=DeploymentId("d-0123456789ab"))}


def test_what_is_recorded_is_brought_exactly_and_not_built_again() -> None:
    made = plan(recorded=RECORDED)
    assert steps(made) == ["2 api/deploy", "2 api/health", "3 web/deploy"]
    api, web = made.steps[0], made.steps[2]
    assert (api.artefact, api.commit, web.artefact, web.commit) == ({"image": "old"}, OLD, {}, NEW)
    assert made.commits[API] == OLD
    assert made.heads[API] == NEW


def test_only_what_is_recorded_goes_back() -> None:
    made = plan(recorded=RECORDED, back=True)
    assert steps(made) == ["2 api/deploy", "2 api/health"]
    assert {skip.repo: skip.why for skip in made.skips} == {
        DOCS: "argocd is not acted on by this version", WEB: "what it ran then is not recorded",
    }  # fmt: skip
    assert made.auto_rollback == "never"
    bare = plan(recorded={API: replace(RECORDED[API], artefact={})}, back=True)
    assert bare.steps == ()
    assert bare.commits[API] == NEW  # what was not brought back does not serve


def test_what_nobody_could_look_at_has_no_before() -> None:
    api = next(step for step in plan({}).steps if step.id == "api/deploy")
    assert (api.before, api.was, api.before_commit) == ({}, "", None)


def test_the_same_asked_is_the_same_plan_and_it_survives_the_ledger() -> None:
    made = plan(watch=60)
    assert made.id == plan(watch=60).id
    assert made.id != plan(watch=61).id
    assert deployplan.read(plain(made)) == made


@pytest.mark.parametrize("automatic", [True, False])
def test_only_what_may_goes_back_by_itself(automatic: bool) -> None:
    assert plan(automatic=automatic).auto_rollback == ("always" if automatic else "never")


def test_every_step_has_the_commit_that_should_serve() -> None:
    assert {step.commit for step in plan().steps if step.repo} == {NEW}
    assert {Oid(one) for one in plan().commits.values()} == {NEW}
    assert plan().env == STG
