"""Whatever is wrong, it is said in words, with what to type next; never a traceback (X9)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit

BAD_LINES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("promot", "dev", "stg"), "Did you mean 'promote'?"),
    (("promote", "dev"), "Missing argument 'TARGET'"),
    (("promote", "dev", "stg", "extra"), "unexpected extra argument (extra)"),
    (("promote", "dev", "stg", "--yess"), "No such option"),
    (("promote", "dev", "stg", "--override", "hold"), 'write GATE="reason"'),
    (("promote", "dev", "stg", "--override", "hold= "), 'write GATE="reason"'),
    (("history", "-n", "0"), "0 is not in the range"),
    (("history", "--jobs", "0"), "0 is not in the range"),
    (("history", "moon"), "no environment, alias or branch called 'moon'"),
    (("--jobs", "many", "status"), "'many' is not a valid integer"),
    (("--color", "sometimes", "status"), "'sometimes' is not one of"),
    (("rollback", "deploy-1999"), "deploy-1999"),
    (("rollback", "x", "--mode", "magic"), "'magic' is not one of"),
    (("log", "dev"), "is no range"),
    (("show", "nothing"), "nothing"),
    (("hold",), "Usage: multigit hold"),
    (("hold", "set"), "Missing argument 'ENV'"),
    (("-f", "nowhere.yaml", "status"), "nowhere.yaml"),
    (("init", "--example", "nobody"), "known: "),
    (("init", "--example", "gli"), "is there already"),
    (("pull", "no such branch"), "no environment, alias or branch called"),
    (("promote", "stg", "main", "--plan", "missing.json", "--confirm", "shop main"), "missing.json"),
    (("promote", "stg", "main", "--plan", "repos.yaml", "--confirm", "shop main"), "is no plan of this multigit"),
    (("resume", "r-000000000000"), "no run called 'r-000000000000'"),
)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> FleetKit:
    return FleetKit.make(tmp_path_factory.mktemp("errors"), ("root", "api"))


@pytest.mark.shows("X9", "X1")
@pytest.mark.parametrize(("words", "said"), BAD_LINES, ids=[" ".join(words) for words, _ in BAD_LINES])
def test_a_wrong_command_line_is_explained_and_nothing_happens(
    kit: FleetKit, words: tuple[str, ...], said: str
) -> None:
    before = kit.refs(ledger=True, inner=True)
    wrong = kit.call(*words).exits(2)
    assert said in wrong.err
    assert "Traceback" not in wrong.err + wrong.out
    assert wrong.out == ""
    assert kit.refs(ledger=True, inner=True) == before


@pytest.mark.shows("X9")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "repos.yaml"),
        ("version: 1\nsystem: {name: shop", "repos.yaml:"),
        ("version: 1\nsystem: {name: shop, nmae: x}\nenvironments: {}\nrepos: {}\n", "nmae"),
        ("- a\n- list\n", "repos.yaml"),
        ("version: 9\n", "repos.yaml"),
        ("a: &a [*a]\n", "repos.yaml"),
        ("\ufeffversion: 1\n\tx: 1\n", "repos.yaml:"),
    ],
)
def test_a_wrong_repos_yaml_is_explained(tmp_path: Path, text: str, said: str) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    (kit.work / "repos.yaml").write_text(text, encoding="utf-8")
    for words in (("status",), ("config", "check"), ("promote", "dev", "stg", "--yes")):
        wrong = kit.call(*words).exits(2)
        assert said in wrong.err
        assert "Traceback" not in wrong.err


@pytest.mark.shows("X9")
def test_without_repos_yaml_it_says_how_to_make_one(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "multigit", "status"], cwd=tmp_path, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 2
    assert "multigit init" in done.stderr


def test_it_is_found_from_a_folder_below(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.clone("api", "dev")
    done = subprocess.run([sys.executable, "-m", "multigit", "status"], cwd=kit.work / "api", capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0
    assert "2 repos" in done.stdout


@pytest.mark.shows("X9", "X8")
@pytest.mark.fault("canary-url", "private-files")
def test_a_bug_is_a_sentence_and_a_file_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = FleetKit.make(tmp_path, ("root",))

    def broken(*args: object) -> None:
        raise RuntimeError("https://user:canary-secret@host/x")

    monkeypatch.setattr("multigit.app.overview.status", broken)
    crashed = kit.call("status").exits(70)
    assert "error[MG-700]" in crashed.err
    assert "Traceback" not in crashed.err
    (file,) = (tmp_path / "home").rglob("crashes/*.txt")
    assert str(file) in crashed.err
    for text in (crashed.err, file.read_text()):
        assert "canary-secret" not in text
    assert "RuntimeError" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.shows("X1")
@pytest.mark.fault("closed-stdout")
def test_a_closed_stdout_is_no_error_and_no_noise(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    script = f'"{sys.executable}" -m multigit config schema | head -c 1; echo "exit ${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", script], cwd=kit.work, capture_output=True, text=True, check=False,
                          env=dict(os.environ))  # fmt: skip
    assert "exit 0" in done.stdout
    assert done.stderr == ""


def test_an_argument_that_is_not_utf_8_is_a_usage_error(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    assert "not UTF-8" in kit.call("promote", "dev", "stg", "--yes", "-m", "caf\udce9").exits(2).text
