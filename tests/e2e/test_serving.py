"""verify ENV and the gate `health`: what runs is asked, watched, and stops a promotion (G12, G15, T3)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from multigit.app import serving
from multigit.app.proving import verify
from multigit.checks import health
from tests.support.fleetkit import ENVIRONMENTS, FleetKit
from tests.support.services import Answers, http_service, websocket_service

pytestmark = pytest.mark.slow
GATED = """\
promotions: [{from: dev, to: stg}, {from: stg, to: prod, gates: [well], phrase: shop main}]
gates: {well: {kind: health, env: staging}}
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_PAUSE", 0.01)
    monkeypatch.setattr(health, "_PAUSE", 0.01)


@pytest.fixture
def page() -> Iterator[tuple[str, Answers]]:
    with http_service("hello") as service:
        yield service


@pytest.fixture
def kit(tmp_path: Path, page: tuple[str, Answers]) -> Iterator[FleetKit]:
    with websocket_service() as live:
        repos = f"""\
  root: {{}}
  api: {{deploy: {{default: {{health: "{page[0]}/health?{{env}}"}}}}}}
  web: {{deploy: {{default: {{health: [{{kind: websocket, url: "{live}"}}]}}}}}}
"""
        kit = FleetKit.make(tmp_path, repos=repos, environments=ENVIRONMENTS + GATED)
        kit.commit("api", "dev", {"feature.txt": "good\n"}, "feat: good")
        kit.release()
        page[1].asked.clear()  # the gate of that release asked, too
        yield kit


def test_what_runs_is_asked_where_an_environment_is_named(kit: FleetKit, page: tuple[str, Answers]) -> None:
    ran = kit.call("verify", "staging").ok()
    assert "stg ok: 2 of 2 health checks well" in ran.text
    assert "101 and a pong" in ran.text
    assert page[1].asked == ["/health?stg"]
    kit.call("verify").ok()
    assert page[1].asked == ["/health?stg"]


def test_what_is_not_well_is_exit_5_and_is_named_with_its_reason(kit: FleetKit, page: tuple[str, Answers]) -> None:
    page[1].turns[:] = [(503, {}, b"")]
    ran = kit.call("verify", "prod").exits(5)
    assert "prod 1 of 2 health checks well" in ran.text
    assert "it answers 503" in ran.text
    row = next(row for row in kit.call("verify", "prod", "--json").exits(5).json()["serves"] if row["repo"] == "api")
    assert (row["state"], row["check"], row["asked"], row["bad"]) == ("ill", "http", 3, 3)


def test_one_bad_answer_is_no_failure_and_is_told(kit: FleetKit, page: tuple[str, Answers]) -> None:
    page[1].turns[:] = [(503, {}, b""), (200, {}, b"")]
    assert "1 of 2 answers were not good" in kit.call("verify", "prod").ok().text


def test_a_drift_is_more_than_an_illness(kit: FleetKit, page: tuple[str, Answers]) -> None:
    page[1].turns[:] = [(503, {}, b"")]
    tag = next(ref for ref in kit.hosts["web"].refs() if "/deploy-" in ref)
    kit.hosts["web"].git("update-ref", "-d", tag)
    assert "health checks well" in kit.call("verify", "prod").exits(1).text


def test_only_the_repositories_that_are_chosen_are_asked(kit: FleetKit, page: tuple[str, Answers]) -> None:
    kit.call("verify", "prod", "-r", "web").ok()
    assert page[1].asked == []


class Hours:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.at = 0.0

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    clock = Hours()
    monkeypatch.setattr(verify, "Vigil", partial(serving.Vigil, sleep=clock.sleep, elapsed=lambda: clock.at))
    return clock


def test_a_watch_lasts_as_long_as_it_was_asked_to(kit: FleetKit, page: tuple[str, Answers], hours: Hours) -> None:
    ran = kit.call("verify", "prod", "--for", "5m").ok()
    assert hours.at == 300
    assert len(page[1].asked) == 61
    assert "2 of 2 health checks well for 05:00" in ran.text


def test_who_falls_ill_ends_the_watch_at_once(kit: FleetKit, page: tuple[str, Answers], hours: Hours) -> None:
    page[1].turns[:] = [(200, {}, b"")] * 10 + [(500, {}, b"")]
    assert "it answers 500" in kit.call("verify", "prod", "--for", "30m").exits(5).text
    assert hours.at == 60


def test_a_service_has_its_time_to_come_up_and_no_more(kit: FleetKit, page: tuple[str, Answers], hours: Hours) -> None:
    page[1].turns[:] = [(502, {}, b"")] * 20 + [(200, {}, b"")]
    kit.call("verify", "prod", "--for", "1m").ok()
    page[1].turns[:] = [(502, {}, b"")]
    hours.at = 0.0
    kit.call("verify", "prod", "--for", "1m").exits(5)
    assert hours.at == 300


def test_a_watch_needs_an_environment_that_can_be_asked(kit: FleetKit) -> None:
    assert "name one" in kit.call("verify", "--for", "1m").exits(2).text
    assert "30 m" in kit.call("verify", "prod", "--for", "30 m").exits(2).text
    assert "no health check to watch" in kit.call("verify", "prod", "-r", "root", "--for", "1m").exits(2).text


def test_staging_that_is_not_well_stops_a_promotion_to_production(kit: FleetKit, page: tuple[str, Answers]) -> None:
    kit.commit("api", "dev", {"feature.txt": "better\n"}, "feat: better")
    kit.call("promote", "dev", "stg", "--yes").ok()
    assert "ok well" in kit.call("plan", "stg", "prod").text
    page[1].turns[:] = [(503, {}, b"")]
    refused = kit.call("plan", "stg", "prod").exits(3)
    assert "1 of 2 health checks of stg are not well" in refused.text
    assert "it answers 503" in refused.text
