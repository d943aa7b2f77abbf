"""The target `command` behind the verbs that deploy: brought, seen, and taken back, on real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleetkit import ENVIRONMENTS, FleetKit

BRING = """\
#!/bin/sh
echo "bringing $MULTIGIT_REPO"
test -e "broken-$MULTIGIT_COMMIT" && echo "no room" && exit 7
echo "${MULTIGIT_COMMIT}" > "now-$MULTIGIT_ENV"
"""
LOOK = '#!/bin/sh\ncat "now-$1"\n'
REPOS = """\
  api: {deploy: {default: {command: {run: [./bring], current: [./look, "{env}"]}}}}
"""


@pytest.fixture
def kit(tmp_path: Path) -> FleetKit:
    made = FleetKit.make(tmp_path, repos=REPOS, environments=ENVIRONMENTS)
    for name, text in (("bring", BRING), ("look", LOOK)):
        (made.work / name).write_text(text)
        (made.work / name).chmod(0o755)
    return made


@pytest.mark.shows("G12", "X4")
def test_a_program_brings_what_was_promoted_once(kit: FleetKit) -> None:
    kit.commit("api", "dev", {"app.txt": "new\n"})
    ran = kit.promote("dev", "stg").exits(0)
    assert "deployed, and well" in ran.out
    head = kit.hosts["api"].head("stg")
    assert (kit.work / "now-stg").read_text().strip() == head
    (kit.work / "bring").write_text("#!/bin/sh\nexit 9\n")
    again = kit.call("deploy", "stg", "--yes").exits(0)
    assert f"nothing to do: {head}" in again.out


@pytest.mark.shows("G12")
def test_a_program_that_fails_says_why(kit: FleetKit) -> None:
    kit.commit("api", "dev", {"app.txt": "new\n"})
    (kit.work / "bring").write_text(BRING.replace('test -e "broken-$MULTIGIT_COMMIT" && ', ""))
    ran = kit.promote("dev", "stg")
    assert ran.code != 0
    assert "./bring: exit status 7" in ran.out + ran.err
    assert "no room" in ran.out + ran.err
    assert not (kit.work / "now-stg").exists()
