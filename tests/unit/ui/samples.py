"""Values that the screens are tested with: the fleet of interface.md, and what hostile repositories write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from multigit.model.actor import Actor
from multigit.model.config import Gate
from multigit.model.events import Hold
from multigit.model.fleet import CommitLine, Distance
from multigit.model.names import Branch, EnvName, Oid, RepoName, RunId, Tag
from multigit.model.plan import Forward, Keep, Land, Leave, MakeClone, Plan, Quarantine, Refusal, Seen, Step
from multigit.model.releases import ReleaseRow
from multigit.model.runreport import RunReport
from multigit.model.summary import Alarms, Mark, Ringing, Status, StatusRow
from multigit.model.verdict import GateResult, Verdict

KST = timezone(timedelta(hours=9), "KST")
NOW = datetime(2026, 2, 12, 6, 58, 3, tzinfo=KST)
AHN = Actor(name="안현수", email="ahn@example.invalid", user="ahn", host="gli-1")
DEV, STG, PROD = EnvName("dev"), EnvName("stg"), EnvName("prod")
MAIN, STAGING = Branch("main"), Branch("stg")
ROOT, API, USER, ADMIN = (RepoName(f"gli_{name}") for name in ("root", "api-server", "user-frontend", "admin-frontend"))
SOCKET, DATA, REDIS, RABBIT = (RepoName(f"gli_{name}") for name in ("websocket", "database", "redis", "rabbitmq"))
FLEET = (ROOT, DATA, REDIS, RABBIT, API, SOCKET, USER, ADMIN)
WAVES = ((ROOT, DATA, REDIS, RABBIT), (API, SOCKET), (USER, ADMIN))
HOSTILE = (
    "a\x1b]0;owned\x07\x1b[2J[/oops][bold]x\u202egnp.exe\u2066\nerror[MG-000] forged\r::error::forged ##[add-path]x"
)
TAG = Tag("deploy-20260212-070014")


def oid(short: str) -> Oid:
    return Oid(short.ljust(40, "0"))


def land(
    repo: RepoName, old: str, source: str, *, commits: int = 1, files: int = 1, notes: tuple[str, ...] = ()
) -> Land:
    return Land(
        repo=repo, branch=MAIN, old=oid(old), new=oid("f" + source), how="merge", source=oid(source), commits=commits,
        files=files, notes=notes,
    )  # fmt: skip


def keep(repo: RepoName, why: str = "nothing to merge") -> Keep:
    return Keep(repo=repo, branch=MAIN, at=oid("8b783af"), why=why)


CONFLICT = Refusal(
    repo=USER,
    code="conflict",
    why="1 file cannot be merged from stg into main",
    hint="multigit backmerge main stg -r gli_user-frontend",
    details=(
        "conflict src/api/client.ts (contents)",
        '  target 0b1f22c kim "hotfix: CORS"',
        '  source a41b7e0 lee "feat: 결제 재시도"',
    ),
)


def plan(*steps: Step, refusals: tuple[Refusal, ...] = ()) -> Plan:
    """`promote stg main` of the fleet."""
    given = {step.repo for step in steps} | {refusal.repo for refusal in refusals}
    rest = tuple(keep(repo) for repo in FLEET if repo not in given)
    return Plan(
        verb="promote", system=EnvName("gli"), title="GLI", source=STG, target=PROD, production=True, phrase="gli main",
        created=NOW, operator=AHN, tag=TAG, config="c" * 64, steps=(*steps, *rest), refusals=refusals, waves=WAVES,
        seen=tuple(Seen(repo=repo, heads={STAGING: oid("a41b7e0"), MAIN: oid("8b783af")}) for repo in FLEET),
    )  # fmt: skip


PROMOTE = plan(land(API, "7221481", "6e9a9b3", commits=36, files=61, notes=("4 migrations",)))
BLOCKED = plan(land(API, "7221481", "6e9a9b3", commits=36, files=61, notes=("4 migrations",)), refusals=(CONFLICT,))
NOTHING = replace(plan(), tag=None)


def gate(name: str, level: Literal["block", "warn"] = "block") -> Gate:
    return Gate(name=name, kind="command", level=level)


def verdict(
    state: Literal["pass", "wait", "fail", "ask"], why: str = "", *, questions: tuple[str, ...] = (),
    details: tuple[str, ...] = (), retry: float | None = None,
) -> Verdict:  # fmt: skip
    return Verdict(state=state, why=why, questions=questions, details=details, retry_after=retry)


SIX = tuple(f"question {number}" for number in range(1, 7))
GATES = (
    GateResult(gate=gate("stg-healthy"), verdict=verdict("pass", "4 of 4 answer")),
    GateResult(
        gate=gate("no-backlog"),
        verdict=verdict("fail", "1 hotfix of gli_user-frontend is not in stg", details=("0b1f22c kim hotfix: CORS",)),
    ),
    GateResult(gate=gate("checklist"), verdict=verdict("ask", "six items", questions=SIX)),
)
ROLLBACK = replace(
    plan(),
    verb="rollback", source=None, mode="restore", to=Tag("deploy-20260211-183012"), tag=Tag("deploy-20260212-071502"),
    reason="결제 오류",
    steps=(
        replace(land(API, "c0ffee1", "7221481", commits=36), how="restore"),
        replace(
            land(USER, "5ad0b11", "dd5b239", commits=2,
                 notes=("has no such tag: its state then is deploy-20260210-110233",)),
            how="restore",
        ),
        *(keep(repo, "already there") for repo in FLEET if repo not in (API, USER)),
    ),
    quarantine=(Quarantine(hold="q-1", env=PROD, reason="결제 오류", sources={API: (oid("6e9a9b3"),)}),),
)  # fmt: skip
HOTFIX = replace(
    plan(
        replace(
            land(API, "7221481", "0b1f22c", notes=("src/결제.py +3 -1",)), how="push",
            from_clone="/srv/gli/gli_api-server",
        )
    ),
    verb="hotfix", source=None, emergency=True, reason="hotfix: CORS",
)  # fmt: skip
PULL = replace(
    plan(),
    verb="pull",
    source=None,
    target=None,
    production=False,
    tag=None,
    steps=(
        Forward(
            repo=API,
            path="/srv/gli/api",
            url="u",
            branch=MAIN,
            old=oid("7221481"),
            new=oid("6e9a9b3"),
            checked_out=True,
        ),
        Forward(repo=ROOT, path="/srv/gli", url="u", branch=MAIN, old=oid("1"), new=oid("2"), checked_out=False),
        MakeClone(repo=USER, url="https://git.example.invalid/gli_user-frontend.git", path="/srv/gli/user"),
        Leave(repo=ADMIN, verdict="dirty", why="3 files with changes", hint="git -C gli_admin-frontend stash"),
        Leave(repo=DATA, verdict="up to date"),
        Leave(repo=REDIS, verdict="up to date"),
    ),
)


def status_row(
    repo: RepoName, mark: Mark, ahead: tuple[int | None, int | None], live: str, tag: str, *notes: str
) -> StatusRow:
    pairs = ((DEV, STG, ahead[0]), (STG, PROD, ahead[1]))
    return StatusRow(
        repo=repo, mark=mark, heads={PROD: oid(live)}, live=oid(live), tag=Tag(tag) if tag else None, notes=notes,
        distances=tuple(Distance(repo=repo, source=a, target=b, ahead=n) for a, b, n in pairs),
    )  # fmt: skip


STATUS = Status(
    title="GLI",
    at=NOW,
    environments=(DEV, STG, PROD),
    branches={DEV: Branch("dev"), STG: STAGING, PROD: MAIN},
    rows=(
        status_row(ROOT, "ok", (1, 0), "8b783af", "deploy-20260211-183012"),
        status_row(API, "warn", (0, 36), "7221481", "deploy-20260211-183012", "8 on stg, not in dev"),
        status_row(USER, "bad", (4, 2), "dd5b239", "", "partial: tag missing"),
        status_row(ADMIN, "ok", (0, None), "72f3eb4", "deploy-20251211-183012"),
    ),
    totals="8 repos: 38 commits in 2 wait for main, 8 to merge back, 1 partial release",
    next=("multigit plan stg main", "multigit backmerge stg dev"),
)
TROUBLED = replace(
    STATUS,
    open_run="r-0123456789ab", open_phase="landed", open_by="kim@gli-2", exit_code=4,
    holds=(Hold(id="h-1", env=PROD, reason="명절 동결", by=AHN, at=NOW - timedelta(days=2)),),
    alarms=(Alarms(env=STG, state="quiet", of=4), Alarms(env=PROD, state="ringing", of=4, unsure=1, ringing=(
        Ringing(name="gli-api-errors-production", since=NOW - timedelta(minutes=17)),
        Ringing(name="gli-api-down-production", since=NOW - timedelta(hours=20)),
    ))),
    next=("multigit resume r-0123456789ab", "multigit abort r-0123456789ab"),
)  # fmt: skip


def release(
    tag: str,
    result: Literal["live", "ok", "partial", "rolled back", "tags only", "aborted", "failed", "open"],
    when: datetime,
    *,
    changed: int = 1,
    tagged: int = 8,
    took: float | None = 240,
    note: str = "",
) -> ReleaseRow:
    return ReleaseRow(
        tag=Tag(tag),
        run="r-0123456789ab",
        verb="promote",
        env="prod",
        when=when,
        by="ahn",
        changed=changed,
        tagged=tagged,
        of=8,
        took=took,
        result=result,
        note=note,
    )


RELEASES = (
    release("deploy-20260212-070014", "live", NOW - timedelta(minutes=3), changed=2, took=372),
    release("deploy-20260211-183012", "partial", NOW - timedelta(hours=12), changed=3, tagged=7, took=280),
    replace(
        release("deploy-20260211-110233", "rolled back", NOW - timedelta(hours=20), note="by deploy-20260211-113100"),
        by="김민수",
    ),
    release("deploy-20260210-170455", "tags only", NOW - timedelta(days=2), changed=0, took=None),
    replace(
        release("deploy-20251001-170455", "ok", NOW - timedelta(days=134), took=3800), verb="hotfix", emergency=True
    ),
)


def report(
    outcome: Literal["released", "aborted", "refused", "race", "lost", "open", "nothing"],
    why: str = "",
    *,
    commands: tuple[str, ...] = (),
    **statuses: str,
) -> RunReport:
    """A run of PROMOTE and one more repository; `statuses` by the end of the repository's name (`api`, `user`)."""
    known = {"api": API, "user": USER}
    applied = plan(land(API, "7221481", "6e9a9b3", commits=36), land(USER, "dd5b239", "a41b7e0", commits=2))
    return RunReport(
        run="r-0123456789ab", plan=applied, outcome=outcome, why=why, next=commands, took=372.4,
        statuses={known[name]: status for name, status in statuses.items()},
    )  # fmt: skip


COMMITS = {
    API: (
        CommitLine(
            oid=oid("6e9a9b3"), author="이수진", when=NOW - timedelta(hours=3), subject="feat: 결제 재시도와 환불 처리"
        ),
        CommitLine(oid=oid("a41b7e0"), author="kim", when=NOW - timedelta(days=1), subject="fix: " + "long " * 40),
    ),
    USER: (CommitLine(oid=oid("bad0bad"), author="e\x1b[31mve", when=NOW.astimezone(UTC), subject=HOSTILE),),
}
RUN = RunId("r-0123456789ab")
