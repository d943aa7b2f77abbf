"""Turns at a host: never too many, never for ever, and a push never twice."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from multigit.vcs import hosts
from multigit.vcs.hosts import Host, Refusal, refusal


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "PAUSES", (0.001, 0.002, 0.003))
    monkeypatch.setattr(hosts, "_hosts", {})


class Busy:
    """Work that counts how many do it at once, and is refused as often as `refusals` says."""

    def __init__(self, refusals: int = 0, no: Refusal = Refusal(crowded=True)) -> None:  # noqa: B008 - frozen
        self.done, self.now, self.most = 0, 0, 0
        self._left, self._no, self._lock = refusals, no, threading.Lock()

    def __call__(self) -> Refusal | None:
        with self._lock:
            self.done += 1
            self.now += 1
            self.most = max(self.most, self.now)
            no, self._left = self._left > 0, self._left - 1
        time.sleep(0.002)
        with self._lock:
            self.now -= 1
        return self._no if no else None


def ask(host: Host, work: Busy, *, again: bool = True) -> Refusal | None:
    return host.ask(work, lambda result: result, again=again)


def test_no_more_than_its_width_at_once() -> None:
    host, work = Host(5), Busy()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: ask(host, work), range(64)))
    assert (work.done, work.most) == (64, 5)


def test_who_is_refused_comes_back_a_few_times_and_the_host_is_asked_half_as_much() -> None:
    host, work = Host(8), Busy(refusals=2)
    assert ask(host, work) is None
    assert work.done == 3
    assert host.width < 8
    before, after = host.width, Busy()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: ask(host, after), range(32)))
    assert after.most == before, "for the rest of the run"


def test_those_who_were_refused_together_lower_it_once() -> None:
    host, together = Host(8), threading.Barrier(8)
    seen = threading.local()

    def work() -> Refusal | None:
        if getattr(seen, "before", False):
            return None
        seen.before = True
        together.wait(10)
        return Refusal(crowded=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: host.ask(work, lambda result: result, again=True), range(8)))
    assert host.width == 4


def test_a_host_in_trouble_is_asked_again_but_not_less_at_once() -> None:
    host = Host(8)
    assert ask(host, Busy(refusals=1, no=Refusal(crowded=False))) is None
    assert host.width == 8


def test_a_host_that_refuses_to_the_end_costs_the_others_one_question_each() -> None:
    host, first, second = Host(8), Busy(refusals=99), Busy(refusals=99)
    assert ask(host, first) == Refusal(crowded=True)
    assert first.done == 4
    ask(host, second)
    assert second.done == 1
    ask(host, Busy())
    third = Busy(refusals=1)
    assert ask(host, third) is None, "it was well in between"


def test_a_push_is_done_once_whatever_the_host_says() -> None:
    work = Busy(refusals=99)
    assert ask(Host(8), work, again=False) == Refusal(crowded=True)
    assert work.done == 1


def test_a_host_gets_the_time_it_asks_for_from_everybody() -> None:
    host = Host(8)
    start = time.monotonic()
    assert ask(host, Busy(refusals=1, no=Refusal(crowded=True, after=0.2))) is None
    assert time.monotonic() - start >= 0.2
    ask(host, Busy(refusals=1, no=Refusal(crowded=True, after=0.2)), again=False)
    start = time.monotonic()
    ask(host, Busy(), again=False)
    assert time.monotonic() - start >= 0.15


def test_a_host_that_wants_an_hour_is_not_waited_for() -> None:
    work = Busy(refusals=99, no=Refusal(crowded=True, after=3600))
    start = time.monotonic()
    assert ask(Host(8), work) is not None
    assert work.done == 1
    assert time.monotonic() - start < 1


def test_who_keeps_a_place_never_waits_for_those_who_keep_one_too() -> None:
    host = Host(4)
    assert [host.keep() for _ in range(4)] == [True, True, True, False]
    host.width = 1
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(ask, host, Busy()) for _ in range(4)]
        assert [one.result(10) for one in done] == [None] * 4
    host.leave()
    host.width = 4
    assert host.keep()


def test_an_error_gives_its_turn_back() -> None:
    host = Host(1)

    def fails() -> Refusal | None:
        raise OSError

    for _ in range(3):
        with pytest.raises(OSError):
            host.ask(fails, lambda result: result, again=True)
    assert ask(host, Busy()) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("fatal: unable to access 'https://h/': The requested URL returned error: 429", Refusal(crowded=True)),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 503", Refusal(crowded=False)),
        ("kex_exchange_identification: Connection closed by remote host", Refusal(crowded=True)),
        ("kex_exchange_identification: read: Connection reset by peer", Refusal(crowded=True)),
        ("ssh_exchange_identification: Connection closed by remote host", Refusal(crowded=True)),
        ("banner exchange: Connection reset by peer", Refusal(crowded=True)),
        ("Connection timed out during banner exchange", None),  # who is silent is not waited for again
        ("remote: Too many concurrent connections", Refusal(crowded=True)),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 403", None),
        ("git@h: Permission denied (publickey).", None),
        ("ssh: connect to host h port 22: Connection refused", None),
        (" ! [rejected] main -> main (stale info)", None),
    ],
)
def test_what_is_a_refusal_for_now(said: str, expected: Refusal | None) -> None:
    assert refusal(said) == expected


def test_one_host_is_one_host_however_it_is_written() -> None:
    def same(one: str, other: str, **how: bool) -> bool:
        return hosts.host(one, **how) is hosts.host(other, **how)

    assert same("https://git.example.com/a.git", "https://kim@GIT.example.com:443/b.git")
    assert same("git@git.example.com:a.git", "ssh://git@git.example.com/b.git")
    assert not same("https://git.example.com/a.git", "git@git.example.com:a.git")
    assert hosts.host("ssh://h/a.git", shared=True) is not hosts.host("ssh://h/a.git")
    assert hosts.host("/srv/git/a.git") is None
