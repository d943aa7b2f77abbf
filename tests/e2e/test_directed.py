"""Hosts that lie, and people who come in between: other verbs, other fleets, tags, force-pushes (G3, G5, G10)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from multigit.ledger.journal import Journal
from tests.support.fleetkit import FleetKit, Ran
from tests.support.judged import Before, judge, settled
from tests.support.killer import copied, kinds, portable, records

NAMES = ("root", "api", "web")
FIRST, SECOND = "intent:ledger begin", "result:wrote begin"
"""Where somebody comes in who gets the lock first, or second."""
TO_STG = ("promote", "dev", "stg", "--yes", "--jobs", "1")


# --- hosts that lie ----------------------------------------------------------------------------------------------

# The client hears that all refs moved, and waits until this is over: then they are where they were.
TAKES_IT_BACK = """\
tmp=$(cat)
case "$tmp" in *{ref}*) echo "$tmp" | while read old new ref; do
  case $old in *[!0]*) git update-ref $ref $old;; *) git update-ref -d $ref;; esac
done;; esac"""


@pytest.mark.shows("G6")
@pytest.mark.fault("lying-host")
@pytest.mark.parametrize(
    ("name", "ref", "code", "end"),
    [
        ("api", "refs/multigit/stage/", 0, "released"), ("web", "refs/heads/stg", 3, "aborted"),
        ("api", "refs/tags/", 4, "landed"), ("root", "refs/heads/multigit-ledger", 4, "never begun"),
    ],
)  # fmt: skip
def test_a_host_that_says_ok_and_keeps_nothing_is_not_believed(
    kit: FleetKit, name: str, ref: str, code: int, end: str
) -> None:
    before = Before.of(kit)
    kit.hosts[name].hook("post-receive", TAKES_IT_BACK.format(ref=ref))
    ran = kit.call(*TO_STG).exits(code)
    assert (judge(kit, before).end, "RELEASED" in ran.out) == (end, end == "released")
    (kit.hosts[name].path / "hooks/post-receive").unlink()
    if code == 4:
        kit.call("resume", "--yes").ok()
    settled(kit, before, "released" if end == "landed" else end)
    kit.promote().ok()


@pytest.mark.fault("no-atomic-push")
@pytest.mark.parametrize("name", ["root", "web"])
def test_a_host_without_atomic_push_is_found_before_anything_is_visible(kit: FleetKit, name: str) -> None:
    kit.hosts[name].git("config", "receive.advertiseAtomic", "false")
    before = Before.of(kit)
    ran = kit.call(*TO_STG).exits(3)
    assert f"{name}: " in ran.text
    assert "--atomic" in ran.text
    settled(kit, before, "never begun")


# --- somebody else -----------------------------------------------------------------------------------------------


@pytest.fixture
def crossed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """crossed(event, deed): once, before that event of the next run is written, `deed` is done."""

    def strike(event: str, deed: Callable[[], object]) -> None:
        written, armed = Journal.note, [True]

        def note(journal: Journal, what: Any, run: str, text: str = "", **more: Any) -> None:
            if armed[0] and f"{what}:{text}:{more.get('repo', '')}".startswith(event):
                armed[0] = False
                deed()
            written(journal, what, run, text, **more)

        monkeypatch.setattr(Journal, "note", note)

    return strike


Verb = Callable[[FleetKit], Ran]


def promotion(kit: FleetKit) -> Ran:
    return kit.promote("stg", "main", "--override", "no-backlog=known")


def rollback(kit: FleetKit) -> Ran:
    return kit.call("rollback", "previous", "--confirm", "shop main")


def backmerge(kit: FleetKit) -> Ran:
    return kit.call("backmerge", "main", "stg", "--yes")


def hotfix(kit: FleetKit) -> Ran:
    plan = kit.root / "hotfix.json"
    words = ("hotfix", "--push", "main", "-m", "fix: at once")
    shown = kit.call(*words, "--dry-run", "--out", str(plan))
    return shown if shown.code else kit.call(*words, "--plan", str(plan), "--confirm", "shop main")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> list[FleetKit]:
    """The fleet in which every verb has something to do, once it was made."""
    return []


@pytest.fixture
def busy(kit: FleetKit, shelf: list[FleetKit], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> FleetKit:
    """Two releases, a hotfix that is owed to stg, a feature that waits on stg, and a change in a clone."""
    if not shelf:
        made = portable(FleetKit.make(tmp_path_factory.mktemp("busy")))
        for text in ("good\n", "better\n"):
            made.commit("api", "dev", {"feature.txt": text}, "feat: api")
            made.release()
        made.commit("web", "main", {"hot.txt": "hot\n"}, "fix: hot")
        made.commit("api", "stg", {"next.txt": "next\n"}, "feat: next")
        shelf.append(made)
    twin = copied(shelf[0], tmp_path / "twin")
    (twin.clone("root") / "app.txt").write_text("one\nTWO\nthree\n")
    return twin


@pytest.mark.slow
@pytest.mark.shows("G10", "G11")
@pytest.mark.fault("crossed-pairwise")
@pytest.mark.parametrize(
    ("first", "second", "event"),
    [
        (promotion, hotfix, FIRST), (promotion, backmerge, SECOND), (hotfix, rollback, SECOND),
        (backmerge, rollback, FIRST), (hotfix, backmerge, FIRST), (rollback, promotion, SECOND),
    ],
)  # fmt: skip
def test_verbs_that_cross_do_not_mix(
    busy: FleetKit, crossed: Callable[..., None], first: Verb, second: Verb, event: str
) -> None:
    """The second comes in just before or just after the first has the lock: one goes on, the other is refused."""
    since, answers = len(records(busy)), list[Ran]()
    crossed(event, lambda: answers.append(second(busy)))
    answers.append(first(busy))
    loser, winner = answers if event == SECOND else reversed(answers)
    winner.ok()
    runs = [record["run"] for record in records(busy)[since:] if record["kind"] == "begin"]
    assert len(runs) == 1
    assert runs[0] in loser.exits(3).text, "the loser names the winner"
    assert "fix: hot" in busy.hosts["web"].git("log", "--format=%s", "main").splitlines()
    assert len({tuple(busy.tags("deploy-", name)) for name in NAMES}) == 1
    busy.call("status").ok()
    busy.fsck()


@pytest.mark.shows("G10")
@pytest.mark.fault("two-fleets-one-repository")
def test_a_run_of_another_fleet_in_a_shared_repository_is_left_alone(
    kit: FleetKit, crossed: Callable[..., None], tmp_path: Path
) -> None:
    shared = f'  home: {{}}\n  api: {{url: "{kit.hosts["api"].url}"}}\n'
    other = FleetKit.make(tmp_path / "other", ("home",), repos=shared)
    before, told = kit.refs(), []
    # Without words of its own it could be the very same commit: by the same person, in the same second.
    crossed("intent:land:api", lambda: told.append(other.call(*TO_STG, "-m", "theirs")))
    ran = kit.call(*TO_STG).exits(3)
    assert "another run has its fence" in ran.text
    assert told[0].code == 0
    assert kinds(kit)[-1] == "aborted"
    assert kit.file("api", "stg", "feature.txt") == "good", "the other fleet's release stands"
    assert {n: r for n, r in kit.refs().items() if n != "api"} == {n: r for n, r in before.items() if n != "api"}
    kit.call(*TO_STG).ok()
    assert kit.file("web", "stg", "feature.txt") == "good"


@pytest.mark.shows("G5")
@pytest.mark.fault("tag-exists-other", "tag-exists-in-last", "tag-created-meanwhile")
@pytest.mark.parametrize("name", ["root", "web"])
def test_a_tag_that_somebody_made_after_the_plan_stops_it_before_anything_moves(kit: FleetKit, name: str) -> None:
    plan = kit.root / "plan.json"
    tag = kit.call("plan", "dev", "stg", "--out", str(plan), "--json").ok().json()["tag"]
    kit.hosts[name].git("tag", tag, "dev")
    before = Before.of(kit)
    ran = kit.call("promote", "dev", "stg", "--plan", str(plan), "--yes").exits(3)
    assert tag in ran.text
    settled(kit, before, "never begun")
    kit.promote().ok()


@pytest.mark.shows("G4")
@pytest.mark.fault("source-moved-after-plan")
def test_what_is_pushed_to_the_source_after_the_plan_is_not_promoted_and_it_is_said(
    kit: FleetKit, crossed: Callable[..., None]
) -> None:
    planned = kit.head("api", "dev")
    crossed("intent:land:api", lambda: kit.commit("api", "dev", {"later.txt": "1\n"}, "feat: later"))
    ran = kit.call(*TO_STG).ok()
    later = kit.head("api", "dev")
    assert f"api: dev went on to {later[:7]}, {planned[:7]} was promoted" in ran.text
    assert "root: dev" not in ran.text
    assert [kit.file("api", "stg", path) for path in ("feature.txt", "later.txt")] == ["good", None]


@pytest.mark.shows("G3", "G4")
@pytest.mark.fault("force-push-before", "force-push-during")
@pytest.mark.parametrize("event", ["", "intent:ledger begin", "intent:land:api", "intent:land:web"])
def test_a_force_push_stops_the_run_and_what_was_forced_stays(
    kit: FleetKit, crossed: Callable[..., None], event: str
) -> None:
    host, plan = kit.hosts["api"], kit.root / "plan.json"
    before = kit.refs()
    theirs = before["api"]["refs/heads/stg"] = host.commit({"theirs.txt": "1\n"}, on="wip", parents=())
    host.git("update-ref", "-d", "refs/heads/wip")
    kit.call("plan", "dev", "stg", "--out", str(plan)).ok()
    if event == "intent:land:web":  # it comes after the landing, and takes it away again
        kit.hosts["web"].hook("pre-receive", "while read o n r; do [ $r != refs/heads/stg ] || exit 1; done")
    forced = partial(host.git, "update-ref", "refs/heads/stg", theirs)
    if event:
        crossed(event, forced)
    else:
        forced()
    ran = kit.call("promote", "dev", "stg", "--plan", str(plan), "--yes", "--jobs", "1")
    assert ran.code in (3, 4), ran
    assert "api" in ran.text
    assert kit.refs() == before
    assert kinds(kit)[-1:] != ["released"]
