"""deployment.log: the file the team greps, a view of the ledger for people.

One line for each repository of each event, append-only. Every line ends with the ledger record it tells of,
so that any multigit that sees a newer ledger adds exactly what is missing, and parallel writers lose nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any

from multigit.model.actor import Actor
from multigit.model.deployments import Deployment
from multigit.model.events import History, Run
from multigit.model.record import Event

_WORDS = {"promote": "PROMOTE", "hotfix": "EMERGENCY", "push": "PUSH", "rollback": "ROLLBACK", "backmerge": "BACKMERGE"}
_TOLD = ("released", "aborted", "failed", "aborting", "hold", "lift", "take", "deploying", "deployed")


def sync(path: Path, history: History, zone: tzinfo, locks: Path) -> int:
    """Append what `path` does not tell yet; answers how many lines were added. `locks`: folder for the lock file."""
    locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    from filelock import FileLock

    with FileLock(locks / "deployment-log.lock", timeout=60):
        told = _told(path)
        missing = [event for event in history.events if event.oid and _mark(event) not in told]
        lines = [line for event in missing for line in _lines(event, history, zone)]
        if lines:
            with path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(_line_break(path) + "".join(line + "\n" for line in lines))
    return len(lines)


def _line_break(path: Path) -> str:
    """What is missing at the end of a file that somebody edited, or that a crash cut short."""
    return "\n" if path.stat().st_size and not path.read_bytes().endswith(b"\n") else ""


def _mark(event: Event) -> str:
    """The record's id, long enough that no two records of a long ledger share it."""
    return event.oid[:12] if event.oid else "-"


def _told(path: Path) -> set[str]:
    """Short ids of the records that have lines already."""
    if not path.exists():
        return set()
    text = path.read_text(encoding="utf-8", errors="replace")
    return {line.rpartition("record=")[2].strip() for line in text.splitlines() if "record=" in line}


def _lines(event: Event, history: History, zone: tzinfo) -> Iterator[str]:
    if event.kind not in _TOLD:
        return
    run = history.runs.get(event.run) if event.run else None
    made = history.deployments.get(event.deployment) if event.deployment else None
    rows = _superseded(event, history) if event.kind == "deploying" else _deployed(event, made) if made else ()
    for fields in rows if event.deployment else _rows(event, run):
        values = " ".join(f"{key}={_quoted(value)}" for key, value in fields.items() if value not in ("", None))
        stamp = event.at.astimezone(zone).isoformat(timespec="seconds")
        word = _word(event, run)
        yield f"{stamp} {word:<9} {values} by={_quoted(_who(event.by))} record={_mark(event)}"


def _word(event: Event, run: Run | None) -> str:
    if event.deployment:
        return "DEPLOY"
    if event.kind in ("hold", "lift", "take"):
        return event.kind.upper()
    if event.kind == "released" and run:
        return _WORDS.get(str(run.plan.get("verb")), "RELEASE")
    return {"aborted": "ABORT", "failed": "FAILURE", "aborting": "FAILURE"}.get(event.kind, event.kind.upper())


def _rows(event: Event, run: Run | None) -> Iterator[dict[str, Any]]:
    plan = run.plan if run else {}
    common = {"env": plan.get("target") or event.data.get("env"), "tag": plan.get("tag"), "run": event.run}
    reason = event.reason or str(plan.get("reason", ""))
    steps = plan.get("steps", ()) if event.kind in ("released", "aborted") else ()
    if not steps:
        yield {**common, "result": event.kind, "reason": reason}
    for step in steps:
        yield {**_step(step), **common, "result": _result(event, step, plan.get("tag")), "reason": reason}


def _superseded(event: Event, history: History) -> Iterator[dict[str, Any]]:
    """The one whose place was taken; whoever drove it writes no end."""
    old = history.deployments.get(event.data.get("supersedes", ""))
    if old and old.outcome == "superseded":
        yield {"env": old.env, "tag": old.tag, "run": old.id, "result": old.outcome, "reason": old.reason}


def _deployed(event: Event, made: Deployment) -> Iterator[dict[str, Any]]:
    """One line for each repository that was brought somewhere, and one where none was."""
    common = {"env": made.env, "tag": made.tag, "run": made.id}
    reason = event.reason or made.reason
    places = [step for step in made.plan["steps"] if step["stage"] == "deploy"]
    if not places:
        yield {**common, "result": event.data.get("outcome"), "reason": reason}
    for step in places:
        state, back = made.steps.get(step["id"]), made.backs.get(step["id"])
        result = "returned" if back and back.state == "ok" else state.state if state else "not begun"
        old, new = (str(step.get(word) or "")[:7] for word in ("before_commit", "commit"))
        yield {"repo": step["repo"], "from": old, "to": new, **common, "result": result, "reason": reason}


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    old, new = (step.get("old"), step.get("new")) if step.get("kind") == "land" else (step.get("at"), step.get("at"))
    return {"repo": step.get("repo"), "branch": step.get("branch"), "from": str(old)[:7], "to": str(new)[:7]}


def _result(event: Event, step: Mapping[str, Any], tag: str | None) -> str:
    if event.kind == "aborted":
        return str(event.data.get("statuses", {}).get(step.get("repo"), "untouched"))
    return "ok" if step.get("kind") == "land" else "tagged" if tag else "unchanged"


def _who(actor: Actor) -> str:
    return f"{actor.user}@{actor.host}"


def _quoted(value: object) -> str:
    """A value on one line: spaces and quotes are quoted, control characters escaped, so that no value forges a line."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))
    return json.dumps(text, ensure_ascii=False) if not text or any(c in text for c in ' "=') else text
