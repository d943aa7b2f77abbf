"""AWS refuses, throttles, forgets who is asking, and the command is killed: what is left is named, and goes on."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from multigit import clients
from multigit.infra import repository
from multigit.infra.door import Door
from multigit.model.infra.changes import Seen
from multigit.model.infra.wanted import Wanted
from tests.support.cloud import ONE_OF_EACH, Cloud, Killed, refuse, watched
from tests.support.moments import every


def state(cloud: Cloud) -> dict[str, str]:
    document = cloud.document("infra", "plan")
    return {f"{one['kind']} {one['name']}": one["action"] for one in document["changes"]}


@pytest.mark.fault("wrong-account")
@pytest.mark.shows("G14")
def test_another_account_is_refused_before_anything(cloud: Cloud) -> None:
    cloud.write(ONE_OF_EACH.replace("123456789012", "999999999999"))
    for words in (("plan",), ("apply", "--yes")):
        told = cloud.run("infra", *words).exits(3)
        assert "this is the AWS account 123456789012, repos.yaml names 999999999999" in told.text
        assert cloud.calls == ["GetCallerIdentity"]


@pytest.mark.fault("wrong-account")
@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_another_region_is_refused_before_anything(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "us-east-1")
    told = cloud.run("infra", "apply", "--yes").exits(3)
    assert "repos.yaml is about ap-northeast-2, this machine's settings about us-east-1" in told.text
    assert cloud.calls == []


@pytest.mark.fault("infra-no-boto3")
def test_without_boto3_it_says_how_to_install_it(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    told = cloud.run("infra", "plan").exits(1)
    assert "pip install 'multigit-release[aws]'" in told.text


@pytest.mark.fault("infra-signed-out")
def test_without_credentials_nothing_is_done(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with monkeypatch.context() as bare:  # moto wants its own back at the end
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"):
            bare.delenv(name, raising=False)
        told = cloud.run("infra", "apply", "--yes").exits(1)
    assert "AWS does not know who is asking" in told.text
    assert "aws sso login" in told.text


@pytest.mark.fault("infra-signed-out")
def test_credentials_that_expire_midway_end_it_and_the_same_command_goes_on(cloud: Cloud) -> None:
    done: list[str] = []

    def spoil(name: str, words: dict[str, Any]) -> None:
        if not name.startswith(("Describe", "Get", "List", "Head")):
            done.append(name)
        if len(done) > 4:
            refuse("ExpiredToken")(name, words)

    cloud.spoil = spoil
    left = cloud.run("infra", "apply", "--yes", "--json")
    assert left.code in (1, 4)
    assert "the credentials have expired" in left.text
    assert len(cloud.writes) == 5  # the one that failed was the last that was tried
    outcomes = Counter(one["outcome"] for one in left.json()["changes"])
    assert outcomes["left"] + outcomes["failed"] == 11
    cloud.spoil = lambda name, words: None
    assert "create" in state(cloud).values()
    cloud.run("infra", "apply", "--yes").ok()
    assert set(state(cloud).values()) == {"keep"}


@pytest.mark.fault("infra-denied")
@pytest.mark.parametrize(
    "call", ["CreateRepository", "PutLifecyclePolicy", "CreateSecurityGroup", "PutBucketVersioning"]
)
def test_what_is_denied_is_named_and_the_others_go_on(cloud: Cloud, call: str) -> None:
    cloud.spoil = refuse("AccessDeniedException", call)
    left = cloud.run("infra", "apply", "--yes").exits(4)
    assert f"not allowed: no {call} for you" in left.text
    cloud.spoil = lambda name, words: None
    actions = Counter(state(cloud).values())
    assert actions["keep"] >= 9
    assert actions["create"] + actions["mend"] >= 1
    cloud.run("infra", "apply", "--yes").ok()
    assert set(state(cloud).values()) == {"keep"}


@pytest.mark.fault("infra-denied")
def test_what_cannot_be_read_is_named_and_the_others_go_on(cloud: Cloud) -> None:
    cloud.spoil = refuse("AccessDenied", "DescribeRepositories")
    assert "repository shop-stg cannot be read: not allowed" in cloud.run("infra", "plan").exits(1).text
    cloud.run("infra", "apply", "--yes").exits(4)
    cloud.run("infra", "apply", "--yes").exits(1)  # nothing else was left to do
    cloud.spoil = lambda name, words: None
    assert Counter(state(cloud).values()) == {"keep": 10, "create": 1}


def test_what_is_no_longer_named_may_stay_unknown(cloud: Cloud) -> None:
    cloud.spoil = refuse("AccessDeniedException", "GetResources")
    told = cloud.run("infra", "plan").ok()
    assert "warning: what repos.yaml no longer names cannot be listed: not allowed" in told.text


def test_what_aws_shows_late_is_waited_for_and_then_said(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    real = repository.observe

    def late(door: Door, one: Wanted) -> Seen:
        looked.append(one.name)
        return Seen(there=False) if len(looked) in (1, 2) or stuck else real(door, one)

    stuck = False
    monkeypatch.setattr(repository, "observe", late)
    cloud.run("infra", "apply", "--yes").ok()
    assert len(looked) == 3
    stuck = True
    told = cloud.run("infra", "apply", "--yes").exits(1)
    assert "repository shop-stg: create" in told.text


@pytest.mark.slow
@pytest.mark.fault("infra-killed")
@pytest.mark.shows("X5", "G14")
@pytest.mark.parametrize("part", range(4) if every() else (0, 2))
def test_killed_after_any_call_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_loader: None, part: int
) -> None:
    """Every fourth writing call from `part` on: killed after it; run again, all is as it should be."""
    many = 1
    for number in range(part + 1, 100, 4):
        with mock_aws(), watched(Cloud(tmp_path)) as cloud:
            cloud.write(ONE_OF_EACH)
            cloud.after = partial(kill_at, cloud, number)
            try:
                cloud.run("infra", "apply", "--yes").ok()
            except Killed:
                many, killed_at = number, cloud.writes[-1]
            else:
                break  # it has fewer calls
            cloud.after = lambda name: None
            cloud.run("infra", "apply", "--yes").ok()
            again = cloud.run("infra", "plan", "--exit-code")
            assert again.code == 0, f"killed after {killed_at}, number {number}\n{again.out}"
    assert many > 16


def kill_at(cloud: Cloud, number: int, name: str) -> None:
    if len(cloud.writes) >= number:
        raise Killed


class _Busy(BaseHTTPRequestHandler):
    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.fault("infra-throttled")
def test_throttling_is_bounded_and_said(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    server = HTTPServer(("127.0.0.1", 0), _Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        clients.forget()
        with mock_aws(config={"core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
            told = cloud.run("infra", "plan").exits(1)
    finally:
        server.shutdown()
        server.server_close()
    assert "AWS asks for less" in told.text
    assert _Busy.asked == 5


def test_an_endpoint_that_nobody_answers_at_is_said(cloud: Cloud) -> None:
    def spoil(name: str, words: dict[str, Any]) -> None:
        raise EndpointConnectionError(endpoint_url="https://sts.example/")

    cloud.spoil = spoil
    assert "AWS cannot be reached" in cloud.run("infra", "plan").exits(1).text


@pytest.mark.shows("X8")
def test_no_key_of_the_person_is_shown(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim" * 7)
    cloud.spoil = refuse("AccessDenied", "CreateRole")
    told = cloud.run("infra", "apply", "--yes", "-v", "--json")
    assert "geheim" not in told.out + told.err
    assert json.loads(told.out)["exit_code"] == 4
