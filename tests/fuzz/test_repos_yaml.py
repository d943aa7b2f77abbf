"""repos.yaml, broken in every way: a Config, or problems with their places, and soon."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from multigit.configfile import ConfigError, parse
from multigit.examples import example as preset
from multigit.examples import example_names
from multigit.model.config import Config
from tests.fuzz.budget import quick, tries

VALID = [preset(name).encode() for name in example_names()]
PIECES = [
    *(b": ", b"- ", b"? ", b"\n", b"\n  ", b"{", b"}", b"[", b"]", b"'", b'"', b"#", b"&a ", b"*a", b"!!str ", b"<<: "),
    *(
        b"\t",
        b"\r",
        b"\0",
        b"\xff",
        b"\xe2\x80\xa8",
        b"\xc2\x85",
        b"\xef\xbb\xbf",
        b"|",
        b">",
        b"---\n",
        b"...\n",
        b"%",
    ),
    *(b"null", b"true", b"-1", b"99999999999999999999", b"1e400", b"${env:X}", b"{now:%Y}", b"'", b"../..", b"\\u0000"),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid file after up to four cuts, copies, insertions and changed bytes."""
    text = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 60)))
        middle = draw(st.one_of(st.sampled_from(PIECES), st.just(text[start:end] * 2), st.binary(max_size=4)))
        text = text[:start] + middle + text[end:]
    return text


def judged(text: bytes) -> Config | None:
    """The config, or None after everything a person is told was looked at."""
    try:
        return parse(text, "repos.yaml")
    except ConfigError as error:
        lines = text.decode("utf-8", "replace").splitlines()
        assert error.problems
        for problem in error.problems:
            assert 1 <= problem.line <= len(lines) + 1
            assert problem.column >= 1
            assert problem.text.startswith(f"repos.yaml:{problem.line}:{problem.column}: ")
            assert not set(problem.text) & {*map(chr, range(10)), *map(chr, range(11, 32)), "\x85", "\u2028"}
        return None


@tries(60)
@given(mutated())
def test_a_broken_file_is_refused_with_places_or_read(text: bytes) -> None:
    with quick(5):
        judged(text)


@tries(80)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
@example(b"")
@example(b"\xef\xbb\xbf")
def test_bytes_that_were_never_a_file_are_refused_with_places(text: bytes) -> None:
    with quick(2):
        assert judged(text) is None


@pytest.mark.slow
@pytest.mark.fault("yaml-deep-nesting")
@tries(6)
@given(st.sampled_from(PIECES), st.sampled_from([*PIECES, b""]), st.sampled_from([b"", b"a: ", b"repos:\n  ", b"- "]))
def test_much_of_anything_is_judged_in_bounded_time(piece: bytes, other: bytes, before: bytes) -> None:
    with quick(10):
        judged(before + (piece + other) * (40_000 // len(piece + other)))
