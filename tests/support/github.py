"""A GitHub for the tests: checks and statuses of commits, over HTTP, paged, with the refusals of the real one.

Every request and every answer of it is compared with GitHub's own description of its API, where
`scripts/schemas-install` has fetched that; `with github() as …` fails at its end where one does not fit. Refusals
follow https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api: a commit that is not known is
422, a repository that may not be seen 404.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "multigit-tests"
_FETCHED = CACHE.glob("openapi-*/node_modules/@octokit/openapi/generated/api.github.com.json")
DESCRIPTION = next(iter(_FETCHED), None) if find_spec("openapi_core") else None
"""Found when this is loaded, because every test has a home of its own."""
_REPO = "/repos/{owner}/{repo}"
_RUN, _FLOW = f"{_REPO}/actions/runs/{{run_id}}", f"{_REPO}/actions/workflows/{{workflow_id}}"
_PATHS = (
    _REPO, f"{_REPO}/commits/{{ref}}", f"{_REPO}/commits/{{ref}}/status", f"{_REPO}/commits/{{ref}}/check-runs",
    _FLOW, f"{_FLOW}/runs", f"{_FLOW}/dispatches", _RUN, f"{_RUN}/jobs", f"{_RUN}/pending_deployments",
    f"{_RUN}/rerun-failed-jobs", f"{_REPO}/actions/jobs/{{job_id}}/logs",
)  # fmt: skip
"""What is asked of GitHub by multigit, as its description names it."""
_HOST = "https://api.github.com"
_WHEN = "2026-02-12T03:00:00Z"
_URLS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "html", "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones",
    "notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams",
    "trees",
)  # fmt: skip


Reply = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes = b""


@dataclass
class GitHub:
    """`runs`: name to conclusion, None while it runs. `statuses`: context to state. `instead`: an answer to all."""

    url: str = ""
    repository: str = "team/api"
    commit: str = "ab" * 20
    token: str = ""
    runs: list[tuple[str, str | None]] = field(default_factory=list)
    statuses: list[tuple[str, str]] = field(default_factory=list)
    instead: Reply | None = None
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    now: datetime | None = None
    """GitHub's time; this machine's where it is None."""
    wrong: list[str] = field(default_factory=list)
    """What does not fit GitHub's description."""

    def answer(self, target: str, headers: dict[str, str], method: str = "GET", body: bytes = b"") -> Reply:
        self.asked.append(target)
        self.headers.append(headers)
        if self.instead:
            return self.instead
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        if self.token and headers.get("authorization") != f"Bearer {self.token}":
            return said(401 if "authorization" in headers else 404, {"message": "Bad credentials"})
        return self.about(Asked(method, parts.path, query, body))

    def about(self, asked: Asked) -> Reply:
        """The answer to somebody who may ask."""
        path, query = asked.path, asked.query
        base = f"/repos/{self.repository}/commits/"
        if not path.startswith(base):
            return said(404, {"message": "Not Found"})
        commit, _, what = path.removeprefix(base).partition("/")
        if commit != self.commit:
            return said(422, {"message": f"No commit found for SHA: {commit}"})
        made = self._check_runs(query) if what == "check-runs" else self._status(query)
        self.compare(asked, made)
        return said(200, made)

    def _check_runs(self, query: dict[str, str]) -> dict[str, Any]:
        made = [self._run(number, *run) for number, run in enumerate(self.runs, 1)]
        return {"total_count": len(made), "check_runs": page_of(made, query)}

    def _run(self, number: int, name: str, conclusion: str | None) -> dict[str, Any]:
        here = f"https://github.com/{self.repository}/runs/{number}"
        output = {"title": None, "summary": None, "text": None, "annotations_count": 0, "annotations_url": here}
        return {
            "id": number, "node_id": "CR", "head_sha": self.commit, "name": name, "url": here, "html_url": here,
            "details_url": here, "external_id": "", "status": "completed" if conclusion else "in_progress",
            "conclusion": conclusion, "started_at": _WHEN, "completed_at": _WHEN if conclusion else None,
            "check_suite": {"id": 1}, "output": output, "app": None, "pull_requests": [],
        }  # fmt: skip

    def _status(self, query: dict[str, str]) -> dict[str, Any]:
        here = f"https://api.github.com/repos/{self.repository}"
        made = [{"id": number, "node_id": "SC", "state": state, "context": context, "description": None, "url": here,
                 "target_url": f"https://ci.example/{number}", "avatar_url": None, "created_at": _WHEN,
                 "updated_at": _WHEN} for number, (context, state) in enumerate(self.statuses, 1)]  # fmt: skip
        states = {state for _, state in self.statuses}
        combined = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
        return {"state": combined, "sha": self.commit, "total_count": len(made), "statuses": page_of(made, query),
                "repository": self.whole_repository(here), "commit_url": here, "url": here}  # fmt: skip

    def whole_repository(self, here: str) -> dict[str, Any]:
        owner = {
            "login": "team", "id": 1, "node_id": "O", "avatar_url": here, "gravatar_id": "", "url": here,
            "type": "Organization", "site_admin": False,
            **{f"{one}_url": here for one in ("html", "followers", "following", "gists", "starred", "subscriptions",
                                              "organizations", "repos", "events", "received_events")},
        }  # fmt: skip
        return {"id": 1, "node_id": "R", "name": "api", "full_name": self.repository, "owner": owner, "private": True,
                "description": None, "fork": False, "url": here, **{f"{one}_url": here for one in _URLS}}  # fmt: skip

    def compare(self, asked: Asked, made: Any, status: int = 200) -> None:
        """Whether GitHub's description knows the question and the answer."""
        if DESCRIPTION is None:
            return
        from openapi_core.testing import MockRequest, MockResponse

        description, known = _description()
        path, method = asked.path, asked.method
        question = MockRequest(_HOST, method.lower(), path, args=asked.query, data=asked.body or None)
        answered = MockResponse(data=b"" if made is None else json.dumps(made).encode(), status_code=status)
        strange = sorted(set(asked.query) - known[_template(path), method])  # the real one leaves them out
        self.wrong += [f"{path} knows no {name}" for name in strange]
        questions = [(description.validate_request, (question,)), (description.validate_response, (question, answered))]
        for judge, what in questions[: 2 if made is not None else 1]:
            try:
                judge(*what)
            except Exception as unfit:  # noqa: BLE001  whatever it is, it ends up in the test
                self.wrong.append(f"{path}: {unfit}: {unfit.__cause__}")


def _template(path: str) -> str:
    """The path as the description names it."""
    fitting = (one for one in _PATHS if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(one)), path))
    return next(fitting, path)


@cache
def _description() -> tuple[Any, dict[tuple[str, str], set[str]]]:
    """GitHub's description, and the parameters that each of its paths knows. What is posted must hold nothing else."""
    from openapi_core import Config, OpenAPI

    assert DESCRIPTION is not None
    whole = json.loads(DESCRIPTION.read_text("utf-8"))
    whole["paths"] = {path: whole["paths"][path] for path in _PATHS}
    schemas = whole["components"]["schemas"]
    for one in (schemas["check-run"], schemas["job"], schemas["job"]["properties"]["steps"]["items"]):
        conclusion = one["properties"]["conclusion"]
        if "enum" in conclusion:
            conclusion["enum"].append(None)  # while it runs
    known = {}
    for path, entry in whole["paths"].items():
        for method in {"get", "post"} & set(entry):
            if "requestBody" in entry[method]:
                entry[method]["requestBody"]["content"]["application/json"]["schema"]["additionalProperties"] = False
            known[path, method.upper()] = _queries(whole, entry[method])
    return OpenAPI.from_dict(whole, config=Config(spec_validator_cls=None)), known  # type: ignore[arg-type]  # its types forget None


def _queries(whole: Any, entry: Any) -> set[str]:
    shared = whole["components"]["parameters"]
    named = [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in entry["parameters"]]
    return {one["name"] for one in named if one["in"] == "query"}


def page_of(entries: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    size, page = min(100, int(query.get("per_page", "30"))), int(query.get("page", "1"))
    return entries[(page - 1) * size : page * size]


def said(status: int, value: Any) -> Reply:
    return status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(value).encode()


@contextmanager
def github(**values: Any) -> Iterator[GitHub]:
    """GitHub on loopback; AssertionError at the end where a request or an answer does not fit its description."""
    with serving(GitHub(**values)) as here:
        yield here


@contextmanager
def serving(here: GitHub) -> Iterator[GitHub]:
    """The same of one that is made already."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            named = {k.lower(): v for k, v in self.headers.items()}
            given = self.rfile.read(int(named.get("content-length", 0)))
            status, headers, body = here.answer(self.path, named, self.command, given)
            if status == 0:  # the answer is lost on its way
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(here.now, usegmt=True) if here.now else super().date_time_string(timestamp)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        here.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield here
        finally:
            server.shutdown()
    assert not here.wrong, "\n".join(here.wrong)
