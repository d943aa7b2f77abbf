"""A target from outside multigit, in one file: releases are put on a shelf, which is a folder.

`<repo>.json` is what is there: `commit`, `left` (polls until it is up). Commits named in `bad` fall off, and so do
those that are not named in `good` where that file is; then the shelf is as it was before, unless `good` has `stays`.
Every act is written to `acts`, one line each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multigit.errors import MultigitError
from multigit.model.target import Deployed, Progress, Release
from multigit.targets import Clients

TEMPLATES = ("place",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this target."""

    place: str
    """Folder of the shelf."""
    polls: int = 1
    """Questions until something that was put there is up."""
    kind: str = "deploy"
    """What its failures are classed as."""


def current(settings: Settings, release: Release, clients: Clients) -> Deployed:
    there = _read(settings, release.repo)
    wanted = release.artefact.get("commit", release.commit)
    artefact = {"commit": there["commit"]} if there else {}
    what = f"commit {there['commit'][:7]}" if there else ""
    if there.get("commit") != wanted:
        return Deployed(state="other", what=what, artefact=artefact)
    if there["left"]:
        return Deployed(state="arriving", what=what, ticket=_ticket(release, there.get("before", "")))
    return Deployed(state="here", what=what, artefact=artefact)


def deploy(settings: Settings, release: Release, clients: Clients) -> dict[str, Any]:
    wanted = release.artefact.get("commit", release.commit)
    if wanted in _lines(settings, "refused"):
        raise MultigitError("the shelf does not take it", why="refused")
    before = _read(settings, release.repo).get("commit", "")
    _act(settings, f"put {release.repo} {wanted}")
    _write(settings, release.repo, {"commit": wanted, "left": settings.polls, "before": before})
    return _ticket(release, before)


def poll(settings: Settings, ticket: dict[str, Any], clients: Clients) -> Progress:
    there = _read(settings, ticket["repo"])
    if there["commit"] != ticket["commit"]:
        return Progress(state="failed", why=f"commit {there['commit'][:7]} took its place")
    good = _lines(settings, "good")
    if there["commit"] in _lines(settings, "bad") or (good and there["commit"] not in good):
        if "stays" not in good:
            _write(settings, ticket["repo"], {"commit": ticket["before"], "left": 0})
        fault: Any = settings.kind
        return Progress(state="failed", why="it fell off", fault=fault, details=("the shelf shook", "비밀 없음"))
    if there["left"]:
        _write(settings, ticket["repo"], {**there, "left": there["left"] - 1})
        return Progress(state="running", why=f"{there['left']} to go", retry_after=0.01)
    return Progress(state="ok", why="up", artefact={"commit": there["commit"]})


def _ticket(release: Release, before: str) -> dict[str, Any]:
    return {"repo": str(release.repo), "commit": str(release.artefact.get("commit", release.commit)), "before": before}


def _read(settings: Settings, repo: str) -> dict[str, Any]:
    file = Path(settings.place) / f"{repo}.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def _write(settings: Settings, repo: str, value: dict[str, Any]) -> None:
    (Path(settings.place) / f"{repo}.json").write_text(json.dumps(value))


def _lines(settings: Settings, name: str) -> list[str]:
    file = Path(settings.place) / name
    return file.read_text().split() if file.exists() else []


def _act(settings: Settings, line: str) -> None:
    with (Path(settings.place) / "acts").open("a") as file:
        file.write(line + "\n")
