"""What is kept of object ids: right, bounded, and never in the way."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from multigit.vcs import answers
from multigit.vcs.answers import Answers


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "multigit" / "answers.sqlite3"


def test_what_was_put_is_got_by_another_process_s_eyes(file: Path) -> None:
    Answers(file).put({"gap a b": {"ahead": 3, "who": "김"}})
    assert Answers(file).get("gap a b") == {"ahead": 3, "who": "김"}
    assert Answers(file).get("gap b a") is None
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_oldest_go_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST", 10)
    kept = Answers(file)
    for number in range(25):
        kept.put({f"q{number}": number})
    assert [kept.get(f"q{number}") for number in (14, 15, 24)] == [None, 15, 24]
    with sqlite3.connect(file) as db:
        assert db.execute("select count(*) from answers").fetchone()[0] == 10
    db.close()


@pytest.mark.parametrize("garbage", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 4000])
def test_garbage_costs_an_answer_and_heals(file: Path, garbage: bytes) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(garbage)
    kept = Answers(file)
    assert kept.get("q") is None
    kept.put({"q": 1})
    kept.put({"q": 1})
    assert kept.get("q") == 1


def test_a_file_of_another_form_is_made_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Answers(file).put({"q": 1})
    monkeypatch.setattr(answers, "FORM", 99)
    assert Answers(file).get("q") is None


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    kept = Answers(tmp_path / "cache" / "answers.sqlite3")
    kept.put({"q": 1})
    assert kept.get("q") is None


def test_many_at_once_lose_nothing(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: Answers(file).put({f"q{n}": n}), range(40)))
    assert [Answers(file).get(f"q{n}") for n in range(40)] == list(range(40))


def test_answers_that_somebody_else_may_have_written_are_not_believed(file: Path) -> None:
    """A release is planned by what is kept here."""
    Answers(file).put({"q": 1})
    file.chmod(0o666)
    assert Answers(file).get("q") is None
    Answers(file).put({"q": 2})
    assert Answers(file).get("q") == 2
    assert file.stat().st_mode & 0o777 == 0o600
    file.parent.chmod(0o777)
    assert Answers(file).get("q") is None
