"""logs: what services wrote to CloudWatch, put together, made harmless, and followed (G16)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from multigit import clients
from multigit.app import logs
from multigit.logs.cloudwatch import _quoted
from tests.support.awscloud import REGION, aws_cloud
from tests.support.fleetkit import ENVIRONMENTS, FleetKit, Ran

REPOS = """\
  root: {}
  api: {deploy: {default: {logs: "/shop/api/{env}"}}}
  web: {deploy: {stg: {logs: ["/shop/web/stg", {group: /shop/jobs/stg, region: eu-west-1}]}}}
"""


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[FleetKit]:
    with aws_cloud():
        for region, group in (
            (REGION, "/shop/api/stg"),
            (REGION, "/shop/web/stg"),
            ("eu-west-1", "/shop/jobs/stg"),
        ):
            cloud = boto3.client("logs", region_name=region)
            cloud.create_log_group(logGroupName=group)
            cloud.create_log_stream(logGroupName=group, logStreamName="task/1")
        yield FleetKit.make(tmp_path, repos=REPOS, environments=ENVIRONMENTS)


def wrote(group: str, *lines: tuple[float, str], region: str = REGION) -> None:
    """`lines`: seconds ago, and the text."""
    now = time.time()
    events = [{"timestamp": int((now - ago) * 1000), "message": text} for ago, text in sorted(lines, reverse=True)]
    cloud = boto3.client("logs", region_name=region)
    cloud.put_log_events(logGroupName=group, logStreamName="task/1", logEvents=events)


def lines(ran: Ran) -> list[str]:
    """Repository and text of each line."""
    return [" ".join(line.split()[2:]) for line in ran.out.splitlines() if line[:2].isdigit()]


@pytest.mark.shows("G16")
def test_the_lines_of_all_services_come_together_in_their_order(kit: FleetKit) -> None:
    wrote("/shop/api/stg", (50, "GET /a"), (10, "GET /c"))
    wrote("/shop/web/stg", (30, "render b"))
    wrote("/shop/jobs/stg", (20, "job"), region="eu-west-1")
    assert lines(kit.call("logs", "staging").ok()) == ["api GET /a", "web render b", "web job", "api GET /c"]
    assert lines(kit.call("logs", "stg", "api").ok()) == ["api GET /a", "api GET /c"]


def test_how_far_back_how_many_and_which(kit: FleetKit) -> None:
    wrote("/shop/api/stg", (4000, "old"), *((60 - i, f'line {i} [x] "y"') for i in range(30)))
    assert "old" not in kit.call("logs", "stg", "api").ok().out
    assert "old" in kit.call("logs", "stg", "api", "--since", "2h").ok().out
    cut = kit.call("logs", "stg", "api", "-n", "5").ok()
    assert lines(cut) == [f'api line {i} [x] "y"' for i in range(25, 30)]
    assert "older lines are left out" in cut.out
    assert lines(kit.call("logs", "stg", "api", "--grep", "line 7 [x]").ok()) == ['api line 7 [x] "y"']


def test_what_services_write_cannot_harm_a_terminal_or_tell_a_secret(kit: FleetKit) -> None:
    token = "ghp_" + "a1" * 18
    wrote("/shop/api/stg", (5, f"\x1b]0;owned\x07 로그인 token={token}\nsecond line"))
    ran = kit.call("logs", "stg").ok()
    assert "\x1b" not in ran.out
    assert "로그인" in ran.out
    assert token not in ran.out
    assert "second line" in ran.out.splitlines()[1]
    row = kit.call("logs", "stg", "--json").ok().json()["lines"][0]
    assert (row["repo"], row["stream"]) == ("api", "task/1")
    assert token not in str(row)


def test_a_group_that_is_not_there_is_named_and_the_others_are_read(kit: FleetKit) -> None:
    boto3.client("logs", region_name=REGION).delete_log_group(logGroupName="/shop/web/stg")
    wrote("/shop/api/stg", (5, "still here"))
    ran = kit.call("logs", "stg").exits(1)
    assert lines(ran) == ["api still here"]
    assert "the log group /shop/web/stg was not read" in ran.text


def test_a_text_to_look_for_is_no_pattern() -> None:
    assert _quoted('say "hi" to a\\b') == '"say \\"hi\\" to a\\\\b"'


def test_nothing_to_read_is_said(kit: FleetKit) -> None:
    assert "nothing was written" in kit.call("logs", "stg").ok().text
    assert "names no logs of dev" in kit.call("logs", "dev", "web").exits(2).text
    assert "--follow has no end" in kit.call("logs", "stg", "-F", "--json").exits(2).text
    assert "is no duration" in kit.call("logs", "stg", "--since", "soon").exits(2).text


def test_a_log_that_makes_no_sense_is_a_mistake_with_its_place(kit: FleetKit) -> None:
    file = kit.work / "repos.yaml"
    good = file.read_text()
    file.write_text(good.replace("/shop/api/{env}", "/shop/{envv}"))
    assert "{envv} is not known here" in kit.call("config", "check").exits(2).text
    file.write_text(good.replace("region: eu-west-1", "regoin: eu-west-1"))
    assert 'unknown key "regoin"' in kit.call("config", "check").exits(2).text


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], Any]]:
    """What happens between two readings, in turn; then Ctrl-C."""
    turns: list[Callable[[], Any]] = []

    def sleep(_: float) -> None:
        if not turns:
            raise KeyboardInterrupt
        turns.pop(0)()

    follow = logs.follow
    monkeypatch.setattr(logs, "follow", lambda *args: follow(*args, sleep=sleep))
    return turns


@pytest.mark.shows("G16")
def test_following_tells_each_line_once_also_one_that_comes_late(kit: FleetKit, beats: list[Callable[[], Any]]) -> None:
    wrote("/shop/api/stg", (20, "first"))
    beats += [
        lambda: wrote("/shop/api/stg", (1, "second")),
        lambda: wrote("/shop/api/stg", (10, "late")),
        lambda: None,
    ]
    assert lines(kit.call("logs", "stg", "api", "-F").exits(130)) == ["api first", "api second", "api late"]


def test_a_group_that_fails_is_told_once_and_given_up_in_the_end(kit: FleetKit, beats: list[Callable[[], Any]]) -> None:
    boto3.client("logs", region_name=REGION).delete_log_group(logGroupName="/shop/api/stg")
    beats += [lambda: None] * 20
    ran = kit.call("logs", "stg", "api", "-F").exits(1)
    assert ran.text.count("was not read") == 2
    assert "given up" in ran.text


def test_without_boto3_it_says_what_to_install(kit: FleetKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    clients.forget()
    assert "pip install 'multigit-release[aws]'" in kit.call("logs", "stg").exits(1).text
