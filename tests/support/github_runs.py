"""Workflows and their runs, as GitHub tells of them, over HTTP; compared with its own description of its API where
`scripts/schemas-install` has fetched that (see github.py, which has checks and statuses)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.github import DESCRIPTION

_BASE = "/repos/{owner}/{repo}/actions"
_WHEN = "2026-02-12T03:00:00Z"
_PATHS = {
    "workflow": f"{_BASE}/workflows/{{workflow_id}}",
    "runs": f"{_BASE}/workflows/{{workflow_id}}/runs",
    "jobs": f"{_BASE}/runs/{{run_id}}/jobs",
}


@dataclass
class Runs:
    """The workflow `file` of `team/api`. `runs`: (branch, commit, status, conclusion), the newest first."""

    url: str = ""
    file: str = "deploy-staging.yml"
    token: str = ""
    state: str = "active"
    runs: list[tuple[str, str, str, str | None]] = field(default_factory=list)
    jobs: list[tuple[str, str | None, str]] = field(default_factory=list)
    """Job, its conclusion, and the step that failed; '' for none."""
    instead: int = 0
    """A status that answers everything."""
    wrong: list[str] = field(default_factory=list)

    def answer(self, target: str, token: str) -> tuple[int, Any]:
        if self.instead:
            return self.instead, {"message": "no"}
        parts = urlsplit(target)
        query, path = dict(parse_qsl(parts.query)), unquote(parts.path)
        if self.token and token != f"Bearer {self.token}":
            return (401 if token else 404), {"message": "Bad credentials"}
        base = "/repos/team/api/actions"
        known = {f"{base}/workflows/{self.file}": "workflow", f"{base}/workflows/{self.file}/runs": "runs",
                 f"{base}/runs/7/jobs": "jobs"}  # fmt: skip
        if path not in known:
            return 404, {"message": "Not Found"}
        made = getattr(self, f"_{known[path]}")(query)
        self._compare(known[path], path, query, made)
        return 200, made

    def _workflow(self, _: dict[str, str]) -> dict[str, Any]:
        here = f"https://github.com/team/api/actions/workflows/{self.file}"
        return {"id": 1, "node_id": "W", "name": "Deploy", "path": f".github/workflows/{self.file}",
                "state": self.state, "created_at": _WHEN, "updated_at": _WHEN,
                "url": here, "html_url": here, "badge_url": here}  # fmt: skip

    def _runs(self, query: dict[str, str]) -> dict[str, Any]:
        meant = [run for run in self.runs if query.get("branch") in (None, run[0])]
        made = [self._run(*run) for run in meant][: int(query.get("per_page", "30"))]
        return {"total_count": len(meant), "workflow_runs": made}

    def _run(self, branch: str, commit: str, status: str, conclusion: str | None) -> dict[str, Any]:
        here = "https://github.com/team/api/actions/runs/7"
        repository = _smallest("minimal-repository")
        named = ("html", "jobs", "logs", "check_suite", "artifacts", "cancel", "rerun", "workflow")
        urls = {"url": here, **{f"{one}_url": here for one in named}}
        return {"id": 7, "node_id": "R", "head_branch": branch, "head_sha": commit, "path": self.file, "run_number": 12,
                "event": "push", "status": status, "conclusion": conclusion, "workflow_id": 1, "pull_requests": [],
                "created_at": _WHEN, "updated_at": _WHEN, "run_attempt": 1, "display_title": "x", "head_commit": None,
                "head_repository": repository, "repository": repository, **urls}  # fmt: skip

    def _jobs(self, _: dict[str, str]) -> dict[str, Any]:
        here = "https://github.com/team/api/actions/runs/7/job/8"
        made = [
            {"id": 8, "run_id": 7, "run_url": here, "node_id": "J", "head_sha": "ab" * 20, "url": here,
             "html_url": here, "status": "completed" if ended else "in_progress", "conclusion": ended,
             "created_at": _WHEN, "started_at": _WHEN, "completed_at": _WHEN if ended else None,
             "name": name, "check_run_url": here,
             "labels": [], "runner_id": 1, "runner_name": "r", "runner_group_id": 1, "runner_group_name": "g",
             "workflow_name": "Deploy", "head_branch": "stg",
             "steps": [{"name": "Set up job", "status": "completed", "conclusion": "success", "number": 1},
                       *([_broken(step)] if step else [])]}
            for name, ended, step in self.jobs
        ]  # fmt: skip
        return {"total_count": len(made), "jobs": made}

    def _compare(self, kind: str, path: str, query: dict[str, str], made: Any) -> None:
        if DESCRIPTION is None:
            return
        from openapi_core.testing import MockRequest, MockResponse

        judge, known = _judge()
        self.wrong += [f"{kind} knows no {name}" for name in sorted(set(query) - known[kind])]
        asked = MockRequest("https://api.github.com", "get", path, args=query)
        try:
            judge.validate_request(asked)
            judge.validate_response(asked, MockResponse(data=json.dumps(made).encode()))
        except Exception as unfit:  # noqa: BLE001  whatever it is, it ends up in the test
            self.wrong.append(f"{path}: {unfit}: {unfit.__cause__}")


def _broken(step: str) -> dict[str, Any]:
    return {"name": step, "status": "completed", "conclusion": "failure", "number": 2}


@cache
def _judge() -> tuple[Any, dict[str, set[str]]]:
    from openapi_core import Config, OpenAPI

    whole = _whole()
    whole = {**whole, "paths": {path: whole["paths"][path] for path in _PATHS.values()}}
    shared = whole["components"]["parameters"]
    known = {}
    for kind, path in _PATHS.items():
        given = whole["paths"][path]["get"]["parameters"]
        named = [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in given]
        known[kind] = {one["name"] for one in named if one["in"] == "query"}
    return OpenAPI.from_dict(whole, config=Config(spec_validator_cls=None)), known  # type: ignore[arg-type]  # its types forget None


@cache
def _whole() -> dict[str, Any]:
    assert DESCRIPTION is not None
    found: dict[str, Any] = json.loads(DESCRIPTION.read_text("utf-8"))
    return found


@cache
def _smallest(name: str) -> dict[str, Any]:
    """The example of a schema that GitHub itself gives, as far as it has to be there."""
    if DESCRIPTION is None:
        return {}
    schemas = _whole()["components"]["schemas"]
    return {key: _sample(schemas, schemas[name]["properties"][key]) for key in schemas[name]["required"]}


def _sample(schemas: Any, schema: Any) -> Any:
    if "$ref" in schema:
        inner = schemas[schema["$ref"].rpartition("/")[2]]
        return {key: _sample(schemas, inner["properties"][key]) for key in inner.get("required", ())}
    if "allOf" in schema or "anyOf" in schema:
        return _sample(schemas, (schema.get("allOf") or schema["anyOf"])[0])
    if "example" in schema:
        return schema["example"]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "string":
        return "https://github.com/" if schema.get("format") == "uri" else "x"
    return {"boolean": False, "integer": 1, "array": []}.get(kind)


@contextmanager
def github_runs(**values: Any) -> Iterator[Runs]:
    """On loopback; AssertionError at the end where a request or an answer does not fit GitHub's description."""
    here = Runs(**values)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, said = here.answer(self.path, self.headers.get("Authorization", ""))
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        here.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield here
        finally:
            server.shutdown()
    assert not here.wrong, "\n".join(here.wrong)
