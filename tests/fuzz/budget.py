"""How much is tried, and how long one try may take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, settings

_USUAL = 100
"""Examples of Hypothesis's own profile."""


def tries(number: int) -> settings:
    """`number` examples, more with a profile that has more; slowness is judged by `quick`, in CPU seconds."""
    factor = max(1, settings().max_examples // _USUAL)
    return settings(max_examples=number * factor, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def quick(seconds: float) -> Iterator[None]:
    """Fail when what is inside takes more CPU time: a hostile text must not stop a release."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds
