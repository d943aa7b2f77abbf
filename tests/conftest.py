"""Every test gets a home of its own: no setting of the machine or the person reaches git, multigit or a plug-in."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.support.fleetfixtures", "tests.support.serverfixtures", "tests.support.explored"]

Golden = Callable[[str, str], None]
"""golden(name, text): `text` must equal the file <name> in the folder `golden` beside the test."""

_INHERITED = ("GIT_", "MULTIGIT_", "SSH_", "AWS_", "GITHUB_", "SLACK_", "XDG_", "LC_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_SETTINGS = (
    *(*_PROXIES, *(name.upper() for name in _PROXIES)),
    *("CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "LANGUAGE", "PAGER"),
)
_GITCONFIG = """\
[user]
\tname = Test Person
\temail = person@example.invalid
[init]
\tdefaultBranch = main
"""


# A shell starts what it runs in the background with Ctrl-C ignored, and children inherit that; tests press Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing with them")


@pytest.fixture(autouse=True)
def hermetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The private home folder (tmp_path/home); everything named in this module is set for the length of one test."""
    for name in list(os.environ):
        if name.startswith(_INHERITED) or name in _SETTINGS:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(_GITCONFIG)
    # Not below tmp_path: sockets live here, and the path of a socket may have 107 bytes (unix(7)).
    runtime = tempfile.mkdtemp(prefix="mg-run-")
    for name, value in _environment(home, runtime).items():
        monkeypatch.setenv(name, value)
    if hasattr(time, "tzset"):
        time.tzset()
    yield home
    shutil.rmtree(runtime, ignore_errors=True)


def _environment(home: Path, runtime: str) -> dict[str, str]:
    return {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_RUNTIME_DIR": runtime,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "EDITOR": "false",
        "VISUAL": "false",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "TZ": "UTC",
    }


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text, as it is, with a file kept beside the test; `pytest --update-golden` writes that file."""
    folder = request.path.parent / "golden"
    update = bool(request.config.getoption("--update-golden"))

    def compare(name: str, text: str) -> None:
        file = folder / name
        if update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        assert file.exists(), f"{file} is missing: look at the text and run pytest --update-golden"
        assert text == file.read_bytes().decode(), f"differs from {file}; if meant, run pytest --update-golden"

    return compare
