"""Any template that repos.yaml may hold, any tags that hosts may have: later than all of them, or a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from multigit.errors import MultigitError, UsageError
from multigit.model.names import Oid, Tag
from multigit.model.template import fields, flaw, pattern
from multigit.tagschemes import matching, newest_not_later, resolve, scheme_for, timestamp
from tests.fuzz.budget import quick, tries

WORDS = ["v", "deploy-", "-rc.", "/", ".", "+", "(", "1", "가", " ", "..", "%", "\\", "[a]", "^", "\x85"]
FIELDS = ["{now}", "{version}", "{seq}", "{sha}", "{sha:8}", "{env}", "{seq:2}", "{version:3}"]
DIRECTIVES = st.lists(st.sampled_from(["%Y", "%y", "%m", "%d", "%H", "%M", "%S", "-", "."]), min_size=1, max_size=7)
TIMES = DIRECTIVES.map(lambda words: f"{{now:{''.join(words)}}}")
TEMPLATES = st.lists(st.sampled_from([*WORDS, *FIELDS]) | TIMES, min_size=1, max_size=5).map("".join)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda when: when.replace(tzinfo=UTC))  # noqa: DTZ001
COMMIT = Oid("0123456789" * 4)


def tags_like(template: str) -> st.SearchStrategy[list[Tag]]:
    """Tags of its shape, and strangers."""
    shaped = st.from_regex(pattern(template), fullmatch=True) | st.text(max_size=8)
    return st.lists(shaped.filter(lambda text: not Tag.problem(text)).map(Tag), max_size=4)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, list[Tag], Any]:
    # Fields with nothing between them cannot be told apart again, whoever reads them.
    template = draw(TEMPLATES.filter(lambda text: not flaw(text) and "}{" not in text))
    return template, draw(tags_like(template)), draw(MOMENTS)


@tries(70)
@given(cases())
@example(("rc-{now:%y%m%d%H%M}", [Tag("rc-6812312359")], datetime(2026, 2, 12, tzinfo=UTC)))  # %y: 69 is 1969
@example(("{now:%Y}/{now:%Y%m%d}", [], datetime(2026, 2, 12, tzinfo=UTC)))
@example(("{now:%m%d}", [Tag("0228")], datetime(2028, 2, 29, tzinfo=UTC)))
def test_the_next_tag_is_new_later_and_of_the_template_or_there_is_a_reason(case: tuple[str, list[Tag], Any]) -> None:
    template, taken, now = case
    values = {"version": "1.4.0", "sha": COMMIT, "env": "prod"}
    with quick(5):
        try:
            scheme = scheme_for(template)
            tag = scheme.next_tag(template, now=now, taken=taken, values=values)
        except MultigitError as error:
            assert error.why
            return
    assert pattern(template).fullmatch(tag)
    scheme.order(template, tag)
    if scheme is timestamp and "env" not in fields(template):
        assert tag not in taken
        assert matching(template, [*taken, tag])[-1] == tag


@tries(30)
@given(cases(), st.text(max_size=12))
def test_finding_a_tag_again_never_ends_in_anything_but_a_usage_error(
    case: tuple[str, list[Tag], Any], word: str
) -> None:
    template, taken, _ = case
    try:
        ordered = matching(template, taken)
    except UsageError:
        assume(False)
    assert set(ordered) <= set(taken)
    for tag in taken:
        found = newest_not_later(template, taken, tag)
        assert found == tag
    try:
        assert resolve(template, taken, word) in taken
    except UsageError as error:
        assert error.hint


@tries(40)
@given(
    st.sampled_from(["deploy-{now}", "{env}-{now}", "v{version}-rc.{seq}"]),
    st.text("0123456789-v.", min_size=150, max_size=200),
)
def test_a_tag_made_to_be_slow_is_not(template: str, text: str) -> None:
    tags = [Tag(text)] if not Tag.problem(text) else []
    with quick(1):
        matching(template, tags * 50)
