"""Questions that a Config answers: environments by word, folders, addresses, roads, waves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigit.configfile import parse
from multigit.examples import example
from multigit.model.config import Config, seconds

GLI = parse(example("gli").encode(), "gli.yaml")


def small(repos: str, more: str = "") -> Config:
    head = (
        "version: 1\nsystem: {name: x}\nenvironments: {dev: {branch: dev}, stg: {branch: stg}, prod: {branch: main}}\n"
    )
    return parse(f"{head}repos: {repos}\n{more}".encode(), "repos.yaml")


@pytest.mark.shows("G1")
def test_gli_has_eight_repositories_and_the_root_holds_the_others() -> None:
    assert [str(repo.name) for repo in GLI.fleet] == [
        *["gli_root", "gli_database", "gli_redis", "gli_rabbitmq"],
        *["gli_api-server", "gli_websocket", "gli_user-frontend", "gli_admin-frontend"],
    ]
    assert GLI.folder(GLI.home) == "."
    assert GLI.folder(GLI.fleet[4]) == "gli_api-server"
    assert GLI.url(GLI.fleet[4]) == "git@github.com:dreamfurnace/gli_api-server.git"


WORDS = {"prod": "prod", "production": "prod", "main": "prod", "staging": "stg", "stg": "stg", "dev": "dev"}


@pytest.mark.parametrize(("word", "env"), WORDS.items())
def test_an_environment_is_meant_by_id_alias_or_branch(word: str, env: str) -> None:
    found = GLI.environment(word)
    assert found is not None
    assert found.name == env


def test_an_unknown_word_means_no_environment() -> None:
    assert GLI.environment("qa") is None


def test_id_comes_before_alias_and_alias_before_branch() -> None:
    config = parse(
        b"version: 1\nsystem: {name: x}\nenvironments: {a: {branch: b1}, b: {branch: a1, alias: [c]}, d: {branch: e}}\n"
        b"repos: {r: {}}\n",
        "repos.yaml",
    )
    assert [str(env.name) for word in ("a", "c", "a1", "e") if (env := config.environment(word))] == [
        "a",
        "b",
        "b",
        "d",
    ]


def test_gli_is_released_in_three_waves() -> None:
    assert [[str(repo.name) for repo in wave] for wave in GLI.waves()] == [
        ["gli_root", "gli_database", "gli_redis", "gli_rabbitmq"],
        ["gli_api-server", "gli_websocket"],
        ["gli_user-frontend", "gli_admin-frontend"],
    ]


@pytest.mark.shows("G4")
def test_the_phrase_of_production_names_system_and_branch() -> None:
    prod, stg = GLI.environment("prod"), GLI.environment("stg")
    assert prod is not None
    assert stg is not None
    assert GLI.phrase(prod, GLI.promotion(stg, prod)) == GLI.phrase(prod) == "gli main"


def test_without_declared_roads_neighbours_may_be_promoted() -> None:
    config = small("{a: {}}")
    dev, stg, prod = config.environments.values()
    assert config.promotion(dev, stg)
    assert config.promotion(dev, prod) is None
    assert config.promotion(stg, dev) is None
    road = config.promotion(stg, prod)
    assert road is not None
    assert road.message == "Merge {from} into {to}"


def test_declared_roads_are_the_only_ones() -> None:
    config = small("{a: {}}", "promotions: [{from: dev, to: prod}]")
    dev, stg, prod = config.environments.values()
    assert config.promotion(dev, prod)
    assert config.promotion(dev, stg) is None


def test_a_repository_may_have_its_own_branch_folder_and_address() -> None:
    config = small(
        "{a: {branches: {prod: master}, path: code/a, url: 'ssh://h/a'}}", "remotes: {origin: 'git@h:{repo}'}"
    )
    prod = config.environment("prod")
    assert prod is not None
    repo = config.home
    assert (config.branch(repo, prod), config.folder(repo), config.url(repo)) == ("master", "code/a", "ssh://h/a")


def test_repositories_written_by_pins_are_not_in_the_fleet() -> None:
    config = small("{a: {}, values: {role: config}}")
    assert [repo.name for repo in config.fleet] == ["a"]


@given(st.data())
def test_every_repository_is_in_one_wave_after_those_it_names(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 7))
    after = [data.draw(st.lists(st.integers(0, number - 1), unique=True)) if number else [] for number in range(count)]
    order = data.draw(st.permutations(range(count)))
    entries = ", ".join(f"r{n}: {{after: [{', '.join(f'r{one}' for one in after[n])}]}}" for n in order)
    waves = [[str(repo.name) for repo in wave] for wave in small(f"{{{entries}}}").waves()]
    place = {name: number for number, wave in enumerate(waves) for name in wave}
    assert sorted(name for wave in waves for name in wave) == sorted(f"r{n}" for n in range(count))
    assert all(place[f"r{one}"] < place[f"r{n}"] for n in range(count) for one in after[n])


@pytest.mark.parametrize(("text", "value"), [("90s", 90), ("10m", 600), ("24h", 86400), ("2d", 172800), ("0s", 0)])
def test_durations(text: str, value: int) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "10", "m", "1.5h", "-1m", "10 m", "1h30m", "10m\n"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)
