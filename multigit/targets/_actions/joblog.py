"""What jobs of GitHub Actions say: which failed and why, what kind of work that was, and the end of a log. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from multigit.model.target import Class
from multigit.targets._actions.runs import ENDED, Job

_BAD: Final = ("failure", "timed_out", "startup_failure", "cancelled", "action_required", "stale")
"""Conclusions that are no success, the most telling first: jobs are cancelled because another one failed."""
_STAMP: Final = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ?")
_ESCAPE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_ERROR: Final = "##[error]"
_WIDE: Final = 500

_WORDS: Final[tuple[tuple[Class, str], ...]] = (
    ("deploy", r"health\w*|smoke|rollback|헬스\s*체크|상태\s*확인"),
    ("test", r"tests?|testing|pytest|unittest|vitest|jest|e2e|lint\w*|checks?|typecheck|mypy|ruff|테스트|린트|검사"),
    ("build", r"builds?|building|buildx|docker|images?|ecr|ghcr|push|compile|install|packages?|빌드|이미지|설치"),
    ("deploy", r"deploy\w*|ecs|s3|migrat\w*|release|cloudfront|helm|kubectl|배포|마이그레이션|릴리스"),
)  # fmt: skip
"""Health checks before checks: what is asked there is whether the deployment arrived."""
_KINDS: Final = tuple(
    (kind, re.compile(rf"(?<![a-z])(?:{words})(?![a-z])")) for kind, words in _WORDS
)  # fmt: skip


def failing(jobs: Sequence[Job]) -> list[Job]:
    """Jobs that did not end well: the one that others ended because of first."""
    bad = [job for job in jobs if job.conclusion in _BAD]
    return sorted(bad, key=lambda job: (_BAD.index(job.conclusion) if job.conclusion != "timed_out" else 0, job.ended))


def failing_step(job: Job) -> str:
    """Name of the step at which it stopped; '' where it has none, as when no runner took it."""
    for conclusion in ("failure", "timed_out", "cancelled"):
        for name, ended, _ in job.steps:
            if ended == conclusion:
                return name
    return ""


def class_of(job: Job, classes: Mapping[str, Class]) -> Class:
    """What kind of work failed: as `classes` says of the job, else by the words of its step, else by its own."""
    for pattern, kind in classes.items():
        if fnmatchcase(job.name, pattern):
            return kind
    for text in (failing_step(job), job.name):
        for kind, words in _KINDS:
            if words.search(text.lower()):
                return kind
    return "deploy"


def doing(jobs: Sequence[Job]) -> str:
    """`3 of 5 jobs done, now: build / docker push`."""
    done = sum(job.status == ENDED for job in jobs)
    now = [_now(job) for job in jobs if job.status == "in_progress"]
    told = f"{done} of {len(jobs)} jobs done" if jobs else "no job has begun"
    if now:
        return f"{told}, now: {', '.join(now[:3])}{f' and {len(now) - 3} more' if len(now) > 3 else ''}"
    waiting = [job.name for job in jobs if job.status != ENDED]
    return f"{told}, waiting for a runner: {', '.join(waiting[:3])}" if waiting else told


def _now(job: Job) -> str:
    step = next((name for name, _, status in job.steps if status == "in_progress"), "")
    return f"{job.name} / {step}" if step else job.name


def tail(text: str, most: int, *, cut: bool) -> list[str]:
    """The last lines of a job's log up to its last error: what follows that is only cleaning up.

    Without GitHub's time stamps and without colours. `cut`: it is the end of a log, its first line may be half a one.
    """
    lines = [_STAMP.sub("", line) for line in text.rstrip().split("\n")]
    lines = lines[1:] if cut else lines
    last = max((at for at, line in enumerate(lines) if line.startswith(_ERROR)), default=len(lines) - 1)
    shown = lines[max(0, last + 1 - most) : last + 1]
    return [_ESCAPE.sub("", line).rstrip("\r") for line in shown]


def narrowed(lines: Sequence[str]) -> list[str]:
    """Lines that fit; cut only when nothing is left to be hidden in them."""
    return [line[:_WIDE] for line in lines]
