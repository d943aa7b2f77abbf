"""GLI, from a commit in dev to production and back: one story on a real git server, moto and GitHub's own description.

Judged from outside: by plain git, boto3, what users were served meanwhile, mails, Slack and the ledger. `pytest -s`
prints the time-line of every step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from multigit.app import serving
from multigit.app.deploying import driving, planning
from multigit.apply import bringing, rollout
from multigit.checks import health
from tests.support import gli_world
from tests.support.gli_people import HOOK, People, told_people
from tests.support.gli_world import ADMIN, API, NAMES, SECRETS, SERVICES, SITE, SOCKET, World, timeline
from tests.support.servers import HttpGit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FASTER = 40
"""Health checks are watched this much faster than the clock."""
CHECKED = ("--override", "checklist=지난 금요일에 다 같이 확인했다", "--override", "migration=백업했다")
MOVED = ("gli_redis", API, SOCKET, SITE)
"""Of the second release."""


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> Iterator[People]:
    with told_people() as here:
        monkeypatch.setenv("SMTP_SERVER", here.mailer)
        monkeypatch.setenv("SMTP_USER", "gli")
        monkeypatch.setenv("SLACK_WEBHOOK_URL", here.url + HOOK)
        yield here


@pytest.fixture
def world(tmp_path: Path, http_git: HttpGit, people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(serving, "_PAUSE", 0.05)
    monkeypatch.setattr(health, "_PAUSE", 0.05)
    watched = partial(serving.Vigil, sleep=lambda seconds: time.sleep(seconds / FASTER),
                      elapsed=lambda: time.monotonic() * FASTER)  # fmt: skip
    monkeypatch.setattr(driving, "Vigil", watched)
    monkeypatch.setattr(planning, "Bringer", partial(bringing.Bringer, pause=lambda seconds: time.sleep(0.05)))
    with gli_world.gli(tmp_path, http_git, people.url) as made:
        yield made


@pytest.mark.shows("G3", "G4", "G5", "G7", "G12", "G13", "G14", "G15", "R1", "R2", "R3", "S5", "T3", "T4", "X8")
def test_glis_releases_go_out_come_back_and_go_out_mended(
    world: World, people: People, monkeypatch: pytest.MonkeyPatch, hermetic: Path
) -> None:
    first = _good_release(world)
    _bad_release(world, people, first, _stable_says(world, monkeypatch))
    _mended_release(world)
    _told(world)
    assert len(world.users.builds(f"main {API}")) == 4, "the first, orders, orders restored, mended; never the bad one"
    _ill_site(world)
    assert world.users.asked > 100
    assert world.users.bad == [], "nobody was sent away"
    world.run("infra", "plan", "--exit-code").exits(0)  # deployments leave what infra made as it is
    _no_secret_anywhere(world, people, hermetic)
    print(f"\n{timeline(world.ledger())}")


def _good_release(world: World) -> dict[str, str]:
    """From dev to production; what runs there then."""
    world.commit(API, {"app.txt": "two\n", "shop/migrations/0002_order.py": "# order\n"}, "feat: orders")
    for repo in (SITE, SOCKET, "gli_database"):
        world.commit(repo, {"app.txt": "two\n"}, "feat: orders")
    ran = world.promote("dev", "stg").exits(0)
    assert "deployed, and well" in ran.out
    world.run("verify", "stg").exits(0)
    _runs_what_the_branch_says(world, "stg")
    refused = world.promote("stg", "main")
    assert refused.code == 3
    assert "checklist" in refused.text
    assert world.kit.tags("deploy-") == []
    ran = world.promote("stg", "main", *CHECKED).exits(0)
    stages = [line for line in ran.err.splitlines() if ": ok, " in line]
    order = [next(i for i, line in enumerate(stages) if text in line)
             for text in (f"{API} build", f"{API} migrate", f"{API} deploy", f"{SITE} deploy")]  # fmt: skip
    assert order == sorted(order), "built, migrated, deployed, and the site after the API"
    assert "4 of 4 checks well" in ran.out
    assert "task" in ran.out
    (tag,) = world.kit.tags("deploy-")
    for name in NAMES:
        assert world.kit.hosts[name].git("rev-parse", f"{tag}^{{commit}}") == world.kit.head(name, "main")
    return _runs_what_the_branch_says(world, "main")


def _stable_says(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What boto3's waiter says of the API server, asked as soon as multigit has found that its deployment failed."""
    said: list[str] = []
    back = rollout.Rollout.back

    def asking(self: Any, reason: str) -> Any:
        waiter = world.cloud.aws("ecs").get_waiter("services_stable")
        cluster, name, _ = SERVICES[API]
        waiter.wait(cluster=cluster, services=[name.format("production")], WaiterConfig={"Delay": 0, "MaxAttempts": 9})
        said.append(world.runs(API, "main") or "")
        return back(self, reason)

    monkeypatch.setattr(rollout.Rollout, "back", asking)
    return said


