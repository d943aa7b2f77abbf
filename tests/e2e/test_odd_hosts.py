"""Hosts that are gone, down, or not what they should be, and a broken cache: nothing half done (X9)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from multigit.apply import engine
from multigit.vcs import hosts
from tests.support.fleetkit import FleetKit
from tests.support.gitkit import bare, plain_git
from tests.support.killer import kinds
from tests.support.refusing import heal, refuse
from tests.support.servers import HttpGit

NAMES = ("root", "api", "web")


@pytest.mark.shows("X9")
def test_a_host_that_is_gone_stops_everything_before_it_starts(kit: FleetKit) -> None:
    kit.hosts["api"].path.rename(kit.root / "gone")
    before = {n: kit.hosts[n].refs() for n in ("root", "web")}
    ran = kit.promote().exits(1)
    assert "api" in ran.text
    assert "does not" in ran.text
    assert {n: kit.hosts[n].refs() for n in ("root", "web")} == before
    assert "missing" in kit.call("status").exits(1).text


@pytest.mark.shows("X9")
@pytest.mark.parametrize("word", ["resume", "abort"])
def test_without_its_ledger_nobody_says_that_nothing_is_open(kit: FleetKit, word: str) -> None:
    refuse(kit, "api", "refs/tags/*")
    kit.promote().exits(4)
    kit.hosts["root"].path.rename(kit.root / "gone")
    ran = kit.call(word, "--yes").exits(1)
    assert "the ledger cannot be read" in ran.text


@pytest.mark.shows("G10")
def test_a_repository_that_is_down_keeps_the_run_open_and_decides_nothing(kit: FleetKit) -> None:
    refuse(kit, "api", "refs/tags/*")
    kit.promote().exits(4)
    place, away = kit.hosts["web"].path, kit.root / "gone"
    place.rename(away)
    for word in ("resume", "abort"):
        assert "web" in kit.call(word, "--yes").exits(4).text
    assert kinds(kit) == ["begin", "landed", "take", "take"]
    away.rename(place)
    heal(kit, "api")
    kit.call("resume", "--yes").ok()
    assert len({tuple(kit.tags("stg-deploy-", n)) for n in NAMES}) == 1


@pytest.mark.slow
@pytest.mark.shows("X9")
@pytest.mark.parametrize(("status", "step", "code"), [(401, "fetch", 1), (503, "fetch", 1), (403, "push", 3)])
@pytest.mark.fault("http-401", "http-403", "http-5xx", "no-password-prompt")
def test_http_refusals_name_the_repository(
    tmp_path: Path, http_git: HttpGit, monkeypatch: pytest.MonkeyPatch, status: int, step: str, code: int
) -> None:
    monkeypatch.setattr(engine, "PAUSES", (0.0,))
    monkeypatch.setattr(hosts, "PAUSES", (0.0,))
    remote = "".join(f'  {n}: {{url: "{http_git.url(f"hosts/{n}.git")}"}}\n' for n in NAMES)
    kit = FleetKit.make(tmp_path / "served", repos=remote)
    kit.commit("api", "dev", {"feature.txt": "good\n"}, "feat: good")
    http_git.fail("hosts/api.git", status, at=[step])
    before = kit.refs()
    ran = kit.promote().exits(code)
    assert "api: " in ran.text
    assert kit.refs() == before
    http_git.heal()
    kit.promote().ok()


# --- they are not what they should be ----------------------------------------------------------------------------


@pytest.mark.shows("X9")
@pytest.mark.fault("empty-repository", "no-such-branch", "unrelated-histories")
@pytest.mark.parametrize("shape", ["empty", "missing branch", "unrelated"])
def test_odd_repositories_get_a_verdict_of_their_own(kit: FleetKit, shape: str) -> None:
    host = kit.hosts["api"]
    if shape == "empty":
        shutil.rmtree(host.path)
        bare(host.path)
    if shape == "missing branch":
        host.git("update-ref", "-d", "refs/heads/stg")
    if shape == "unrelated":
        host.commit({"other.txt": "1\n"}, on="stg", parents=(), message="another beginning")
    before = kit.refs()
    ran = kit.promote().exits(3)
    assert "api" in ran.text
    assert {"unrelated": "unrelated"}.get(shape, "no branch") in ran.text
    assert kit.refs() == before


@pytest.mark.shows("X9")
@pytest.mark.fault("shallow")
def test_a_shallow_host_is_served_or_refused_but_never_harmed(kit: FleetKit) -> None:
    host, full = kit.hosts["api"], kit.root / "full.git"
    host.commit({"more.txt": "1\n"}, on="dev")
    host.path.rename(full)
    plain_git("clone", "-q", "--bare", "--depth=1", "--no-single-branch", f"file://{full}", str(host.path), at=kit.root)
    before = kit.refs()
    ran = kit.promote()
    assert ran.code in (0, 1, 3), ran
    if ran.code:
        assert "api" in ran.text
        assert kit.refs() == before
    kit.fsck()


@pytest.mark.shows("X9")
@pytest.mark.parametrize("harm", ["objects", "head", "everything"])
@pytest.mark.fault("cache-corrupt")
def test_a_broken_cache_is_never_pushed_but_made_anew(kit: FleetKit, hermetic: Path, harm: str) -> None:
    kit.call("status").ok()
    for mirror in (hermetic / ".cache/multigit/mirrors").glob("*.git"):
        if harm == "head":
            (mirror / "HEAD").unlink()
            continue
        for file in [f for f in (mirror / "objects").rglob("*") if f.is_file()]:
            file.chmod(0o644)
            file.write_bytes(b"garbage")
        if harm == "everything":
            (mirror / "config").write_text("[core\n")
    kit.promote().ok()
    kit.call("status").ok()
    kit.fsck()
