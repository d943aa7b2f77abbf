"""Hosts that say no, break, fall silent or are not what they should be: nothing half done, and words that help (X9)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from multigit.apply import engine
from tests.support.fleetkit import FleetKit, Ran
from tests.support.gitkit import bare, plain_git
from tests.support.killer import kinds, stages
from tests.support.servers import HttpGit

NAMES = ("root", "api", "web")
REFUSE = 'while read old new ref; do case "$ref" in {ref}) echo "{words}" >&2; exit 1;; esac; done'
WORDS = "frozen by the platform team"


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FleetKit:
    """Every repository has a feature on dev. Tries follow each other at once."""
    monkeypatch.setattr(engine, "PAUSES", (0.0,))
    kit = FleetKit.make(tmp_path)
    for name in NAMES:
        kit.commit(name, "dev", {"feature.txt": "good\n"}, "feat: good")
    return kit


def refuse(kit: FleetKit, name: str, ref: str) -> None:
    kit.hosts[name].hook("pre-receive", REFUSE.format(ref=ref, words=WORDS))


def heal(kit: FleetKit, name: str) -> None:
    (kit.hosts[name].path / "hooks/pre-receive").unlink()


def explained(ran: Ran, name: str) -> None:
    assert f"{name}: " in ran.text
    assert WORDS in ran.text


# --- one of them says no -----------------------------------------------------------------------------------------


@pytest.mark.shows("G3", "G6")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.fault("pre-receive-rejects-each-k", "protected-branch")
def test_a_branch_refused_by_one_host_leaves_nothing_anywhere(kit: FleetKit, name: str) -> None:
    refuse(kit, name, "refs/heads/stg")
    before = kit.refs()
    ran = kit.promote().exits(3)
    explained(ran, name)
    assert "multigit status" in ran.text
    assert kit.refs() == before
    assert kinds(kit) == ["begin", "aborting", "aborted"]
    assert sum(" ABORT " in line for line in kit.log().splitlines()) == 3
    assert WORDS in kit.log()
    assert stages(kit) == []
    heal(kit, name)
    kit.promote().ok()
    assert [kit.file(n, "stg", "feature.txt") for n in NAMES] == ["good"] * 3


@pytest.mark.shows("G5", "G6")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.fault("protected-tag")
def test_a_tag_refused_by_one_host_leaves_the_run_open_until_it_is_taken(kit: FleetKit, name: str) -> None:
    refuse(kit, name, "refs/tags/*")
    ran = kit.promote().exits(4)
    explained(ran, name)
    assert "multigit resume r-" in ran.text
    assert kinds(kit) == ["begin", "landed"]
    blocked = kit.promote().exits(3)
    assert "is open" in blocked.text
    kit.call("resume", "--yes").exits(4)
    heal(kit, name)
    kit.call("resume", "--yes").ok()
    assert len({tuple(kit.tags("stg-deploy-", n)) for n in NAMES}) == 1
    assert kit.log().count("PROMOTE") == 3


@pytest.mark.shows("G6")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.fault("stage-refused")
def test_a_host_that_takes_no_refs_of_ours_is_found_before_anything_is_visible(kit: FleetKit, name: str) -> None:
    refuse(kit, name, "refs/multigit/*")
    before = kit.refs()
    ran = kit.promote().exits(3)
    explained(ran, name)
    assert kit.refs() == before
    assert kinds(kit) == ["failed"]
    assert "FAILURE" in kit.log()
    assert WORDS in kit.log()


@pytest.mark.shows("G6")
@pytest.mark.fault("fence-refused")
def test_a_host_that_refuses_the_fence_alone_is_left_open_with_its_branch_as_before(kit: FleetKit) -> None:
    refuse(kit, "api", "refs/multigit/fence")
    before = kit.refs()
    ran = kit.promote().exits(4)
    explained(ran, "api")
    assert kit.refs() == before
    assert kinds(kit) == ["begin", "aborting"]
    heal(kit, "api")
    kit.call("abort", "--yes").ok()
    assert kit.refs() == before
    assert kinds(kit)[-1] == "aborted"


@pytest.mark.shows("G6")
def test_a_host_that_refuses_the_ledger_is_quoted(kit: FleetKit) -> None:
    refuse(kit, "root", "refs/heads/multigit-ledger")
    before = kit.refs(ledger=True)
    ran = kit.promote().exits(3)
    assert WORDS in ran.text
    assert "another run was first" not in ran.text
    assert kit.refs(ledger=True) == before


@pytest.mark.shows("G6")
@pytest.mark.parametrize("name", ["root", "web"])
@pytest.mark.fault("undo-rejected")
def test_where_the_undo_is_refused_as_well_the_content_comes_back_and_the_work_is_not_lost(
    kit: FleetKit, name: str
) -> None:
    kit.hosts[name].git("config", "receive.denyNonFastForwards", "true")
    refuse(kit, "api", "refs/heads/stg")
    old, tree, others = kit.head(name, "stg"), kit.tree(name, "stg"), kit.refs()
    ran = kit.promote().exits(3)
    assert "by a commit on top" in ran.text
    assert "every branch is where it was" not in ran.text
    assert kit.tree(name, "stg") == tree
    assert kit.hosts[name].git("rev-list", "--count", f"{old}..stg", "--first-parent") == "2"
    assert {n: refs for n, refs in kit.refs().items() if n != name} == {n: r for n, r in others.items() if n != name}
    assert "result=restored" in kit.log()
    heal(kit, "api")
    kit.promote().ok()
    assert [kit.file(n, "stg", "feature.txt") for n in NAMES] == ["good"] * 3
    assert kit.tree(name, "stg") == kit.tree(name, "dev")


def test_a_hotfix_survives_a_back_merge_that_was_undone_by_a_commit_on_top(kit: FleetKit) -> None:
    for name in ("root", "api"):
        kit.commit(name, "main", {"hot.txt": "hot\n"}, "fix: hot")
    kit.hosts["root"].git("config", "receive.denyNonFastForwards", "true")
    refuse(kit, "api", "refs/heads/stg")
    kit.call("backmerge", "main", "stg", "--yes").exits(3)
    heal(kit, "api")
    kit.call("backmerge", "main", "stg", "--yes").ok()
    assert [kit.file(name, "stg", "hot.txt") for name in ("root", "api")] == ["hot", "hot"]


def test_nor_does_a_promotion_in_between_take_it_off_main(kit: FleetKit) -> None:
    for name in ("root", "api"):
        kit.commit(name, "main", {"hot.txt": "hot\n"}, "fix: hot")
    kit.hosts["root"].git("config", "receive.denyNonFastForwards", "true")
    refuse(kit, "api", "refs/heads/stg")
    kit.call("backmerge", "main", "stg", "--yes").exits(3)
    heal(kit, "api")
    kit.commit("root", "stg", {"new.txt": "new\n"}, "feat: new")
    kit.promote("stg", "main", "--override", "no-backlog=known").ok()
    assert [kit.file("root", "main", path) for path in ("hot.txt", "new.txt")] == ["hot", "new"]
    kit.call("backmerge", "main", "stg", "--yes").ok()
    assert kit.file("root", "stg", "hot.txt") == "hot"


@pytest.mark.shows("G6")
@pytest.mark.fault("post-receive-fails")
def test_a_hook_that_fails_after_the_refs_moved_changes_nothing(kit: FleetKit) -> None:
    for name in NAMES:
        kit.hosts[name].hook("post-receive", "echo deploy webhook is down >&2; exit 1")
    kit.promote().ok()
    assert kinds(kit) == ["begin", "landed", "released"]


# --- they cannot be read -----------------------------------------------------------------------------------------


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


NO_DELETIONS = 'while read o n r; do case "$n" in *[!0]*) ;; *) echo "nobody deletes $r" >&2; exit 1;; esac; done'


@pytest.mark.slow
@pytest.mark.shows("G6")
def test_a_host_where_nobody_deletes_refs_gets_its_tag_and_its_settlement(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", {"feature.txt": "good\n"}, "feat: good")
    for host in kit.hosts.values():
        host.hook("pre-receive", NO_DELETIONS)
    kit.promote().ok()
    assert kit.tags("stg-deploy-", "api") == kit.tags("stg-deploy-", "root") != []
    kit.commit("root", "dev", {"feature.txt": "good\n"}, "feat: good")
    kit.commit("api", "dev", {"feature.txt": "better\n"}, "feat: better")
    before = kit.refs()
    refusing = (
        f"{NO_DELETIONS.replace('while read o n r; do', 'while read o n r; do [ $r = refs/heads/stg ] && exit 1;')}"
    )
    kit.hosts["api"].hook("pre-receive", refusing)
    kit.promote().exits(3)
    assert kit.refs() == before
