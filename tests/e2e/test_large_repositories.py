"""Very much of everything: memory and parallelism stay bounded, whatever the repositories hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import accumulate
from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit
from tests.support.gitkit import plain_git

MEASURED = """\
import sys
from multigit.cli import main
code = main(sys.argv[1:])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak) // 1024, file=sys.stderr)
sys.exit(code)
"""


def memory(kit: FleetKit, *words: str) -> int:
    """Run a command; the most memory that multigit itself had, in MiB (proc_pid_status(5))."""
    done = subprocess.run([sys.executable, "-c", MEASURED, *words], cwd=kit.work, capture_output=True, text=True,
                          timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1])


@pytest.mark.slow
@pytest.mark.fault("huge-blobs", "repository-5-gb")
def test_what_is_large_in_a_repository_is_never_in_our_memory(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    usual = memory(kit, "status")
    kit.hosts["api"].commit({"huge.bin": b"\0" * (48 << 20)}, on="dev", message="feat: huge")
    assert memory(kit, "promote", "dev", "stg", "--yes") < usual + 32
    clone = kit.clone("api", "stg")
    (clone / "more.bin").write_bytes(b"\1" * (48 << 20))
    plain_git("add", "more.bin", at=clone)
    plain_git("commit", "--quiet", "-m", "fix: huge", at=clone)
    assert memory(kit, "hotfix", "--push", "stg", "--yes") < usual + 32


@pytest.mark.slow
@pytest.mark.fault("million-refs", "tags-100000")
def test_very_many_refs_are_not_asked_for(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    usual = memory(kit, "status")
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    tip = kit.head("api", "dev")
    names = [f"refs/pull/{n:06}/head" for n in range(20_000)] + [f"refs/tags/v0.0.{n:06}" for n in range(100_000)]
    rows = "".join(f"{tip} {name}\n" for name in names)
    (kit.hosts["api"].path / "packed-refs").write_text("# pack-refs with: sorted \n" + rows)
    assert memory(kit, "promote", "dev", "stg", "--yes") < usual + 24
    assert kit.file("api", "stg", "f.txt") == "1"
    assert len(kit.tags("stg-deploy-", "api")) == 1


SPY = """\
#!/bin/sh
echo + >> {log}
{git} "$@"
code=$?
echo - >> {log}
exit $code
"""


@pytest.mark.slow
@pytest.mark.fault("fleet-1000")
def test_a_fleet_is_looked_at_no_wider_than_asked_for(tmp_path: Path) -> None:
    names = ["root", *(f"r{number:02}" for number in range(30))]
    kit = FleetKit.make(tmp_path, ("root",), repos="".join(f"  {name}: {{}}\n" for name in names))
    for name in names[1:]:
        shutil.copytree(kit.hosts["root"].path, tmp_path / "hosts" / f"{name}.git")
    log, spy = tmp_path / "log", tmp_path / "bin/git"
    spy.parent.mkdir()
    spy.write_text(SPY.format(log=log, git=shutil.which("git")))
    spy.chmod(0o755)
    shown = kit.run("status", "--jobs", "3", "--json", env={"PATH": f"{spy.parent}:{os.environ['PATH']}"}).ok()
    assert [row["repo"] for row in shown.json()["rows"]] == names
    running = list(accumulate(1 if line == "+" else -1 for line in log.read_text().split()))
    assert len(running) > 2 * len(names)
    assert max(running) == 3
