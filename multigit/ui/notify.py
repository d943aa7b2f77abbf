"""notify: one line for each notice that was sent, or was not, and why."""

from __future__ import annotations

from collections.abc import Sequence

from multigit.model.delivery import Delivery
from multigit.ui.text import OK, REFUSED, WARNING, cells, count, pad, visible, wrap

_MARKS = {"sent": OK, "waiting": WARNING, "given-up": REFUSED}
_WORDS = {"sent": "told", "waiting": "waits", "given-up": "not told"}


def deliveries_text(told: Sequence[Delivery], *, width: int = 100) -> str:
    """What people read; the numbers at the end."""
    room = max((cells(visible(one.notifier)) for one in told), default=0)
    lines = [line for one in told for line in _line(one, room, width)]
    done = sum(one.state == "sent" for one in told)
    return "\n".join([*lines, f"{count(len(told), 'notice')}: {done} told, {len(told) - done} not"])


def _line(one: Delivery, room: int, width: int) -> list[str]:
    what = " ".join(word for word in (one.event, one.run) if word)
    why = f": {visible(one.why)}" if one.why else ""
    tries = f" ({count(one.tries, 'try', plural='tries')})" if one.state == "waiting" and one.tries else ""
    head = f"{pad(_MARKS[one.state], 2)} {pad(visible(one.notifier), room)}  "
    return wrap(f"{head}{visible(what)}  {_WORDS[one.state]}{tries}{why}", width, hang=cells(head))
