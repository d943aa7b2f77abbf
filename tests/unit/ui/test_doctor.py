from __future__ import annotations

import pytest

from multigit.model.health import Finding, Health
from multigit.model.names import EnvName, RepoName
from multigit.ui.doctor import health_text
from multigit.ui.text import cells
from tests.conftest import Golden
from tests.unit.ui import samples as s

API = RepoName("gli_api-server")
FINDINGS = (
    Finding(name="git", state="ok", why="2.50.1"),
    Finding(name="variables", state="warn", why="multigit drops what it inherited: GIT_DIR", fix="unset GIT_DIR"),
    Finding(name="signing", state="skip", why="no environment asks for signatures"),
    Finding(name="holds", state="warn", why="prod의 보류를 이수진이 걸었습니다: 설 연휴 동안 배포하지 않습니다",
            fix='multigit hold release prod -m "…"'),
    Finding(name="runs", state="ng", why="run r-0123456789ab of kim@desk is open (landing): nothing else can begin",
            fix="multigit resume r-0123456789ab\nmultigit abort r-0123456789ab"),
    Finding(name="reach", state="ok", why="ssh, protocol 2, SHA-1, git/2.50.1", repo=API),
    Finding(name="fence", state="ng", repo=API, why=f"the host does not take refs below refs/multigit/: {s.HOSTILE}",
            fix="git --git-dir=REPOSITORY config --get-regexp 'hiderefs|hookspath'   (on the host)"),
)  # fmt: skip
HEALTH = Health(title="쇼핑몰", env=EnvName("prod"), repos=8, findings=FINDINGS, exit_code=1)


@pytest.mark.parametrize("width", [60, 100])
def test_what_people_read(width: int, golden: Golden) -> None:
    golden(f"doctor.{width}.txt", health_text(HEALTH, width=width) + "\n")


def test_korean_is_measured_in_cells_and_commands_stay_whole() -> None:
    lines = health_text(HEALTH, width=60).splitlines()
    assert all(cells(line) <= 60 for line in lines if "  fix  " not in line and "\\x1b" not in line)
    for finding in FINDINGS:
        assert all(f"       fix  {command}" in lines for command in finding.fix.splitlines())


def test_quietly_only_what_is_not_well_is_said() -> None:
    text = health_text(HEALTH, brief=True)
    assert "[OK]" not in text and "[SKIP]" not in text
    assert text.count("[NG]") == 2 and text.count("[!!]") == 2
    assert "2 ok, 2 not well, 2 to look at, 1 not looked at" in text
