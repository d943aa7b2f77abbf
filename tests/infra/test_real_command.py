"""The command as people type it, against a server that plays AWS: old name, terminal, and kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from multigit.examples import example
from tests.cli.test_old_names import SCRIPTS, put_on_path
from tests.support.cloud import HEAD, ONE_OF_EACH, REGION
from tests.tty.test_ask import Terminal

pytestmark = pytest.mark.slow
MULTIGIT = (sys.executable, "-m", "multigit")


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder; the environment leads to an empty account."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()  # other tests of this process
    for name, value in (("ENDPOINT_URL", f"http://{host}:{port}"), ("ACCESS_KEY_ID", "k"), ("SECRET_ACCESS_KEY", "s")):
        monkeypatch.setenv(f"AWS_{name}", value)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    server.stop()


def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*MULTIGIT, *words], capture_output=True, encoding="utf-8", check=False, timeout=100)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.mark.shows("G14", "G17")
def test_glis_habit_still_works(account: Path, tmp_path: Path) -> None:
    (account / "repos.yaml").write_text(example("gli"), encoding="utf-8")
    env = put_on_path(tmp_path / "bin", f'exec "{sys.executable}" -m multigit "$@"')
    script = SCRIPTS / "setup-aws-infrastructure.sh"
    assert len(script.read_text().splitlines()) <= 3
    told = subprocess.run([script, "stg", "--yes"], env=env, capture_output=True, encoding="utf-8", check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "done: 16 resources" in told.stdout
    logs = boto3.session.Session().client("logs", region_name=REGION)
    names = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    assert names == ["/gli/api-server/staging", "/gli/user-frontend/staging", "/gli/websocket/staging"]
    assert "nothing to do: 16 as they should be" in run("infra", "plan", "stg", "--exit-code").stdout


@pytest.mark.shows("G14", "X3")
def test_at_a_terminal_production_is_agreed_to_and_typed(account: Path) -> None:
    (account / "repos.yaml").write_text(HEAD + ONE_OF_EACH.replace("envs: [stg]", "envs: [prod]"), encoding="utf-8")
    for answers, exits in (((("(y/N)", "n\r"),), 3), ((("(y/N)", "y\r"), ("go on:", "shop stg\r")), 3),
                           ((("(y/N)", "\x03"),), 130)):  # fmt: skip
        code, text = typed(answers)
        assert code == exits, text
    assert "to make" in run("infra", "plan", "--exit-code", code=10).stdout
    code, text = typed((("resources in AWS account 123456789012", ""), ("(y/N)", "y\r"), ("go on:", "shop main\r")))
    assert code == 0, text
    assert "looked at again, nothing differs" in text
    run("infra", "plan", "--exit-code")


def typed(steps: tuple[tuple[str, str], ...]) -> tuple[int, str]:
    it = Terminal(command=(*MULTIGIT, "infra", "apply"))
    try:
        for seen, keys in steps:
            it.sees(seen)
            if keys:
                it.types(keys)
        return it.ends(), it.raw
    finally:
        it.child.close(force=True)


@pytest.mark.shows("X5")
@pytest.mark.fault("infra-killed")
def test_kill_9_and_the_same_command_goes_on(account: Path) -> None:
    groups = "".join(f'    "/shop/{number}": {{}}\n' for number in range(40))
    section = ONE_OF_EACH.partition("  ecr:")[0] + f"  logs:\n{groups}"
    (account / "repos.yaml").write_text(HEAD + section, encoding="utf-8")
    logs = boto3.session.Session().client("logs", region_name=REGION)
    child = subprocess.Popen(
        [*MULTIGIT, "infra", "apply", "--yes", "--jobs", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not logs.describe_log_groups()["logGroups"] and time.monotonic() < until:
        assert child.poll() is None
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(30) == -signal.SIGKILL
    assert len(logs.describe_log_groups()["logGroups"]) > 0
    run("infra", "apply", "--yes")
    assert "nothing to do: 40 as they should be" in run("infra", "plan", "--exit-code").stdout
