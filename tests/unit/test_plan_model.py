"""A plan as a document: canonical, readable back, strict about what it reads."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from multigit.model import plan as plans
from multigit.model.names import Branch, RepoName
from multigit.model.plain import plain, utc
from multigit.model.plan import Forward, Keep, Leave, MakeClone, Plan, Refusal, Seen
from multigit.planners import promote, rollback
from tests.unit import strategies as s
from tests.unit.strategies import API, CONFIG, NOON, WEB, asks, fleet, oid, pair, restore, state

PROMOTION = promote.plan(
    CONFIG,
    fleet(state(fence=oid(77)), pair(ahead=2, absorbs=(oid(8),)), pair(WEB, ahead=1, outcome=s.CONFLICT)),
    asks(message="결제 \x1b[2J"),
    NOON,
)
ROLLBACK = rollback.plan(CONFIG, fleet(restore(hotfixes=(s.line(5),))), asks("rollback", mode="reset"), NOON)
CLONES = replace(
    PROMOTION,
    verb="pull",
    steps=(
        MakeClone(repo=API, url="ssh://h/api.git", path="/w/api"),
        Forward(repo=WEB, path="/w/web", url="u", branch=Branch("dev"), old=None, new=oid(3), checked_out=False),
        Leave(repo=RepoName("root"), verdict="dirty", why="2 changed files", hint="git status"),
    ),
)


@pytest.mark.parametrize("plan", [PROMOTION, ROLLBACK, CLONES], ids=["promotion", "rollback", "clones"])
def test_a_plan_is_read_back_as_it_was_written(plan: Plan) -> None:
    text = plans.to_json(plan)
    again = plans.from_json(text)
    assert again == plan
    assert plans.to_json(again) == text
    assert plans.from_json(text.encode()) == plan
    assert plans.from_json(json.dumps(json.loads(text), indent=2)).digest == plan.digest


@pytest.mark.shows("X3")
def test_the_digest_is_the_sha256_of_the_canonical_document() -> None:
    text = plans.to_json(PROMOTION)
    assert text == json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert PROMOTION.digest == hashlib.sha256(text.encode()).hexdigest()
    assert (PROMOTION.id, PROMOTION.run) == (f"p-{PROMOTION.digest[:6]}", f"r-{PROMOTION.digest[:12]}")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "multigit.plan/2"),
        ("verb", "destroy"),
        ("created", "yesterday"),
        ("ledger", "abc"),
        ("tag", "-x"),
        ("production", 1),
        ("unknown", True),
        ("steps", [{"kind": "land"}]),
        ("waves", [["../api"]]),
    ],
)
def test_what_is_no_plan_is_refused(key: str, value: Any) -> None:
    document = json.loads(plans.to_json(PROMOTION))
    with pytest.raises(ValueError, match=key):
        plans.from_json(json.dumps({**document, key: value}))
    with pytest.raises(ValueError):
        plans.from_json("[]")


def test_what_a_plan_says_of_itself() -> None:
    assert PROMOTION.blocked
    assert [land.repo for land in PROMOTION.lands] == [API]
    assert [keep.repo for keep in PROMOTION.keeps] == ["root"]
    assert PROMOTION.commits() == {API: PROMOTION.lands[0].new, "root": oid(3)}
    assert ROLLBACK.commits()[API] == oid(91)
    assert not replace(PROMOTION, tag=None).tags()


def test_a_tags_record_names_every_repository_and_where_a_rollback_went() -> None:
    record = ROLLBACK.release_record()
    assert record.startswith("Shop: rollback prod, 1 of 3 repositories changed\n")
    assert record.count("Multigit-Repo: ") == 3
    assert f"Multigit-Rollback-To: {s.FIRST}" in record
    assert f"Multigit-Run: {ROLLBACK.run}" in record
    assert "EMERGENCY" in replace(ROLLBACK, emergency=True).release_record().splitlines()[0]


@pytest.mark.parametrize(
    ("code", "technical"), [("unreachable", True), ("failed", True), ("conflict", False), ("trap", False)]
)
def test_broken_is_not_forbidden(code: str, technical: bool) -> None:
    assert Refusal(repo=None, code=code, why="").technical is technical


def test_json_of_anything() -> None:
    value = {API: (Keep(repo=API, branch=Branch("main"), at=oid(1)), {"b", "a"}), "when": NOON}
    told = plain(value)
    assert told["api"][0]["kind"] == "keep"
    assert told["api"][1] == ["a", "b"]
    assert told["when"] == "2026-02-12T12:00:00+09:00"
    assert type(plain(oid(1))) is str
    assert plain(Seen(repo=API, heads={})) == {"repo": "api", "heads": {}, "fence": None}
    assert utc(NOON + timedelta(microseconds=5)) == NOON.astimezone(UTC)
