"""The presets load cleanly, mean what the five systems need, and agree with schema, documentation and repos.yaml."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from multigit.configfile import ConfigError, json_schema, load, parse
from multigit.configfile.reference import MINIMAL, reference
from multigit.configfile.source import read
from multigit.errors import UsageError
from multigit.examples import example, example_names

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(json_schema())


def test_there_is_one_preset_for_each_system() -> None:
    assert example_names() == ("astrago", "gli", "manpasik", "talkstudio", "webui-mcp")


@pytest.mark.parametrize("name", example_names())
def test_a_preset_loads_cleanly_and_fits_the_schema(name: str, tmp_path: Path) -> None:
    (tmp_path / "repos.yaml").write_text(example(name), encoding="utf-8")
    loaded = load(tmp_path / "repos.yaml")
    assert loaded.notes == ()
    assert loaded.config.system.timezone == "Asia/Seoul"
    assert [env.production for env in loaded.config.environments.values()].count(True) == 1
    assert [error.message for error in SCHEMA.iter_errors(read(example(name).encode(), name).data)] == []


@pytest.mark.shows("G1")
def test_the_repos_yaml_at_the_top_is_glis() -> None:
    assert (ROOT / "repos.yaml").read_text(encoding="utf-8") == example("gli")


def test_korean_of_the_preset_survives() -> None:
    gate = parse(example("gli").encode(), "gli.yaml").gates["checklist"]
    assert gate.settings["items"][0] == "스테이징의 모든 기능이 정상인가?"


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        example("manpasic")
    assert caught.value.hint == 'did you mean "manpasik"?'
    with pytest.raises(UsageError):
        example("../gli")


def test_the_schema_is_a_schema_and_knows_the_settings_of_each_check() -> None:
    SCHEMA.check_schema(SCHEMA.schema)
    good = read(MINIMAL.encode(), "repos.yaml").data
    assert SCHEMA.is_valid(good)
    assert SCHEMA.is_valid(
        good | {"gates": {"hours": {"kind": "window", "allow": ["fri 10:00-15:00"], "level": "warn"}}}
    )
    assert SCHEMA.is_valid(good | {"gates": {"own": {"kind": "team.checks", "anything": 1}}})


@pytest.mark.parametrize(
    "more",
    [
        "gates: {hours: {kind: window, alow: []}}",
        "gates: {hours: {kind: windw}}",
        "gates: {hours: {level: warn}}",
        "repos: {a: {name: a}}",
        "environments: {dev: {tier: prod}}",
        "hotfix: {allow: dev}",
        "unknown: 1",
    ],
)
def test_what_the_schema_refuses_is_refused_by_the_reader(more: str) -> None:
    section = more.partition(":")[0]
    kept = {key: value for key, value in read(MINIMAL.encode(), "x").data.items() if key != section}
    assert not SCHEMA.is_valid(kept | read(more.encode(), "x").data)
    with pytest.raises(ConfigError):
        parse((more if section in ("repos", "environments") else MINIMAL + more).encode(), "repos.yaml")


def test_the_configuration_page_is_what_the_models_say() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == reference(), "python -m multigit.configfile.reference > docs/configuration.md"


def test_every_key_is_explained() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 50
    assert [row for row in rows if row.endswith("|  |")] == []
