"""The old scripts' names still work, and each is a line or two onto multigit (G17)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit
from tests.support.gitkit import plain_git

SCRIPTS = Path(__file__).parents[2] / "scripts"

OLD_NAMES: dict[str, tuple[str, ...]] = {
    "pull-dev": ("pull", "dev"),
    "pull-stg": ("pull", "stg"),
    "pull-main": ("pull", "main"),
    "merge-dev-to-stg": ("promote", "dev", "stg"),
    "merge-stg-to-main": ("promote", "stg", "main"),
    "merge-stg-to-dev": ("backmerge", "stg", "dev"),
    "merge-main-to-stg": ("backmerge", "main", "stg"),
    "push-dev": ("push", "dev"),
    "push-stg": ("hotfix", "--push", "stg"),
    "push-main": ("hotfix", "--push", "main"),
    "push-dev-merge-to-stg": ("push", "dev", "--then", "stg"),
}
WITH_MESSAGE = [name for name in OLD_NAMES if name.startswith("push")]
WITHOUT = [name for name in OLD_NAMES if not name.startswith("push")]


def put_on_path(folder: Path, script: str) -> dict[str, str]:
    """An environment in which `multigit` is `script`."""
    folder.mkdir()
    command = folder / "multigit"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def run(
    name: str, *words: str, env: dict[str, str], at: Path | None = None, code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(SCRIPTS / f"multigit-{name}.sh"), *words], env=env, cwd=at, stdin=subprocess.DEVNULL,
                          capture_output=True, encoding="utf-8", check=False)  # fmt: skip
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture
def stub(tmp_path: Path) -> dict[str, str]:
    """A multigit that prints its arguments, one a line, and exits with 3."""
    return put_on_path(tmp_path / "bin", 'printf "%s\\n" "$@"; exit 3')


@pytest.mark.shows("G17")
@pytest.mark.parametrize("name", list(OLD_NAMES))
def test_each_is_thin_and_passes_options_and_the_exit_code_on(stub: dict[str, str], name: str) -> None:
    script = SCRIPTS / f"multigit-{name}.sh"
    assert len(script.read_text().splitlines()) <= 3
    assert os.access(script, os.X_OK)
    for more in ((), ("--dry-run",), ("-r", "api", "--json")):
        assert run(name, *more, env=stub, code=3).stdout.splitlines() == [*OLD_NAMES[name], *more]


@pytest.mark.shows("G17")
@pytest.mark.parametrize("name", WITH_MESSAGE)
def test_the_message_comes_first_as_it_always_did(stub: dict[str, str], name: str) -> None:
    said = run(name, "긴급 수정: it's $HOME *", "-x", "web", env=stub, code=3).stdout.splitlines()
    assert said == [*OLD_NAMES[name], "-m", "긴급 수정: it's $HOME *", "-x", "web"]


def test_there_are_no_others() -> None:
    assert {path.name for path in SCRIPTS.glob("multigit-*")} == {f"multigit-{name}.sh" for name in OLD_NAMES}


@pytest.mark.slow
@pytest.mark.shows("G17")
def test_a_week_with_the_old_habits(tmp_path: Path) -> None:
    env = put_on_path(tmp_path / "bin", f'exec "{sys.executable}" -m multigit "$@"')
    kit = FleetKit.make(tmp_path, ("root", "api"))
    plan = str(tmp_path / "p.json")
    consent = ("--plan", plan, "--confirm", "shop main")
    work = kit.work
    for branch in ("stg", "main", "dev"):
        run(f"pull-{branch}", env=env, at=work)
    for name in kit.names:
        plain_git("switch", "--quiet", "dev", at=work / name)
    (work / "api/app.txt").write_text("dev's\n")
    run("push-dev", "feat: one", "--yes", env=env, at=work)
    run("merge-dev-to-stg", "--yes", env=env, at=work)
    (work / "api/app.txt").write_text("dev's own\n")
    run("push-dev-merge-to-stg", "feat: two", "--yes", env=env, at=work)
    assert kit.file("api", "stg", "app.txt") == "dev's own"
    run("merge-stg-to-main", env=env, at=work, code=3)
    run("merge-stg-to-main", "-n", "--out", plan, env=env, at=work)
    run("merge-stg-to-main", *consent, env=env, at=work)
    assert kit.file("api", "main", "app.txt") == "dev's own"
    for branch, file in (("stg", "s.txt"), ("main", "m.txt")):
        run(f"pull-{branch}", env=env, at=work)
        plain_git("switch", "--quiet", branch, at=work / "api")
        (work / "api" / file).write_text("hot\n")
        plain_git("add", file, at=work / "api")
        if branch == "stg":
            run("push-stg", "fix: stg", "--yes", env=env, at=work)
    run("push-main", "fix: main", "-n", "--out", plan, env=env, at=work)
    run("push-main", "fix: main", *consent, env=env, at=work)
    run("merge-main-to-stg", "--yes", env=env, at=work)
    run("merge-stg-to-dev", "--yes", env=env, at=work)
    assert kit.file("api", "dev", "m.txt") == kit.file("api", "dev", "s.txt") == "hot"
    assert kit.file("api", "main", "s.txt") is None
