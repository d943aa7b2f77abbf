"""Fixtures that start servers, and what happens where their programs are missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import httpgit, sshgit
from tests.support.processes import find_program
from tests.support.servers import HttpGit, SshGit

# Read when the tests are collected: each test runs with CI unset, so that it sees the same everywhere.
_IN_CI = os.environ.get("CI") == "true"


def require(*programs: str) -> None:
    """Skip the test, naming the missing programs and the command that installs them; with CI=true fail instead."""
    missing = [name for name in programs if find_program(name) is None]
    if not sys.platform.startswith("linux"):
        missing.append("Linux (/proc)")
    if not missing:
        return
    message = f"needs {', '.join(missing)}: run scripts/servers-install as root"
    if _IN_CI:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture
def http_git(tmp_path: Path) -> Iterator[HttpGit]:
    """git over HTTP for the bare repositories below tmp_path/served, without a login."""
    require(*httpgit.PROGRAMS)
    (tmp_path / "served").mkdir(exist_ok=True)
    with HttpGit(tmp_path / "served") as server:
        yield server


@pytest.fixture
def ssh_git(tmp_path: Path) -> Iterator[SshGit]:
    """git over SSH for the bare repositories below tmp_path/served; a client still has to be pointed at it (SshGit)."""
    require(*sshgit.PROGRAMS)
    (tmp_path / "served").mkdir(exist_ok=True)
    with SshGit(tmp_path / "served") as server:
        yield server
