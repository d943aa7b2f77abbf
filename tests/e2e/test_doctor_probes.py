"""doctor ENV on a whole fleet: what runs is probed, grouped by repository, and AWS's refusals are one line each."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from unittest import mock

import jsonschema
import pytest
from botocore.exceptions import ClientError

from multigit import clients
from multigit.app.doctoring import probing
from multigit.clients import aws
from tests.support.awscloud import aws_cloud
from tests.support.behind_elb import Behind, behind
from tests.support.fleetkit import ENVIRONMENTS, FleetKit, Ran
from tests.support.gitkit import plain_git
from tests.support.patients import shell, typed
from tests.support.services import websocket_service

pytestmark = [pytest.mark.slow, pytest.mark.shows("G18")]
REPOS = """\
  root: {}
  api: {deploy: {default: {ecs: {cluster: gli, service: ws}, health: "WS"}}}
  web: {deploy: {default: {s3: {bucket: "web-{env}"}}}}
"""
INFRA = 'infra: {account: "123456789012", region: ap-northeast-2}\n'


@pytest.fixture
def here() -> Iterator[Behind]:
    with aws_cloud(), behind() as here:
        yield here


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[FleetKit]:
    with websocket_service() as url:
        yield FleetKit.make(tmp_path, repos=REPOS.replace("WS", url), environments=ENVIRONMENTS + INFRA)


def look(ran: Ran) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["repo"] or "", one["name"]): one for one in ran.json()["findings"]}


def ill(found: dict[tuple[str, str], dict[str, Any]]) -> set[tuple[str, str]]:
    """What is not well, beside what this machine's git and its variables are."""
    here = ("git-holes", "variables", "encoding")
    return {key for key, one in found.items() if one["state"] in ("ng", "warn") and key[1] not in here}


