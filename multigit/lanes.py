"""A bounded number of things at once, in threads: git and hosts do the work, we wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(work: Callable[[T], R], items: Iterable[T], jobs: int = 8) -> list[R]:
    """`work` of every item, at most `jobs` at once; results in the order of `items`.

    An exception of one item does not stop the others: all finish, then the first one (in the order of
    `items`) is raised. Ctrl-C starts nothing more and waits for what is running, because a push that is
    left alone may still land. One job is a plain loop.
    """
    if jobs <= 1:
        return _results([_run(work, item) for item in items])
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="lane") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in futures:
                future.exception()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return _results(futures)


def _run(work: Callable[[T], R], item: T) -> Future[R]:
    future: Future[R] = Future()
    try:
        future.set_result(work(item))
    except Exception as error:  # noqa: BLE001 - kept for the caller, after the other items
        future.set_exception(error)
    return future


def _results(futures: list[Future[R]]) -> list[R]:
    return [future.result() for future in futures]


def begun(work: Callable[[], R]) -> Future[R]:
    """`work`, begun in a thread that nobody waits for: it ends with the process."""
    future: Future[R] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - kept for whoever asks for the result
            future.set_exception(error)

    Thread(target=run, daemon=True, name="begun").start()
    return future


def within(work: Callable[[], R], seconds: float) -> R:
    """What `work` says; TimeoutError where it has not ended after `seconds`, and nobody waits for it any longer."""
    return begun(work).result(timeout=seconds)
