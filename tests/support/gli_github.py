"""GLI's GitHub: a push that arrives starts the workflow of its branch, which ends a few questions later and has built.

The pushes are told by the git server's own post-receive hooks. Commits that ask for it (`[skip ci]`) start nothing, as
docs.github.com/actions/managing-workflow-runs/skipping-workflow-runs says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from tests.support.github import Asked, GitHub, Reply, said
from tests.support.github_actions import Actions, FakeJob, FakeRun
from tests.support.gitkit import Bare

WORKFLOWS = {"stg": "deploy-staging.yml", "main": "deploy-production.yml"}
_JOBS = ("Run tests", "Build and push", "Upload")
_HOOK = 'while read old new ref; do echo "$new $ref" >>pushes; done'


@dataclass
class Workflows(Actions):
    """The Actions of one repository. `built` does what its workflow does: it is given branch and commit."""

    host: Bare | None = None
    built: Callable[[str, str], None] = lambda branch, commit: None
    seen: int = 0
    looks: dict[int, int] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)

    def about(self, asked: Asked) -> Reply:
        with self.lock:
            self._step()
            name = asked.path.partition("/workflows/")[2].partition("/")[0]
            if name in WORKFLOWS.values():
                self.workflow = name
            return super().about(asked)

    def _step(self) -> None:
        """Begin what was pushed; whatever runs is one step further."""
        assert self.host is not None
        file = self.host.path / "pushes"
        lines = file.read_text().splitlines() if file.exists() else []
        for line in lines[self.seen :]:
            self._begin(*line.split())
        self.seen = len(lines)
        for run in self.made:
            if run.conclusion is None:
                self._on(run)

    def _begin(self, commit: str, ref: str) -> None:
        branch = ref.removeprefix("refs/heads/")
        assert self.host is not None
        if branch not in WORKFLOWS or "[skip ci]" in self.host.git("log", "-1", "--format=%B", commit):
            return
        jobs = [FakeJob(name, None, [("Set up job", "success")]) for name in _JOBS]
        self.made.append(FakeRun(id=7100 + len(self.made), sha=commit, branch=branch, workflow=WORKFLOWS[branch],
                                 made=datetime.now(UTC), jobs=jobs))  # fmt: skip

    def _on(self, run: FakeRun) -> None:
        """One job is over with each look; with the last one everything is built."""
        self.looks[run.id] = many = self.looks.get(run.id, 0) + 1
        for job in run.jobs[: many - 1]:
            job.conclusion = "success"
        if many > len(run.jobs):
            self.built(run.branch, run.sha)
            run.conclusion = "success"


@dataclass
class Hub(GitHub):
    """One GitHub with the Actions of several repositories of `owner`."""

    owner: str = ""
    of: dict[str, Workflows] = field(default_factory=dict)

    def add(self, hosts: Mapping[str, Bare], built: Callable[[str, str, str], None]) -> None:
        """Workflows of these repositories; `built` is given name, branch and commit."""
        for name, host in hosts.items():
            host.hook("post-receive", _HOOK)
            one = Workflows(repository=f"{self.owner}/{name}", token=self.token, host=host)
            one.built = lambda branch, commit, name=name: built(name, branch, commit)  # type: ignore[misc]
            one.wrong = self.wrong
            self.of[name] = one

    def answer(self, target: str, headers: dict[str, str], method: str = "GET", body: bytes = b"") -> Reply:
        self.asked.append(target)
        name = urlsplit(target).path.removeprefix(f"/repos/{self.owner}/").partition("/")[0]
        if name not in self.of:
            return said(404, {"message": "Not Found"})
        return self.of[name].answer(target, headers, method, body)
