"""A plug-in is a module named like the word in repos.yaml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from multigit import plugins
from multigit.errors import USAGE, UsageError


def test_names_are_the_files_of_the_folder() -> None:
    assert {"window", "checklist", "hold"} <= set(plugins.names("checks"))
    assert all(not name.startswith("-") and "_" not in name for name in plugins.names("checks"))
    assert "timestamp" in plugins.names("tagschemes")


def test_listing_the_names_imports_no_plugin() -> None:
    code = (
        "import sys; from multigit import plugins; plugins.names('checks');"
        "print([name for name in sys.modules if name.startswith('multigit.checks.')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_word_and_a_dotted_name_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plugins.load("checks", "window").__name__ == "multigit.checks.window"
    (tmp_path / "team_checks_x").mkdir()
    (tmp_path / "team_checks_x" / "own.py").write_text("ANSWER = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert plugins.load("checks", "team_checks_x.own").ANSWER == 42


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("windw", 'did you mean "window"?'),
        ("_korea", "known: "),
        ("Window", ""),
        ("../x", "no name of a Python module"),
        ("", "known: "),
    ],
)
def test_an_unknown_word_is_explained(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        plugins.load("checks", name)
    assert caught.value.exit_code == USAGE
    assert hint in caught.value.hint + caught.value.why


@pytest.mark.parametrize("name", ["no.such", "os..path", ".x", "x.", "a.b c"])
def test_a_module_that_cannot_be_loaded_is_explained(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be loaded"):
        plugins.load("checks", name)


def test_a_module_with_a_mistake_in_it_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "team_checks_y").mkdir()
    (tmp_path / "team_checks_y" / "broken.py").write_text("def :\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="cannot be loaded"):
        plugins.load("checks", "team_checks_y.broken")
