"""A release that was taken back, and the promotions after it (R2): what is refused, what lifts the quarantine."""

from __future__ import annotations

import pytest

from multigit.model.events import Hold
from multigit.model.plan import Plan, Request
from multigit.planners import promote
from tests.unit import strategies as s
from tests.unit.strategies import API, CONFIG, NOON, WEB, asks, fleet, oid, pair


def planned(*known: object, request: Request | None = None, holds: tuple[Hold, ...] = ()) -> Plan:
    plan = promote.plan(CONFIG, fleet(*known, holds=holds), request or asks(), NOON)
    s.nobody_is_dropped(plan)
    return plan


@pytest.mark.shows("R2")
def test_a_quarantined_release_is_refused_with_who_why_and_the_ways_out() -> None:
    refusal = s.the_refusal(planned(pair(ahead=1), holds=(s.quarantine(api=2),)))
    assert (refusal.repo, refusal.code) == (None, "quarantine")
    assert "Lee" in refusal.why
    assert "500s" in refusal.why
    assert "multigit promote stg prod --reapply" in refusal.hint
    assert "multigit hold release prod" in refusal.hint
    assert refusal.details == (f"api {oid(2).short}",)


@pytest.mark.shows("R2")
def test_reapply_needs_new_work_and_then_lifts_the_quarantine() -> None:
    again = asks(reapply=True)
    same = s.the_refusal(planned(pair(ahead=1), request=again, holds=(s.quarantine(api=2),)))
    assert "no new work" in same.why
    assert "--reapply" not in same.hint
    fixed = planned(pair(ahead=1), request=again, holds=(s.quarantine(api=9),))
    assert not fixed.refusals
    assert fixed.lifts == ("q-1",)
    both = (pair(ahead=1), pair(WEB, ahead=1))
    assert planned(*both, request=again, holds=(s.quarantine(api=2, web=9),)).lifts == ("q-1",)


@pytest.mark.shows("R2")
def test_a_release_of_a_part_does_not_lift_the_quarantine_of_the_rest() -> None:
    held = (s.quarantine(api=9, web=2),)
    both = (pair(ahead=1), pair(WEB, ahead=1))
    part = planned(*both, request=asks(reapply=True, repos=frozenset({API})), holds=held)
    assert not part.refusals
    assert part.lifts == ()


@pytest.mark.parametrize(
    "plan",
    [
        planned(pair(WEB, ahead=1), holds=(s.quarantine(api=2),)),
        planned(holds=(s.quarantine(api=2),)),
        planned(pair(ahead=1), request=asks(repos=frozenset({WEB})), holds=(s.quarantine(api=2),)),
    ],
)
def test_a_quarantine_of_what_does_not_move_is_no_obstacle(plan: Plan) -> None:
    assert not plan.refusals
    assert not plan.lifts
