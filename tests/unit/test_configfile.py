"""repos.yaml: what is wrong is said with its place, all at once; what is right is read as written."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multigit.configfile import ConfigError, find, load, parse
from multigit.configfile.reference import MINIMAL
from multigit.errors import USAGE, UsageError
from multigit.model.config import Config
from multigit.model.names import EnvName

BASE = """\
version: 1
system: {name: gli, timezone: Asia/Seoul}
environments:
  dev: {branch: dev}
  stg: {branch: stg}
  prod: {branch: main, tier: production, tag: "deploy-{now:%Y%m%d-%H%M%S}"}
repos:
  api: {url: "git@github.com:team/api.git"}
  web: {after: [api], url: "git@github.com:team/web.git"}
"""


def read(old: str = "", new: str = "", more: str = "") -> Config:
    assert old in BASE
    return parse((BASE.replace(old, new, 1) + more).encode(), "repos.yaml")


def said(old: str = "", new: str = "", more: str = "") -> list[str]:
    """`line:column: message | suggestion` of every problem."""
    with pytest.raises(ConfigError) as caught:
        read(old, new, more)
    found = caught.value.problems
    return [f"{p.line}:{p.column}: {p.message}" + (f" | {p.suggestion}" if p.suggestion else "") for p in found]


def cases() -> list[tuple[str, str]]:
    """Change and answer, from golden/config_problems.txt."""
    blocks = (Path(__file__).parent / "golden" / "config_problems.txt").read_text(encoding="utf-8").split("\n\n")[1:]
    return [(change, answer.rstrip("\n")) for change, _, answer in (block.partition("\n") for block in blocks)]


@pytest.mark.fault("name-case-twins", "name-traversal")
@pytest.mark.parametrize(("change", "answer"), cases(), ids=[change for change, _ in cases()])
def test_what_is_wrong_is_said_with_its_place(change: str, answer: str) -> None:
    if change.startswith("+ "):
        found = said(more=change[2:] + "\n")
    else:
        old, _, new = change.replace("\\n", "\n").partition(" =>")
        found = said(old, new.removeprefix(" "))
    assert "\n".join(found).replace(" | ", "\n    ") == answer


def test_a_problem_reads_like_a_compilers() -> None:
    with pytest.raises(ConfigError) as caught:
        read("after:", "desc: '한국어', afer:")
    assert caught.value.exit_code == USAGE
    assert caught.value.what == "repos.yaml cannot be used: 1 problem"
    assert caught.value.why == (
        'repos.yaml:9:22: unknown key "afer" in repos.web\n'
        "      web: {desc: '한국어', afer: [api], url: \"git@github.com:team/web.git\"}\n"
        "                            ^\n"
        '    did you mean "after"?'
    )


@pytest.mark.fault("yaml-duplicate-keys")
def test_all_problems_are_said_at_once_in_the_files_order() -> None:
    more = "hotfix: {allow: [qa]}\ngates: {g: {kind: windw}, h: {kind: window, alow: []}}\nlog: {fil: x}\n"
    assert said("branch: stg}", "branch: stg, branch: x, deploys: 1, alias: [prod]}", more) == [
        '5:22: "branch" is already set in line 5 | remove one of them',
        "5:42: environments.stg.deploys must be true or false | write true",
        '5:53: "prod" already means environment prod',
        '10:18: there is no environment "qa" | known: dev, stg, prod',
        '11:19: there is no check "windw" | did you mean "window"?',
        '11:45: unknown key "alow" in gates.h | did you mean "allow"?',
        '12:7: unknown key "fil" in log | did you mean "file"?',
    ]


def test_a_wrong_item_does_not_move_the_places_of_its_neighbours() -> None:
    found = said("after: [api]", "after: [-x, api]", "promotions: [{from: dev, to: stg, x: 1}, {from: dev, to: qa}]\n")
    assert [line.split(" ")[0] for line in found] == ["9:17:", "10:35:", "10:58:"]


def test_a_merge_needs_a_branch_on_both_sides() -> None:
    assert said("{branch: stg}", "{tag: 'v{version}'}", "promotions: [{from: dev, to: stg}]\n") == [
        "10:30: stg has no branch in api, so nothing can be merged | give it a branch, or write by: tag"
    ]
    assert read("{branch: stg}", "{tag: 'v{version}'}", "promotions: [{from: dev, to: stg, by: tag}]\n").promotions


@pytest.mark.fault("url-embedded-token", "canary-url")
def test_secrets_are_neither_shown_nor_accepted() -> None:
    for address in ("https://joe:canary1234@github.com/t/w", "https://ghp_canary1234canary1234canary12@github.com/t/w"):
        with pytest.raises(ConfigError) as caught:
            read("git@github.com:team/web.git", address)
        assert "canary" not in f"{caught.value.what}{caught.value.why}{caught.value}"
        assert "must not carry a password or token" in caught.value.why
    with pytest.raises(ConfigError) as caught:
        read(more="notify: [{slack: 'https://hooks.slack.com/services/T0/B0/canary123456'}]\n")
    assert "canary" not in caught.value.why
    assert "write ${env:NAME}" in caught.value.why


# --- what is right -----------------------------------------------------------------------------------------------


@pytest.mark.fault("yaml-no", "yaml-octal", "yaml-sha-number", "yaml-dates")
@pytest.mark.parametrize("word", ["1234567", "1e10", "0700", "7221481", "true", "2026-02-12", "no", "12.30"])
def test_a_branch_is_the_text_that_was_typed(word: str) -> None:
    assert read("branch: dev", f"branch: {word}").environments[EnvName("dev")].branch == word


def test_korean_and_quoted_text_arrive_unchanged() -> None:
    config = read("after: [api]", "desc: 설정과 스크립트 '가나'")
    assert config.fleet[1].desc == "설정과 스크립트 '가나'"


def test_twelve_lines_suffice() -> None:
    config = parse(MINIMAL.encode(), "repos.yaml")
    assert len(MINIMAL.splitlines()) == 12
    assert [[repo.name for repo in wave] for wave in config.waves()] == [["shop-database"], ["shop-api"], ["shop-web"]]
    assert config.url(config.home) == "git@github.com:team/shop-database.git"


def test_reference_to_a_secret_stays_a_reference() -> None:
    (rule,) = read(more="notify: [{slack: '${env:HOOK}'}]\n").notify
    assert (rule.kind, rule.name, rule.settings) == ("slack", "slack", {"address": "${env:HOOK}"})


def test_numbers_that_a_check_wants_as_text_are_put_back() -> None:
    gate = read(more="gates: {g: {kind: checklist, items: [1234567, true, 1.10]}}\n").gates["g"]
    assert gate.settings == {"items": ["1234567", "true", "1.10"]}


SECTIONS = ["system", "environments", "repos", "gates", "promotions", "hotfix", "notify", "groups", "remotes", "log"]
VALUES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(VALUES, st.sampled_from(SECTIONS))
def test_no_value_of_any_shape_ends_in_anything_but_a_config_error(value: object, section: str) -> None:
    document = {"version": 1, "system": {"name": "x"}, "environments": {"dev": {}}, "repos": {"a": {}}, section: value}
    text = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    with suppress(ConfigError):
        assert parse(text, "repos.yaml").version == 1


def test_a_check_from_outside_is_checked_like_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "team_gates").mkdir()
    (tmp_path / "team_gates" / "load.py").write_text(
        "from dataclasses import dataclass\nfrom multigit.model.config import STRICT\n\n"
        "@dataclass(frozen=True)\nclass Settings:\n    __pydantic_config__ = STRICT\n    below: float\n"
    )
    (tmp_path / "team_gates" / "odd.py").write_text("class Settings:\n    x: int\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert read(more="gates: {g: {kind: team_gates.load, below: 1.50}}\n").gates["g"].settings == {"below": 1.5}
    assert said(more="gates: {g: {kind: team_gates.load, belov: '1.5'}}\n") == [
        '10:36: unknown key "belov" in gates.g | did you mean "below"?'
    ]
    with pytest.raises(UsageError, match=r"the Settings of team_gates\.odd cannot be read"):
        read(more="gates: {g: {kind: team_gates.odd}}\n")


# --- files -------------------------------------------------------------------------------------------------------


def test_load_gives_the_config_the_digest_and_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = BASE.replace("%S", "") + "gates: {idle: {kind: hold}}\n"
    (tmp_path / "repos.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    loaded = load(Path("repos.yaml"))
    assert loaded.path == tmp_path / "repos.yaml"
    assert loaded.digest == hashlib.sha256(text.encode()).hexdigest()
    assert loaded.notes == (
        "prod: tags made from deploy-{now:%Y%m%d-%H%M} have no seconds; two releases may want the same one",
        "gate idle is asked by no promotion",
    )


def test_problems_name_the_file_as_it_can_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.yaml").write_text("version: 2\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "sub" / "other.yaml")
    assert caught.value.problems[0].file == "sub/other.yaml"


def test_find_takes_the_nearest_file(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "repos.yaml").touch()
    assert find(inner) == tmp_path / "repos.yaml"
    (tmp_path / "a" / "repos.yaml").touch()
    assert find(inner) == tmp_path / "a" / "repos.yaml"


def test_a_file_of_somebody_else_above_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "repos.yaml").touch()
    if os.getuid() == 0:
        os.chown(tmp_path / "repos.yaml", 4321, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 4321)
    assert find(tmp_path) == tmp_path / "repos.yaml"
    with pytest.raises(UsageError, match="belongs to another user"):
        find(tmp_path / "a")


def test_no_file_and_no_readable_file_are_explained(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path / "repos.yaml")
    assert caught.value.why == "No such file or directory"
    with pytest.raises(UsageError, match="is a folder"):
        load(tmp_path)
