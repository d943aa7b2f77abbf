from __future__ import annotations

import pytest

from multigit.ui import lang

LANGUAGES: tuple[lang.Lang, ...] = ("en", "ko")
FIELDS = ("source", "target", "count", "total", "tag", "run", "phrase", "title", "number", "item", "who", "account")


@pytest.mark.parametrize("key", lang.keys())
def test_both_languages_say_the_same_things(key: str) -> None:
    marked = {field: f"<{field}>" for field in FIELDS}
    english, korean = (lang.sentence(which, key, **marked) for which in LANGUAGES)
    assert {f for f in FIELDS if f"<{f}>" in english} == {f for f in FIELDS if f"<{f}>" in korean}


@pytest.mark.shows("G4")
@pytest.mark.parametrize("which", ["en", "ko"])
def test_the_checklist_before_production_has_the_six_items(which: lang.Lang) -> None:
    assert len(lang.pre_deploy(which)) == 6
    assert len(set(lang.pre_deploy(which))) == 6


@pytest.mark.shows("G4")
@pytest.mark.parametrize("which", ["en", "ko"])
def test_the_checklist_afterwards_names_every_address_the_tag_and_the_way_back(which: lang.Lang) -> None:
    items = lang.post_deploy(which, tag="deploy-20260212-070014", urls=("https://glibiz.com", "wss://ws.glibiz.com"))
    assert sum("glibiz.com" in item for item in items) == 2
    assert any("multigit rollback deploy-20260212-070014" in item for item in items)
    assert "  [ ] " in lang.checklist_text(lang.sentence(which, "post_title"), items)
