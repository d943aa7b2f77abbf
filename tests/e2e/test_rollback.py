"""Rollback, and the promotion after it (G11, R1-R6): nothing is lost, whatever the order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit


@pytest.fixture
def kit(tmp_path: Path) -> FleetKit:
    """Two releases: the first with feature.txt, the second with bad.txt and a change of app.txt in `api` alone."""
    kit = FleetKit.make(tmp_path)
    for name in kit.names:
        kit.commit(name, "dev", {"feature.txt": "good\n"}, "feat: good")
    kit.release()
    kit.commit("api", "dev", {"bad.txt": "bad\n", "app.txt": "one\nTWO\nthree\n"}, "feat: bad")
    kit.release()
    return kit


def back(kit: FleetKit, word: str = "previous", *more: str) -> None:
    kit.call("rollback", word, "--confirm", "shop main", *more).ok()


@pytest.mark.shows("G11", "R1")
def test_afterwards_the_content_is_that_of_the_tag_and_nothing_was_forced(kit: FleetKit) -> None:
    first, before = kit.tags("deploy-")[0], kit.head("api")
    back(kit, first)
    for name in kit.names:
        assert kit.tree(name, "main") == kit.tree(name, first)
    assert kit.hosts["api"].git("merge-base", "--is-ancestor", before, "main") == ""
    newest = kit.tags("deploy-")[-1]
    assert all(kit.tags("deploy-", name)[-1] == newest for name in kit.names)
    kit.fsck()


@pytest.mark.shows("R2")
def test_the_release_taken_back_is_not_shipped_again_unasked(kit: FleetKit) -> None:
    back(kit)
    before = kit.refs(ledger=True)
    refused = kit.promote("stg", "main").exits(3)
    assert "quarantine" in refused.text
    assert "--reapply" in refused.text
    still = kit.promote("stg", "main", "--reapply").exits(3)
    assert "no new work" in still.text
    assert kit.refs(ledger=True) == before


@pytest.mark.shows("R3")
def test_after_a_fix_everything_arrives_and_the_back_merge_deletes_nothing(kit: FleetKit) -> None:
    back(kit)
    kit.commit("api", "dev", {"bad.txt": "fixed\n"}, "fix: bad")
    kit.promote().ok()
    kit.promote("stg", "main", "--reapply").ok()
    assert kit.file("api", "main", "bad.txt") == "fixed"
    assert kit.file("api", "main", "app.txt") == "one\nTWO\nthree"
    assert kit.tree("api", "main") == kit.tree("api", "stg")
    before = kit.tree("api", "stg")
    kit.call("backmerge", "main", "stg", "--yes").ok()
    assert kit.tree("api", "stg") == before


@pytest.mark.shows("R3")
def test_a_back_merge_right_after_the_rollback_deletes_nothing_either(kit: FleetKit) -> None:
    back(kit)
    kit.commit("api", "main", {"hot.txt": "hot\n"}, "fix: hot")
    kit.call("backmerge", "main", "stg", "--yes").ok()
    assert kit.file("api", "stg", "bad.txt") == "bad"
    assert kit.file("api", "stg", "hot.txt") == "hot"
    kit.commit("api", "stg", {"bad.txt": "fixed\n"}, "fix: bad")
    kit.promote("stg", "main", "--reapply").ok()
    assert [kit.file("api", "main", f) for f in ("bad.txt", "hot.txt", "feature.txt")] == ["fixed", "hot", "good"]


@pytest.mark.shows("R3")
def test_a_hotfix_from_before_the_rollback_survives_the_next_promotion(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    kit.commit("api", "main", {"hot.txt": "hot\n"}, "fix: hot")
    kit.commit("api", "dev", {"feature.txt": "good\n"}, "feat: good")
    kit.promote().ok()
    kit.promote("stg", "main", "--override", "no-backlog=first release").ok()
    first = kit.tags("deploy-")[-1]
    kit.commit("api", "dev", {"bad.txt": "bad\n"}, "feat: bad")
    kit.promote().ok()
    kit.promote("stg", "main", "--override", "no-backlog=known").ok()
    back(kit, first)
    kit.commit("api", "main", {"later.txt": "later\n"}, "fix: later")
    kit.commit("api", "stg", {"bad.txt": "fixed\n"}, "fix: bad")
    kit.promote("stg", "main", "--reapply", "--override", "no-backlog=known").ok()
    found = [kit.file("api", "main", f) for f in ("hot.txt", "later.txt", "bad.txt", "feature.txt")]
    assert found == ["hot", "later", "fixed", "good"]


@pytest.mark.shows("R3")
def test_it_can_be_done_twice(kit: FleetKit) -> None:
    for word in ("once", "twice"):
        back(kit, kit.tags("deploy-")[0])
        kit.commit("api", "dev", {"bad.txt": f"{word}\n"}, f"fix: {word}")
        kit.promote().ok()
        kit.promote("stg", "main", "--reapply").ok()
        assert kit.file("api", "main", "bad.txt") == word
        assert kit.tree("api", "main") == kit.tree("api", "stg")


@pytest.mark.shows("R2")
def test_the_quarantine_can_be_lifted_with_a_reason(kit: FleetKit) -> None:
    back(kit)
    kit.call("hold", "release", "prod").exits(2)
    kit.call("hold", "release", "prod", "-m", "was the network").ok()
    kit.promote("stg", "main").ok()
    assert kit.file("api", "main", "bad.txt") == "bad"
    assert "was the network" in kit.log()


@pytest.mark.shows("R4")
def test_a_revert_made_by_hand_is_not_merged_over_silently(kit: FleetKit) -> None:
    host = kit.hosts["api"]
    merge = kit.head("api")
    tree = host.git("rev-parse", f"{merge}^1^{{tree}}")
    host.commit_tree(tree, (merge,), f'Revert "Merge"\n\nThis reverts commit {merge}, reversing\nchanges', on="main")
    kit.commit("api", "stg", {"more.txt": "more\n"}, "feat: more")
    refused = kit.promote("stg", "main", "--override", "no-backlog=known").exits(3)
    assert "trap" in refused.text
    assert "bad.txt" in refused.text


@pytest.mark.shows("R5")
def test_reset_rewinds_under_lease_and_keeps_the_old_tip(kit: FleetKit) -> None:
    first, before = kit.tags("deploy-")[0], kit.head("api")
    back(kit, first, "--mode", "reset")
    assert kit.head("api") == Oid_of(kit, "api", first)
    kept = [oid for ref, oid in kit.refs(inner=True)["api"].items() if ref.startswith("refs/multigit/kept/")]
    assert kept == [before]
    kit.promote("stg", "main").exits(3)


def Oid_of(kit: FleetKit, repo: str, tag: str) -> str:
    return kit.hosts[repo].git("rev-parse", f"refs/tags/{tag}^{{commit}}")


@pytest.mark.shows("R5")
def test_revert_takes_the_release_back_and_keeps_a_hotfix(kit: FleetKit) -> None:
    kit.commit("api", "main", {"hot.txt": "hot\n"}, "fix: hot")
    back(kit, kit.tags("deploy-")[0], "--mode", "revert")
    assert kit.file("api", "main", "bad.txt") is None
    assert kit.file("api", "main", "hot.txt") == "hot"


@pytest.mark.shows("R6")
def test_the_plan_says_which_hotfixes_would_be_undone(kit: FleetKit) -> None:
    kit.commit("api", "main", {"hot.txt": "hot\n"}, "fix: hot potato")
    shown = kit.call("rollback", kit.tags("deploy-")[0], "--dry-run").ok()
    assert "hot potato" in shown.text


@pytest.mark.shows("G11")
def test_prefix_ambiguous_unknown(kit: FleetKit) -> None:
    first, second = kit.tags("deploy-")
    kit.call("rollback", first, "-n").ok()
    ambiguous = kit.call("rollback", "deploy-2", "-n").exits(2)
    assert first in ambiguous.text
    assert second in ambiguous.text
    kit.call("rollback", "deploy-19990101", "-n").exits(2)


@pytest.mark.shows("G11")
@pytest.mark.fault("tag-of-another-fleet")
def test_a_repository_without_the_tag_goes_to_its_newest_one_before(kit: FleetKit) -> None:
    first, second = kit.tags("deploy-")
    kit.commit("api", "dev", {"third.txt": "3\n"}, "feat: third")
    kit.release()
    kit.hosts["api"].git("update-ref", "-d", f"refs/tags/{second}")
    shown = kit.call("rollback", second, "-n").ok()
    assert f"has no such tag: its state then is {first}" in shown.text
    back(kit, second)
    assert kit.tree("api", "main") == kit.tree("api", first)


@pytest.mark.shows("X4", "R2")
def test_previous_twice_is_previous_once(kit: FleetKit) -> None:
    back(kit)
    before = kit.refs()
    again = kit.call("rollback", "previous", "--confirm", "shop main").ok()
    assert "NOTHING TO DO" in again.text
    assert kit.refs() == before
