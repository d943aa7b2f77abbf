"""What people read of deployments: golden/deploy-*.txt; and what they are told of them in two languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from multigit.model import notice
from multigit.model.config import Config, Environment, Repo, System
from multigit.model.deployplan import DeployPlan, Skip, Step
from multigit.model.deployreport import DeploymentReport, StepRow, of_plan
from multigit.model.names import EnvName, RepoName
from multigit.ui.deployments import plan_text, report_text
from multigit.ui.lang import Lang
from multigit.ui.notices import telling
from multigit.ui.text import cells
from tests.conftest import Golden
from tests.unit.ui import samples as s

WIDTHS = [20, 60, 100]
OLD, NEW = s.oid("0b1f22c"), s.oid("a41b7e0")


def step(repo: RepoName, stage: str, wave: int, target: str = "ecs", **more: object) -> Step:
    given: dict[str, object] = {"commit": NEW, "before_commit": OLD, **more}
    return Step(id=f"{repo}/{stage}", stage=stage, wave=wave, repo=repo, target=target, **given)  # type: ignore[arg-type]


PLAN = DeployPlan(
    system=EnvName("gli"), env=s.PROD, production=True, branch=s.MAIN, tag=s.TAG, operator=s.AHN, created=s.NOW,
    commits={s.API: NEW, s.USER: NEW, s.DATA: NEW}, auto_rollback="always",
    steps=(
        step(s.API, "build", 0, "actions"), step(s.API, "migrate", 1, "ecs-task"),
        step(s.API, "deploy", 1, was="gli-api@sha256:0123456789ab, task definition gli-api:12"),
        step(s.API, "health", 1, ""), step(s.USER, "deploy", 2, s.HOSTILE, was=s.HOSTILE),
        Step(id="soak", stage="soak", wave=3, seconds=1800),
    ),
    skips=(Skip(repo=s.DATA, why="argocd is not acted on by this version"), Skip(repo=s.ROOT, why="선택되지 않음")),
)  # fmt: skip
BACK = replace(PLAN, back=True, production=False, tag=None, auto_rollback="never", steps=PLAN.steps[2:3], skips=())
EMPTY = replace(PLAN, steps=(), skips=())


def row(of: Step, state: str, **more: object) -> StepRow:
    return StepRow(id=of.id, stage=of.stage, wave=of.wave, repo=str(of.repo or ""), target=of.target, was=of.was,
                   state=state, at=None if state == "waits" else s.NOW, **more)  # type: ignore[arg-type]  # fmt: skip


WELL = DeploymentReport(
    id="d-0123456789ab", env="prod", tag=s.TAG, run="r-0123456789ab", outcome="well", by="ahn@gli-1", started=s.NOW,
    ended=s.NOW + timedelta(minutes=12, seconds=3), skips=PLAN.skips,
    steps=tuple(row(one, "ok", why="task definition gli-api:13") for one in PLAN.steps),
)  # fmt: skip
FAILED = replace(
    WELL, outcome="failed", exit_code=5, why=f"gli_user-frontend/deploy: {s.HOSTILE}", skips=(),
    steps=(
        row(PLAN.steps[0], "ok", why="workflow run 7 기다림 끝"), row(PLAN.steps[2], "begun", why="2 of 3 tasks"),
        row(PLAN.steps[4], "failed", why=s.HOSTILE, fault="test", details=("job e2e: 결제 실패", s.HOSTILE),
            link="https://ci.example.com/1"),
        row(PLAN.steps[5], "waits"),
    ),
    next=("multigit deploy prod   (after it is mended)", "multigit rollback deploy-1   (if prod has to go back)"),
)  # fmt: skip
RETURNED = replace(
    FAILED, outcome="returned", why="api/deploy: 서비스가 뜨지 않음", next=(),
    steps=(row(PLAN.steps[2], "failed", why="tasks stop", fault="deploy", back="ok", back_why="task definition 12"),
           row(PLAN.steps[4], "ok", why="up", back="failed", back_why="the bucket is gone")),
    warnings=(f"the ledger was not told: {s.HOSTILE}",),
    restored={"run": "r-ba9876543210", "outcome": "released"},
)  # fmt: skip
OPEN = replace(FAILED, outcome="open", why="stopped", ended=None, steps=FAILED.steps[:2], next=("multigit resume d-1",))


@pytest.mark.fault("text-escape", "text-osc", "text-bidi", "text-markup", "twenty-columns")
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("name", "plan"), [("plan", PLAN), ("back", BACK), ("nothing", EMPTY)])
def test_what_would_be_done(name: str, plan: DeployPlan, width: int, golden: Golden) -> None:
    text = plan_text(plan, of_plan(plan, "planned"), width=width)
    golden(f"deploy-{name}.{width}.txt", text + "\n")
    assert not {"\x1b", "\u202e", "\x07", "\r"} & set(text)


@pytest.mark.fault("text-escape", "text-osc", "text-bidi", "text-markup", "twenty-columns")
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("name", "found"), [
    ("well", WELL), ("failed", FAILED), ("returned", RETURNED), ("open", OPEN),
])  # fmt: skip
def test_how_it_stands(name: str, found: DeploymentReport, width: int, golden: Golden) -> None:
    text = report_text(found, s.KST, s.NOW + timedelta(minutes=1), width=width)
    golden(f"deploy-{name}.{width}.txt", text + "\n")
    assert not {"\x1b", "\u202e", "\x07", "\r"} & set(text)
    if width == 100:
        told = [line for line in text.splitlines() if not line.lstrip().startswith(("next", "multigit"))]
        assert max(map(cells, told)) <= width


def test_branches_that_did_not_go_back_are_not_said_to_have() -> None:
    raced = replace(RETURNED, restored={"run": "r-ba9876543210", "outcome": "race"})
    assert "then    the branches" in report_text(RETURNED, s.KST, s.NOW)
    assert "then    the branches" not in report_text(raced, s.KST, s.NOW)


# --- notices -----------------------------------------------------------------------------------------------------

CONFIG = Config(version=1, system=System(name=EnvName("gli"), title="글리"), repos={s.API: Repo(name=s.API)},
                environments={s.PROD: Environment(name=s.PROD, branch=s.MAIN, tier="production")})  # fmt: skip
TOLD = {
    "began": notice.deploying(CONFIG, PLAN, s.NOW),
    "well": notice.deployed(CONFIG, PLAN, WELL, s.NOW),
    "failed": notice.deployed(CONFIG, PLAN, FAILED, s.NOW),
    "returned": notice.deployed(CONFIG, PLAN, RETURNED, s.NOW),
    "aborted": notice.deployed(CONFIG, PLAN, RETURNED, s.NOW, asked=True),
    "open": notice.deployed(CONFIG, PLAN, OPEN, s.NOW),
}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("name", list(TOLD))
def test_what_people_are_told(name: str, lang: Lang, golden: Golden) -> None:
    found = TOLD[name]
    assert found is not None
    told = telling(found, lang)
    golden(f"deploy-notice-{name}.{lang}.txt", "\n".join([told.headline, *told.lines, *told.details]) + "\n")


@pytest.mark.shows("M5")
def test_only_what_went_back_by_itself_is_called_automatic() -> None:
    by_itself, asked = TOLD["returned"], TOLD["aborted"]
    assert by_itself is not None
    assert asked is not None
    assert "자동 롤백 실행 - " in "\n".join(telling(by_itself, "ko").lines)
    assert "자동 롤백 실행" not in "\n".join(telling(asked, "ko").lines)
    assert (by_itself.severity, asked.severity) == ("critical", "warning")
    assert {"failed", "rolled-back"} <= notice.words(by_itself)
    assert "failed" in notice.words(asked)


def test_whoever_took_it_over_tells_how_it_ended() -> None:
    assert notice.deployed(CONFIG, PLAN, replace(WELL, outcome="lost"), s.NOW) is None


def test_no_secret_is_told() -> None:
    token = "ghp_" + "a1B2" * 9
    found = notice.deployed(CONFIG, PLAN, replace(FAILED, why=f"login {token}"), s.NOW)
    assert found is not None
    assert token not in repr(found)