def _bad_release(world: World, people: People, first: dict[str, str], stable: list[str]) -> None:
    """Its API server does not come up in production: all is taken back, what runs and what the branches say."""
    world.commit(API, {"app.txt": "three\n", "BROKEN": "main"}, "feat: three")
    for repo in MOVED:
        if repo != API:
            world.commit(repo, {"app.txt": "three\n"}, "feat: three")
    world.promote("dev", "stg").exits(0)
    trees = {name: world.kit.tree(name, "main") for name in NAMES}
    messages = len(people.slack.shown("C0RELEASES"))
    ran = world.promote("stg", "main", *CHECKED).exits(5)
    assert f"{API}/deploy" in ran.out
    assert "deploy failed: gli-api-cluster/production-django-api-service: ECS went back by itself" in ran.text
    assert "tasks failed to start" in ran.out
    assert "FAILED, and taken back" in ran.out
    assert stable == [first[API]], "the waiter was content with what ECS had gone back to"

    bad = world.kit.tags("deploy-")[1]
    for name in NAMES:
        host, moved = world.kit.hosts[name], name in MOVED
        assert world.kit.tree(name, "main") == trees[name], f"{name}: its content is that of the release before"
        assert (host.git("rev-parse", f"{bad}^{{commit}}") != world.kit.head(name, "main")) is moved
        host.git("merge-base", "--is-ancestor", bad, "main")  # nothing was forced
    world.run("verify", "prod").exits(0)
    _runs_what_the_branch_says(world, "main")
    _runtime_went_back_first(world)

    (deployment,) = [one for one in people.slack.shown("C0RELEASES")[messages:] if "자동 롤백 실행" in one]
    assert f"자동 롤백 실행 - {API}, {SOCKET}, {SITE}, {API}/deploy:" in deployment
    (mail,) = [one for one in people.mails if "자동 롤백 실행" in one.get_content()]
    assert mail["Subject"] == "GLI prod: 롤백 완료"  # no tag: what was taken back is not what runs now
    assert "ECS went back by itself" in mail.get_content()
    assert first[API][:8] in mail.get_content()
    assert any("자동 롤백 실행" in one for one in people.posts)


def _runtime_went_back_first(world: World) -> None:
    """Of the deployment that was taken back, by the ledger and by what users saw."""
    kinds = [(one["kind"], one["data"].get("backs", {})) for one in world.ledger()]
    back = next(i for i, (kind, _) in enumerate(kinds) if kind == "returning")
    restored = next(i for i, (kind, _) in enumerate(kinds) if kind == "landed" and i > back)
    backs = {name: one["state"] for _, several in kinds[back:restored] for name, one in several.items()}
    assert backs == {f"{API}/deploy": "ok", f"{SOCKET}/deploy": "ok", f"{SITE}/deploy": "ok"}
    plans = [one["data"]["plan"] for one in world.ledger() if one["kind"] == "deploying"]
    restores = [[step["stage"] for step in plan["steps"] if step["repo"] == API] for plan in plans[-1:]]
    assert restores == [["build", "deploy", "health"]], "an earlier release has nothing to migrate"
    for repo in (SOCKET, SITE):
        one, two, again, restored_build = world.users.builds(f"main {repo}")[-4:]
        assert again == one != two != restored_build


def _mended_release(world: World) -> None:
    world.commit(API, {"app.txt": "four\n", "BROKEN": None}, "fix: three")
    world.promote("dev", "stg").exits(0)
    refused = world.promote("stg", "main", *CHECKED)
    assert refused.code == 3, "what was taken back does not come again by chance"
    assert "--reapply" in refused.text
    world.promote("stg", "main", "--reapply", *CHECKED).exits(0)
    assert world.kit.file(API, "main", "app.txt") == "four"
    for repo in MOVED:
        assert world.kit.tree(repo, "main") == world.kit.tree(repo, "stg"), "nothing of it is missing"
    world.run("verify", "prod").exits(0)
    _runs_what_the_branch_says(world, "main")


def _runs_what_the_branch_says(world: World, branch: str) -> dict[str, str]:
    """By boto3 and by asking the services; the commits."""
    found = {repo: str(world.kit.head(repo, branch)) for repo in (API, SOCKET, SITE, ADMIN)}
    ecs = world.cloud.aws("ecs")
    for repo, (cluster, name, _) in SERVICES.items():
        (service,) = ecs.describe_services(cluster=cluster, services=[name.format(gli_world.LONG[branch])])["services"]
        told = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        assert told["containerDefinitions"][0]["image"] == world.image(repo, found[repo])
        assert [one["rolloutState"] for one in service["deployments"]] == ["COMPLETED"]
    for repo, commit in found.items():
        page = world.users.one(world.users.addresses[f"{branch} {repo}"])
        assert commit[:8] in page, repo
    return found


