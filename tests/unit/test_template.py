"""Templates make names, and recognise what they made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigit.model.template import fields, flaw, pattern, render

NOW = datetime(2026, 2, 12, 7, 0, 14, tzinfo=UTC)


@pytest.mark.shows("G5")
def test_the_deploy_tag_of_gli() -> None:
    template = "deploy-{now:%Y%m%d-%H%M%S}"
    assert render(template, {"now": NOW}) == "deploy-20260212-070014"
    assert pattern(template).fullmatch("deploy-20260212-070014")
    assert not pattern(template).fullmatch("stg-deploy-20260212-070014")
    assert not pattern(template).fullmatch("deploy-20260212-0700")


@pytest.mark.shows("S1", "A2")
@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("dev-{now:%y%m%d%H%M}", "dev-2602120700"),
        ("v{version}-rc.{seq}", "v1.2.3-rc.4"),
        ("{component}-stage-{sha:8}", "core-stage-01234567"),
        ("plain", "plain"),
    ],
)
def test_made_and_recognised(template: str, made: str) -> None:
    values: dict[str, str | datetime] = {
        "now": NOW,
        "version": "1.2.3",
        "seq": "4",
        "sha": "0123456789abcdef" * 2,
        "component": "core",
    }
    assert render(template, values) == made
    assert pattern(template).fullmatch(made)


def test_version_and_number_are_read_back() -> None:
    found = pattern("v{version}-rc.{seq}").fullmatch("v1.20.3-rc.14")
    assert found is not None
    assert (found["version"], found["seq"]) == ("1.20.3", "14")


def test_an_unknown_field_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"uses \{when\}; known here: now, seq"):
        render("x-{when}", {"now": NOW, "seq": "1"})


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("", "must not be empty"),
        ("x-{now", "a brace that belongs to no field"),
        ("x-}", "a brace that belongs to no field"),
        ("x-{Now}", "a brace that belongs to no field"),
        ("${{ x }}", "a brace that belongs to no field"),
        ("{now:%Q}", "%Q is not known"),
        ("{now:%}", "% is not known"),
        ("{now:x}", "needs a format"),
        ("{sha:x}", "is no length"),
        ("{sha:0}", "is no length"),
        ("{seq}-{seq}", "has {seq} twice"),
    ],
)
def test_what_is_wrong_with_a_form_is_said(template: str, why: str) -> None:
    assert why in flaw(template)


@given(st.text("{}:%YmdHMS abcsqe.-\\(["))
def test_a_template_without_flaw_recognises_what_it_makes(template: str) -> None:
    if flaw(template):
        return
    values: dict[str, str | datetime] = {
        **dict.fromkeys(fields(template), "0" * 99),
        "now": NOW,
        "seq": "7",
        "sha": "0" * 99,
    }
    assert pattern(template).fullmatch(render(template, values))
