"""Actions and observations in the words of the journal and of progress."""

from __future__ import annotations

from multigit.apply.vocabulary import (
    Action,
    Append,
    Beaten,
    Done,
    LandIt,
    Look,
    Observation,
    PutTag,
    Saw,
    Settle,
    Stage,
    Staged,
    Unseen,
    Wrote,
)


def told(action: Action) -> tuple[str, str]:
    """What is about to be done, and in which repository."""
    match action:
        case Stage(repo):
            return "stage", repo
        case Look(repo):
            return "look", repo
        case LandIt(repo):
            return "land", repo
        case PutTag(repo):
            return "tag", repo
        case Settle(repo, to):
            return f"settle {to}", repo
        case Append(record):
            return f"ledger {record}", ""
        case Done(end):
            return f"done {end.value}", ""


def came_of(seen: Observation) -> str:
    """What was seen of it."""
    match seen:
        case Staged(_, why):
            return why or "staged"
        case Saw(_, tip, fence, tag, refused):
            return refused or f"branch {tip.value}, fence {fence.value}, tag {tag.value}"
        case Unseen(_, why):
            return f"unknown: {why}"
        case Wrote(record):
            return f"wrote {record}"
        case Beaten(record, taken=taken, why=why):
            return f"not written {record}: {'taken over' if taken else why}"
