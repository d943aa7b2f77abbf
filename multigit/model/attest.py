"""What signatures are worth: which records and tags must carry one, and what a signed text must say to count. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from multigit.model.events import History, Run
from multigit.model.names import EnvName, Oid, RepoName, Tag
from multigit.model.objects import EMPTY_TREE, NewCommit, Signature, TagObject
from multigit.model.plain import utc
from multigit.model.plan import Plan
from multigit.model.record import Event

APPROVAL: Final = "multigit.approval/1"
SHELF_LIFE: Final = timedelta(hours=24)
"""How long a plan, and so its approval, may be used."""
BINDING: Final = ("begin", "landed", "released", "lift")
"""Records that make a release, or that end a quarantine: they must be signed. Anybody may stop, settle or warn."""
SKEW: Final = timedelta(minutes=5)
"""How far clocks may be apart."""
_NO_FILES: Final = tuple(f"tree {tree}\nauthor " for tree in EMPTY_TREE.values())
"""How a commit without files and parents begins, in either hash."""


def env_of(event: Event, history: History) -> str:
    """The environment a record is about; '' where it is about none."""
    if event.kind == "hold":
        return str(event.data.get("env", ""))
    if event.kind == "lift":
        earlier = (hold for old in history.events for hold in _holds_of(old))
        return next((env for name, env in earlier if name == event.data.get("hold")), "")
    if event.deployment:
        begun = history.deployments.get(event.deployment)
        return str(begun.env if begun else event.data.get("plan", {}).get("env", ""))
    known = history.runs.get(event.run) if event.run else None
    plan = event.data.get("plan") or (known.plan if known else {})
    return str(plan.get("target") or "")


def _holds_of(event: Event) -> list[tuple[str, str]]:
    marks = [event.data] if event.kind == "hold" else event.data.get("quarantine", ())
    return [(str(mark["hold"]), str(mark["env"])) for mark in marks]


def signed_since(history: History, env: EnvName) -> int | None:
    """Number of the first record that began a signed release of `env`; None where there was none yet."""
    for number, event in enumerate(history.events):
        if event.kind == "begin" and event.data.get("signed_by") and env_of(event, history) == env:
            return number
    return None


def release_of(history: History, tag: Tag) -> Run | None:
    """The run that released `tag`, by the ledger."""
    return next((run for run in history.runs.values() if run.tag == tag and run.phase == "released"), None)


def tag_doubt(found: TagObject, *, ref: Tag, commit: Oid, repo: RepoName, env: EnvName, now: datetime) -> str:
    """Why a signed tag, read from refs/tags/`ref` of `repo`, does not stand for `commit` there; ''.

    A signature says who; only what was signed says what for: a signed tag put under another name, into another
    repository or on another commit is a replay.
    """
    if found.tag != ref:
        return f"the tag object says {found.tag}: it was put there under another name"
    if found.type != "commit" or found.object != commit:
        return f"the tag object stands for {found.object[:7]}, not for {commit.short}"
    if f"{repo} {commit}" not in found.told("Multigit-Repo"):
        return f"its release record does not have {repo} at {commit.short}: it was signed for another repository"
    if found.told("Multigit-Environment") != (env,):
        return f"it is a release of {', '.join(found.told('Multigit-Environment')) or 'nothing'}, not of {env}"
    made = _moment(found.by)
    if made is None or made > now.timestamp() + SKEW.total_seconds():
        return "its date lies in the future" if made else "it has no date"
    return ""


def _moment(line: str) -> int | None:
    words = line.split()
    return int(words[-2]) if len(words) > 2 and words[-2].isdigit() else None


# --- approvals -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Somebody's signed yes to one plan. `text`: the whole signed commit, kept in the ledger as evidence."""

    by: str
    """Address under `signing.signers` whose key signed it."""
    at: datetime
    text: str = ""


def statement(plan: Plan, by: Signature, *, tree: Oid) -> NewCommit:
    """The commit that is signed to approve `plan`. `tree`: the empty one in the home repository's hash."""
    said = {"schema": APPROVAL, "plan": plan.digest, "run": plan.run, "system": plan.system, "env": plan.target,
            "at": utc(by.when).isoformat().replace("+00:00", "Z")}  # fmt: skip
    message = f"multigit approval of {plan.run}\n\n{json.dumps(said, sort_keys=True)}"
    return NewCommit(tree=tree, parents=(), message=message, by=by)


def approval_of(payload: bytes, plan: Plan, by: str) -> Approval | str:
    """The approval in a signed commit whose signature is `by`'s; or why it is none of `plan`."""
    try:
        head, _, message = payload.decode().partition("\n\n")
        headline, _, text = message.partition("\n\n")
        # Signed work of the same person, whatever its message says, is no statement: it has files and parents.
        bare = head.startswith(_NO_FILES) and headline.startswith("multigit approval of ")
        said = json.loads(text)
        at = datetime.fromisoformat(said["at"])
        if not bare or at.tzinfo is None:
            return "it is no approval"
        fits = (said["schema"], said["plan"], said["system"], said["env"]) == (
            APPROVAL, plan.digest, plan.system, plan.target)  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return "it is no approval"
    if not fits:
        return "it approves another plan"
    if at < utc(plan.created) or at > plan.created + SHELF_LIFE:
        return "it was not given while the plan was valid"
    return Approval(by=by, at=at)


def counted(approvals: Sequence[Approval], plan: Plan, may: Sequence[str], applies: str) -> tuple[Approval, ...]:
    """Those that count: one for each person, never the author's, nor that of whoever applies the plan."""
    never = {plan.operator.email.casefold(), applies.casefold()}
    found = {given.by: given for given in approvals if given.by in may and given.by.casefold() not in never}
    return tuple(found.values())
