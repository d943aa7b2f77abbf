"""doctor on whole fleets: each trouble is its own finding with its fix, and nothing is left behind."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.fleetkit import FleetKit, Ran
from tests.support.gitkit import bare, plain_git
from tests.support.snapshots import changed, snapshot

WRITE = ("--write", "--yes")


@pytest.fixture(autouse=True)
def known_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests themselves set is no finding."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)


def look(ran: Ran) -> dict[tuple[str, str], dict[str, Any]]:
    """Findings of a --json run by repository ('' = here) and name."""
    document = ran.json()
    schema = json.loads((files("multigit") / "schemas" / "doctor.1.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["exit_code"] == ran.code
    return {(one["repo"] or "", one["name"]): one for one in document["findings"]}


def ill(found: dict[tuple[str, str], dict[str, Any]]) -> set[tuple[str, str]]:
    return {key for key, one in found.items() if one["state"] == "ng"}


def typed(command: str) -> None:
    """Somebody types the fix."""
    subprocess.run(shlex.split(command.partition("   (")[0]), check=True, capture_output=True, cwd="/")


def test_a_sound_fleet_is_fit_and_nothing_is_changed(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    before, refs = snapshot(kit.work), kit.refs(ledger=True, inner=True)
    ran = kit.call("doctor").ok()
    assert "[NG]" not in ran.out
    assert "Shop  fit for a release" in ran.out
    for name in kit.names:
        assert f"[SKIP] {name:<4}  fence" in ran.out
    found = look(kit.call("doctor", "--json", *WRITE).ok())
    assert not ill(found)
    assert all(found[name, "fence"]["state"] == "ok" for name in kit.names)
    assert found["", "protection"]["state"] == "skip"
    assert kit.refs(ledger=True, inner=True) == refs
    assert changed(before, snapshot(kit.work)) == []


@pytest.mark.slow
@pytest.mark.fault("doctor-says-so", "no-atomic-push", "fence-refused")
def test_each_sick_host_is_its_own_finding_with_its_fix(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "flat", "strict", "hidden", "bald", "gone"))
    kit.hosts["flat"].git("config", "receive.advertiseAtomic", "false")
    kit.hosts["strict"].hook("pre-receive", "grep -q refs/multigit/ && { echo 'policy 7' >&2; exit 1; }; exit 0")
    kit.hosts["hidden"].git("config", "uploadpack.hideRefs", "refs/multigit")
    kit.hosts["bald"].git("update-ref", "-d", "refs/heads/stg")
    gone = kit.hosts.pop("gone")
    gone.path.rename(tmp_path / "away")
    before = kit.refs(ledger=True, inner=True)
    found = look(kit.call("doctor", "--json", *WRITE).exits(1))
    assert ill(found) == {("flat", "atomic"), ("strict", "fence"), ("hidden", "fence"), ("bald", "branches"),
                          ("gone", "reach")}  # fmt: skip
    assert "policy 7" in found["strict", "fence"]["why"]
    assert "hidden" in found["hidden", "fence"]["why"]
    assert "stg" in found["bald", "branches"]["why"]
    assert all(found[key]["fix"] for key in ill(found))
    assert found["gone", "rest"]["state"] == found["flat", "fence"]["state"] == "skip"
    assert kit.refs(ledger=True, inner=True) == before
    typed(found["flat", "atomic"]["fix"])
    kit.clone("bald", "dev")
    typed(found["bald", "branches"]["fix"])
    gone.path.mkdir()
    (tmp_path / "away").rename(gone.path)
    assert ill(look(kit.call("doctor", "--json", *WRITE).exits(1))) == {("strict", "fence"), ("hidden", "fence")}


def test_a_probe_that_cannot_be_deleted_is_said_with_the_command(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    before = kit.refs(inner=True)
    kit.hosts["root"].hook("pre-receive", "! grep -q ' 0000000'")
    stuck = look(kit.call("doctor", "--json", *WRITE).exits(1))["root", "fence"]
    left = [ref for ref in kit.refs(inner=True)["root"] if ref.startswith("refs/multigit/probe/")]
    assert len(left) == 2
    assert all(ref in stuck["fix"] for ref in left)
    kit.hosts["root"].hook("pre-receive", "exit 0")
    later = look(kit.call("doctor", "--json").ok())["root", "leftovers"]
    assert later["state"] == "warn"
    assert later["fix"] == stuck["fix"]
    for command in later["fix"].splitlines():
        typed(command)
    assert kit.refs(inner=True) == before


def test_nothing_is_pushed_without_consent(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    kit.hosts["root"].hook("pre-receive", f"touch {tmp_path}/pushed")
    kit.call("doctor").ok()
    assert "[SKIP] root  fence" in kit.call("doctor", "-n", *WRITE).ok().out
    assert "nobody to ask" in kit.call("doctor", "--write").exits(3).err
    assert not (tmp_path / "pushed").exists()
    kit.call("doctor", *WRITE).ok()
    assert (tmp_path / "pushed").exists()


def test_env_and_repo_narrow_what_is_looked_at(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    kit.hosts["api"].git("update-ref", "-d", "refs/heads/stg")
    kit.call("doctor", "prod").ok()
    found = look(kit.call("doctor", "staging", "--json", "-r", "web").ok())
    assert {repo for repo, _ in found} == {"", "web"}
    assert found["web", "branches"]["why"] == "stg"
    assert ill(look(kit.call("doctor", "staging", "--json").exits(1))) == {("api", "branches")}
    kit.call("doctor", "nowhere").exits(2)


@pytest.mark.slow
def test_open_runs_holds_and_left_over_stages_are_told(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.call("hold", "set", "prod", "-m", "설 연휴").ok()
    found = look(kit.call("doctor", "--json").ok())
    assert (found["", "holds"]["state"], "설 연휴" in found["", "holds"]["why"]) == ("warn", True)
    assert ("", "holds") not in look(kit.call("doctor", "stg", "--json").ok())
    kit.commit("api", "dev", {"f.txt": "1\n"})
    kit.hosts["api"].hook("pre-receive", "grep -q refs/tags/ && exit 1; exit 0")
    kit.promote().exits(4)
    found = look(kit.call("doctor", "--json").exits(1))
    assert ill(found) == {("", "runs")}
    assert any(ref.startswith("refs/multigit/stage/") for ref in kit.hosts["api"].refs())
    assert found["api", "leftovers"]["state"] == "ok"  # the open run still needs it
    kit.hosts["api"].hook("pre-receive", "exit 0")
    kit.call(*shlex.split(found["", "runs"]["fix"].splitlines()[0])[1:], "--yes").ok()
    assert not ill(look(kit.call("doctor", "--json").ok()))
    kit.hosts["api"].git("update-ref", "refs/multigit/stage/r-0123456789ab", "main")
    left = look(kit.call("doctor", "--json").ok())["api", "leftovers"]
    assert left["state"] == "warn"
    typed(left["fix"])
    assert "refs/multigit/stage/r-0123456789ab" not in kit.hosts["api"].refs()


@pytest.mark.fault("journal-garbage")
def test_our_own_folders_are_private_or_it_is_said(tmp_path: Path, hermetic: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    kit.call("doctor").ok()
    state = hermetic / ".local/state/multigit"
    state.chmod(0o755)
    found = look(kit.call("doctor", "--json").exits(1))
    assert ill(found) == {("", "state")}
    typed(found["", "state"]["fix"])
    (state / "journal.sqlite3").write_bytes(b"garbage" * 1000)
    assert ill(look(kit.call("doctor", "--json").exits(1))) == {("", "journal")}
    (state / "journal.sqlite3").unlink()
    kit.call("doctor").ok()


def test_a_state_folder_that_cannot_be_one_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    (tmp_path / "state").write_text("a file\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert ill(look(kit.call("doctor", "--json").exits(1))) == {("", "state")}


def test_a_home_repository_that_is_away_is_said_even_if_others_are_asked_for(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.hosts["root"].path.rename(tmp_path / "away")
    found = look(kit.call("doctor", "--json", "-r", "api").exits(1))
    assert ill(found) == {("", "ledger")}
    assert found["api", "leftovers"]["state"] == "skip"


@pytest.mark.slow
@pytest.mark.fault("git-floor", "env-git-dir")
def test_an_old_git_a_missing_name_and_a_poor_terminal(tmp_path: Path, hermetic: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    unwise = "[user]\n\tuseConfigOnly = true\n[protocol]\n\tversion = 0\n[http]\n\tsslVerify = no\n"
    (hermetic / ".gitconfig").write_text(unwise)
    surroundings = {"PYTHONIOENCODING": "ascii", "GIT_DIR": "/elsewhere", "GIT_SSL_CAINFO": "/x.pem"}
    found = look(kit.run("doctor", "--json", env=surroundings).exits(1))
    assert ill(found) == {("", "identity")}
    assert "user.name" in found["", "identity"]["fix"]
    assert found["", "encoding"]["state"] == "warn"
    assert found["", "variables"]["fix"] == "unset GIT_DIR GIT_SSL_CAINFO"
    assert "your own setting, 0, is not used" in found["", "protocol"]["why"]
    assert found["", "certificates"]["fix"] == "git config --global --unset http.sslverify"
    old = tmp_path / "bin"
    old.mkdir()
    (old / "git").write_text("#!/bin/sh\necho git version 2.30.2\n")
    (old / "git").chmod(0o755)
    found = look(kit.run("doctor", "--json", env={"PATH": f"{old}:{os.environ['PATH']}"}).exits(1))
    assert ill(found) == {("", "git")}
    assert "2.30.2 is too old" in found["", "git"]["why"]
    assert found["", "remotes"]["state"] == "skip"


def test_who_may_not_sign_is_told_before_the_release(tmp_path: Path, hermetic: Path) -> None:
    key = hermetic / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = " ".join((hermetic / "key.pub").read_text().split()[:2])
    others = public[:-4] + ("AAAA" if public[-4:] != "AAAA" else "BBBB")
    kit = FleetKit.make(
        tmp_path, ("root",),
        environments="environments:\n  dev: {branch: dev, signers: [kim@example.com]}\n"
        '  prod: {branch: main, tag: "d-{now:%Y%m%d-%H%M%S}", signers: [lee@example.com]}\n',
        extra=f"signing: {{signers: {{kim@example.com: {public}, lee@example.com: {others}}}}}\n",
    )  # fmt: skip
    found = look(kit.call("doctor", "--json").exits(1))
    assert ill(found) == {("", "signing")}
    assert "user.signingKey" in found["", "signing"]["fix"]
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", f"{key}.pub")):
        plain_git("config", "--file", str(hermetic / ".gitconfig"), name, value, at=tmp_path)
    assert "you sign as kim@example.com" in look(kit.call("doctor", "dev", "--json").ok())["", "signing"]["why"]
    refused = look(kit.call("doctor", "prod", "--json").exits(1))["", "signing"]["why"]
    assert "released by lee@example.com; your key is kim@example.com" in refused


def test_an_empty_host_has_no_branches_yet(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.hosts["api"].path.rename(tmp_path / "old")
    bare(kit.hosts["api"].path)
    assert ill(look(kit.call("doctor", "--json", *WRITE).exits(1))) == {("api", "branches")}


@pytest.mark.slow
@pytest.mark.fault("git-floor")
def test_a_machine_without_git_is_told_so_by_every_verb(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, (), repos="  root: {url: 'git@host.invalid:shop/root.git'}\n")
    nowhere = {"PATH": str(tmp_path / "none")}
    assert ill(look(kit.run("doctor", "--json", env=nowhere).exits(1))) == {("", "git")}
    status = kit.run("status", env=nowhere).exits(1)
    assert "git was not found" in status.err
    assert "Traceback" not in status.err
