"""What a command that was run before loads: nothing that only a changed repos.yaml, a prompt or a terminal needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit

ROADS = "promotions: [{from: dev, to: stg, gates: [quiet, free]}]\n"
_TOLD = """\
import sys
from multigit.cli import main
code = main(sys.argv[1:])
print(*sorted({name.partition(".")[0] for name in sys.modules} | set(sys.modules)), file=sys.stderr)
raise SystemExit(code)
"""


@pytest.mark.slow
def test_a_warm_command_loads_neither_checks_nor_yaml_nor_screens(tmp_path: Path) -> None:
    gates = "gates:\n  quiet: {kind: window, allow: ['mon-sun 00:00-23:59']}\n  free: {kind: hold}\n"
    kit = FleetKit.make(tmp_path / "fleet", ("root",), extra=gates + ROADS)
    kit.commit("root", "dev", {"new.txt": "1\n"})
    kit.call("status").ok()
    slow = {"pydantic", "yaml", "rich", "questionary", "asyncio", "pkgutil"}
    for argv in (["status"], ["promote", "dev", "stg", "-n"]):
        assert not loaded(kit, argv) & slow, argv
    assert not loaded(kit, ["status", "--no-fetch"]) & (slow | {"git", "filelock"})


@pytest.mark.slow
def test_a_pull_or_status_where_nothing_moved_loads_no_other_verb(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path / "fleet", ("root",))
    kit.call("pull", "stg").ok()
    kit.call("status").ok()
    writes = {"ledger.shared", "ledger.journal", "vcs.write", "vcs.merging", "vcs.predict", "vcs.signing", "vcs.mirror"}
    others = {"apply.engine", "app.consent", "app.report", "app.signing", "model.documents", "ui.plans", "ui.ask"}
    barred = {"platformdirs", *(f"multigit.{name}" for name in writes | others)}
    for argv in (["status"], ["pull", "stg"]):
        assert not loaded(kit, argv) & barred, argv
    assert not loaded(kit, ["pull", "stg"]) & {"multigit.vcs.clones", "multigit.vcs.identity"}


def loaded(kit: FleetKit, argv: list[str]) -> set[str]:
    """The packages and modules that are there when the command has ended."""
    command = [sys.executable, "-c", _TOLD, *argv]
    done = subprocess.run(command, cwd=kit.work, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    found = set(done.stderr.splitlines()[-1].split())
    assert "multigit" in found
    return found
