"""What the predecessor's scripts did, each reproduced with the real scripts once: never again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit
from tests.support.gitkit import plain_git


@pytest.fixture
def kit(tmp_path: Path) -> FleetKit:
    """Something waits on dev in all three repositories."""
    kit = FleetKit.make(tmp_path)
    for name in kit.names:
        kit.commit(name, "dev", {"f.txt": "1\n"}, "feat: f")
    return kit


@pytest.mark.shows("G6", "G10")
def test_1_a_conflict_in_one_repository_stops_all_before_anything_is_pushed(kit: FleetKit) -> None:
    kit.commit("api", "stg", {"app.txt": "stg\n"}, "fix: on stg")
    kit.commit("api", "dev", {"app.txt": "dev\n"}, "feat: on dev")
    before = kit.refs(ledger=False)
    refused = kit.run("promote", "dev", "stg", "--yes").exits(3)
    for word in ("conflict app.txt", "fix: on stg", "feat: on dev", "git merge origin/stg", "multigit resume"):
        assert word in refused.text, word
    assert kit.refs() == before
    assert not kit.tags("stg-deploy-")


@pytest.mark.slow
@pytest.mark.shows("G10")
def test_1_the_printed_commands_resolve_it_and_resume_goes_on(kit: FleetKit) -> None:
    kit.commit("api", "stg", {"app.txt": "stg\n"}, "fix: on stg")
    kit.commit("api", "dev", {"app.txt": "dev\n"}, "feat: on dev")
    kit.run("promote", "dev", "stg", "--yes").exits(3)
    for _ in range(2):  # asking again before it is resolved says the same, as often as one likes
        unresolved = kit.run("resume").exits(3)
        assert "making the refused plan anew: multigit promote dev stg" in unresolved.text
        assert "conflict app.txt" in unresolved.text
    clone = kit.clone("api", "dev")
    plain_git("pull", "--quiet", "--ff-only", at=clone)
    plain_git("-c", "merge.conflictStyle=merge", "merge", "-X", "ours", "-m", "Merge stg", "origin/stg", at=clone)
    plain_git("push", "--quiet", "origin", "dev", at=clone)
    assert "this needs a yes" in kit.run("resume").exits(3).text
    kit.run("resume", "--yes").ok()
    assert kit.file("api", "stg", "app.txt") == "dev"


@pytest.mark.shows("X4")
def test_2_19_run_again_makes_no_second_tag_and_does_not_look_like_done(kit: FleetKit) -> None:
    first = kit.promote().ok()
    again = kit.promote().ok()
    assert len(kit.tags("stg-deploy-")) == 1
    assert "RELEASED" in first.text
    assert "NOTHING TO DO" in again.text


@pytest.mark.shows("G7")
def test_3_a_failure_is_in_the_log(kit: FleetKit) -> None:
    kit.hosts["web"].hook("pre-receive", 'grep -q refs/heads/stg && { echo "frozen by ops" >&2; exit 1; }; exit 0')
    failed = kit.promote()
    assert failed.code == 3
    assert "frozen by ops" in failed.text
    assert re.search(r"FAILURE|ABORT", kit.log())
    assert "frozen by ops" in kit.log()
    assert all(kit.head(name, "stg") == kit.head(name, "main") for name in kit.names)


@pytest.mark.shows("G6")
def test_4_10_an_unreachable_repository_stops_the_run_by_name(kit: FleetKit) -> None:
    kit.hosts["api"].path.rename(kit.hosts["api"].path.with_suffix(".away"))
    before = {name: kit.hosts[name].refs() for name in ("root", "web")}
    refused = kit.promote()
    assert refused.code == 1
    assert "api" in refused.err
    assert {name: kit.hosts[name].refs() for name in ("root", "web")} == before


@pytest.mark.shows("G6")
def test_7_a_tag_of_that_name_elsewhere_means_the_next_second(kit: FleetKit) -> None:
    kit.promote().ok()
    taken = kit.tags("stg-deploy-")[0]
    for minute in range(3):
        later = f"{taken[:-4]}{int(taken[-4:-2]) + minute:02d}59" if int(taken[-4:-2]) < 57 else ""
        if later:
            kit.hosts["web"].git("tag", later, "stg")
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
    kit.promote().ok()
    newest = kit.tags("stg-deploy-")[-1]
    assert newest not in (taken, "")
    assert newest == max(kit.tags("stg-deploy-", "web"))


@pytest.mark.shows("G6")
def test_8_the_tag_of_a_deployment_that_never_was_does_not_exist(kit: FleetKit) -> None:
    kit.hosts["web"].hook("pre-receive", "grep -q refs/heads/stg && exit 1; exit 0")
    kit.promote().exits(3)
    assert [kit.tags("stg-deploy-", name) for name in kit.names] == [[], [], []]


def test_9_a_person_who_signs_without_a_key_can_still_release(kit: FleetKit, hermetic: Path) -> None:
    with (hermetic / ".gitconfig").open("a") as file:
        file.write("[commit]\n\tgpgSign = true\n[tag]\n\tgpgSign = true\n[user]\n\tsigningKey = NOBODY\n")
        file.write("[push]\n\tfollowTags = true\n")
    kit.promote().ok()
    assert kit.hosts["api"].git("cat-file", "-t", f"refs/tags/{kit.tags('stg-deploy-')[0]}") == "tag"


def test_13_a_branch_that_ends_alike_is_not_the_branch(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.hosts["api"].git("branch", "-m", "dev", "feature/dev")
    refused = kit.promote().exits(3)
    assert "api" in refused.text
    assert "no branch dev" in refused.text


@pytest.mark.fault("ref-full-names")
def test_13_a_tag_called_like_the_branch_is_not_the_branch(kit: FleetKit) -> None:
    for name in ("dev", "stg"):
        kit.hosts["api"].git("tag", name, "main")
    kit.promote().ok()
    assert kit.hosts["api"].git("cat-file", "blob", "refs/heads/stg:f.txt") == "1"


@pytest.mark.shows("G9")
def test_16_what_was_never_merged_back_is_seen(kit: FleetKit) -> None:
    kit.commit("web", "stg", {"hot.txt": "1\n"}, "fix: on stg only")
    shown = kit.call("status").ok()
    assert "1 on stg, not in dev" in shown.text
    assert "multigit backmerge stg dev" in shown.text
    assert "no-backlog" in kit.call("plan", "dev", "stg").text


def test_17_the_tag_s_time_is_that_of_the_configured_zone(kit: FleetKit) -> None:
    kit.promote().ok()
    when = kit.hosts["api"].git(
        "for-each-ref", "--format=%(taggerdate:format:%Y%m%d-%H%M%S %z)", "refs/tags/stg-deploy-*"
    )
    stamp, zone = when.split()
    assert kit.tags("stg-deploy-") == [f"stg-deploy-{stamp}"]
    assert zone == "+0900"


@pytest.mark.shows("X6")
def test_17_a_colleague_s_push_between_plan_and_apply_stops_the_run(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    host = kit.hosts["api"]
    theirs = kit.commit("api", "stg", {"hot.txt": "1\n"}, "fix: colleague")
    host.git("update-ref", "refs/heads/stg", host.git("rev-parse", f"{theirs}^"))
    # The colleague's push arrives just when ours does: the hook runs before git checks our lease.
    git = f"env -i PATH=$PATH git --git-dir={host.path}"
    move = f"test $ref = refs/heads/stg && {git} update-ref refs/heads/stg {theirs}"
    host.hook("pre-receive", f"while read old new ref; do {move}; done; exit 0")
    lost = kit.promote()
    assert lost.code == 3, lost.text
    assert "api" in lost.text
    assert host.head("stg") == theirs
