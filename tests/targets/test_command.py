"""The target `command`: a program of the team brings the release."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from multigit.errors import MultigitError, UsageError
from multigit.model.names import Branch, EnvName, Oid, RepoName, Tag
from multigit.model.target import Release
from multigit.targets import Clients, command, settings_of
from tests.support.targets import bring
from tests.unit.test_checks_command import gone

COMMIT = Oid("abcdef0" + "12" * 16 + "3")
CANARY = "c4n4ry-of-no-known-shape"


def release(**values: Any) -> Release:
    named: dict[str, Any] = {
        "env": EnvName("stg"), "repo": RepoName("api"), "commit": COMMIT, "branch": Branch("stg"),
        "tag": Tag("deploy-20260212-120000"), "deployment": "d-1", "step": "api/deploy",
        "since": datetime(2026, 2, 12, 3, tzinfo=UTC),
    }  # fmt: skip
    return Release(**named | values)


def clients(folder: Path, said: list[str] | None = None) -> Clients:
    return Clients(folder=folder, clone=folder / "api", say=(said if said is not None else []).append)


def of(**values: Any) -> Any:
    return settings_of(command, values)


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


@pytest.mark.shows("G12")
def test_a_program_brings_the_release_and_is_told_which(tmp_path: Path) -> None:
    script = """
import os, pathlib
told = {name: value for name, value in os.environ.items() if name.startswith("MULTIGIT_")}
print(*(f"{name}={told[name]}" for name in sorted(told)), os.getcwd(), sep="\\n")
"""
    said: list[str] = []
    end = bring(command, of(run=python(script)), release(), clients(tmp_path, said))
    assert (end.state, dict(end.artefact)) == ("ok", {"commit": COMMIT})
    assert said == [
        f"MULTIGIT_CLONE={tmp_path / 'api'}",
        f"MULTIGIT_COMMIT={COMMIT}",
        "MULTIGIT_ENV=stg",
        "MULTIGIT_REPO=api",
        "MULTIGIT_TAG=deploy-20260212-120000",
        "MULTIGIT_TOKEN=d-1/api/deploy",
        str(tmp_path.resolve()),
    ]


@pytest.mark.parametrize("fault", ["build", "test", "deploy"])
def test_a_failure_has_the_end_of_its_output_and_its_class(tmp_path: Path, fault: str) -> None:
    script = "for n in range(99): print('단계', n, flush=True)\nraise SystemExit('no credentials')"
    end = bring(command, of(run=python(script), fault=fault), release(), clients(tmp_path))
    assert (end.state, end.fault, end.artefact) == ("failed", fault, {})
    assert end.why == f"{sys.executable}: exit status 1"
    assert end.details[-2:] == ("단계 98", "no credentials")
    assert len(end.details) == 30


def test_a_ticket_is_json_and_says_the_same_later(tmp_path: Path) -> None:
    settings = of(run=python("print('done \\udcff'.encode('utf-8', 'replace'))"))
    ticket = command.deploy(settings, release(), clients(tmp_path))
    again = json.loads(json.dumps(ticket))
    assert command.poll(settings, again, clients(tmp_path)) == command.poll(settings, ticket, clients(tmp_path))


def test_out_of_time_ends_the_program_and_its_children(tmp_path: Path) -> None:
    script = """
import pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path("pid").write_text(str(child.pid))
print("waiting", flush=True)
child.wait()
"""
    end = bring(command, of(run=python(script), timeout="1s"), release(), clients(tmp_path))
    assert (end.state, end.why, end.details) == ("failed", f"{sys.executable}: was ended after 1s", ("waiting",))
    pid, deadline = int((tmp_path / "pid").read_text()), time.monotonic() + 5
    while not gone(pid):
        assert time.monotonic() < deadline


def test_a_program_that_is_not_there_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(MultigitError) as caught:
        bring(command, of(run=["./gone"]), release(), clients(tmp_path))
    assert (caught.value.what, caught.value.why) == ("./gone cannot be run", "No such file or directory")


# --- what runs ---


@pytest.mark.parametrize(
    ("printed", "state"),
    [
        (f"api {COMMIT} since 07:00", "here"),
        ("running:\\n  api@abcdef0", "here"),
        ("abcdef", "other"),  # six digits are too few to be sure
        ("api 1234567", "other"),
        (f"{COMMIT}ff00", "other"),  # another id that begins alike
        ("", "other"),
    ],
)
@pytest.mark.shows("X4")
def test_what_runs_is_known_by_the_commit_that_is_printed(tmp_path: Path, printed: str, state: str) -> None:
    settings = of(run=python("print('ran', file=open('ran', 'w'))"), current=python(f"print('{printed}')"))
    assert command.current(settings, release(), clients(tmp_path)).state == state
    bring(command, settings, release(), clients(tmp_path))
    assert (tmp_path / "ran").exists() == (state == "other")


def test_a_number_is_not_recorded_as_a_commit(tmp_path: Path) -> None:
    settings = of(run=["true"], current=python("print('arn:aws:ecs:ap-northeast-2:123456789012 api@cdcdcdcd')"))
    found = command.current(settings, release(), clients(tmp_path))
    assert (found.state, found.artefact["commit"]) == ("other", "cdcdcdcd")


def test_one_that_does_not_know_what_runs_does_not_stop_the_release(tmp_path: Path) -> None:
    settings = of(run=["true"], current=python(f"print('{COMMIT}'); raise SystemExit(1)"))
    found = command.current(settings, release(), clients(tmp_path))
    assert (found.state, found.what) == ("other", f"not known: {sys.executable} does not say")
    assert command.current(of(run=["true"]), release(), clients(tmp_path)).state == "other"


def test_what_it_is_called_is_recorded_and_brings_it_back(tmp_path: Path) -> None:
    deploys = "import os; open('now', 'w').write('v' + os.environ['MULTIGIT_COMMIT'][:2])"
    back = "import os; open('now', 'w').write(os.environ['MULTIGIT_WHAT'])"
    settings = of(run=python(deploys), rollback=python(back), current=python("print(open('now').read())"))
    first, here = bring(command, settings, release(), clients(tmp_path)), clients(tmp_path)
    assert dict(first.artefact) == {"commit": COMMIT, "what": "vab"}
    bring(command, settings, release(commit=Oid("cd" * 20)), here)
    assert (tmp_path / "now").read_text() == "vcd"
    earlier = release(artefact=first.artefact)
    assert command.current(settings, earlier, here).state == "other"
    assert bring(command, settings, earlier, here).artefact == first.artefact
    assert (tmp_path / "now").read_text() == "vab"
    assert command.current(settings, earlier, here).state == "here"


def test_without_a_rollback_the_program_is_run_with_what_was_recorded(tmp_path: Path) -> None:
    script = "import os, json; print(json.loads(os.environ['MULTIGIT_ARTEFACT'])['what'])"
    end = bring(command, of(run=python(script)), release(artefact={"commit": COMMIT, "what": "vab"}), clients(tmp_path))
    assert (end.state, end.why) == ("ok", "vab")


def test_going_back_never_brings_the_commit_that_failed(tmp_path: Path) -> None:
    bad = Oid("cd" * 20)  # which is what {sha} stands for while this deployment goes back
    script = "import os, sys; open('now', 'w').write(' '.join([os.environ['MULTIGIT_COMMIT'], *sys.argv[1:]]))"
    account = "123456789012"  # is no commit
    settings = of(run=[*python(script), account, bad[:8]])
    with pytest.raises(MultigitError, match="would bring another commit than abcdef0 back"):
        bring(command, settings, release(commit=bad, artefact={"commit": COMMIT}), clients(tmp_path))
    assert not (tmp_path / "now").exists()
    again = of(run=[*python(script), account])
    bring(command, again, release(commit=bad, artefact={"commit": COMMIT}), clients(tmp_path))
    assert (tmp_path / "now").read_text() == f"{COMMIT} {account}"


def test_what_ran_before_is_not_recorded_as_the_release(tmp_path: Path) -> None:
    end = bring(command, of(run=["true"], current=python("print('cdcdcdc')")), release(), clients(tmp_path))
    assert dict(end.artefact) == {"commit": COMMIT}


# --- secrets ---


@pytest.mark.shows("X8")
def test_it_gets_the_secrets_that_are_named_and_they_are_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_KEY", CANARY)
    monkeypatch.setenv("GITHUB_TOKEN", "another-c4n4ry")
    script = """
import os, sys
assert "GITHUB_TOKEN" not in os.environ
key = os.environ["KEY"]
print("x" * 70000 + key + "x" * 70000 + key)
print(f"using {key} at https://me:hunter2hunter2@example.com", flush=True)
print("\\u001b[31m" + key, end="")
sys.exit(3)
"""
    said: list[str] = []
    settings = of(run=python(script), variables={"KEY": "${env:DEPLOY_KEY}"})
    ticket = command.deploy(settings, release(), clients(tmp_path, said))
    end = command.poll(settings, ticket, clients(tmp_path))
    told = repr((ticket, end, said))
    assert CANARY not in told
    assert "hunter2" not in told
    assert CANARY[4:] not in told
    assert "using *** at https://***@example.com" in end.details
    assert len(said) == 3


def test_a_secret_that_is_not_set_is_named_and_nothing_is_run(tmp_path: Path) -> None:
    settings = of(run=python("open('ran', 'w')"), variables={"KEY": "${env:NOT_SET_HERE}"})
    with pytest.raises(MultigitError, match="NOT_SET_HERE is not set"):
        bring(command, settings, release(), clients(tmp_path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"run": []}, "run needs a program"),
        ({"run": ["x"], "current": [""]}, "current needs a program"),
        ({"run": ["x"], "timeout": "0s"}, "timeout must be between"),
        ({"run": ["x"], "timeout": "soon"}, "is no duration"),
        ({"run": ["x"], "fault": "bad"}, "fault"),
        ({"run": ["x"], "variables": {"MULTIGIT_TOKEN": "${env:A}"}}, "cannot be given"),
        ({"run": ["x"], "variables": {"KEY": "p4ssw0rd"}}, "write ${env:NAME}"),
        ({"run": "x y"}, "run"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        of(**values)
    assert told in caught.value.why
    assert "p4ssw0rd" not in caught.value.why
