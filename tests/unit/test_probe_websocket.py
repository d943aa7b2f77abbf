"""The probe `websocket`: the upgrade itself against real servers, and what each refusal means (G18)."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from multigit.probes.websocket import meaning
from tests.support.patients import patient, probed
from tests.support.services import websocket_service

pytestmark = pytest.mark.shows("G18")


def test_an_upgrade_that_is_granted_is_well() -> None:
    with websocket_service() as url:
        found = probed("websocket", patient(f'{{health: "{url}"}}'))["upgrade"]
    assert (found.state, "101 and a pong" in found.why) == ("ok", True)


@pytest.mark.parametrize(
    ("status", "words"),
    [(HTTPStatus.SERVICE_UNAVAILABLE, "no healthy target: see targets"), (HTTPStatus.FORBIDDEN, "another Origin"),
     (HTTPStatus.BAD_GATEWAY, "see tasks"), (HTTPStatus.GATEWAY_TIMEOUT, "see port")],
)  # fmt: skip
def test_a_refusal_is_told_with_its_meaning_and_what_to_read(status: HTTPStatus, words: str) -> None:
    with websocket_service(refuse=status) as url:
        found = probed("websocket", patient(f'{{health: ["{url}"]}}'))["upgrade"]
    assert found.state == "ng"
    assert f"it answers {status.value}, not 101" in found.why
    assert words in found.why
    assert found.fix.splitlines() == ["multigit logs stg api --since 15m", "multigit verify stg -r api"]


def test_nobody_listens_or_nobody_is_called_that() -> None:
    assert "nothing listens there" in probed("websocket", patient('{health: "ws://127.0.0.1:1"}'))["upgrade"].why
    nobody = probed("websocket", patient('{health: "ws://nobody.invalid"}'))["upgrade"].why
    assert "Route 53 has no record" in nobody


def test_words_of_the_address_mean_nothing() -> None:
    assert meaning("wss://refused.name/certificate: something else") == ""


def test_where_no_websocket_is_named_nothing_is_said() -> None:
    assert probed("websocket", patient('{health: "https://a.example"}')) == {}
