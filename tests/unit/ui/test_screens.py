"""Every screen as a whole, in three widths: golden/<screen>.<width>.txt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from multigit.model.documents import DiffDocument, LogDocument, RepoDiff, RepoLog, ShowDocument
from multigit.model.names import RepoName
from multigit.model.plan import Refusal, Step
from multigit.model.pulled import PullResult
from multigit.model.record import Event
from multigit.ui.plans import plan_text
from multigit.ui.reports import commits_text, diff_text, log_text, pull_text, report_text, show_text
from multigit.ui.tables import history_text, holds_text, status_text
from multigit.ui.text import cells
from tests.conftest import Golden
from tests.unit.ui import samples as s

GO_ON = ("multigit resume r-0123456789ab", "multigit abort r-0123456789ab")
DIFF = DiffDocument(
    source=s.STG,
    target=s.PROD,
    repos=(
        RepoDiff(
            repo=s.API, ahead=2, commits=s.COMMITS[s.API], files=("src/결제.py", "src/\x1b[2J.py"), conflicts=("a.py",)
        ),
        RepoDiff(repo=s.USER, problem="unreachable: connection refused"),
        RepoDiff(repo=s.ROOT),
    ),
)
LOG = LogDocument(range="stg..main", repos=(RepoLog(repo=s.API, commits=s.COMMITS[s.API]), RepoLog(repo=s.ROOT)))
SHOW = ShowDocument(
    run=s.RUN,
    phase="released",
    tag=s.TAG,
    plan={"verb": "promote", "target": "prod", "reason": s.HOSTILE},
    statuses={s.API: "landed"},
    commits={s.API: s.oid("6e9a9b3"), s.ROOT: s.oid("8b783af")},
    events=(
        Event(kind="begin", at=s.NOW, by=s.AHN, run=s.RUN),
        Event(kind="released", at=s.NOW, by=s.AHN, run=s.RUN, reason="긴급"),
    ),
)
PULLED = (
    PullResult(repo=s.API, verdict="updated", old=s.oid("7221481"), new=s.oid("6e9a9b3")),
    PullResult(repo=s.ROOT, verdict="up to date"),
    PullResult(repo=s.USER, verdict="cloned"),
    PullResult(repo=s.ADMIN, verdict="dirty", why="3 files with changes", hint="git -C gli_admin-frontend stash"),
    PullResult(repo=s.DATA, verdict="diverged", why="2 commits here, 1 there"),
    PullResult(repo=s.REDIS, verdict="no such branch"),
    PullResult(repo=s.RABBIT, verdict="failed", why="remote said: \x1b[31mno"),
)
HOSTILE = replace(
    s.plan(
        s.land(s.API, "7221481", "6e9a9b3", notes=(s.HOSTILE,)),
        refusals=(
            Refusal(repo=s.USER, code="conflict", why=s.HOSTILE, hint=s.HOSTILE, details=(s.HOSTILE,)),
            Refusal(repo=None, code="gate", why=s.HOSTILE),
        ),
    ),
    reason=s.HOSTILE,
    notes=(s.HOSTILE,),
)
SCREENS: dict[str, Callable[[int], str]] = {
    "plan": lambda width: plan_text(
        s.PROMOTE, s.GATES[:1], width=width, saved="p.json", commands=("multigit promote",)
    ),
    "plan-blocked": lambda width: plan_text(s.BLOCKED, s.GATES, width=width),
    "plan-nothing": lambda width: plan_text(s.NOTHING, width=width),
    "plan-hostile": lambda width: plan_text(HOSTILE, width=width),
    "rollback": lambda width: plan_text(s.ROLLBACK, width=width, live=s.TAG, note="the one match"),
    "hotfix": lambda width: plan_text(s.HOTFIX, width=width),
    "hotfix-content": lambda width: plan_text(
        s.HOTFIX, width=width, diffstat={s.API: ((3, 1, "src/결제.py"),)}, shipped={s.API: s.COMMITS[s.USER]}
    ),
    "pull-plan": lambda width: plan_text(s.PULL, width=width),
    "status": lambda width: status_text(s.STATUS, width=width, zone=s.KST, now=s.NOW),
    "status-troubled": lambda width: status_text(s.TROUBLED, width=width, zone=s.KST),
    "holds": lambda width: holds_text(s.TROUBLED.holds, s.KST, s.NOW, width=width),
    "history": lambda width: history_text(s.RELEASES, s.KST, s.NOW, width=width),
    "report": lambda width: report_text(s.report("released", api="landed", user="landed"), s.KST, width=width),
    "report-open": lambda width: report_text(
        s.report("open", "gli_user-frontend: unreachable", commands=GO_ON, api="landed"), s.KST, width=width
    ),
    "report-diverged": lambda width: report_text(
        s.report("aborted", "declined", api="diverged", user="void"), width=width
    ),
    "report-aborted": lambda width: report_text(
        s.report("aborted", "declined", api="undone", user="void"), width=width
    ),
    "commits": lambda width: commits_text(s.COMMITS, width=width, zone=s.KST, now=s.NOW),
    "diff": lambda width: diff_text(DIFF, width=width, zone=s.KST, now=s.NOW),
    "log": lambda width: log_text(LOG, width=width, zone=s.KST),
    "show": lambda width: show_text(SHOW, width=width, zone=s.KST),
    "pull": lambda width: pull_text(PULLED, width=width),
}


@pytest.mark.parametrize("width", [20, 80, 120])
@pytest.mark.parametrize("screen", SCREENS)
def test_screen(screen: str, width: int, golden: Golden) -> None:
    golden(f"{screen}.{width}.txt", SCREENS[screen](width) + "\n")


@pytest.mark.shows("X8")
@pytest.mark.fault("text-escape", "text-osc", "text-bidi", "text-markup")
@pytest.mark.parametrize("width", [20, 80])
@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_a_repository_wrote_reaches_the_terminal_as_a_command(screen: str, width: int) -> None:
    text = SCREENS[screen](width)
    assert all(line.isprintable() for line in text.split("\n"))
    assert not any(line.startswith("error[") for line in text.split("\n"))


@pytest.mark.fault("twenty-columns")
@pytest.mark.parametrize("screen", SCREENS)
def test_lines_fit_the_terminal_but_for_commands_and_single_words(screen: str) -> None:
    long = [line for line in SCREENS[screen](80).split("\n") if cells(line) > 80]
    assert all(line.startswith(("fix", "next")) or "\\u202e" in line for line in long), long


def test_the_example_of_the_interface_reads_as_promised() -> None:
    text = plan_text(s.BLOCKED, s.GATES, width=110)
    assert "stg -> main (prod, PRODUCTION)   8 repos   1 conflict" in text
    assert "wave 2  + gli_api-server     7221481..6e9a9b3  36 commits, 61 files   ! 4 migrations" in text
    assert (
        "gates   ok stg-healthy   x no-backlog: 1 hotfix of gli_user-frontend is not in stg   . checklist 0/6" in text
    )
    assert "Plan: 1 to merge, 6 unchanged, 1 conflict.  Blocked by: conflict, no-backlog." in text
    assert "exit 3" in text
    assert "fix     multigit backmerge main stg -r gli_user-frontend" in text


@pytest.mark.fault("fleet-1000")
def test_a_large_fleet_folds_what_does_not_change_and_nothing_else() -> None:
    repos = [RepoName(f"repo-{number}") for number in range(1000)]
    steps: tuple[Step, ...] = (s.land(repos[0], "7221481", "6e9a9b3"), *(s.keep(repo) for repo in repos[2:]))
    refusals = (Refusal(repo=repos[1], code="unreachable", why="timed out", hint="multigit doctor"),)
    large = replace(s.plan(*steps, refusals=refusals), waves=(tuple(repos[:500]), tuple(repos[500:])))
    text = plan_text(replace(large, steps=steps), width=100)
    assert "= 998 repos unchanged" in text
    assert "+ repo-0" in text
    assert "x repo-1" in text
    assert "repo-2 " not in text
    assert "Plan: 1 to merge, 998 unchanged, 1 unreachable." in text


def test_every_different_way_out_is_named_once_and_their_number_is_bounded() -> None:
    refusals = tuple(Refusal(repo=repo, code="auth", why="401", hint="multigit doctor prod") for repo in s.FLEET)
    assert plan_text(s.plan(refusals=refusals)).count("fix  ") == 1
    many = tuple(Refusal(repo=RepoName(f"r{n}"), code="auth", why="401", hint=f"fix {n}") for n in range(30))
    assert plan_text(s.plan(refusals=many)).count("\nfix  ") == 11
