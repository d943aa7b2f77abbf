"""How the bytes of repos.yaml are read: YAML 1.1's surprises, hostile files, places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multigit.configfile import ConfigError, parse
from multigit.configfile.problems import MAX_BYTES
from multigit.configfile.source import read


def data(text: str) -> Any:
    return read(text.encode(), "repos.yaml").data


def refusals(text: str | bytes) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode() if isinstance(text, str) else text, "repos.yaml")
    return [problem.text for problem in caught.value.problems if " is missing" not in problem.message]


def refusal(text: str | bytes) -> str:
    return refusals(text)[0]


SURPRISES = "yes no on off True NO 10:00 0700 0x1F 0b1 1_000 1e10 1.10 +1 .5 .inf -0 2026-02-12 Null = 7221481e0 한국어"


@pytest.mark.fault("yaml-no", "yaml-sexagesimal", "yaml-octal", "yaml-sha-number", "yaml-dates")
@pytest.mark.parametrize("written", [*SURPRISES.split(), "2026-02-12T07:00:14Z", "9" * 40])
def test_a_plain_word_is_the_text_that_was_typed(written: str) -> None:
    assert data(f"key: {written}") == {"key": written}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *[("true", True), ("false", False), ("null", None), ("~", None), ("", None), ("3", 3), ("-12", -12), ("0", 0)],
        *[("'3'", "3"), ('"true"', "true"), ("'~'", "~"), ('""', "")],
    ],
)
def test_only_these_words_become_something_else(written: str, meant: object) -> None:
    assert data(f"key: {written}") == {"key": meant}


def test_keys_are_always_text() -> None:
    assert data("{on: 1, 12: 2, null: 3, 10:00: 4}") == {"on": 1, "12": 2, "null": 3, "10:00": 4}


def test_a_question_mark_inside_braces_wants_quotes() -> None:
    assert data("{ask: '마쳤습니까?'}") == data("ask: 마쳤습니까?") == {"ask": "마쳤습니까?"}
    lines = ["repos.yaml:1:12: a '?' in a text inside [ ] or { }", "    {ask: 마쳤습니까?}", " " * 20 + "^"]
    assert refusals("{ask: 마쳤습니까?}") == ["\n".join([*lines, "    put the text in quotes"])]


@pytest.mark.fault("yaml-bom", "yaml-crlf")
@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_byte_order_mark_and_windows_newlines_change_nothing(prefix: bytes, newline: str) -> None:
    got = read(prefix + newline.join(["a: 1", "b:", "  c: x", ""]).encode(), "repos.yaml")
    assert got.data == {"a": 1, "b": {"c": "x"}}
    assert got.values[("b", "c")] == (3, 6)


def cases() -> list[tuple[str, str]]:
    """File and answer, from golden/yaml_refused.txt."""
    blocks = (Path(__file__).parent / "golden" / "yaml_refused.txt").read_text(encoding="utf-8").split("\n\n")[1:]
    return [(json.loads(text), answer.rstrip("\n")) for text, _, answer in (block.partition("\n") for block in blocks)]


@pytest.mark.fault("yaml-duplicate-keys", "yaml-aliases", "yaml-tabs", "yaml-python-tags")
@pytest.mark.parametrize(("text", "answer"), cases())
def test_refused_with_its_place(text: str, answer: str) -> None:
    assert answer in refusals(text)


@pytest.mark.fault("yaml-utf16")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_named(encoding: str) -> None:
    said = "repos.yaml:1:1: the file is UTF-16 or UTF-32\n    save it as UTF-8"
    assert refusal("version: 1\n".encode(encoding)) == said


def test_a_byte_that_is_not_utf_8_is_located() -> None:
    said = "repos.yaml:2:9: byte 0xb0 is not UTF-8\n    save the file as UTF-8"
    assert refusal("version: 1\ntitle: 가".encode() + "가".encode("cp949")) == said


@pytest.mark.fault("yaml-huge", "yaml-deep-nesting", "yaml-aliases")
def test_too_large_too_deep_and_bombs_are_refused_at_once() -> None:
    assert "larger than 1024 KiB" in refusal(b"a" * (MAX_BYTES + 1))
    assert "nested more than 32 deep" in refusal("a: " + "[" * 5000)
    assert "nested more than 32 deep" in refusal("a: " + "{a: " * 5000)
    assert "anchor &a is not supported" in refusal("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")


def test_a_long_line_is_cut_round_the_place() -> None:
    lines = refusal(f"a: {'x' * 200} {{b}}: {'y' * 200}\n").split("\n")
    assert all(len(line) <= 101 for line in lines[1:3])
    assert lines[1][len(lines[2]) - 1] == ":"


@pytest.mark.fault("east-asian-widths")
def test_the_caret_stands_below_the_place_when_korean_is_before_it() -> None:
    lines = refusal("{desc: 한국어, desc: 둘}\n").split("\n")
    assert lines[2] == " " * (4 + len("{desc: , ") + 6) + "^"  # three syllables, two cells each


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text("{}[]:,-?&*!|>'\"%@`# \n\tab01~<=\\ue"))
@example("!<x y> a")
@example("${")
@example("%YAML 1.99999999999999999999\n--- a")
@example("? ? ?")
@example("--- |\n a\n...\n")
@example("\ufeff\ufeffa: 1")
def test_no_text_ends_in_anything_but_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode("utf-8", "surrogatepass"), "repos.yaml")
    assert caught.value.problems
    assert all(problem.line >= 1 and problem.column >= 1 for problem in caught.value.problems)


@settings(max_examples=200, deadline=None)
@given(st.binary())
def test_no_bytes_end_in_anything_but_a_config_error(text: bytes) -> None:
    with pytest.raises(ConfigError):
        parse(text, "repos.yaml")
