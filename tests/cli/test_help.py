"""Help, version and completion: complete, quick, and the same everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from multigit import __version__
from multigit.cli.boundary import multigit
from multigit.cli.group import VERBS
from multigit.cli.reference import helps, reference
from multigit.cli.tabulate import tables

ROOT = Path(__file__).parents[2]
SLOW_TO_IMPORT = (
    "git",
    "boto3",
    "questionary",
    "prompt_toolkit",
    "rich",
    "yaml",
    "pydantic",
    "multigit.app.move",
    "multigit.app.story",
)
PROBE = """
import json, sys
from multigit.cli import main
code = None
try:
    code = main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def python(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], env={**os.environ, **(env or {})}, capture_output=True, encoding="utf-8", check=False
    )


def multigit_on_path(tmp_path: Path) -> dict[str, str]:
    """A folder in PATH in which `multigit` is this checkout's."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    command = folder / "multigit"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m multigit "$@"\n')
    command.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


PAGES = dict(helps())


@pytest.mark.parametrize("line", list(PAGES))
def test_what_help_says(line: str, golden: object) -> None:
    assert callable(golden)
    golden(f"{line.replace(' ', '-')}.txt", PAGES[line] + "\n")


def test_the_page_in_the_documentation_is_made_from_the_same() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == reference(), "python -m multigit.cli.reference > docs/cli.md"


def test_every_verb_says_in_the_list_what_it_says_itself() -> None:
    context = click.Context(multigit, info_name="multigit")
    for verb, (_, _, line) in VERBS.items():
        command = multigit.get_command(context, verb)
        assert command is not None
        assert command.get_short_help_str(limit=200) == line
        assert command.name == verb
        assert line.endswith(".") and len(line) <= 72
        assert all(parameter.help for parameter in command.params if isinstance(parameter, click.Option)), verb


@pytest.mark.fault("environment-consents")
def test_no_option_takes_its_value_from_the_environment() -> None:
    context = click.Context(multigit, info_name="multigit")
    commands = [multigit.get_command(context, verb) for verb in VERBS]
    options = [option for command in commands if command for option in command.params]
    assert not [option.name for option in options if option.envvar or context.auto_envvar_prefix]


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("promote", "--help"),
        ("rollback", "-h"),
        ("hold", "--help"),
        ("completion", "bash"),
        (),
    ],
)
def test_help_loads_nothing_that_is_slow(words: tuple[str, ...]) -> None:
    done = python("-c", PROBE, *words)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == (0 if words else 2)
    assert [name for name in SLOW_TO_IMPORT if name in modules] == []


@pytest.mark.parametrize("words", ["multigit pro", "multigit ", "multigit promote --", "multigit --"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completing_loads_nothing_that_is_slow(shell: str, words: str) -> None:
    *before, last = words.split(" ")
    env = {
        "_MULTIGIT_COMPLETE": f"{shell}_complete", "COMP_WORDS": words,
        "COMP_CWORD": str(len(before)) if shell != "fish" else last,
    }  # fmt: skip
    done = python("-c", PROBE, env=env)
    _, modules = json.loads(done.stderr.splitlines()[-1])
    assert [name for name in SLOW_TO_IMPORT if name in modules] == []
    wanted = {"multigit pro": "promote", "multigit ": "rollback", "multigit --": "--json"}.get(words, "--confirm")
    assert wanted in done.stdout


def test_the_version_is_one_line() -> None:
    done = python("-m", "multigit", "--version")
    assert done.stdout == f"multigit {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "wanted", "unwanted"),
    [
        ("pro", "promote", "plan"),
        ("h", "hotfix", "promote"),
        ("", "rollback", "--json"),
        ("--no", "--no-input", "--json"),
    ],
)
def test_bash_completes_verbs(tmp_path: Path, typed: str, wanted: str, unwanted: str) -> None:
    script = (
        'eval "$(multigit completion bash)"; declare -F _multigit_completion >/dev/null || exit 9;'
        f'COMP_WORDS=(multigit "{typed}"); COMP_CWORD=1; _multigit_completion multigit;'
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "--norc", "-c", script], env={**os.environ, **multigit_on_path(tmp_path)},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert wanted in done.stdout.split()
    assert unwanted not in done.stdout.split()
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_take_their_script(tmp_path: Path, shell: str) -> None:
    done = python("-m", "multigit", "completion", shell)
    assert done.returncode == 0
    assert f"_MULTIGIT_COMPLETE={shell}_complete" in done.stdout
    if found := shutil.which(shell):
        file = tmp_path / "script"
        file.write_text(done.stdout)
        checked = subprocess.run([found, "-n", str(file)], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_the_tables_are_those_of_the_verbs() -> None:
    made = (ROOT / "multigit" / "cli" / "tables.py").read_text(encoding="utf-8")
    assert made == tables(), "python -m multigit.cli.tabulate"


@pytest.mark.parametrize("columns", ["40", "79", "80", "99", "100", "200"])
def test_help_is_what_click_says_at_any_width(columns: str) -> None:
    env = {"COLUMNS": columns}
    said = python("-m", "multigit", "--help", env=env).stdout
    by_click = "import sys; from multigit.cli.boundary import main; sys.exit(main(['--help']))"
    assert said == python("-c", by_click, env=env).stdout
    assert "rollback" in said


@pytest.mark.parametrize(
    ("words", "typed", "wanted"),
    [
        ("multigit -f repos.yaml pro", "pro", "plain,promote"),
        ("multigit hold ", "", "plain,list"),
        ("multigit hold se", "se", "plain,set"),
        ("multigit rollback --mode re", "re", "plain,restore"),
        ("multigit plan stg main --out p", "p", "file,p"),
        ("multigit promote --lang k", "k", "plain,ko"),
    ],
)
def test_what_may_follow_is_completed(words: str, typed: str, wanted: str) -> None:
    before = words[: len(words) - len(typed)].split()
    env = {"_MULTIGIT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(before))}
    assert wanted in python("-m", "multigit", env=env).stdout.splitlines()


@pytest.mark.parametrize("words", [("--version",), ("--help",)])
def test_what_needs_no_parser_loads_none(words: tuple[str, ...]) -> None:
    done = python("-c", PROBE, *words)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    assert not [name for name in modules if name.partition(".")[0] == "click"]


def test_an_unknown_shell_is_named() -> None:
    done = python("-m", "multigit", "completion", "cmd.exe")
    assert done.returncode == 2
    assert "'bash', 'zsh', 'fish'" in done.stderr