def test_what_runs_is_told_beside_its_repository_and_mended_as_said(kit: FleetKit, here: Behind) -> None:
    aws("ec2").revoke_security_group_ingress(GroupId=here.tasks, IpPermissions=[here.rule])
    shown = kit.call("doctor", "stg").exits(1)
    names = [line.split()[1:3] for line in shown.out.splitlines() if line.startswith("[")]
    api = [name for repo, name in names if repo == "api"]
    assert api[-6:] == ["rollout", "tasks", "targets", "listener", "port", "upgrade"]
    assert [repo for repo, _ in names if repo in ("root", "api", "web")] == sorted(
        (repo for repo, _ in names if repo in ("root", "api", "web")), key=("root", "api", "web").index
    )
    assert f"does not let {here.front} in on 8080" in shown.text
    found = look(kit.call("doctor", "stg", "--json").exits(1))
    assert ill(found) == {("api", "port"), ("web", "bucket")}
    assert found["", "aws"]["why"].startswith("account 123456789012 as arn:aws:")
    typed(found["api", "port"]["fix"])
    aws("s3").create_bucket(Bucket="web-stg", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    assert ill(look(kit.call("doctor", "stg", "--json").exits(1))) == {
        ("web", "index"),
        ("web", "policy"),
        ("web", "website"),
    }
    kit.call("doctor", "stg", "-r", "api").ok()
    kit.call("doctor").ok()  # without ENV nothing that runs is asked


@pytest.mark.usefixtures("here")
def test_the_document_is_the_one_that_is_published(kit: FleetKit) -> None:
    document = kit.call("doctor", "stg", "--json").exits(1).json()
    schema = json.loads((files("multigit") / "schemas" / "doctor.1.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)


@pytest.mark.usefixtures("here")
def test_the_wrong_account_is_one_finding_and_nothing_is_asked_of_it(kit: FleetKit) -> None:
    text = kit.config.replace("123456789012", "999999999999")
    (kit.work / "repos.yaml").write_text(text, encoding="utf-8")
    found = look(kit.call("doctor", "stg", "--json").exits(1))
    assert ill(found) == {("", "aws")}
    assert "this is the account 123456789012" in found["", "aws"]["why"]
    assert "repos.yaml names 999999999999" in found["", "aws"]["why"]
    assert found["api", "upgrade"]["state"] == "ok"  # what needs no AWS goes on
    assert ("api", "service") not in found


def refusing(code: str, *questions: str) -> Any:
    """AWS says `code` to `questions`, or to everything."""
    from botocore.client import BaseClient

    asked = BaseClient._make_api_call

    def refuse(self: Any, name: str, values: Any) -> Any:
        if not questions or name in questions:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, name)
        return asked(self, name, values)

    return mock.patch.object(BaseClient, "_make_api_call", refuse)


@pytest.mark.usefixtures("here")
def test_expired_credentials_are_one_finding(kit: FleetKit) -> None:
    with refusing("ExpiredToken"):
        found = look(kit.call("doctor", "stg", "--json").exits(1))
    assert ill(found) == {("", "aws")}
    assert found["", "aws"]["why"] == "nothing is asked of AWS: the credentials have expired"
    assert "aws sso login" in found["", "aws"]["fix"]


@pytest.mark.usefixtures("here")
def test_rights_that_are_missing_are_told_once_and_the_rest_goes_on(kit: FleetKit) -> None:
    with refusing("AccessDenied", "DescribeTargetHealth", "ListTasks"):
        found = look(kit.call("doctor", "stg", "-r", "api", "--json").ok())
    assert ill(found) == {("", "rights")}
    assert "lack ecs:ListTasks, elasticloadbalancing:DescribeTargetHealth" in found["", "rights"]["why"]
    assert found["api", "tasks"]["why"] == "not looked at: these credentials lack ecs:ListTasks"
    assert found["api", "port"]["state"] == "ok"


def test_without_credentials_or_boto3_there_is_one_line_that_says_what_helps(
    kit: FleetKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients.forget()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    found = look(kit.call("doctor", "stg", "--json").ok())
    assert ill(found) == {("", "aws")}
    assert "Unable to locate credentials" in found["", "aws"]["why"]
    clients.forget()
    monkeypatch.setitem(sys.modules, "boto3", None)
    found = look(kit.call("doctor", "stg", "--json").ok())
    assert ill(found) == {("", "aws")}
    assert found["", "aws"]["fix"] == "pip install 'multigit-release[aws]'"


@pytest.mark.usefixtures("here")
def test_a_probe_that_hangs_or_breaks_ends_nothing_else(kit: FleetKit, monkeypatch: pytest.MonkeyPatch) -> None:
    from multigit.probes import service, static

    monkeypatch.setattr(probing, "LIMIT", 5.0)
    monkeypatch.setattr(static, "probe", lambda *_: time.sleep(30))
    monkeypatch.setattr(service, "probe", lambda *_: 1 / 0)
    found = look(kit.call("doctor", "stg", "--json").ok())
    assert found["web", "static"]["why"] == "no answer within 5 s"
    assert "the probe broke: ZeroDivisionError" in found["api", "service"]["why"]
    assert found["api", "upgrade"]["state"] == "ok"


def test_a_clone_in_the_middle_of_a_merge_is_told_with_what_ends_it(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.call("pull", "dev").ok()
    clone = kit.work / "api"
    kit.commit("api", "dev", {"app.txt": "theirs\n"})
    (clone / "app.txt").write_text("ours\n")
    plain_git("commit", "-qam", "ours", at=clone)
    plain_git("fetch", "-q", "origin", at=clone)
    with pytest.raises(AssertionError, match="merge"):
        plain_git("merge", "-q", "origin/dev", at=clone)
    found = look(kit.call("doctor", "--json").exits(1))["api", "clone"]
    assert "a merge is under way, 1 files in conflict: app.txt" in found["why"]
    status, end, give_up = found["fix"].splitlines()
    shell(status)
    (clone / "app.txt").write_text("both\n")
    shell(end.replace("commit", "commit -q --no-edit"))
    assert ("api", "clone") not in look(kit.call("doctor", "--json").ok())
    assert give_up.endswith("merge --abort   (or give it up)")


@pytest.mark.parametrize("verb", ["rebase", "cherry-pick"])
def test_an_unfinished_rebase_or_cherry_pick_is_given_up_as_said(tmp_path: Path, verb: str) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    clone = kit.clone("root", "dev")
    kit.commit("root", "dev", {"app.txt": "theirs\n"})
    (clone / "app.txt").write_text("ours\n")
    plain_git("commit", "-qam", "ours", at=clone)
    plain_git("fetch", "-q", "origin", at=clone)
    with pytest.raises(AssertionError, match=verb):
        plain_git(verb, "origin/dev", at=clone)
    found = look(kit.call("doctor", "dev", "--json").exits(1))["root", "clone"]
    assert f"a {verb} is under way" in found["why"]
    shell(found["fix"].splitlines()[-1])
    assert ("root", "clone") not in look(kit.call("doctor", "dev", "--json").ok())
