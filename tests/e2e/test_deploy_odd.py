"""Deployments that go otherwise: two at once, killed between the lines, holds, selections, documents."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import multigit
from multigit.app import look
from multigit.app.deploying import after as following
from multigit.app.deploying import driving, settling
from multigit.apply import bringing, engine
from multigit.clients import SignedOut
from multigit.errors import Interrupted, MultigitError
from multigit.model.schemas import file_name
from multigit.model.target import Progress
from tests.e2e.test_deploy import (
    Killed,
    acts,
    always,
    changed,
    cut_after,
    falls_next,
    released_bad,
    repos,
    there,
)
from tests.support import shelf as target
from tests.support.fleetkit import ENVIRONMENTS, FleetKit, Ran
from tests.support.people import Person, signing

SCHEMAS = Path(multigit.__file__).parent / "schemas"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing, "_FIRST_PAUSE", 0.01)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for env in ("stg", "prod"):
        (tmp_path / "shelf" / env).mkdir(parents=True)
    return tmp_path / "shelf"


@pytest.fixture
def kit(tmp_path: Path, shelf: Path) -> FleetKit:
    return FleetKit.make(tmp_path, repos=repos(shelf), environments=ENVIRONMENTS)


def configured(kit: FleetKit, old: str, new: str) -> None:
    assert old in kit.config
    kit.config = kit.config.replace(old, new)
    (kit.work / "repos.yaml").write_text(kit.config)


def one_document(ran: Ran, name: str) -> Any:
    """The one document on stdout, as its schema says."""
    body = json.loads(ran.out)
    assert body["schema"] == name
    jsonschema.validate(body, json.loads((SCHEMAS / file_name(name)).read_text()))
    assert body["exit_code"] == ran.code if "exit_code" in body else True
    return body


def left_open(kit: FleetKit, monkeypatch: pytest.MonkeyPatch, moment: int = 3) -> str:
    """A deployment of stg whose process is no more; its id."""
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    with monkeypatch.context() as patch:
        cut_after(patch, moment)
        with pytest.raises(Killed):
            kit.call("deploy", "stg", "--yes")
    status = json.loads(kit.call("status", "--json").out)
    return str(status["deploying"][0]["id"])


# --- what was never deployed -------------------------------------------------------------------------------------


@pytest.mark.shows("X5")
def test_killed_between_the_release_and_its_deployment_it_is_said_that_nothing_was_deployed(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(kit)
    with monkeypatch.context() as patch:

        def killed(self: Any) -> None:
            raise Killed

        patch.setattr(following.Following, "then", killed)
        with pytest.raises(Killed):
            kit.promote("dev", "stg")
    tag = kit.tags("stg-deploy-")[-1]
    shown = kit.call("status")
    assert f"{tag} was released to stg, and never deployed" in shown.text
    assert "multigit deploy stg" in shown.out
    status = one_document(kit.call("status", "--json"), "multigit.status/1")
    assert [one["env"] for one in status["undeployed"]] == ["stg"]
    resumed = kit.call("resume", "--yes").exits(0)
    assert f"{tag} was released to stg, and never deployed" in resumed.text
    assert "multigit deploy stg" in resumed.text
    kit.call("deploy", "stg", "--yes").exits(0)
    assert "never deployed" not in kit.call("status").text + kit.call("resume", "--yes").text


def test_what_nothing_deploys_is_owed_nothing(kit: FleetKit) -> None:
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    assert "never deployed" in kit.call("status").text
    (kit.work / "repos.yaml").write_text(kit.config.split("repos:\n")[0] + "repos: {root: {}, api: {}, web: {}}\n")
    assert "never deployed" not in kit.call("status").text


def test_a_run_named_to_resume_means_its_open_deployment(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(kit)
    with monkeypatch.context() as patch:
        cut_after(patch, 2)
        with pytest.raises(Killed):
            kit.promote("dev", "stg")
    run = json.loads(kit.call("history", "stg", "--json").out)["releases"][0]["run"]
    kit.call("resume", run, "--yes").exits(0)
    assert there(shelf, "web") == kit.hosts["web"].head("stg")


# --- two at once -------------------------------------------------------------------------------------------------


def test_a_promotion_never_takes_the_place_of_what_somebody_else_deploys(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began after the promotion was planned, and before its own deployment."""
    changed(kit)
    then = following.Following.then

    def meanwhile(self: Any) -> Any:
        with monkeypatch.context() as patch:
            cut_after(patch, 2)
            with pytest.raises(Killed):
                kit.call("deploy", "stg", "--yes")
        self.session.ledger.refresh()  # as where it began before the record `released` was written
        return then(self)

    monkeypatch.setattr(following.Following, "then", meanwhile)
    ran = kit.promote("dev", "stg").exits(5)
    assert "another deployment of the environment is open" in ran.text
    status = json.loads(kit.call("status", "--json").out)
    assert len(status["deploying"]) == 1
    assert len(acts(shelf)) < 2
    kit.call("resume", "--yes").exits(0)
    assert acts(shelf) == ["put api", "put web"]


