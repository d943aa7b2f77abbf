"""deployment.log: what the ledger has, told once, in lines that nobody can forge (G7)."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from multigit.ledger.deployment_log import sync
from multigit.model.actor import Actor
from multigit.model.events import History, fold
from multigit.model.names import Oid, RunId
from multigit.model.record import Event, Kind
from tests.support import deploykit as kit

SEOUL = ZoneInfo("Asia/Seoul")
KIM = Actor(name="Kim", email="kim@example.invalid", user="kim", host="pc-1")
START = datetime(2026, 2, 11, 22, 0, tzinfo=UTC)
PLAN: dict[str, Any] = {
    "verb": "promote", "target": "prod", "tag": "deploy-1", "steps": [
        {"kind": "land", "repo": "api", "branch": "main", "old": "a" * 40, "new": "b" * 40},
        {"kind": "keep", "repo": "web", "branch": "main", "at": "c" * 40},
    ],
}  # fmt: skip


def history(*told: tuple[Kind, str, dict[str, Any]], reason: str = "") -> History:
    events = [
        Event(
            kind=kind, run=RunId(run) if run else None, at=START + timedelta(minutes=n), by=KIM, reason=reason,
            data=data, oid=Oid(f"{n + 1:040x}"[::-1]),
        )
        for n, (kind, run, data) in enumerate(told)
    ]  # fmt: skip
    return fold(events)


def released(plan: dict[str, Any] = PLAN, reason: str = "") -> History:
    run = "r-0123456789ab"
    return history(("begin", run, {"plan": plan}), ("landed", run, {}), ("released", run, {}), reason=reason)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "deployment.log"


def tell(log: Path, told: History) -> list[str]:
    sync(log, told, SEOUL, log.parent / "state")
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@pytest.mark.shows("G7")
def test_a_release_has_a_line_for_each_repository_in_the_systems_time(log: Path) -> None:
    api, web = tell(log, released())
    assert api.startswith("2026-02-12T07:02:00+09:00 PROMOTE   repo=api branch=main from=aaaaaaa to=bbbbbbb env=prod")
    assert "tag=deploy-1 run=r-0123456789ab result=ok" in api
    assert "by=kim@pc-1" in api
    assert "repo=web branch=main from=ccccccc to=ccccccc" in web
    assert "result=tagged" in web


@pytest.mark.shows("G7")
@pytest.mark.parametrize(
    ("verb", "word"), [("hotfix", "EMERGENCY"), ("rollback", "ROLLBACK"), ("backmerge", "BACKMERGE"), ("push", "PUSH")]
)
def test_the_verb_is_told(log: Path, verb: str, word: str) -> None:
    assert all(f" {word} " in line for line in tell(log, released({**PLAN, "verb": verb})))


def test_where_there_is_no_tag_nothing_is_called_tagged(log: Path) -> None:
    assert "result=unchanged" in tell(log, released({**PLAN, "verb": "backmerge", "tag": None}))[1]


@pytest.mark.shows("G7")
def test_failures_and_aborts_say_what_became_of_each_repository(log: Path) -> None:
    run = "r-0123456789ab"
    ended = history(
        ("failed", "r-ba9876543210", {"plan": PLAN}), ("begin", run, {"plan": PLAN}), ("aborting", run, {}),
        ("aborted", run, {"statuses": {"api": "undone"}}), reason="web: protected",
    )  # fmt: skip
    failed, aborting, api, web = tell(log, ended)
    assert " FAILURE " in failed
    assert 'reason="web: protected"' in failed
    assert " FAILURE " in aborting
    assert "result=undone" in api
    assert "result=untouched" in web


@pytest.mark.shows("G7")
def test_it_is_told_once_and_only_what_is_missing_is_added(log: Path) -> None:
    first = tell(log, released())
    assert tell(log, released()) == first
    more = history(
        *[(e.kind, e.run or "", dict(e.data)) for e in released().events], ("hold", "", {"hold": "h-1", "env": "prod"})
    )
    longer = tell(log, more)
    assert longer[:2] == first
    assert len(longer) == 3
    assert " HOLD " in longer[2]


def test_lines_of_people_stay_and_a_missing_line_break_is_made_good(log: Path) -> None:
    log.write_text("# kept by hand\n2026-01-01 something was done", encoding="utf-8")
    lines = tell(log, released())
    assert lines[:2] == ["# kept by hand", "2026-01-01 something was done"]
    assert len(lines) == 4
    assert tell(log, released()) == lines


def test_a_file_that_is_no_text_does_not_stop_it(log: Path) -> None:
    log.write_bytes(b"\xff\xfe\x00broken\n")
    assert sync(log, released(), SEOUL, log.parent / "state") == 2
    assert sync(log, released(), SEOUL, log.parent / "state") == 0
    assert log.read_bytes().startswith(b"\xff\xfe\x00broken\n2026-")


@pytest.mark.fault("log-forging")
@pytest.mark.parametrize(
    "evil", ["\n2026-02-12 PROMOTE forged", "a\rb", "\u2028x", "\x1b[2J", 'say "hi" record=000000']
)
def test_no_value_makes_a_line_of_its_own(log: Path, evil: str) -> None:
    told = released(reason=f"because {evil}")
    lines = tell(log, told)
    assert len(lines) == 2
    assert all(c.isprintable() for line in lines for c in line)
    assert tell(log, told) == lines
    assert lines[0].endswith(f" record={told.events[-1].oid[:12]}" if told.events[-1].oid else "")


def test_an_event_that_is_not_in_the_ledger_is_not_told(log: Path) -> None:
    told = released()
    assert tell(log, replace(told, events=tuple(replace(event, oid=None) for event in told.events))) == []


def test_writers_side_by_side_lose_and_repeat_nothing(log: Path) -> None:
    events = [("hold", "", {"hold": f"h-{n}", "env": "prod"}) for n in range(40)]
    parts = [history(*events[: n * 5]) for n in range(1, 9)]  # type: ignore[arg-type]
    threads = [threading.Thread(target=tell, args=(log, part)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    lines = log.read_text().splitlines()
    assert len(lines) == len(set(lines)) == 40


# --- deployments -------------------------------------------------------------------------------------------------


def deployed(log: Path, *told: Event) -> list[str]:
    return tell(log, fold(replace(event, oid=Oid(f"{n + 1:040x}"[::-1])) for n, event in enumerate(told)))


def test_a_deployment_has_a_line_for_each_place_when_it_ends(log: Path) -> None:
    made = kit.plan(kit.step(kit.API, before_commit=kit.OLD), kit.step(kit.WEB, wave=2), kit.step(kit.API, "health"))
    begun = (kit.began(made), kit.stood(made, api="ok", web={"state": "failed", "why": "x"}))
    assert deployed(log, *begun) == []
    api, web = deployed(log, *begun, kit.ended(made, "failed", reason="web/deploy: 안 뜸"))
    assert " DEPLOY    repo=api from=aaaaaaa to=bbbbbbb env=stg tag=stg-deploy-20260212-070000" in api
    assert f'run={made.id} result=ok reason="web/deploy: 안 뜸" by=kim@desk record=' in api
    assert "repo=web to=bbbbbbb env=stg" in web
    assert "result=failed" in web


def test_what_went_back_is_said_and_what_was_not_begun(log: Path) -> None:
    made = kit.plan(kit.step(kit.API), kit.step(kit.WEB, wave=2))
    back = {"api/deploy": {"state": "ok"}}
    api, web = deployed(log, kit.began(made), kit.stood(made, api="failed"), kit.record("returning", made.id),
                        kit.stood(made, backs=back), kit.ended(made, "returned"))  # fmt: skip
    assert "result=returned" in api
    assert 'result="not begun"' in web


def test_a_deployment_whose_place_was_taken_has_its_line(log: Path) -> None:
    one, two = kit.plan(kit.step()), kit.plan(kit.step(), minute=1)
    (line,) = deployed(log, kit.began(one), kit.began(two, "you", supersedes=one.id))
    assert f'run={one.id} result=superseded reason="{two.id} took its place"' in line
    assert deployed(log, kit.began(one), kit.began(two, "you", supersedes=one.id)) == [line]


def test_a_deployment_that_never_began_has_no_line(log: Path) -> None:
    made = kit.plan(kit.step())
    assert deployed(log, kit.ended(made)) == []
    builds = kit.plan(kit.step(stage="build", wave=0))
    (line,) = deployed(log, kit.began(builds), kit.ended(builds))
    assert "env=stg" in line
    assert "result=well" in line
