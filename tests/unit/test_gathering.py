"""Polls that come together are one call, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from multigit.cloud.gathering import Gathering


def a_while() -> None:
    time.sleep(0.3)


def together(gathering: Gathering[str], names: Sequence[str], calls: list[list[str]]) -> list[str | None]:
    """All names asked about at the same time."""
    ready = threading.Barrier(len(names))

    def call(asked: Sequence[str]) -> dict[str, str]:
        calls.append([*asked])
        return {name: f"{name}!" for name in asked if name != "gone"}

    def one(name: str) -> str | None:
        ready.wait(10)
        return gathering.ask("cluster", name, call)

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(one, names))


def test_what_is_asked_at_once_is_one_call_with_an_answer_for_each() -> None:
    calls: list[list[str]] = []
    names = [f"s{number}" for number in range(8)] + ["gone", "s1"]
    told = together(Gathering(10, pause=a_while), names, calls)
    assert told == [None if name == "gone" else f"{name}!" for name in names]
    assert [sorted(call) for call in calls] == [sorted({*names})]


def test_no_call_asks_about_more_than_it_may() -> None:
    calls: list[list[str]] = []
    names = [f"s{number}" for number in range(25)]
    together(Gathering(10, pause=a_while), names, calls)
    assert sorted(name for call in calls for name in call) == sorted(names)
    assert max(map(len, calls)) <= 10


def test_a_call_that_breaks_is_told_to_everybody_and_the_next_one_is_a_new_call() -> None:
    gathering: Gathering[str] = Gathering(10, pause=a_while)
    ready = threading.Barrier(3)

    def broken(names: Sequence[str]) -> dict[str, str]:
        raise KeyError("throttled")

    def one(name: str) -> str | None:
        ready.wait(10)
        return gathering.ask("cluster", name, broken)

    with ThreadPoolExecutor(3) as pool:
        for answer in [pool.submit(one, name) for name in ("a", "b", "c")]:
            with pytest.raises(KeyError, match="throttled"):
                answer.result(10)
    assert gathering.ask("cluster", "a", lambda names: {"a": "well"}) == "well"


def test_one_cluster_is_not_asked_about_anothers_services() -> None:
    gathering: Gathering[str] = Gathering(10, pause=lambda: None)
    assert gathering.ask("one", "a", lambda names: {"a": "1"}) == "1"
    assert gathering.ask("two", "a", lambda names: {"a": "2"}) == "2"
