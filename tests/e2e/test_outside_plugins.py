"""Plug-ins that multigit does not know: a package of a team's own with a target, two checks and a notifier, one file
each, named by their dotted names in repos.yaml. Nothing of multigit is touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support import shelf
from tests.support.fleetkit import FleetKit
from tests.support.killer import ROOT

pytestmark = pytest.mark.slow
SMALL = '''\
"""A gate: no repository brings more files than a person can read."""
from dataclasses import dataclass
from multigit.model.verdict import Verdict

@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    most: int = 20

def evaluate(settings, subject, clients=None):
    bad = [f"{land.repo} brings {land.files} files" for land in subject.plan.lands if land.files > settings.most]
    return Verdict(state="fail" if bad else "pass", why=", ".join(bad) or "readable")
'''
UPRIGHT = '''\
"""A health check: the shelf holds the commit that should serve."""
import json
from dataclasses import dataclass
from pathlib import Path
from multigit.model.verdict import Verdict

ASKS, TEMPLATES = "serving", ("place",)

@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    place: str

def evaluate(settings, subject, clients=None):
    there = json.loads((Path(settings.place) / f"{subject.repo}.json").read_text())["commit"]
    return Verdict(state="pass" if there == subject.commit else "fail", why=f"upright: {there[:7]}")
'''
BELL = '''\
"""A notifier: rings a file."""
from dataclasses import dataclass
from pathlib import Path
from multigit.model.references import Reference

@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    address: Reference
    loud: bool = False

def notify(settings, event, clients):
    with Path(clients.resolved(settings.address)).open("a") as file:
        file.write(f"{event.notice.event}: {event.headline}{'!' * settings.loud}\\n")
    return ""
'''
FLEET = """\
environments:
  dev: {{branch: dev}}
  stg: {{branch: stg, tag: "stg-deploy-{{now:%Y%m%d-%H%M%S}}"}}
promotions: [{{from: dev, to: stg, gates: [small]}}]
gates: {{small: {{kind: team_tools.small, most: 2}}}}
notify: [{{team_tools.bell: "${{env:BELL}}", loud: true}}]
repos:
  root: {{}}
  api:
    deploy:
      default:
        team_tools.shelf: {{place: "{place}/{{env}}"}}
        health: {{kind: team_tools.upright, place: "{place}/{{env}}"}}
"""


def test_target_checks_and_notifier_of_another_package_take_part_in_one_promotion(tmp_path: Path) -> None:
    package = tmp_path / "elsewhere" / "team_tools"
    package.mkdir(parents=True)
    files = {
        "__init__": "",
        "shelf": Path(shelf.__file__).read_text(),
        "small": SMALL,
        "upright": UPRIGHT,
        "bell": BELL,
    }
    for name, text in files.items():
        (package / f"{name}.py").write_text(text)
    place = tmp_path / "place"
    (place / "stg").mkdir(parents=True)
    kit = FleetKit.make(tmp_path, ("root", "api"), environments="", repos="  root: {}\n")
    head = kit.config.partition("repos:")[0]
    kit.config = head + FLEET.format(place=place)
    (kit.work / "repos.yaml").write_text(kit.config)
    bell = tmp_path / "bell"
    env = {"PYTHONPATH": os.pathsep.join((str(ROOT), str(package.parent))), "BELL": str(bell)}

    kit.commit("api", "dev", {f"{number}.txt": "new\n" for number in range(3)})
    refused = kit.run("promote", "dev", "stg", "--yes", env=env).exits(3)
    assert "small: api brings 3 files" in refused.text
    assert not bell.exists()
    kit.commit("api", "dev", {"2.txt": None})
    ran = kit.run("promote", "dev", "stg", "--yes", env=env).exits(0)
    assert "ok small" in ran.text
    assert "deployed, and well" in ran.out
    assert "1 of 1 checks well" in ran.out
    assert json.loads((place / "stg" / "api.json").read_text())["commit"] == kit.head("api", "stg")
    assert [line.partition(":")[0] for line in bell.read_text().splitlines()] == [
        "started", "finished", "deploying", "deployed",
    ]  # fmt: skip
    assert bell.read_text().splitlines()[-1].endswith("!")
    assert "upright: " in kit.run("verify", "stg", env=env).exits(0).text
