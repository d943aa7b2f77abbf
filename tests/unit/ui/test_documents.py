from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import multigit
from multigit.model import documents as docs
from multigit.model import notice
from multigit.model.config import Config, Environment, Repo, System
from multigit.model.delivery import Delivery
from multigit.model.logs import LogLine, LogProblem, LogsDocument
from multigit.model.names import Branch, EnvName
from multigit.model.plan import Plan, from_json
from multigit.model.pulled import PullDocument
from multigit.model.schemas import NAMES, file_name, generate
from multigit.notifiers import webhook
from multigit.ui.documents import document, plan_document
from multigit.ui.notices import telling
from tests.unit.ui import samples as s
from tests.unit.ui.test_deployments_text import RETURNED
from tests.unit.ui.test_doctor import HEALTH
from tests.unit.ui.test_infra import FOUND
from tests.unit.ui.test_screens import DIFF, LOG, PULLED, SHOW
from tests.unit.ui.test_verify_text import DRIFTED

FOLDER = Path(multigit.__file__).parent / "schemas"
CONFIG = docs.ConfigDocument(
    file="repos.yaml",
    digest="c" * 64,
    config=Config(
        version=1, system=System(name=EnvName("gli")), repos={s.ROOT: Repo(name=s.ROOT)},
        environments={s.PROD: Environment(name=s.PROD, branch=s.MAIN, tier="production")},
    ),
)  # fmt: skip
TOLD = Delivery(notifier="slack", event="failed", run=s.BLOCKED.run, state="waiting", why="no answer", tries=2)
TELLING = telling(notice.began(CONFIG.config, s.PROMOTE, s.NOW), "ko")
APPROVAL = docs.ApprovalDocument(
    plan=s.BLOCKED.id, digest=s.BLOCKED.digest, run=s.BLOCKED.run, target="prod", approved_by=("lee@example.com",)
)
LOGS = LogsDocument(
    env=s.PROD, more=True, exit_code=1, lines=(LogLine(repo=s.FLEET[0], at=s.NOW, stream="task/1", text=s.HOSTILE),),
    problems=(LogProblem(repo=s.FLEET[1], group="/shop/web", why=s.HOSTILE),),
)  # fmt: skip
DOCUMENTS: dict[str, str] = {
    "multigit.plan/1": plan_document(s.BLOCKED, s.GATES),
    "multigit.status/1": document("", s.TROUBLED),
    "multigit.deployment/1": document(
        "", replace(RETURNED, restored=json.loads(document("", s.report("released", ""))))
    ),
    "multigit.run/1": document("", s.report("aborted", "x", api="diverged")),
    "multigit.history/1": document("", docs.HistoryDocument(env=s.PROD, releases=s.RELEASES)),
    "multigit.diff/1": document("", DIFF),
    "multigit.log/1": document("", LOG),
    "multigit.show/1": document("", SHOW),
    "multigit.pull/1": document("", PullDocument(branch=Branch("main"), results=PULLED)),
    "multigit.holds/1": document("", docs.HoldsDocument(holds=s.TROUBLED.holds)),
    "multigit.settle/1": document("", docs.SettleDocument()),
    "multigit.runs/1": document("", docs.RunsDocument(runs=({"schema": "multigit.run/1"},))),
    "multigit.config/1": document("", CONFIG),
    "multigit.verify/1": document("", DRIFTED),
    "multigit.doctor/1": document("", HEALTH),
    "multigit.logs/1": document("", LOGS),
    "multigit.infra/1": document("", FOUND),
    "multigit.approval/1": document("", APPROVAL),
    "multigit.notify/1": document("", docs.NotifyDocument(notices=(TOLD,), waiting=1, exit_code=1)),
    "multigit.notice/1": json.dumps(webhook.document(TELLING)),
    "multigit.error/1": document("", docs.ErrorDocument(code="MG-300", what=s.HOSTILE, exit_code=3)),
}


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / file_name(name)).read_text())
    return loaded


def test_the_schemas_in_the_package_are_those_of_the_models(pytestconfig: pytest.Config) -> None:
    made = {name: json.dumps(body, indent=2, ensure_ascii=False) + "\n" for name, body in generate().items()}
    if pytestconfig.getoption("--update-golden"):
        FOLDER.mkdir(exist_ok=True)
        for name, text in made.items():
            (FOLDER / name).write_text(text)
    assert {file.name: file.read_text() for file in FOLDER.iterdir()} == made, "run pytest --update-golden"


@pytest.mark.shows("X1")
@pytest.mark.parametrize("name", NAMES)
def test_every_document_is_what_its_schema_says(name: str) -> None:
    body = json.loads(DOCUMENTS[name])
    described = schema(name)
    jsonschema.Draft202012Validator.check_schema(described)
    validator = jsonschema.Draft202012Validator(described)
    validator.validate(body)
    assert body["schema"] == name
    for key in described["required"]:
        assert not validator.is_valid({k: v for k, v in body.items() if k != key})


@pytest.mark.shows("X3")
@pytest.mark.parametrize("plan", [s.PROMOTE, s.ROLLBACK, s.HOTFIX, s.PULL], ids=lambda plan: plan.verb)
def test_a_plan_read_back_from_its_document_has_the_same_digest(plan: Plan) -> None:
    body = json.loads(plan_document(plan, s.GATES))
    stated = body["digest"]
    for extra in ("digest", "id", "gates", "blocked", "blocked_by", "exit_code"):
        del body[extra]
    assert from_json(json.dumps(body)).digest == stated == plan.digest


def test_the_plan_document_says_what_blocks_and_an_open_question_does_not() -> None:
    body = json.loads(plan_document(s.BLOCKED, s.GATES))
    assert (body["blocked"], body["blocked_by"], body["exit_code"]) == (True, ["conflict", "no-backlog"], 3)
    asked = json.loads(plan_document(s.PROMOTE, s.GATES[2:]))
    assert (asked["blocked"], asked["exit_code"]) == (False, 0)
    assert asked["gates"][0]["unanswered"] == list(s.SIX)
    overridden = json.loads(plan_document(s.PROMOTE, (replace(s.GATES[1], overridden="known"),)))
    assert (overridden["blocked"], overridden["gates"][0]["overridden"]) == (False, "known")


@pytest.mark.fault("canary-url")
def test_times_are_utc_and_text_is_readable_and_secrets_are_not() -> None:
    shown = document("multigit.x/1", {"at": s.NOW, "who": "김민수", "url": "https://a:geheim99@h/x", "t": (1, None)})
    assert json.loads(shown) == {
        "schema": "multigit.x/1",
        "at": "2026-02-11T21:58:03Z",
        "who": "김민수",
        "url": "https://***@h/x",
        "t": [1, None],
    }
    assert "김민수" in shown
    assert document("", {"at": datetime(2026, 1, 1, tzinfo=UTC)}).endswith("\n")
