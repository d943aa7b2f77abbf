"""Commits and tags as pure values: bytes and ids that never change (tests/git holds them against git itself)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigit.model.names import Oid, Tag
from multigit.model.objects import EMPTY_TREE, NewCommit, NewTag, Signature, object_id
from tests.unit.strategies import NOON, moments, oid

BY = Signature(name="김민수", email="kim@example.invalid", when=NOON)


def test_a_commit_byte_for_byte() -> None:
    commit = NewCommit(tree=oid(1), parents=(oid(2), oid(3)), message="제목\n\n본문\n\n", by=BY)
    who = f"김민수 <kim@example.invalid> {int(NOON.timestamp())} +0900"
    expected = f"tree {oid(1)}\nparent {oid(2)}\nparent {oid(3)}\nauthor {who}\ncommitter {who}\n\n제목\n\n본문\n"
    assert commit.body() == expected.encode()


def test_a_tag_byte_for_byte() -> None:
    tag = NewTag(tag=Tag("deploy-1"), commit=oid(2), message="m", by=BY)
    who = f"김민수 <kim@example.invalid> {int(NOON.timestamp())} +0900"
    assert tag.body().decode() == f"object {oid(2)}\ntype commit\ntag deploy-1\ntagger {who}\n\nm\n"


@pytest.mark.parametrize(
    ("minutes", "zone"),
    [(0, "+0000"), (540, "+0900"), (345, "+0545"), (-210, "-0330"), (-30, "-0030"), (-720, "-1200")],
)
def test_zones(minutes: int, zone: str) -> None:
    when = datetime(2026, 1, 1, tzinfo=timezone(timedelta(minutes=minutes)))
    assert Signature(name="a", email="b", when=when).line().endswith(zone)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Kim <evil>\n", "Kim evil"),
        (" Kim Min-su\t", "Kim Min-su"),
        ("\x01 'Kim'\r", "Kim"),
        ("", "unknown"),
        ("<>", "unknown"),
        ("O'Neil", "O'Neil"),
    ],
)
def test_what_would_end_the_field_is_left_out(name: str, written: str) -> None:
    assert Signature(name=name, email="a@b", when=NOON).line().startswith(f"{written} <a@b> ")


def test_the_hash_is_the_trees() -> None:
    for size, length in ((40, 40), (64, 64)):
        commit = NewCommit(tree=oid(1, size), parents=(), message="", by=BY)
        assert len(commit.oid) == length
    assert object_id("tree", b"", like=oid(1)) == EMPTY_TREE[40]
    assert object_id("tree", b"", like=oid(1, 64)) == EMPTY_TREE[64]


@pytest.mark.fault("log-forging")
@given(st.text(st.characters(codec="utf-8")), moments)
def test_no_name_breaks_the_line(name: str, when: datetime) -> None:
    line = Signature(name=name, email=name, when=when).line()
    assert "\n" not in line
    assert "\0" not in line
    assert line.count("<") == line.count(">") == 1
    seconds = int(line.rpartition("> ")[2].split(" ")[0])
    assert datetime.fromtimestamp(seconds, UTC) == when.replace(microsecond=0)


def test_any_difference_is_another_commit() -> None:
    base = NewCommit(tree=oid(1), parents=(oid(2),), message="m", by=BY)
    others = [
        replace(base, tree=oid(9)),
        replace(base, parents=()),
        replace(base, message="n"),
        replace(base, by=replace(BY, name="x")),
        replace(base, by=replace(BY, when=NOON.astimezone(UTC))),
    ]
    ids = {one.oid for one in (base, *others)}
    assert len(ids) == 6
    assert all(isinstance(one, Oid) for one in ids)
