"""The Actions of the GitHub for tests: a workflow, its runs, jobs and logs, dispatching and running again.

It keeps state and refuses what the real one refuses: a key that it does not know, in its own words
(github.com/benc-uk/workflow-dispatch/issues/86), a branch that is not there, a run that is not over or is a month old;
the words of the last three are ours, nothing real was asked for them.
Logs lie on another server behind a signed address, which refuses whoever names himself to it, as Azure's storage does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from tests.support.github import Asked, GitHub, Reply, page_of, said, serving
from tests.support.receivers import Got, Receiver

SIGNATURE = "sig=c4n4ry-of-a-signed-address"


@dataclass
class FakeJob:
    """`steps`: name to conclusion; None while it runs. `log`: its whole log."""

    name: str
    conclusion: str | None = None
    steps: list[tuple[str, str | None]] = field(default_factory=list)
    log: str = ""
    status: str = ""
    ended: int = 0
    """Minutes after the run was made."""


@dataclass
class FakeRun:
    """`conclusion`: None while it runs."""

    id: int
    sha: str
    branch: str = "stg"
    event: str = "push"
    workflow: str = "deploy-staging.yml"
    conclusion: str | None = None
    status: str = "in_progress"
    attempt: int = 1
    title: str = "a push"
    made: datetime = datetime(2026, 2, 12, 3, 1, tzinfo=UTC)
    jobs: list[FakeJob] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    shown: str | None = None
    """A conclusion that is still shown although it runs again."""
    waits_for: list[tuple[str, list[str]]] = field(default_factory=list)
    """Environments, and who may let it go on."""


@dataclass
class Actions(GitHub):
    """`now`: GitHub's time. `loses`: the answer of the next POST is lost, after what it asks for was done."""

    workflow: str = "deploy-staging.yml"
    state: str = "active"
    made: list[FakeRun] = field(default_factory=list)
    heads: dict[str, str] = field(default_factory=dict)
    dispatched: str | None = "in_progress"
    """What a dispatched run is at once; None: it does not appear."""
    old: bool = False
    """A server that does not know `return_run_details`."""
    month_old: bool = False
    loses: bool = False
    now: datetime = datetime(2026, 2, 12, 3, 2, tzinfo=UTC)
    posted: list[tuple[str, Any]] = field(default_factory=list)
    free: int = 0
    """Answers of 304, which are not counted against the limit."""
    store: Receiver = field(default_factory=Receiver)

    def answer(self, target: str, headers: dict[str, str], method: str = "GET", body: bytes = b"") -> Reply:
        status, named, content = super().answer(target, headers, method, body)
        if status == 200 and method == "GET":
            named["ETag"] = f'W/"{sha256(content).hexdigest()}"'
            if headers.get("if-none-match") == named["ETag"]:
                self.free += 1
                return 304, named, b""
        if method == "POST" and self.loses:
            self.loses = False
            return 0, {}, b""
        return status, named, content

    def about(self, asked: Asked) -> Reply:
        path = asked.path
        here = f"/repos/{self.repository}"
        if path == here:
            self.compare(asked, None)
            return said(200, {"full_name": self.repository})  # the rest of a repository is not read
        if path.startswith(f"{here}/commits/") and path.count("/") == 5:
            self.compare(asked, None)
            head = self.heads.get(path.rpartition("/")[2], self.commit)
            return said(200, {"sha": head})  # the rest of a commit is not read
        if not path.startswith(f"{here}/actions/"):
            return super().about(asked)
        kind, number, *what = path.removeprefix(f"{here}/actions/").split("/")
        kinds = {"workflows": self._workflows, "runs": self._runs, "jobs": self._logs}
        return kinds[kind](asked, number, "".join(what))

    def _workflows(self, asked: Asked, name: str, what: str) -> Reply:
        if name != self.workflow:
            return said(404, {"message": "Not Found"})
        if what == "dispatches":
            return self._dispatch(asked)
        if what == "runs":
            sha = asked.query.get("head_sha")
            mine = [run for run in self.made if run.workflow == name and run.sha == (sha or run.sha)]
            newest = [self._whole(run) for run in sorted(mine, key=lambda run: -run.id)]
            return self._fit(asked, {"total_count": len(mine), "workflow_runs": page_of(newest, asked.query)})
        url = f"https://github.com/{self.repository}/blob/main/.github/workflows/{name}"
        made = {"id": 7, "node_id": "W", "name": "deploy", "path": f".github/workflows/{name}", "state": self.state,
                "created_at": _at(self.now), "updated_at": _at(self.now), "url": url, "html_url": url,
                "badge_url": url}  # fmt: skip
        return self._fit(asked, made)

    def _dispatch(self, asked: Asked) -> Reply:
        given = json.loads(asked.body)
        self.posted.append((asked.path, given))
        if self.old and "return_run_details" in given:
            return said(422, {"message": 'Invalid request.\n\n"return_run_details" is not a permitted key.'})
        if given["ref"] == "nowhere":
            return said(422, {"message": "No ref found for: nowhere"})
        run = FakeRun(id=7100 + len(self.made), sha=self.heads.get(given["ref"], self.commit), branch=given["ref"],
                      event="workflow_dispatch", inputs=given.get("inputs", {}), made=self.now,
                      title=f"Deploy {given.get('inputs', {}).get('multigit', '')}".strip(),
                      status=self.dispatched or "queued")  # fmt: skip
        if self.dispatched:
            self.made.append(run)
        url = f"https://github.com/{self.repository}/actions/runs/{run.id}"
        told = {"workflow_run_id": run.id, "run_url": url, "html_url": url} if "return_run_details" in given else None
        self.compare(asked, told)
        return said(200, told) if told else (204, {}, b"")

    def _runs(self, asked: Asked, name: str, what: str) -> Reply:
        run = next((run for run in self.made if run.id == int(name)), None)
        if run is None:
            return said(404, {"message": "Not Found"})
        if what == "rerun-failed-jobs":
            return self._rerun(run, asked)
        if what == "pending_deployments":
            return self._fit(asked, [self._pending(*one) for one in run.waits_for])
        if what == "jobs":
            whole = [self._job(run, at, job) for at, job in enumerate(run.jobs)]
            return self._fit(asked, {"total_count": len(whole), "jobs": page_of(whole, asked.query)})
        return self._fit(asked, self._whole(run))

    def _rerun(self, run: FakeRun, asked: Asked) -> Reply:
        self.posted.append((asked.path, json.loads(asked.body or b"null")))
        self.compare(asked, {}, 201)
        if self.month_old or run.conclusion is None:
            why = "Unable to retry this workflow run because it was created over a month ago"
            return said(403, {"message": why if self.month_old else "This workflow run is already running"})
        run.attempt, run.status, run.conclusion = run.attempt + 1, "queued", None
        return said(201, {})

    def _logs(self, asked: Asked, name: str, what: str) -> Reply:
        self.compare(asked, None)
        return 302, {"Location": f"{self.store.url}/{what}/{name}?{SIGNATURE}"}, b""

    def log(self, got: Got) -> tuple[int, dict[str, str], str]:
        """What the store of logs serves."""
        if "authorization" in {name.lower() for name in got.headers}:
            return 401, {}, "<Code>InvalidAuthenticationInfo</Code>"
        number = int(got.path.partition("?")[0].rpartition("/")[2])
        run = next(run for run in self.made if run.id == number // 100)
        return 200, {"Content-Type": "text/plain"}, run.jobs[number % 100].log

    def _fit(self, asked: Asked, made: Any) -> Reply:
        self.compare(asked, made)
        return said(200, made)

    def _whole(self, run: FakeRun) -> dict[str, Any]:
        here = f"https://github.com/{self.repository}/actions/runs/{run.id}"
        repository, ended = self.whole_repository(here), run.conclusion or run.shown
        return {
            "id": run.id, "node_id": "WFR", "head_branch": run.branch, "run_number": run.id % 1000,
            "run_attempt": run.attempt, "display_title": run.title, "event": run.event, "conclusion": ended,
            "status": "completed" if ended else run.status, "head_sha": run.sha, "head_commit": None,
            "path": f".github/workflows/{run.workflow}", "workflow_id": 7, "pull_requests": [], "name": "deploy",
            "created_at": _at(run.made), "updated_at": _at(run.made), "run_started_at": _at(run.made),
            "repository": repository, "head_repository": repository, "url": here, "html_url": here,
            **{f"{one}_url": here for one in ("jobs", "logs", "check_suite", "cancel", "rerun", "artifacts",
                                              "workflow")},
        }  # fmt: skip

    def _job(self, run: FakeRun, at: int, job: FakeJob) -> dict[str, Any]:
        number = run.id * 100 + at
        here = f"https://github.com/{self.repository}/actions/runs/{run.id}/job/{number}"
        steps = [{"name": name, "conclusion": end, "number": at, "started_at": _at(run.made), "completed_at": None,
                  "status": "completed" if end else "in_progress"}
                 for at, (name, end) in enumerate(job.steps, 1)]  # fmt: skip
        ended = _at(run.made + timedelta(minutes=job.ended)) if job.conclusion else None
        return {
            "id": number, "node_id": "J", "run_id": run.id, "run_url": here, "head_sha": run.sha, "name": job.name,
            "workflow_name": "deploy", "head_branch": run.branch, "url": here, "html_url": here, "check_run_url": here,
            "status": "completed" if job.conclusion else job.status or ("in_progress" if job.steps else "queued"),
            "conclusion": job.conclusion, "created_at": _at(run.made), "started_at": _at(run.made), "steps": steps,
            "completed_at": ended, "labels": [], "runner_id": None, "runner_name": None, "runner_group_id": None,
            "runner_group_name": None,
        }  # fmt: skip

    def _pending(self, name: str, people: list[str]) -> dict[str, Any]:
        owner = self.whole_repository("https://github.com/x")["owner"]
        return {
            "environment": {"id": 1, "node_id": "E", "name": name, "url": "https://x", "html_url": "https://x"},
            "wait_timer": 0, "wait_timer_started_at": None, "current_user_can_approve": False,
            "reviewers": [{"type": "User", "reviewer": owner | {"login": one}} for one in people],
        }  # fmt: skip


def _at(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@contextmanager
def actions(**values: Any) -> Iterator[Actions]:
    """GitHub with Actions on loopback, its logs on another port; AssertionError where something does not fit."""
    here = Actions(**values)
    here.store = replace(here.store, answer=here.log)
    with here.store.running(), serving(here):
        yield here
