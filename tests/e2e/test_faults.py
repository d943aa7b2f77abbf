"""Hosts that say no to some of it: nothing half done, and words that help (X9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit, Ran
from tests.support.killer import kinds, stages
from tests.support.refusing import WORDS, heal, refuse

NAMES = ("root", "api", "web")


def explained(ran: Ran, name: str) -> None:
    assert f"{name}: " in ran.text
    assert WORDS in ran.text


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