@pytest.mark.fault("deploy-two-at-once")
def test_a_second_deployment_is_refused_and_a_rollback_takes_its_place(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    tag = kit.tags("stg-deploy-")[-1]
    first = there(shelf, "api")
    changed(kit, "newer\n")
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    with monkeypatch.context() as patch:
        cut_after(patch, 3)
        with pytest.raises(Killed):
            kit.call("deploy", "stg", "--yes")
    for command in (("deploy", "stg", "--yes"), ("promote", "dev", "stg", "--yes")):
        if command[0] == "promote":
            changed(kit, "newest\n")
        refused = kit.call(*command, "--json").exits(4)
        body = one_document(refused, "multigit.error/1")
        assert "multigit watch stg" in body["hint"]
    kit.call("rollback", tag, "--yes").exits(0)
    assert there(shelf, "api") == first
    assert "is open" not in kit.call("status").out
    shown = kit.call("history", "stg").exits(0).out
    assert "rolled back" in shown


# --- a hold ------------------------------------------------------------------------------------------------------


def test_nothing_is_deployed_to_what_is_on_hold(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    kit.call("hold", "set", "stg", "-m", "재해 훈련").exits(0)
    refused = kit.call("deploy", "stg", "--yes").exits(3)
    assert "재해 훈련" in refused.err
    assert "multigit hold release stg" in refused.err
    assert acts(shelf) == []
    kit.call("deploy", "stg", "--dry-run").exits(0)
    kit.call("hold", "release", "stg", "-m", "over").exits(0)
    kit.call("deploy", "stg", "--yes").exits(0)


# --- references --------------------------------------------------------------------------------------------------


def test_a_reference_means_a_release_of_the_environment_that_is_named(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    first, tag = there(shelf, "api"), kit.tags("stg-deploy-")[-1]
    changed(kit, "newer\n")
    kit.promote("dev", "stg").exits(0)
    second = there(shelf, "api")
    for ref, commit in (("previous", first), ("last", second), (tag, first), (tag[:-1], first)):
        ran = kit.call("deploy", "stg", "--ref", ref, "--yes")
        if ref == tag[:-1] and ran.code == 2:
            continue  # ambiguous within one second
        ran.exits(0)
        assert there(shelf, "api") == commit, ref
    kit.call("verify", "stg").exits(0)
    wrong = kit.call("deploy", "prod", "--ref", tag, "--confirm", "shop main").exits(2)
    assert "release of stg, not of prod" in wrong.err
    kit.call("deploy", "stg", "--ref", "nonsense", "--yes").exits(2)


# --- selections, environments ------------------------------------------------------------------------------------


def test_only_what_is_selected_is_deployed_and_the_rest_keeps_its_record(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    tag, first = kit.tags("stg-deploy-")[-1], there(shelf, "web")
    (shelf / "stg" / "api.json").unlink()
    ran = kit.call("deploy", "stg", "--yes", "--repo", "api").exits(0)
    assert "not selected" in ran.out
    assert acts(shelf) == ["put api", "put web", "put api"]
    changed(kit, "newer\n")
    kit.promote("dev", "stg").exits(0)
    kit.call("rollback", tag, "--yes").exits(0)
    assert there(shelf, "web") == first


def test_the_health_of_all_is_asked_whatever_the_release_was_limited_to(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ', health: {stable: 1, within: 1s, every: 1s, checks: ["http://127.0.0.1:9/"]}'
    configured(kit, '/{env}"}}', '/{env}"}' + asked + "}")
    changed(kit)
    ran = kit.promote("dev", "stg", "--repo", "api").exits(5)
    assert "0 of 0 checks" not in ran.out
    assert "api/health" in ran.out


def test_an_environment_that_deploys_nothing_says_so(kit: FleetKit) -> None:
    configured(kit, "stg: {branch: stg,", "stg: {branch: stg, deploys: false,")
    said = kit.call("deploy", "stg", "--yes").exits(2)
    assert "nothing is deployed to stg" in said.err
    changed(kit)
    ran = kit.promote("dev", "stg").exits(0)
    assert "deployed" not in ran.out
    assert "never deployed" not in kit.call("status").text


# --- going on elsewhere ------------------------------------------------------------------------------------------


def test_a_repos_yaml_that_lacks_what_is_deployed_is_told_before_anything_is_taken_over(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_open(kit, monkeypatch)
    head = kit.hosts["root"].head("multigit-ledger")
    kept = kit.config
    configured(kit, "  web: {after", "  other: {after")
    (kit.root / "hosts" / "web.git").rename(kit.root / "hosts" / "other.git")
    for intent in ("resume", "abort"):
        said = kit.call(intent, "--yes").exits(2)
        assert "web, which repos.yaml does not have" in said.err
    assert kit.hosts["root"].head("multigit-ledger") == head
    (kit.root / "hosts" / "other.git").rename(kit.root / "hosts" / "web.git")
    kit.config = kept.replace(
        "  stg: {branch: stg, alias: [staging],", "  test: {branch: stg, alias: [staging],"
    ).replace("[stg, prod], backmerge: [stg, dev]", "[test, prod], backmerge: [test, dev]")
    (kit.work / "repos.yaml").write_text(kit.config)
    said = kit.call("resume", "--yes").exits(2)
    assert "environment stg" in said.err


@pytest.mark.fault("deploy-forged")
def test_nothing_is_run_that_stands_only_in_the_ledger(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may push to the home repository could write a plan with any command in it."""
    left_open(kit, monkeypatch)
    configured(kit, "/{env}", "/{env}/.")
    head, done = kit.hosts["root"].head("multigit-ledger"), acts(shelf)
    for intent in ("resume", "abort"):
        said = kit.call(intent, "--yes").exits(2)
        assert "otherwise than repos.yaml says" in said.text
    assert (kit.hosts["root"].head("multigit-ledger"), acts(shelf)) == (head, done)
    configured(kit, "/{env}/.", "/{env}")
    kit.call("resume", "--yes").exits(0)


def test_expired_credentials_leave_it_open_and_resume_goes_on(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    with monkeypatch.context() as patch:

        def poll(*args: Any) -> Any:
            raise SignedOut("AWS does not know who is asking", why="the credentials have expired", hint="aws sso login")

        patch.setattr(target, "poll", poll)
        ran = kit.call("deploy", "stg", "--yes", "--json").exits(4)
        body = one_document(ran, "multigit.deployment/1")
        assert body["outcome"] == "open"
        assert "the credentials have expired" in body["why"]
        assert body["next"][0].startswith("multigit resume d-")
    kit.call("resume", "--yes").exits(0)
    assert acts(shelf) == ["put api", "put web"]


def test_a_deployment_that_is_over_is_nothing_to_do(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released_bad(kit, shelf)
    kit.call("deploy", "stg", "--yes").exits(5)
    found = json.loads(kit.call("watch", "stg", "--json").exits(5).out)["id"]
    for intent in ("resume", "abort"):
        ran = kit.call(intent, found, "--yes", "--json").exits(0)
        assert one_document(ran, "multigit.deployment/1")["outcome"] == "failed"


def test_every_answer_of_an_open_one_is_one_document(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = left_open(kit, monkeypatch)
    looked = one_document(kit.call("resume", "--dry-run", "--json").exits(0), "multigit.deployment/1")
    assert (looked["id"], looked["outcome"]) == (found, "open")
    one_document(kit.call("resume", "--json").exits(3), "multigit.error/1")
    one_document(kit.call("show", found, "--json").exits(0), "multigit.show/1")
    one_document(kit.call("status", "--json"), "multigit.status/1")
    aborted = one_document(kit.call("abort", "--yes", "--json"), "multigit.deployment/1")
    assert aborted["outcome"] in ("returned", "failed")


def test_documents_of_a_deployment_that_went_well(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    run = one_document(kit.call("promote", "dev", "stg", "--yes", "--json").exits(0), "multigit.run/1")
    assert run["deployment"]["outcome"] == "well"
    planned = one_document(kit.call("deploy", "stg", "-n", "--json").exits(0), "multigit.deployment/1")
    assert planned["outcome"] == "planned"
    done = one_document(kit.call("deploy", "stg", "--yes", "--json").exits(0), "multigit.deployment/1")
    assert {step["state"] for step in done["steps"]} == {"ok"}
    quiet = kit.call("deploy", "stg", "--yes", "-q").exits(0)
    assert quiet.err == ""


def test_ctrl_c_leaves_what_was_begun_to_itself_and_says_how_to_go_on(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    with monkeypatch.context() as patch:

        def poll(*args: Any) -> Any:
            os.kill(os.getpid(), signal.SIGINT)
            return Progress(state="running", why="1 of 2", retry_after=30)

        patch.setattr(target, "poll", poll)
        ran = kit.call("deploy", "stg", "--yes").exits(4)
    assert "what was begun goes on by itself" in ran.err
    assert "multigit resume d-" in ran.out
    kit.call("resume", "--yes").exits(0)
    assert acts(shelf) == ["put api", "put web"]


def test_ctrl_c_at_the_question_whether_to_go_back_decides_nothing(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released_bad(kit, shelf)
    with monkeypatch.context() as patch:

        def nobody(self: Any, why: str) -> bool:
            raise Interrupted("stopped", state="nothing was changed")

        patch.setattr(driving.Drive, "_goes_back", nobody)
        ran = kit.call("deploy", "stg", "--yes").exits(4)
    assert "nobody has said yet whether it goes back" in ran.text
    assert "nothing was changed" not in ran.text
    kit.call("abort", "--yes")
    assert "is open" not in kit.call("status").out


# --- taken back --------------------------------------------------------------------------------------------------


def test_documents_of_one_that_was_taken_back_hold_the_run_that_did(kit: FleetKit, shelf: Path) -> None:
    always(kit)
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    changed(kit, "worse\n")
    falls_next(kit, shelf)
    ran = kit.call("promote", "dev", "stg", "--yes", "--json").exits(5)
    run = one_document(ran, "multigit.run/1")
    restored = run["deployment"]["restored"]
    assert (run["deployment"]["outcome"], restored["outcome"], restored["plan"]["verb"]) == (
        "returned",
        "released",
        "rollback",
    )
    jsonschema.validate(restored, json.loads((SCHEMAS / file_name("multigit.run/1")).read_text()))


def test_where_no_release_was_before_it_is_said_that_the_branches_stay(kit: FleetKit, shelf: Path) -> None:
    always(kit)
    kit.call("deploy", "stg", "--yes").exits(0)
    changed(kit)
    falls_next(kit, shelf)
    ran = kit.promote("dev", "stg").exits(5)
    assert "FAILED, and taken back" in ran.out
    assert "the branches stay as they are: there is no release before" in ran.text


def test_branches_that_could_not_be_taken_back_are_not_said_to_be(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    always(kit)
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    changed(kit, "worse\n")
    falls_next(kit, shelf)
    start, count = engine.start, iter(range(10))

    def race(work: Any) -> Any:
        if next(count) == 1:  # somebody pushes just before the restore commit
            kit.commit("api", "stg", {"other.txt": "x"})
        return start(work)

    monkeypatch.setattr(engine, "start", race)
    ran = kit.promote("dev", "stg").exits(5)
    assert "then the branches were taken back" not in ran.text
    assert "the branches were not taken back" in ran.text
    assert "multigit rollback" in ran.text


def test_where_the_way_back_fails_it_ends_as_it_is_and_says_what_did_not_go_back(kit: FleetKit, shelf: Path) -> None:
    always(kit)
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    first = there(shelf, "api")
    changed(kit, "worse\n")
    head = kit.hosts["web"].head("stg")
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    (shelf / "stg" / "bad").write_text(str(kit.head("web", "stg")))
    (shelf / "stg" / "refused").write_text(first)
    ran = kit.call("deploy", "stg", "--yes", "--json").exits(5)
    body = one_document(ran, "multigit.deployment/1")
    assert (body["outcome"], body["restored"]) == ("failed", None)
    backs = {step["id"]: step["back"] for step in body["steps"]}
    assert backs == {"api/deploy": "failed", "web/deploy": "ok"}
    assert "the shelf does not take it" in body["why"]
    assert head != kit.hosts["web"].head("stg")  # the branches stay
    assert "is open" not in kit.call("status").out
    kit.call("deploy", "stg", "-n").exits(0)


def test_what_can_go_back_does_where_something_else_cannot(kit: FleetKit, shelf: Path) -> None:
    always(kit)
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    first = {repo: there(shelf, repo) for repo in ("api", "web")}
    changed(kit, "worse\n")
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    (shelf / "stg" / "good").write_text(f"stays {first['api']} {kit.head('api', 'stg')}")
    (shelf / "stg" / "refused").write_text(first["web"])
    body = one_document(kit.call("deploy", "stg", "--yes", "--json").exits(5), "multigit.deployment/1")
    assert {step["id"]: step["back"] for step in body["steps"]} == {"api/deploy": "ok", "web/deploy": "failed"}
    assert there(shelf, "api") == first["api"]


def test_the_first_deployment_of_all_has_nothing_to_go_back_to(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_open(kit, monkeypatch)
    ran = kit.call("abort", "--yes").exits(5)
    assert "nothing ran there before, as far as is known" in ran.text
    assert "is open" not in kit.call("status").out
    kit.call("deploy", "stg", "--yes").exits(0)


def test_killed_before_the_branches_follow_it_is_said_that_they_have_not(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    always(kit)
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    changed(kit, "worse\n")
    falls_next(kit, shelf)
    with monkeypatch.context() as patch:

        def killed(self: Any, told: Any) -> None:
            raise Killed

        patch.setattr(driving.Drive, "_undone", killed)
        with pytest.raises(Killed):
            kit.promote("dev", "stg")
    said = kit.call("status").text
    assert "was taken back from stg, its branches were not" in said
    assert "multigit rollback previous" in said or "multigit rollback stg-deploy-" in said
    tag = kit.tags("stg-deploy-")[0]
    kit.call("rollback", tag, "--yes").exits(0)
    assert "were not" not in kit.call("status").text


def test_a_rollback_whose_branches_cannot_move_says_what_runs(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    first, tag = there(shelf, "api"), kit.tags("stg-deploy-")[-1]
    changed(kit, "newer\n")
    kit.promote("dev", "stg").exits(0)
    start = engine.start

    def race(work: Any) -> Any:
        kit.commit("api", "stg", {"other.txt": "x"})
        return start(work)

    monkeypatch.setattr(engine, "start", race)
    ran = kit.call("rollback", tag, "--yes")
    assert ran.code in (3, 4)
    assert there(shelf, "api") == first
    assert f"what runs in stg went back to {tag} already, the branches did not" in ran.text
    assert f"multigit rollback {tag}" in ran.text
    assert "multigit deploy stg" in ran.text


def test_going_back_first_and_killed_then_resumed_the_branches_are_not_forgotten(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    tag = kit.tags("stg-deploy-")[-1]
    changed(kit, "newer\n")
    kit.promote("dev", "stg").exits(0)
    with monkeypatch.context() as patch:
        cut_after(patch, 2)
        with pytest.raises(Killed):
            kit.call("rollback", tag, "--yes")
    ran = kit.call("resume", "--yes").exits(0)
    assert f"multigit rollback {tag}" in ran.text
    kit.call("rollback", tag, "--yes").exits(0)
    kit.call("verify", "stg").exits(0)


def test_what_was_given_up_tells_that_the_branches_stay(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(kit)
    kit.promote("dev", "stg").exits(0)
    changed(kit, "newer\n")
    with monkeypatch.context() as patch:
        cut_after(patch, 3)
        with pytest.raises(Killed):
            kit.promote("dev", "stg")
    ran = kit.call("abort", "--yes").exits(0)
    assert "multigit rollback" in ran.text


@pytest.mark.slow
@pytest.mark.parametrize("key", [True, False])
def test_what_goes_back_by_itself_is_signed_like_any_release(
    tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch, key: bool
) -> None:
    kim = Person.make(tmp_path / "keys", "kim")
    environments, extra = signing([kim])
    environments = environments.replace("tier: production,", "tier: production, auto_rollback: always,")
    kit = FleetKit.make(tmp_path / "fleet", repos=repos(shelf), environments=environments, extra=extra)
    kim.use()
    for text in ("one\n", "two\n"):
        for repo in ("api", "web"):
            kit.commit(repo, "stg", {"app.txt": text})
        if text == "one\n":
            kit.promote("stg", "main").exits(0)
    first, tree = there(shelf, "api", "prod"), kit.tree("api", "main")
    (shelf / "prod" / "good").write_text("\n".join(there(shelf, repo, "prod") for repo in ("api", "web")))
    if not key:  # the agent is locked while it is deployed
        then = following.Following.then

        def locked(self: Any) -> Any:
            kim.use(key="")
            return then(self)

        monkeypatch.setattr(following.Following, "then", locked)
    ran = kit.promote("stg", "main").exits(5)
    assert there(shelf, "api", "prod") == first
    assert (kit.tree("api", "main") == tree) is key
    if key:
        assert len(kit.tags("deploy-")) == 3
        kim.use()
        kit.call("verify", "prod").exits(0)
    else:
        assert "the branches were not taken back: rollback is blocked by: signed" in ran.text
        assert "was taken back from prod, its branches were not" in kit.call("status").text


def test_a_rollback_to_what_was_never_recorded_moves_the_branches_and_deploys_them(kit: FleetKit, shelf: Path) -> None:
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    tag, tree = kit.tags("stg-deploy-")[-1], kit.tree("api", "stg")
    changed(kit, "newer\n")
    kit.promote("dev", "stg").exits(0)
    kit.call("rollback", tag, "--yes").exits(0)
    assert kit.tree("api", "stg") == tree
    assert there(shelf, "api") == kit.hosts["api"].head("stg")
    kit.call("verify", "stg").exits(0)


def test_a_hotfix_takes_the_place_of_what_is_open(kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left_open(kit, monkeypatch)
    for repo in kit.names:
        kit.clone(repo, "stg")
    (kit.work / "api" / "app.txt").write_text("fixed\n")
    kit.call("hotfix", "--push", "stg", "-m", "fix: now", "--yes").exits(0)
    assert there(shelf, "api") == kit.hosts["api"].head("stg")
    assert "is open" not in kit.call("status").out
    log = kit.log()
    assert "EMERGENCY" in log
    assert "result=superseded" in log


# --- watching ----------------------------------------------------------------------------------------------------


def test_there_may_be_nothing_to_watch(kit: FleetKit) -> None:
    assert "nothing was deployed by multigit yet" in kit.call("watch").exits(2).err
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    run = json.loads(kit.call("history", "stg", "--json").out)["releases"][0]["run"]
    said = kit.call("watch", run).exits(2)
    assert "multigit deploy stg" in said.err
    assert "nonsense" in kit.call("watch", "nonsense").exits(2).err


def test_whoever_watches_outlives_a_moment_without_network(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_open(kit, monkeypatch)
    read, count = look.ledger, iter(range(99))
    waits: list[float] = []

    def flaky(session: Any) -> Any:
        number = next(count)
        if number == 1:
            raise MultigitError("root cannot be reached", code="MG-210")
        return read(session)

    def meanwhile(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            kit.call("resume", "--yes").exits(0)

    monkeypatch.setattr(look, "ledger", flaky)
    monkeypatch.setattr(settling, "_pause", meanwhile)
    ran = kit.call("watch", "stg").exits(0)
    assert "deployed, and well" in ran.out
    assert "root cannot be reached" in ran.err


# --- beside other runs -------------------------------------------------------------------------------------------


def test_a_plan_outlives_the_records_of_deployments_elsewhere(kit: FleetKit, shelf: Path) -> None:
    """A long deployment writes many records; nobody else's plan is stale because of that."""
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    plan = kit.root / "plan.json"
    kit.call("plan", "stg", "main", "--out", str(plan)).exits(0)
    kit.call("deploy", "stg", "--yes").exits(0)
    kit.call("promote", "stg", "main", "--plan", str(plan), "--confirm", "shop main").exits(0)
    changed(kit, "newer\n")
    kit.call("plan", "dev", "stg", "--out", str(plan)).exits(0)
    kit.call("hold", "set", "prod", "-m", "x").exits(0)
    kit.call("promote", "dev", "stg", "--plan", str(plan), "--yes").exits(3)


def test_a_run_begins_while_something_else_is_deployed(
    kit: FleetKit, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(kit)
    kit.call("promote", "dev", "stg", "--yes", "--no-deploy").exits(0)
    changed(kit, "newer\n")
    start = engine.start

    def meanwhile(work: Any) -> Any:
        kit.call("deploy", "stg", "--yes").exits(0)
        return start(work)

    monkeypatch.setattr(engine, "start", meanwhile)
    kit.promote("dev", "stg").exits(0)
    assert there(shelf, "api") == kit.hosts["api"].head("stg")
    kit.call("verify", "stg").exits(0)
