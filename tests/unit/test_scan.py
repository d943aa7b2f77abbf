"""`init --scan`: a first repos.yaml from what lies in a folder, which always loads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multigit.configfile import parse
from multigit.configfile.scanning import scan
from multigit.errors import UsageError


def clones(top: Path, *folders: str) -> None:
    for folder in folders:
        (top / folder / ".git").mkdir(parents=True)


def test_a_folder_of_clones_becomes_a_short_file(tmp_path: Path) -> None:
    top = tmp_path / "GLI 2"
    clones(top, ".", "gli_api", "web", "tool", ".hidden", "docs/inner")
    (top / "plain").mkdir()
    (top / "link").symlink_to(top / "web")
    remotes = {
        "GLI 2": "git@github.com:team/gli_root.git",
        "gli_api": "git@github.com:team/gli_api.git",
        "web": "git@github.com:team/gli_web.git",
        "tool": "https://example.com/other/tool",
    }
    text = scan(top, lambda path: remotes[path.name])
    assert text.splitlines()[1:4] == [
        "version: 1",
        "system: {name: gli-2, timezone: UTC}      # zone of tags and printed times, for example Asia/Seoul",
        'remotes: {origin: "git@github.com:team/{repo}.git"}',
    ]
    assert text.splitlines()[-4:] == [
        '  gli_root: {path: "."}',
        "  gli_api: {}",
        '  tool: {url: "https://example.com/other/tool"}',
        '  gli_web: {path: "web"}',
    ]
    config = parse(text.encode(), "repos.yaml")
    assert [config.url(repo) for repo in config.fleet] == [
        remotes[name] for name in ("GLI 2", "gli_api", "tool", "web")
    ]


@pytest.mark.fault("canary-url")
def test_a_password_in_a_clones_address_is_left_out(tmp_path: Path) -> None:
    clones(tmp_path, "api")
    text = scan(tmp_path, lambda _: "https://joe:canary@github.com/team/api.git")
    assert "canary" not in text
    assert "  api: {}      # an address must not carry a password or token" in text
    parse(text.encode(), "repos.yaml")


def test_what_cannot_be_taken_is_left_out_with_a_reason(tmp_path: Path) -> None:
    clones(tmp_path, "api", "copy", "한국어")
    text = scan(tmp_path, lambda path: "" if path.name == "한국어" else "git@h:team/api.git")
    assert text.splitlines()[-3:] == [
        "  api: {}",
        '  # left out: "copy", because it is too much like api',
        '  # left out: "한국어", because its name cannot be used',
    ]


def test_a_folder_without_clones_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        scan(tmp_path, lambda _: "")
    assert caught.value.hint


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["api", "API", "web", "a b", "저장소", "null", "123", "x.git", "a\nb", "-x", "a'b", "a\\b"]),
        st.one_of(
            st.sampled_from(
                ["", "git@h:t/api.git", "git@h:t/API", "/srv/{x}/web", "https://h/a#b: {c}", "./x y", "${env:A}/x"]
            ),
            st.text(max_size=20),
        ),
        min_size=1,
    )
)
def test_whatever_lies_there_the_file_loads_or_has_no_repository(
    tmp_path_factory: pytest.TempPathFactory, remotes: Mapping[str, str]
) -> None:
    top = tmp_path_factory.mktemp("fleet")
    clones(top, *remotes)
    text = scan(top, lambda path: remotes[path.name])
    left_out = text.count("\n  # left out")
    if left_out < len(remotes):
        assert len(parse(text.encode(), "repos.yaml").repos) == len(remotes) - left_out
