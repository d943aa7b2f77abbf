"""status: alarms that ring are told beside the fleet, side by side with it, and never in its way (G16)."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from multigit import clients
from multigit.app import alarms
from multigit.clients import aws
from tests.cli.test_imports import loaded
from tests.support.awscloud import aws_cloud
from tests.support.fleetkit import ENVIRONMENTS, FleetKit

pytestmark = [pytest.mark.slow, pytest.mark.shows("G16")]
REPOS = """\
  root: {}
  api:
    deploy:
      stg: {health: {kind: cloudwatch-alarm, prefix: "api-{env}-"}}
      prod: {health: ["https://a.example", {kind: cloudwatch-alarm, names: ["api-{env}-5xx", "api-{env}-down"]}]}
"""


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[FleetKit]:
    with aws_cloud():
        yield FleetKit.make(tmp_path, repos=REPOS, environments=ENVIRONMENTS)


def alarm(name: str, state: str = "OK") -> None:
    watch = aws("cloudwatch")
    watch.put_metric_alarm(AlarmName=name, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1,
                           MetricName="5xx", Namespace="Shop", Period=60, Statistic="Sum", Threshold=5)  # fmt: skip
    watch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="told")


def line(kit: FleetKit) -> str:
    out = kit.call("status").ok().out
    start = out.index("alarms  ")
    return " ".join(out[start : out.index("2 repos:")].split())


def test_what_rings_comes_first_with_since_when(kit: FleetKit) -> None:
    for name, state in (("api-prod-5xx", "OK"), ("api-prod-down", "ALARM"), ("api-stg-5xx", "OK")):
        alarm(name, state)
    told = line(kit)
    assert told.startswith("alarms prod: 1 rings (api-prod-down since ")
    assert told.endswith("), stg: none of 1")
    document = kit.call("status", "--json").ok().json()
    schema = json.loads((files("multigit") / "schemas" / "status.1.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    stg, prod = document["alarms"]
    assert (stg["env"], stg["state"], stg["of"]) == ("stg", "quiet", 1)
    assert (prod["state"], prod["ringing"][0]["name"]) == ("ringing", "api-prod-down")
    assert prod["ringing"][0]["since"].endswith("Z")
    alarm("api-prod-down")
    assert line(kit) == "alarms stg: none of 1, prod: none of 2"


def test_alarms_without_data_and_alarms_that_are_not_there(kit: FleetKit) -> None:
    alarm("api-stg-5xx", "INSUFFICIENT_DATA")
    alarm("api-prod-5xx")
    assert line(kit) == "alarms stg: 1 of 1 without data, prod: not known: there is no alarm api-prod-down"


def test_alarms_that_infra_defines_are_told_where_no_check_names_any(tmp_path: Path) -> None:
    infra = """\
infra:
  account: "123456789012"
  region: ap-northeast-2
  logs: {"/shop/api/{env}": {days: 30, errors: ERROR}}
  topics: {"shop-{env}": {}}
  alarms: {"shop-errors-{env}": {namespace: shop, metric: "/shop/api/{env}", above: 1, period: 5m, topic: "shop-{env}"}}
"""
    with aws_cloud():
        kit = FleetKit.make(tmp_path, ("root", "api"), extra=infra, environments=ENVIRONMENTS)
        for env, state in (("dev", "OK"), ("stg", "ALARM"), ("prod", "OK")):
            alarm(f"shop-errors-{env}", state)
        assert line(kit).startswith("alarms stg: 1 rings (shop-errors-stg since ")


def test_repositories_that_are_not_asked_about_have_no_alarms(kit: FleetKit) -> None:
    alarm("api-stg-5xx", "ALARM")
    assert "alarms" not in kit.call("status", "-r", "root").ok().out
    assert kit.call("status", "-r", "root", "--json").ok().json()["alarms"] == []
    assert "alarms" not in kit.call("status", "--no-fetch").ok().out


def test_expired_credentials_are_said_and_change_nothing_else(kit: FleetKit, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

    def refuse(self: Any, name: str, values: Any) -> Any:
        raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "no"}}, name)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    assert line(kit) == "alarms not known: the credentials have expired"


def test_a_silent_cloudwatch_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = FleetKit.make(tmp_path, repos=REPOS, environments=ENVIRONMENTS)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
    clients.forget()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system takes the connection, and nobody answers
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        told = line(kit)
        took = time.monotonic() - start
    clients.forget()
    assert told == "alarms not known: CloudWatch has not answered within 2 s"
    assert took < alarms.LIMIT + 2.0


def test_a_machine_without_aws_is_not_slowed_and_loads_nothing_of_it(tmp_path: Path) -> None:
    plain = FleetKit.make(tmp_path / "plain", ("root",))
    assert not {name for name in loaded(plain, ["status"]) if name.startswith(("boto", "multigit.clients"))}
    kit = FleetKit.make(tmp_path / "alarms", repos=REPOS, environments=ENVIRONMENTS)
    assert not {name for name in loaded(kit, ["status"]) if name.startswith("boto")}
    assert not {name for name in loaded(kit, ["status", "--no-fetch"]) if name.startswith(("boto", "multigit.clients"))}
    assert line(kit) == "alarms not known: this machine has no credentials of AWS"
