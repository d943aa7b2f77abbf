"""What the ledger says the fleet looks like: the fence, the release tags and the branch heads of each repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from multigit.model.events import History, Run
from multigit.model.names import Branch, Oid, RepoName, RunId, Tag
from multigit.model.objects import NewTag
from multigit.model.plan import Land, Plan, from_json


@dataclass(frozen=True)  # no slots: what is the same for every repository is kept with it
class Past:
    """A history with the plans of the runs that began, oldest first."""

    history: History
    plans: Mapping[RunId, Plan]
    unread: Mapping[RunId, str]
    """Runs whose plan cannot be believed, and why."""

    @classmethod
    def of(cls, history: History) -> Self:
        """Read every plan once."""
        plans: dict[RunId, Plan] = {}
        unread: dict[RunId, str] = {}
        for run in history.runs.values():
            if run.phase == "failed":  # told before it began
                continue
            try:
                plans[run.id] = from_json(_canonical(run))
            except ValueError as broken:
                unread[run.id] = f"it cannot be read: {str(broken).splitlines()[0]}"
                continue
            if not _digest(run).startswith(run.id[2:]):
                unread[run.id] = "its digest is another one: it was changed after the run began"
        return cls(history, plans, unread)

    def newest_first(self) -> list[tuple[Run, Plan]]:
        """The runs that began, with their plans."""
        return [(self.history.runs[run], plan) for run, plan in reversed(list(self.plans.items()))]

    @cached_property
    def tagged(self) -> Sequence[tuple[Run, Plan, str]]:
        """The runs that left a tag everywhere, oldest first, with their plans and the tags' message."""
        done = [(run, plan) for run, plan in reversed(self.newest_first()) if run.phase == "released" and plan.tag]
        # The digest is that of the plan as it was written: a newer multigit may read more into it.
        return [
            (run, plan, plan.release_record().replace(plan.digest, _digest(run)).replace(plan.run, run.id))
            for run, plan in done
        ]


def _canonical(run: Run) -> str:
    return json.dumps(run.plan, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _digest(run: Run) -> str:
    return hashlib.sha256(_canonical(run).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceSaid:
    """What a fence commit tells (apply/objects.py writes it), and what it should tell."""

    run: str
    repo: str
    state: str


def fence_said(kind: str, body: bytes) -> FenceSaid | None:
    """What a git object tells as a fence; None where it is none."""
    message = body.decode("utf-8", "replace").partition("\n\n")[2].split("\n")
    if kind != "commit" or message[0] != "multigit fence":
        return None
    told = dict(line.split(": ", 1) for line in reversed(message) if ": " in line)
    return FenceSaid(run=told.get("run", ""), repo=told.get("repo", ""), state=told.get("state", ""))


def expected_fence(past: Past, repo: RepoName) -> FenceSaid | None:
    """What the fence of `repo` should say: the last run that moved it, or tried to. None: no run ever did."""
    for run, plan in past.newest_first():
        if run.open or repo not in plan.landing:
            continue
        state = "landed" if run.phase == "released" else run.statuses.get(repo, "untouched")
        if state != "untouched":
            return FenceSaid(run=run.id, repo=repo, state=state)
    return None


def expected_tags(past: Past, repo: RepoName) -> dict[Tag, NewTag]:
    """The release tags that `repo` should have, oldest first, each as the very object that the run made."""
    found: dict[Tag, NewTag] = {}
    for run, plan, message in past.tagged:
        if plan.tag and (commit := plan.commits().get(repo)):
            found[plan.tag] = NewTag(
                tag=plan.tag, commit=commit, message=message, by=plan.signature, signature=run.signatures.get(repo, "")
            )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Where runs left a branch of one repository."""

    run: RunId
    oid: Oid
    undone: Land | None = None
    """Set: `oid` was taken back there by a commit on top of it, which is where the branch was left."""
    built_on: tuple[RunId, ...] = ()
    """Later runs that could not be taken back there, because somebody had built on them."""
    merged_back: Oid | None = None
    """The branch's head when it was last merged back: what came past multigit until then was dealt with."""


def expected_head(past: Past, repo: RepoName, branch: Branch) -> Left | None:
    """Where the last run that ended left `branch`; None where none was about it."""
    built_on: tuple[RunId, ...] = ()
    merged_back: Oid | None = None
    for run, plan in past.newest_first():
        step = plan.step(repo, branch)
        if run.open:
            continue
        if run.phase == "released" and step is None and merged_back is None:
            merged_back = _merged_back(plan, repo, branch)
        if step is None:
            continue
        if run.phase == "released":
            at = step.new if isinstance(step, Land) else step.at
            return Left(run=run.id, oid=at, built_on=built_on, merged_back=merged_back)
        if isinstance(step, Land) and run.statuses.get(repo) == "restored":
            return Left(run=run.id, oid=step.new, undone=step, built_on=built_on, merged_back=merged_back)
        if run.statuses.get(repo) == "diverged":
            built_on = (*built_on, run.id)
    return None


def _merged_back(plan: Plan, repo: RepoName, branch: Branch) -> Oid | None:
    if plan.verb != "backmerge" or repo not in plan.commits():
        return None
    return next((seen.heads.get(branch) for seen in plan.seen if seen.repo == repo), None)


def under_way(past: Past, repo: RepoName) -> bool:
    """Whether an open run is about `repo`: what it does there is not judged before it ends."""
    run = past.history.open_run
    return run is not None and (run.id not in past.plans or repo in past.plans[run.id].commits())


def restored(left: Left, oid: Oid) -> Left:
    """`left` with the commit that took it back."""
    return replace(left, oid=oid, undone=None)