def _told(world: World) -> None:
    """What the ledger, deployment.log, history and show say of it."""
    ended = [one["data"]["outcome"] for one in world.ledger() if one["kind"] == "deployed"]
    assert sorted(ended) == ["returned", *["well"] * 6], "two of stg before it, one of prod; then the way back and both"
    lines = [line for line in (world.kit.work / "deployment.log").read_text(encoding="utf-8").splitlines()
             if f"repo={API} " in line and "env=prod" in line]  # fmt: skip
    assert [(line.split()[1], line.partition("result=")[2].split()[0]) for line in lines] == [
        ("PROMOTE", "ok"), ("DEPLOY", "ok"), ("PROMOTE", "ok"), ("DEPLOY", "returned"), ("ROLLBACK", "ok"),
        ("DEPLOY", "ok"), ("PROMOTE", "ok"), ("DEPLOY", "ok"),
    ]  # fmt: skip
    assert "ECS went back by itself" in lines[3]
    first, bad, back, last = world.kit.tags("deploy-")
    history = world.run("history", "prod").exits(0).out
    print(history)
    rows = [line.split() for line in history.splitlines() if line.strip().startswith("deploy-")]
    assert [row[0] for row in rows] == [last, back, bad, first]
    assert rows[0][-2:] == ["ok", "live"]
    assert f"- rolled back by {back}" in history
    shown = world.run("show", bad).exits(0)
    print(shown.out)
    assert f"prod {bad}  !: FAILED, and taken back after" in shown.out
    for words in (f"{API} build deploy-production.yml run", f"{API} migrate gli-api-cluster/production",
                  f"{SOCKET} deploy gli-websocket-cluster/production-websocket-service: 2 of 2 tasks",
                  f"{SITE} deploy not begun; back: s3://gli-user-frontend-production/index.html, commit",
                  f"{ADMIN} deploy not begun", "all soak not begun", "app: exit code 3"):  # fmt: skip
        assert words in shown.text


def _ill_site(world: World) -> None:
    """Everything is up, and the site's pages are empty: all that was deployed goes back, the site before the rest."""
    before = {repo: world.users.one(world.users.addresses[f"main {repo}"]) for repo in (API, SOCKET, SITE)}
    world.commit(SITE, {"app.txt": "five\n", "BROKEN": "main"}, "feat: five")
    for repo in (API, SOCKET):
        world.commit(repo, {"app.txt": "five\n"}, "feat: five")
    world.promote("dev", "stg").exits(0)
    told = len(world.ledger())
    seen = {repo: len(world.users.builds(f"main {repo}")) for repo in before}
    ran = world.promote("stg", "main", *CHECKED).exits(5)
    assert f"{SITE}/health: {SITE} http: " in ran.text
    assert "is not what serves" in ran.text
    backs = [name for one in world.ledger()[told:] if one["kind"] == "step"
             for name, state in one["data"].get("backs", {}).items() if state["state"] == "ok"]  # fmt: skip
    assert sorted(backs[:2]) == [f"{ADMIN}/deploy", f"{SITE}/deploy"]
    assert sorted(backs[2:]) == [f"{API}/deploy", f"{SOCKET}/deploy"]
    for repo, text in before.items():
        new, again, _ = world.users.builds(f"main {repo}")[seen[repo] :]
        assert again == text != new, "the release before by its recorded artefact, then the build of the restore commit"
    world.run("verify", "prod").exits(0)
    _runs_what_the_branch_says(world, "main")


def _no_secret_anywhere(world: World, people: People, home: Path) -> None:
    kept = [file.read_bytes().decode("utf-8", "replace") for file in home.rglob("*") if file.is_file()]
    tags = [host.git("for-each-ref", "--format=%(contents)") for host in world.kit.hosts.values()]
    ledger = world.kit.hosts["gli_root"].git("log", "multigit-ledger")
    log = (world.kit.work / "deployment.log").read_text(encoding="utf-8")
    for name, secret in {**SECRETS, "SLACK_WEBHOOK_URL": HOOK}.items():
        for place, texts in {"output": world.said, "disk": kept, "tags": tags, "ledger": [ledger], "log": [log],
                             "people": [people.all()]}.items():  # fmt: skip
            assert not any(secret in text for text in texts), f"{name} is in {place}"
