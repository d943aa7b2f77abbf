"""Health: what repos.yaml asks of what runs, how answers add up, and what each check says of real services."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from multigit.checks import ask
from multigit.configfile import ConfigError, parse
from multigit.examples import example
from multigit.model.config import Config
from multigit.model.names import EnvName, Oid, RepoName
from multigit.model.serving import HealthCheck, Pulse, Serving, Unfit, checks_of, watch_of
from multigit.model.template import render
from multigit.model.verdict import Verdict
from tests.support.oddweb import Certificates
from tests.support.services import http_service, websocket_service

CONFIG = """\
version: 1
system: {{name: gli, timezone: Asia/Seoul}}
remotes: {{origin: "git@example.com:x/{{repo}}.git"}}
environments:
  dev:  {{branch: dev, deploys: false, vars: {{pre: "x"}}}}
  stg:  {{branch: stg, alias: [staging], vars: {{pre: "stg-"}}, url: "https://stg.example.com"}}
  prod: {{branch: main, vars: {{pre: ""}}, tier: production}}
defaults: {{deploy: {{health: {{within: 2m, stable: 2}}}}}}
repos:
  api: {{deploy: {deploy}}}
  web: {{}}
"""
AT = Oid("ab" * 20)


def config(deploy: str) -> Config:
    return parse(CONFIG.format(deploy=deploy).encode(), "repos.yaml")


NOON = datetime(2026, 2, 12, 12, tzinfo=UTC)


def asked(kind: str, commit: Oid | None = AT, now: datetime = NOON, **settings: Any) -> Verdict:
    here = config("{}")
    serving = Serving(
        config=here, env=here.environments[EnvName("stg")], repo=RepoName("api"), folder="/",
        now=now, commit=commit,
    )  # fmt: skip
    return ask(HealthCheck(repo=RepoName("api"), kind=kind, settings=settings, where=()), serving)


# --- what is asked ---


def test_an_address_alone_says_how_it_is_asked_and_follows_the_environment() -> None:
    here = config(
        '{default: {health: "wss://{pre}ws.example.com"}, prod: {health: ["https://a.example", "https://b"]}}'
    )
    stg, prod = here.environments[EnvName("stg")], here.environments[EnvName("prod")]
    (one,) = checks_of(here, stg)
    assert (one.repo, one.kind, one.settings) == ("api", "websocket", {"url": "wss://{pre}ws.example.com"})
    assert [check.settings["url"] for check in checks_of(here, prod)] == ["https://a.example", "https://b"]


def test_an_alias_of_the_environment_names_its_section() -> None:
    here = config('{staging: {health: "https://a.example"}}')
    assert len(checks_of(here, here.environments[EnvName("stg")])) == 1


def test_where_nothing_is_deployed_nothing_is_asked() -> None:
    here = config('{default: {health: "https://a.example"}}')
    assert checks_of(here, here.environments[EnvName("dev")]) == ()


def test_an_environment_without_checks_is_asked_at_its_own_address() -> None:
    here = config("{}")
    (one,) = checks_of(here, here.environments[EnvName("stg")])
    assert (one.repo, one.settings) == (None, {"url": "https://stg.example.com"})
    assert checks_of(here, here.environments[EnvName("prod")]) == ()


def test_how_long_it_may_take_is_said_for_all_and_for_one() -> None:
    here = config('{default: {health: {stable: 5, checks: "https://a.example"}}}')
    stg = here.environments[EnvName("stg")]
    api, web = (watch_of(here, stg, RepoName(name)) for name in ("api", "web"))
    assert (api.within, api.stable, web.within, web.stable) == ("2m", 5, "2m", 2)


@pytest.mark.parametrize(
    ("deploy", "told"),
    [
        ('{default: {health: "ftp://a"}}', "begins with https"),
        ("{default: {health: [3]}}", "an address, or a map with its kind"),
        ('{default: {health: "https://{pree}a"}}', 'did you mean "pre"'),
        ('{default: {health: {kind: htp, url: "https://a"}}}', 'did you mean "http"'),
        ("{default: {health: {kind: soak, env: stg, for: 1h}}}", "judges plans"),
        ('{default: {health: {kind: http, url: "https://a", staus: [200]}}}', 'did you mean "status"'),
        ("{default: {health: {kind: http}}}", '"url" is missing'),
        ('{default: {health: {kind: http, url: "https://me:pw@a"}}}', "looks like a secret"),
        ('{default: {health: {kind: http, url: "https://me@a"}}}', "must not hold a login"),
        ('{default: {health: {every: 0s, checks: "https://a"}}}', "at least 1s"),
        ('{default: {health: {stabel: 2, checks: "https://a"}}}', 'did you mean "stable"'),
        ("{default: {health: {kind: tls, host: a, port: 70000}}}", "from 1 to 65535"),
    ],
)
def test_a_health_section_that_could_not_be_asked_is_a_mistake_with_its_place(deploy: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(deploy)
    text = "\n".join(problem.text for problem in caught.value.problems)
    assert told in text
    assert "repos.yaml:10:" in text


def test_a_section_that_makes_no_sense_is_no_check() -> None:
    here = config("{}")
    broken = here.repos[RepoName("api")].deploy
    assert broken == {}
    with pytest.raises(Unfit):
        checks_of(_with(here, {"default": {"health": {"kind": 3}}}), here.environments[EnvName("stg")])


def _with(here: Config, deploy: dict[str, Any]) -> Config:
    from dataclasses import replace

    api = replace(here.repos[RepoName("api")], deploy=deploy)
    return replace(here, repos={**here.repos, RepoName("api"): api})


@pytest.mark.shows("G15")
@pytest.mark.parametrize(
    ("env", "addresses"),
    [
        ("dev", []),
        ("stg", ["https://stg-api.glibiz.com/health/", "wss://stg-ws.glibiz.com", "https://stg.glibiz.com",
                 "https://stg-admin.glibiz.com"]),
        ("prod", ["https://api.glibiz.com/health/", "wss://ws.glibiz.com", "https://glibiz.com",
                  "https://admin.glibiz.com"]),
    ],
)  # fmt: skip
def test_glis_environments_are_asked_at_exactly_their_addresses(env: str, addresses: list[str]) -> None:
    here = parse(example("gli").encode(), "gli.yaml")
    meant = here.environments[EnvName(env)]
    assert [render(check.settings["url"], {**meant.vars}) for check in checks_of(here, meant)] == addresses


# --- how answers add up ---


def folded(answers: str, stable: int = 3) -> Pulse:
    pulse = Pulse()
    for one in answers:
        pulse = pulse.fold(one == "+", one, (), stable)
    return pulse


@pytest.mark.fault("health-flaps")
def test_one_bad_answer_is_chance_and_three_in_a_row_are_not() -> None:
    assert not folded("+++-++--+").failed(3, late=True)
    assert folded("+++---").failed(3, late=False)
    assert folded("+++-++--+").bad == 3


def test_what_was_never_well_long_enough_fails_when_its_time_is_over_and_not_before() -> None:
    flapping = folded("++-++-++-")
    assert not flapping.failed(3, late=False)
    assert flapping.failed(3, late=True)


# --- http ---


def test_a_page_that_answers_is_well_and_says_how_fast() -> None:
    with http_service("hello") as (url, _):
        said = asked("http", url=f"{url}/health")
    assert said.state == "pass"
    assert f"{url}/health: 200 in " in said.why


@pytest.mark.parametrize("status", [204, 299])
def test_any_success_is_well_and_only_those_named_where_some_are(status: int) -> None:
    with http_service(status) as (url, _):
        assert asked("http", url=url).state == "pass"
        assert asked("http", url=url, status=[200]).state == "fail"


@pytest.mark.parametrize("status", [404, 500, 503, 304])
def test_another_status_is_not_well(status: int) -> None:
    with http_service(status) as (url, _):
        assert f"it answers {status}" in asked("http", url=url).why


def test_the_build_that_serves_must_be_the_one_that_should() -> None:
    old = (200, {"X-Build": "0000000"}, b"build 0000000")
    new = (200, {"X-Build": "abababab"}, b"build abababab")
    with http_service(old, old, new, new) as (url, _):
        assert "build 'abababab' is not what serves" in asked("http", url=url, build="{sha:8}").why
        assert "X-Build is '0000000'" in asked("http", url=url, build="{sha:8}", header="x-build").why.replace(
            "x-b", "X-B"
        )
        assert asked("http", url=url, build="{sha:8}").state == "pass"
        assert asked("http", url=url, build="{sha:8}", header="X-Build").state == "pass"


def test_without_a_known_commit_a_build_cannot_be_judged() -> None:
    with http_service("x") as (url, answers):
        said = asked("http", None, url=url, build="{sha:8}")
    assert (said.state, answers.asked) == ("fail", [])
    assert "{sha}" in said.why


@pytest.mark.fault("health-redirects-inward")
def test_redirects_are_followed_at_home_and_nowhere_else() -> None:
    def to(where: str) -> tuple[int, dict[str, str], bytes]:
        return (302, {"Location": where}, b"")

    with http_service(to("/in"), "in") as (url, answers):
        assert asked("http", url=f"{url}/out").state == "pass"
        assert answers.asked == ["/out", "/in"]
    with http_service("secret") as (inner, inside), http_service(to(f"{inner}/latest/meta-data/")) as (url, _):
        assert "leads to another host" in asked("http", url=url).why
        assert inside.asked == []
    with http_service(to("/again")) as (url, answers):
        assert "more than 5 redirects" in asked("http", url=url).why
        assert len(answers.asked) == 6


@pytest.mark.fault("health-never-ends")
def test_an_endless_page_is_read_to_a_limit_only() -> None:
    with http_service((200, {}, b"x" * 5_000_000 + b"needle")) as (url, _):
        assert asked("http", url=url).state == "pass"
        assert "in the first 256 KiB" in asked("http", url=url, contains="needle").why


@pytest.mark.slow
@pytest.mark.fault("health-never-ends")
def test_a_page_that_comes_drop_by_drop_is_given_up_in_time() -> None:
    with http_service("x" * 200) as (url, answers):
        answers.slow = 0.05
        said = asked("http", url=url, timeout="1s")
    assert (said.state, "in time" in said.why) == ("fail", True)


def test_a_port_where_nobody_listens_and_a_name_nobody_knows_are_told_apart() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "no connection" in asked("http", url=f"http://127.0.0.1:{port}").why
    assert "its name is not known" in asked("http", url="http://no-such-host.invalid/").why


# --- websocket ---


def test_a_server_that_upgrades_and_answers_a_ping_is_well() -> None:
    with websocket_service() as url:
        said = asked("websocket", url=url)
    assert said.state == "pass"
    assert "101 and a pong" in said.why


def test_a_server_that_answers_otherwise_is_not_well() -> None:
    with websocket_service(refuse=HTTPStatus.SERVICE_UNAVAILABLE) as url:
        assert "503, not 101" in asked("websocket", url=url).why
    with http_service("hello") as (page, _):
        assert "200, not 101" in asked("websocket", url=page.replace("http", "ws")).why
    with websocket_service(subprotocol="chat.v1") as url:
        assert asked("websocket", url=url, subprotocol="chat.v1").state == "pass"
        assert asked("websocket", url=url, subprotocol="chat.v2").state == "fail"


@pytest.mark.slow
def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = asked("websocket", url=f"ws://127.0.0.1:{silent.getsockname()[1]}", timeout="1s")
    assert said.state == "fail"
    assert "in time" in said.why or "timed out" in said.why


# --- tls ---


@pytest.fixture
def tls_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server whose certificate is good for two days."""
    made = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_greet, args=(server, made.server()), daemon=True).start()
        yield server.getsockname()[1]


def _greet(server: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(line, server_side=True):
                pass
        except OSError:
            continue


@pytest.mark.slow
def test_a_certificate_counts_by_the_days_that_are_left(tls_port: int) -> None:
    today = datetime.now(UTC)
    assert asked("tls", host="127.0.0.1", port=tls_port, days=1, now=today).state == "pass"
    late = asked("tls", host="127.0.0.1", port=tls_port, days=3, now=today)
    assert (late.state, "good for 1 more days" in late.why) == ("fail", True)


@pytest.mark.slow
def test_a_certificate_that_nobody_vouches_for_is_refused(tls_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    said = asked("tls", host="127.0.0.1", port=tls_port)
    assert (said.state, "the certificate is refused" in said.why) == ("fail", True)
    page = asked("http", url=f"https://127.0.0.1:{tls_port}/")
    assert (page.state, "the certificate is refused" in page.why) == ("fail", True)
