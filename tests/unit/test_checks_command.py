"""The command gate: a program of the team, its answer, and that nothing of it stays behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from multigit.checks import command
from multigit.model.verdict import Verdict
from tests.support.subjects import plan_of, subject


def ran(script: str, folder: Path, timeout: str = "20s") -> Verdict:
    settings = command.Settings(run=(sys.executable, "-c", script), timeout=timeout)
    return command.evaluate(settings, subject(folder=str(folder)))


@pytest.mark.parametrize(("status", "state"), [(0, "pass"), (75, "wait"), (1, "fail"), (3, "fail")])
def test_the_exit_status_is_the_answer(tmp_path: Path, status: int, state: str) -> None:
    assert ran(f"raise SystemExit({status})", tmp_path).state == state


def test_the_last_lines_are_kept_as_written(tmp_path: Path) -> None:
    script = "import sys; print('x' * 99999); print('no \\x1b[31m[/oops]', flush=True); sys.exit('5000 RPS missed')"
    verdict = ran(script, tmp_path)
    assert verdict.why.endswith("exit status 1")
    assert verdict.details[-2:] == ("no \x1b[31m[/oops]", "5000 RPS missed")
    assert sum(map(len, verdict.details)) < 20_000


@pytest.mark.shows("X8")
def test_it_gets_the_plan_and_none_of_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "canary")
    script = """
import json, os, sys
plan = json.load(sys.stdin)
assert plan["schema"] == "multigit.plan/1", plan
assert "canary" not in os.environ.values()
print(*(os.environ["MULTIGIT_" + word] for word in ("PLAN", "SOURCE", "TARGET", "TAG")), os.getcwd())
"""
    verdict = ran(script, tmp_path)
    assert verdict.state == "pass", verdict
    assert verdict.why == f"{plan_of().id} stg prod deploy-20260212-120000 {tmp_path.resolve()}"


def test_a_program_beside_repos_yaml_is_run_without_a_shell(tmp_path: Path) -> None:
    program = tmp_path / "ok"
    program.write_text('#!/bin/sh\necho "$1"\n')
    program.chmod(0o755)
    verdict = command.evaluate(command.Settings(run=("./ok", "$(id); x")), subject(folder=str(tmp_path)))
    assert (verdict.state, verdict.why) == ("pass", "$(id); x")


def test_a_program_that_is_not_there_fails_by_name(tmp_path: Path) -> None:
    verdict = command.evaluate(command.Settings(run=("./gone",)), subject(folder=str(tmp_path)))
    assert (verdict.state, verdict.why) == ("fail", "./gone cannot be run: No such file or directory")


def gone(pid: int) -> bool:
    """Whether the process has ended; a zombie nobody collected counts."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


def test_out_of_time_ends_the_program_and_its_children(tmp_path: Path) -> None:
    script = """
import subprocess, sys, pathlib, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path("pid").write_text(str(child.pid))
print("waiting", flush=True)
child.wait()
"""
    began = time.monotonic()
    verdict = ran(script, tmp_path, timeout="1s")
    assert time.monotonic() - began < 30
    assert (verdict.state, verdict.details) == ("fail", ("waiting",))
    assert "was ended after 1s" in verdict.why
    pid, deadline = int((tmp_path / "pid").read_text()), time.monotonic() + 5
    while not gone(pid):
        assert time.monotonic() < deadline
