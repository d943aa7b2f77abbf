"""Tag names: never the same twice, never backwards, always of the template's shape; and finding one again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigit.errors import MultigitError, Refused, UsageError
from multigit.model.names import Tag
from multigit.model.template import pattern
from multigit.tagschemes import matching, newest_not_later, resolve, scheme_for, semver, sha, timestamp

GLI = "deploy-{now:%Y%m%d-%H%M%S}"
IMAGE = "rc-{now:%y%m%d%H%M}"
SEOUL = ZoneInfo("Asia/Seoul")
ticks = st.integers(0, 60 * 365 * 86_400)
moments = ticks.map(lambda n: datetime(2001, 1, 1, tzinfo=SEOUL) + timedelta(seconds=n))
versions = st.tuples(*[st.integers(0, 30)] * 3).map(lambda v: ".".join(map(str, v)))


def stamp(now: datetime, *taken: str, template: str = GLI, **values: str) -> str:
    return timestamp.next_tag(template, now=now, taken=[Tag(tag) for tag in taken], values=values)


def version(template: str, number: str, *taken: str) -> str:
    now = datetime(2026, 2, 12, tzinfo=UTC)
    return semver.next_tag(template, now=now, taken=[Tag(tag) for tag in taken], values={"version": number})


@pytest.mark.shows("G5")
def test_a_tag_says_when_in_the_zone_it_was_given() -> None:
    assert stamp(datetime(2026, 2, 12, 7, 0, 14, 999, tzinfo=SEOUL)) == "deploy-20260212-070014"


@pytest.mark.shows("G5")
def test_a_taken_tag_gives_the_next_second() -> None:
    assert stamp(datetime(2026, 2, 12, 7, 0, 59, tzinfo=SEOUL), "deploy-20260212-070059") == "deploy-20260212-070100"


@pytest.mark.fault("clock-set-back")
def test_a_clock_set_back_does_not_set_tags_back() -> None:
    assert stamp(datetime(2026, 2, 12, 6, tzinfo=SEOUL), "deploy-20260212-070014") == "deploy-20260212-070015"


@pytest.mark.fault("clock-dst")
def test_the_repeated_hour_of_autumn_runs_on() -> None:
    second = datetime(2026, 11, 1, 1, 10, fold=1, tzinfo=ZoneInfo("America/New_York"))
    assert stamp(second, "deploy-20261101-013000") == "deploy-20261101-013001"


def test_a_tag_to_the_minute_moves_by_the_minute() -> None:
    now = datetime(2026, 2, 12, 23, 59, 30, tzinfo=SEOUL)
    assert stamp(now, "rc-2602122359", template=IMAGE) == "rc-2602130000"


def test_only_tags_of_the_same_environment_are_neighbours() -> None:
    template = "{env}-{now:%Y%m%d-%H%M%S}"
    now = datetime(2026, 2, 12, 7, tzinfo=SEOUL)
    assert stamp(now, "prod-20300101-000000", template=template, env="stg") == "stg-20260212-070000"


@pytest.mark.parametrize("odd", ["deploy-20261399-000000", "stg-deploy-20990101-000000", "deploy-2099", "v1.0.0"])
def test_tags_that_are_no_time_are_passed_over(odd: str) -> None:
    assert stamp(datetime(2026, 2, 12, 7, tzinfo=SEOUL), odd) == "deploy-20260212-070000"
    assert matching(GLI, [Tag(odd)]) == []


@pytest.mark.parametrize("template", ["v-{now:%Y%m}", "x-{now:%Y%m%d}-{who}", "{now:%Y %d}", "v{version}", "{sha:8}"])
def test_a_template_that_names_no_tag_is_explained(template: str) -> None:
    taken = [Tag("v-202602")]
    with pytest.raises(UsageError, match="gives no tag"):
        scheme_for(template).next_tag(template, now=datetime(2026, 2, 12, tzinfo=SEOUL), taken=taken, values={})


def test_the_last_second_of_the_calendar_is_refused_in_words() -> None:
    with pytest.raises(Refused):
        stamp(datetime(2026, 2, 12, tzinfo=SEOUL), "deploy-99991231-235959")


@given(st.lists(moments, min_size=1, max_size=8), st.sampled_from([GLI, IMAGE, "d-{now:%Y%m%d}", "{now:%d.%m.%Y}"]))
def test_names_never_repeat_and_always_move_on(clock: list[datetime], template: str) -> None:
    taken: list[Tag] = []
    for now in clock:  # in any order: clocks jump
        tag = timestamp.next_tag(template, now=now, taken=taken, values={})
        assert tag not in taken
        assert pattern(template).fullmatch(tag)
        taken.append(tag)
    assert matching(template, set(taken)) == taken


@given(moments, moments)
def test_order_agrees_with_time(one: datetime, other: datetime) -> None:
    tags = [Tag(stamp(one)), Tag(stamp(other))]
    earlier = [moment.replace(tzinfo=None, microsecond=0) for moment in (one, other)]
    assert (timestamp.order(GLI, tags[0]) < timestamp.order(GLI, tags[1])) == (earlier[0] < earlier[1])


@pytest.mark.shows("S1")
def test_seq_is_the_highest_so_far_plus_one_per_base() -> None:
    taken = ("v1.4.0-rc.9", "v1.4.0-rc.10", "v1.3.0-rc.30", "v1.4.0-dev.40", "v1.4.0")
    assert version("v{version}-rc.{seq}", "1.4.0", *taken) == "v1.4.0-rc.11"
    assert version("v{version}-rc.{seq}", "1.5.0", *taken) == "v1.5.0-rc.1"


@pytest.mark.shows("T2")
def test_a_released_version_never_moves() -> None:
    assert version("v{version}", "1.4.0", "v1.3.9", "v1.4.0-rc.1") == "v1.4.0"
    with pytest.raises(Refused, match=r"v1\.4\.0 exists already"):
        version("v{version}", "1.4.0", "v1.4.0")


@pytest.mark.parametrize("number", ["", "1.4", "v1.4.0", "1.4.0-rc.1", "01.4.0", "1.4.0+x", "1.4.0\n"])
def test_only_a_full_version_is_one(number: str) -> None:
    with pytest.raises(UsageError):
        version("v{version}", number)


@given(st.lists(versions, max_size=12))
def test_versions_sort_as_numbers_and_sequences_never_repeat(numbers: list[str]) -> None:
    template, taken = "v{version}-rc.{seq}", list[Tag]()
    for number in numbers:
        tag = Tag(version(template, number, *taken))
        assert tag not in taken
        assert pattern(template).fullmatch(tag)
        taken.append(tag)
    assert matching(template, taken) == sorted(taken, key=lambda tag: [int(n) for n in re.findall(r"\d+", tag)])


@pytest.mark.shows("A2")
def test_a_commit_names_its_tag_and_the_same_commit_the_same_one() -> None:
    values = {"sha": "0123456789abcdef" * 2 + "01234567", "component": "core"}
    now = datetime(2026, 2, 12, tzinfo=UTC)
    tag = sha.next_tag("{component}-stage-{sha:8}", now=now, taken=[], values=values)
    assert tag == "core-stage-01234567"
    assert sha.next_tag("{component}-stage-{sha:8}", now=now, taken=[tag], values=values) == tag


@pytest.mark.parametrize("commit", ["", "0123456", "main", "A" * 40])
def test_only_a_full_commit_id_names_a_tag(commit: str) -> None:
    with pytest.raises(UsageError, match="gives no tag"):
        sha.next_tag("x-{sha:8}", now=datetime(2026, 2, 12, tzinfo=UTC), taken=[], values={"sha": commit})


def test_commits_have_no_newer_and_older() -> None:
    tags = [Tag("x-aaaa"), Tag("x-cccc")]
    assert newest_not_later("x-{sha:4}", tags, Tag("x-dddd")) is None
    assert newest_not_later("x-{sha:4}", tags, Tag("x-cccc")) == "x-cccc"


def test_a_template_without_a_changing_field_is_refused() -> None:
    with pytest.raises(UsageError, match="latest"):
        scheme_for("latest")


HISTORY = [Tag(f"deploy-202602{day}") for day in ("10-170455", "11-110233", "11-183012", "12-070014")]


@pytest.mark.shows("G11")
def test_a_unique_prefix_is_enough_and_a_whole_name_wins() -> None:
    assert resolve(GLI, HISTORY, "deploy-20260212-0700") == "deploy-20260212-070014"
    assert resolve(GLI, [*HISTORY, Tag("v1"), Tag("v12")], "v1") == "v1"


@pytest.mark.shows("G11")
def test_an_ambiguous_prefix_gives_the_candidates_newest_first() -> None:
    with pytest.raises(UsageError) as told:
        resolve(GLI, HISTORY, "deploy-20260211")
    assert told.value.why == "deploy-20260211-183012, deploy-20260211-110233"


@pytest.mark.shows("G11")
def test_an_unknown_tag_gives_the_nearest() -> None:
    with pytest.raises(UsageError) as told:
        resolve(GLI, HISTORY, "deploy-20260212-080014")
    assert told.value.why.startswith("the nearest: deploy-20260212-070014")


@pytest.mark.parametrize("word", ["", "stg-deploy", "[", "\x1b[31m"])
def test_nothing_is_never_taken_for_something(word: str) -> None:
    with pytest.raises(MultigitError):
        resolve(GLI, HISTORY[:1], word)


@pytest.mark.shows("G11")
def test_a_repository_without_the_tag_goes_to_its_newest_one_before() -> None:
    assert newest_not_later(GLI, HISTORY, Tag("deploy-20260211-200000")) == "deploy-20260211-183012"
    assert newest_not_later(GLI, HISTORY, HISTORY[1]) == HISTORY[1]
    assert newest_not_later(GLI, HISTORY, Tag("deploy-20200101-000000")) is None
    assert newest_not_later(GLI, HISTORY, Tag("v1.0.0")) is None


@given(st.sets(moments, max_size=10), moments)
def test_newest_not_later_is_just_that(when: set[datetime], asked: datetime) -> None:
    tags = {Tag(stamp(moment)) for moment in when}
    limit = Tag(stamp(asked))
    assert newest_not_later(GLI, tags, limit) == max((tag for tag in tags if tag <= limit), default=None)
