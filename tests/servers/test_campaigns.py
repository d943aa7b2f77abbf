"""Short rounds of the nightly campaigns: the client is killed while its server lives on; several promote at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import kills, races
from tests.support.campaign import HELD
from tests.support.killer import stages
from tests.support.kills import Point, Word
from tests.support.servers import HttpGit
from tests.support.stand import Stand

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

NAMES = ("root", "api", "web")
LANDING = Point("after", "intent:land:api")
LATE_BEGIN, LATE_LANDING, LATE_TAG = HELD[3], HELD[5], HELD[13]


@pytest.mark.shows("G10", "X5", "X6")
@pytest.mark.fault("sigkill-each-step", "sigkill-git-child")
@pytest.mark.parametrize(
    ("point", "word", "colleague"),
    [
        (LANDING, "resume", True), (LATE_BEGIN, "resume", False),
        (LATE_LANDING, "abort", False), (LATE_LANDING, "resume", True), (LATE_TAG, "abort", True),
    ],
    ids=lambda value: value.name if isinstance(value, Point) else str(value),
)  # fmt: skip
def test_killed_while_the_server_lives_on(http_git: HttpGit, point: Point, word: Word, colleague: bool) -> None:
    stand = Stand.make(http_git.root, NAMES, NAMES, http_git)
    assert kills.run(stand, point, word, colleague=colleague).verdict.wrong == ()


@pytest.mark.shows("G10")
@pytest.mark.fault("eight-at-once")
def test_of_several_at_once_one_wins_and_the_others_name_it(tmp_path: Path) -> None:
    stand = Stand.make(tmp_path, NAMES, ())
    kit = stand.fresh()
    machines = [stand.machine(kit, f"operator-{number}") for number in range(4)]
    for number in (1, 2):
        told = races.round_of(kit, machines, number)
        assert told["released"] == 1
        assert set(told) <= {"released", "refused, naming the winner", "nothing to do"}
        assert len(kit.tags("stg-deploy-")) == number
        assert stages(kit) == []
