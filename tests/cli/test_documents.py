"""Every --json document of every verb is what its schema in the package says (X1)."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.fleetkit import FleetKit, Ran
from tests.support.gitkit import plain_git


def checked(ran: Ran, kind: str) -> Any:
    """The one document of a command, valid by its schema, with the exit code that the command ended with."""
    document = ran.json()
    assert document["schema"] == f"multigit.{kind}/1", document
    schema = json.loads((files("multigit") / "schemas" / f"{kind}.1.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document.get("exit_code", ran.code) == ran.code
    return document


@pytest.mark.slow
@pytest.mark.shows("X1")
def test_every_document_of_a_release_and_its_rollback(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    plan = str(tmp_path / "p.json")
    confirm = ("--plan", plan, "--confirm", "shop main")
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    checked(kit.call("plan", "dev", "stg", "--json"), "plan")
    checked(kit.call("promote", "dev", "stg", "--json"), "error")
    checked(kit.call("promote", "dev", "stg", "--json", "--yes"), "run")
    assert checked(kit.call("promote", "dev", "stg", "--json", "--yes"), "run")["outcome"] == "nothing"
    checked(kit.call("plan", "stg", "main", "--json", "--out", plan), "plan")
    checked(kit.call("promote", "stg", "main", *confirm, "--json"), "run")
    assert checked(kit.call("promote", "stg", "main", *confirm, "--json"), "run")["outcome"] == "nothing"
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
    kit.release()
    checked(kit.call("rollback", "previous", "-n", "--json"), "plan")
    checked(kit.call("rollback", "previous", "--confirm", "shop main", "--json"), "run")
    checked(kit.call("promote", "stg", "main", "--json", "-n"), "plan")
    for words, kind in ((("status",), "status"), (("history",), "history"), (("history", "prod"), "history"),
                        (("show", "last"), "show"), (("log", "--since", "last"), "log"), (("log", "dev..main"), "log"),
                        (("diff", "dev", "main"), "diff"), (("hold", "list"), "holds"), (("config", "show"), "config"),
                        (("config", "check"), "config"), (("resume",), "settle"), (("abort",), "settle"),
                        (("hold", "set", "stg", "-m", "x"), "holds"), (("verify",), "verify"),
                        (("hold", "release", "prod", "-m", "x"), "holds")):  # fmt: skip
        checked(kit.call(*words, "--json"), kind)


@pytest.mark.shows("X1")
def test_documents_about_clones_and_failures(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    checked(kit.call("pull", "dev", "-n", "--json"), "plan")
    checked(kit.call("pull", "dev", "--json"), "pull")
    checked(kit.call("clone", "--json"), "pull")
    (kit.work / "api/app.txt").write_text("changed\n")
    checked(kit.call("push", "dev", "-m", "feat: x", "-n", "--json"), "plan")
    checked(kit.call("push", "dev", "-m", "feat: x", "--yes", "--json"), "run")
    plain_git("switch", "--quiet", "-c", "main", at=kit.work / "api")
    checked(kit.call("hotfix", "--push", "main", "-n", "--json"), "plan")
    checked(kit.call("backmerge", "main", "stg", "--json"), "run")
    kit.hosts["api"].hook("pre-receive", "grep -q refs/heads && exit 1; exit 0")
    checked(kit.call("promote", "dev", "stg", "--yes", "--json"), "run")
    kit.hosts["api"].path.rename(tmp_path / "away")
    for words, kind in ((("status",), "status"), (("diff", "dev", "stg"), "diff"), (("pull", "dev"), "pull"),
                        (("promote", "dev", "stg", "--yes"), "error"), (("nonsense",), "error"),
                        (("promote", "dev"), "error")):  # fmt: skip
        checked(kit.call(*words, "--json"), kind)
