"""`deploy` of repos.yaml: what each section means, and what is wrong with it, with line and column."""

from __future__ import annotations

from typing import Any

import pytest

from multigit.configfile import ConfigError, parse
from multigit.model.config import Config
from multigit.model.deploying import Bringing, bringings
from multigit.model.names import EnvName

CONFIG = """\
version: 1
system: {{name: shop, timezone: Asia/Seoul}}
remotes: {{origin: "git@example.com:x/{{repo}}.git"}}
environments:
  dev:  {{branch: dev, deploys: false}}
  stg:  {{branch: stg, alias: [staging], vars: {{long: staging}}}}
  prod: {{branch: main, tier: production, auto_rollback: always}}
defaults: {{deploy: {defaults}}}
repos:
  web: {{}}
  api: {{deploy: {deploy}}}
"""
SHELF = 'tests.support.shelf: {place: "/x/{env}"}'


def config(deploy: str, defaults: str = "{}") -> Config:
    return parse(CONFIG.format(deploy=deploy, defaults=defaults).encode(), "repos.yaml")


def of(deploy: str, env: str = "stg", defaults: str = "{}") -> Bringing:
    found = config(deploy, defaults)
    (one,) = bringings(found, found.environments[EnvName(env)])
    return one


def words(one: Bringing) -> tuple[str, ...]:
    return tuple(part.word if part else "" for part in (one.build, one.migrate, one.deploy))


@pytest.mark.parametrize(("section", "expected"), [
    ("{s3: {bucket: b}}", ("", "", "s3-site")),
    ("{workflow: d.yml, ecs: {cluster: c, service: s}}", ("actions", "", "ecs")),
    ("{workflow: d.yml}", ("actions", "", "")),
    ("{workflow: d.yml, trigger: none, s3: {bucket: b}}", ("", "", "s3-site")),
    ("{build: {command: {run: [make, image]}}, workflow: d.yml, s3: {bucket: b}}", ("command", "", "s3-site")),
    (f"{{migrate: {{command: {{run: [m]}}, when: after}}, {SHELF}}}", ("", "command", "tests.support.shelf")),
    (f"{{{SHELF}, health: 'https://x.example.com', logs: /x, doctor: {{rds: db}}, timeout: 3m}}",
     ("", "", "tests.support.shelf")),
])  # fmt: skip
def test_what_a_section_means(section: str, expected: tuple[str, ...]) -> None:
    assert words(of(f"{{default: {section}}}")) == expected


def test_the_section_of_the_environment_or_of_its_alias_goes_before_the_default() -> None:
    deploy = "{default: {s3: {bucket: general}}, staging: {s3: {bucket: '{long}'}}, prod: {}}"
    assert of(deploy).deploy.settings == {"bucket": "{long}"}  # type: ignore[union-attr]
    found = config(deploy)
    assert bringings(found, found.environments[EnvName("prod")]) == ()
    assert bringings(found, found.environments[EnvName("dev")]) == ()


def test_what_the_fleet_says_holds_where_the_section_is_silent() -> None:
    defaults = "{workflow: 'd-{env}.yml', trigger: push, timeout: 10m}"
    general, own = of("{default: {s3: {bucket: b}}}", defaults=defaults), of(
        "{default: {s3: {bucket: b}, workflow: own.yml, timeout: 90s}}", defaults=defaults
    )  # fmt: skip
    assert general.build is not None
    assert general.build.settings == {"workflow": "d-{env}.yml", "trigger": "push"}
    assert (general.seconds, own.seconds) == (600, 90)
    assert own.build is not None
    assert own.build.settings["workflow"] == "own.yml"
    assert (general.migrate_when, of("{default: {s3: {bucket: b}}}").seconds) == ("before", 1800)


def test_a_repository_without_a_section_of_its_own_is_not_deployed() -> None:
    found = config("{default: {s3: {bucket: b}}}", "{workflow: d.yml}")
    assert [one.repo for one in bringings(found, found.environments[EnvName("stg")])] == ["api"]


def test_what_no_version_acts_on_is_kept_and_named() -> None:
    one = of("{default: {argocd: {app: x}}}")
    assert (one.named(), one.later) == ((), ("argocd",))


def said(deploy: str, defaults: str = "{}") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config(deploy, defaults)
    return [f"{p.line}:{p.column}: {p.message}" + (f" | {p.suggestion}" if p.suggestion else "")
            for p in caught.value.problems]  # fmt: skip


@pytest.mark.parametrize(("deploy", "place", "words"), [
    ("{default: {s3: {bucket: b}, ecs: {cluster: c, service: s}}}", "11:50", "s3 and ecs: a repository is brought"),
    ("{default: {esc: {cluster: c}}}", "11:28", "esc"),
    ("{default: {s3: {bucket: b, buket: b}}}", "11:44", "buket"),
    ("{default: {s3: [b]}}", "11:32", "the settings of s3 are a map"),
    ("{default: {s3: {bucket: '{zone}'}}}", "11:41", "{zone} is not known here"),
    ("{default: {migrate: {command: {run: [x]}, when: later}, s3: {bucket: b}}}", "11:65", "when is before or after"),
    ("{default: {migrate: [x]}}", "11:37", "names one target"),
    ("{default: {migrate: {}, s3: {bucket: b}}}", "11:37", "name one target here"),
    ("{default: {build: make, s3: {bucket: b}}}", "11:35", "name one target here"),
    ("{default: {build: {a: {}, b: {}}}}", "11:35", "name one target here"),
    ("{default: {timeout: soon, s3: {bucket: b}}}", "11:37", "'soon' is no duration"),
    ("{default: [s3]}", "11:27", "a map"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_its_place_and_once(deploy: str, place: str, words: str) -> None:
    found = said(deploy)
    assert len(found) == 1
    assert found[0].startswith(f"{place}: ")
    assert words in found[0]


def test_what_is_wrong_in_the_fleets_defaults_is_said_too() -> None:
    found = said("{default: {s3: {bucket: b}}}", "{timeout: soon}")
    assert len(found) == 1
    assert "'soon' is no duration" in found[0]


def test_the_environment_says_whether_it_goes_back_by_itself() -> None:
    found = config("{default: {s3: {bucket: b}}}")
    asked: dict[str, Any] = {name: env.auto_rollback for name, env in found.environments.items()}
    assert asked == {"dev": "ask", "stg": "ask", "prod": "always"}
