"""What is told, to whom, and in which words: pure."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from multigit.model import notice as notices
from multigit.model.names import EnvName, RepoName, Tag
from multigit.model.notice import Notice
from multigit.model.notifier import Notifier
from multigit.model.plain import plain
from multigit.model.plan import Keep, Plan, Verb
from multigit.model.runreport import RunReport
from multigit.notifiers._slack import message
from multigit.ui.lang import Lang
from multigit.ui.notices import particle, telling
from tests.conftest import Golden
from tests.support.subjects import API, CONFIG, KIM, MAIN, NOON, PROD, STG, WEB, land, oid, plan_of

PLAN = replace(plan_of(land(), Keep(repo=WEB, branch=MAIN, at=oid("e"))), production=True)
HOSTILE = "<!channel> <@U012ABCDE> & \x1b[31mred\u202e\r\nBcc: all@x\x07"


def report(outcome: Any = "released", plan: Plan = PLAN, **more: Any) -> RunReport:
    statuses = more.pop("statuses", {RepoName("api"): "landed" if outcome == "released" else "undone"})
    return RunReport(run=plan.run, plan=plan, outcome=outcome, statuses=statuses, **more)


def ended(outcome: Any = "released", plan: Plan = PLAN, *, asked: bool = False, **more: Any) -> Notice:
    found = notices.ended(CONFIG, report(outcome, plan, **more), NOON, asked=asked)
    assert found is not None
    return replace(found, id="0" * 32, run="r-0123456789ab")


def of(verb: Verb, **more: Any) -> Plan:
    return replace(PLAN, verb=verb, **more)


STORY: dict[str, Notice] = {
    "started": replace(notices.began(CONFIG, PLAN, NOON), run="r-0123456789ab"),
    "finished": ended(next=("multigit history", "multigit rollback previous")),
    "failed": ended("aborted", why="api: protected branch hook declined", next=("multigit status",)),
    "open": ended("open", why="api does not answer", next=("multigit resume r-0123456789ab",)),
    "aborted": ended("aborted", asked=True),
    "hotfix": ended(plan=of("hotfix", source=None, emergency=True, reason="결제 오류")),
    "rolled-back": ended(plan=of("rollback", source=None, to=Tag("deploy-20260211-183012"), reason="it broke")),
    "back-merged": ended(plan=of("backmerge", source=PROD, target=STG, tag=None, production=False)),
    "pushed": ended(plan=of("push", source=None, target=STG, tag=None, production=False)),
    "held": notices.held(CONFIG, "held", "prod", "h-1", "we look", KIM, NOON),
    "lifted": notices.held(CONFIG, "lifted", "prod", "h-1", "fine", KIM, NOON),
    "test": notices.trial(CONFIG, KIM, NOON),
}


@pytest.mark.shows("G16")
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_words(lang: Lang, golden: Golden) -> None:
    said = []
    for name, notice in STORY.items():
        told = telling(notice, lang)
        said.append("\n".join([f"== {name} ({notice.severity})", told.headline, *told.lines, *told.details]))
    golden(f"notices.{lang}.txt", "\n\n".join(said) + "\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("started", {"started"}),
        ("finished", {"finished"}),
        ("failed", {"failed"}),
        ("aborted", {"aborted", "failed"}),
        ("hotfix", {"finished", "hotfix"}),
        ("rolled-back", {"rolled-back", "finished"}),
        ("back-merged", {"back-merged", "finished"}),
        ("lifted", {"lifted", "held"}),
    ],
)
def test_the_words_that_mean_it(name: str, words: set[str]) -> None:
    assert notices.words(STORY[name]) == words


def test_a_rule_asks_by_event_environment_and_severity() -> None:
    def asks(name: str, **rule: Any) -> bool:
        return notices.wanted(CONFIG, Notifier(kind="slack", **rule), STORY[name])

    assert asks("started")
    assert asks("failed", when=("failed",))
    assert not asks("finished", when=("failed",))
    assert asks("finished", envs=(EnvName("prod"),))
    assert asks("back-merged", envs=(EnvName("staging"),)), "an alias will do"
    assert not asks("finished", envs=(STG,))
    assert not asks("finished", severity="warning")
    assert asks("rolled-back", severity="warning")
    assert asks("failed", severity="critical")
    assert asks("test", when=("failed",), envs=(STG,), severity="critical"), "a test is for everybody"


def test_how_grave_it_is() -> None:
    quiet = replace(PLAN, production=False, target=STG)
    assert ended("aborted", quiet).severity == "warning"
    assert ended("open", quiet).severity == "critical", "nothing else can begin"
    assert ended("aborted", quiet, statuses={API: "diverged"}).severity == "critical"
    assert ended("aborted").severity == "critical", "in production"


def test_of_a_run_that_somebody_took_over_they_tell() -> None:
    assert notices.ended(CONFIG, report("lost"), NOON) is None
    assert notices.ended(CONFIG, report("nothing"), NOON) is None


def test_an_abort_that_left_something_behind_is_a_failure() -> None:
    assert ended("aborted", asked=True, statuses={API: "diverged"}).event == "failed"


@pytest.mark.fault("text-escape", "text-bidi")
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_text_from_outside_acts_on_nothing(lang: Lang) -> None:
    hostile = replace(
        STORY["failed"], why=HOSTILE, reason=HOSTILE, by=HOSTILE, title=HOSTILE, changes=(
            notices.Change(repo=HOSTILE, branch=HOSTILE, old="a" * 40, new="b" * 40, status=HOSTILE),
        ),
    )  # fmt: skip
    told = telling(hostile, lang)
    for line in (told.headline, *told.lines, *told.details):
        assert line.isprintable(), line
    text = message(told)
    assert "<" not in text
    assert ">" not in text
    assert "&lt;!channel&gt; &lt;@U012ABCDE&gt; &amp; " in text


def test_what_looks_like_a_secret_is_hidden_when_the_notice_is_made() -> None:
    token = "xoxb-123456789012-kanari"
    made = notices.began(CONFIG, replace(PLAN, reason=f"with {token}"), NOON)
    assert token not in json.dumps(plain(made))
    assert token not in json.dumps(plain(ended("aborted", why=f"https://kim:{token}@host", next=(token,))))


def test_a_notice_read_back_is_the_same_and_more_keys_are_left_out() -> None:
    for notice in STORY.values():
        assert notices.read(json.loads(json.dumps({**plain(notice), "later": 1}))) == notice


@pytest.mark.parametrize(
    ("word", "closed", "opened", "said"),
    [
        ("배포", "을", "를", "를"),
        ("운영", "을", "를", "을"),
        ("서울", "으로", "로", "로"),
        ("부산", "으로", "로", "으로"),
        ("deploy-20260211-183012", "으로", "로", "로"),
        ("v1.0", "으로", "로", "으로"),
        ("v1.3", "을", "를", "을"),
        ("v1.1", "으로", "로", "로"),
        ("main", "을", "를", "을(를)"),
        ("main", "으로", "로", "(으)로"),
        ("", "을", "를", "을(를)"),
    ],
)
def test_particles(word: str, closed: str, opened: str, said: str) -> None:
    assert particle(word, closed, opened) == said


def test_a_large_fleet_fits() -> None:
    changes = tuple(notices.Change(repo=f"repo-{n}", branch="main", old="a" * 40, new="b" * 40) for n in range(1000))
    told = telling(replace(STORY["finished"], changes=changes), "en")
    assert told.details[-1] == "and 950 more"
    assert len(message(told)) < 3500
