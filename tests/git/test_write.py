"""Pushes: all or none, each under its lease; what is refused, what is stale and what is simply not known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from multigit.model.names import Oid, RepoName, Tag
from multigit.model.objects import NewCommit, NewTag, Signature
from multigit.vcs import read, run, write
from multigit.vcs.mirror import Mirror, fetch, open_mirror
from multigit.vcs.write import PushReport, RefUpdate, push
from tests.support.gitkit import Bare, bare, mirrored, plain_git
from tests.support.servers import HttpGit

MAIN, TAG, FENCE = "refs/heads/main", "refs/tags/deploy-20260212-070000", "refs/multigit/fence"


@pytest.fixture
def host(tmp_path: Path) -> Bare:
    made = bare(tmp_path / "host")
    made.commit({"a": "1"})
    return made


def head(host: Bare) -> Oid:
    found = host.head()
    assert found
    return found


def child(mirror: Mirror, parent: Oid, message: str = "new") -> Oid:
    who = "x <x@y> 1700000000 +0000"
    body = f"tree {read.tree_of(mirror, parent)}\nparent {parent}\nauthor {who}\ncommitter {who}\n\n{message}\n"
    return write.write_object(mirror, "commit", body.encode())


@pytest.mark.shows("G3")
def test_branch_tag_and_fence_arrive_together(host: Bare) -> None:
    mirror, old = mirrored(host), head(host)
    new = child(mirror, old)
    report = push(
        mirror,
        [
            RefUpdate(ref=MAIN, old=old, new=new),
            RefUpdate(ref=TAG, old=None, new=new),
            RefUpdate(ref=FENCE, old=None, new=new),
        ],
    )
    assert report == PushReport(done=True)
    assert {host.ref(ref) for ref in (MAIN, TAG, FENCE)} == {new}


def test_one_rejected_branch_leaves_every_ref_alone(host: Bare) -> None:
    host.hook("update", 'case "$1" in refs/heads/*) echo "GH006: main is frozen" >&2; exit 1;; esac')
    mirror, old = mirrored(host), head(host)
    new = child(mirror, old)
    before = host.refs()
    report = push(mirror, [RefUpdate(ref=TAG, old=None, new=new), RefUpdate(ref=MAIN, old=old, new=new)])
    assert not report.done
    assert not report.stale
    assert "GH006: main is frozen" in report.refused
    assert host.refs() == before


@pytest.mark.shows("G6")
def test_a_pre_receive_hook_s_no_is_told_in_its_words(host: Bare) -> None:
    host.hook("pre-receive", "echo '=====' >&2; echo 'sign your commits' >&2; exit 1")
    mirror, old = mirrored(host), head(host)
    report = push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old))])
    assert report.refused == "pre-receive hook declined; sign your commits"


@pytest.mark.shows("X6")
def test_a_colleague_s_push_makes_the_lease_stale(host: Bare) -> None:
    mirror, old = mirrored(host), head(host)
    colleague = host.commit({"b": "theirs"})
    report = push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old)), RefUpdate(ref=TAG, old=None, new=old)])
    assert (report.done, report.refused, report.stale) == (False, "", True)
    assert host.head() == colleague
    assert host.ref(TAG) is None


def test_a_tag_that_exists_is_never_moved(host: Bare) -> None:
    mirror, old = mirrored(host), head(host)
    host.git("update-ref", TAG, old)
    report = push(mirror, [RefUpdate(ref=TAG, old=None, new=child(mirror, old))])
    assert report.stale
    assert host.ref(TAG) == old


@pytest.mark.fault("tag-exists-same")
def test_a_ref_that_is_there_already_does_not_hinder_the_others(host: Bare) -> None:
    mirror, old = mirrored(host), head(host)
    new = child(mirror, old)
    host.git("fetch", "--quiet", str(mirror.path), new)
    host.git("update-ref", MAIN, new)
    both = [RefUpdate(ref=MAIN, old=old, new=new), RefUpdate(ref=TAG, old=None, new=new)]
    assert push(mirror, both).done
    assert host.ref(TAG) == new
    assert push(mirror, both).done, "a second time is the same as once"


def test_a_ref_that_would_lose_commits_is_not_moved_unless_meant(host: Bare) -> None:
    first = head(host)
    second = host.commit({"a": "2"})
    mirror = mirrored(host)
    report = push(mirror, [RefUpdate(ref=MAIN, old=second, new=first)])
    assert "would lose commits" in report.refused
    assert host.head() == second
    assert push(mirror, [RefUpdate(ref=MAIN, old=second, new=first, forced=True)]).done
    assert host.head() == first


def test_a_commit_written_on_the_tip_is_pushed_by_one_process(host: Bare) -> None:
    mirror, old = mirrored(host), head(host)
    new = child(mirror, old)
    ran: list[tuple[str, ...]] = []
    run.listen(lambda argv, seconds: ran.append(argv))
    try:
        assert push(mirror, [RefUpdate(ref=MAIN, old=old, new=new)]).done
    finally:
        run.listen(None)
    assert [argv[1] for argv in ran] == ["push"]
    assert host.head() == new


def test_a_host_that_denies_rewinds_has_refused(host: Bare) -> None:
    first = head(host)
    second = host.commit({"a": "2"})
    host.git("config", "receive.denyNonFastForwards", "true")
    mirror = mirrored(host)
    report = push(mirror, [RefUpdate(ref=MAIN, old=second, new=first, forced=True)])
    assert "non-fast-forward" in report.refused
    assert host.head() == second


def test_deleting_names_the_value_it_deletes(host: Bare) -> None:
    mirror, old = mirrored(host), head(host)
    host.git("update-ref", FENCE, old)
    other = child(mirror, old)
    assert push(mirror, [RefUpdate(ref=FENCE, old=other, new=None)]).stale
    assert host.ref(FENCE) == old
    assert push(mirror, [RefUpdate(ref=FENCE, old=old, new=None)]).done
    assert host.ref(FENCE) is None
    assert not push(mirror, [RefUpdate(ref=FENCE, old=old, new=None)]).refused


def test_nothing_to_move_is_done(host: Bare) -> None:
    assert push(mirrored(host), []).done


@pytest.mark.shows("X5")
def test_a_server_that_dies_leaves_the_outcome_unknown(host: Bare) -> None:
    # The hook runs inside the server, whose parent is the process that serves us.
    host.hook("pre-receive", "kill -9 $PPID")
    mirror, old = mirrored(host), head(host)
    report = push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old))])
    assert (report.done, report.refused, report.stale) == (False, "", False)
    assert report.problem
    assert report.problem.why


@pytest.mark.slow
def test_a_push_that_takes_too_long_is_unknown(host: Bare) -> None:
    host.hook("pre-receive", "sleep 60")
    mirror, old = mirrored(host), head(host)
    report = push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old))], timeout=1)
    assert report.problem
    assert (report.done, report.refused, report.problem.kind) == (False, "", "timeout")


@pytest.mark.fault("post-receive-fails")
def test_a_post_receive_hook_that_fails_changes_nothing_about_done(host: Bare) -> None:
    host.hook("post-receive", "echo 'mail server down' >&2; exit 1")
    mirror, old = mirrored(host), head(host)
    assert push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old))]).done


@pytest.mark.fault("no-atomic-push")
def test_a_host_without_atomic_push_is_refused_by_us(host: Bare) -> None:
    host.git("config", "receive.advertiseAtomic", "false")
    mirror, old = mirrored(host), head(host)
    report = push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old))])
    assert "atomic" in report.refused
    assert host.head() == old


def test_a_host_that_is_not_there_is_a_problem(host: Bare) -> None:
    mirror, old = mirrored(host), head(host)
    new = child(mirror, old)
    host.path.rename(host.path.with_name("gone"))
    report = push(mirror, [RefUpdate(ref=MAIN, old=old, new=new)])
    assert report.problem
    assert (report.refused, report.problem.kind) == ("", "missing")


def test_a_connection_that_is_refused_is_no_refusal(host: Bare) -> None:
    mirror, old = mirrored(host), head(host)
    away = Mirror(mirror.repo, "http://127.0.0.1:1/x.git", mirror.path)
    report = push(away, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old))])
    assert report.problem
    assert (report.refused, report.problem.kind) == ("", "unreachable")


def test_a_colleague_who_is_faster_inside_the_server_makes_it_stale(host: Bare) -> None:
    mirror, old = mirrored(host), head(host)
    colleague = host.commit({"b": "theirs"}, on="other")
    host.hook("pre-receive", f"unset GIT_QUARANTINE_PATH; git update-ref {MAIN} {colleague}")
    report = push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old)), RefUpdate(ref=TAG, old=None, new=old)])
    assert (report.done, report.refused, report.stale) == (False, "", True)
    assert (host.head(), host.ref(TAG)) == (colleague, None)


def test_a_hook_cannot_pass_its_no_off_as_a_race(host: Bare) -> None:
    host.hook("pre-receive", "echo 'ticket says: stale info, reference already exists' >&2; exit 1")
    mirror, old = mirrored(host), head(host)
    report = push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old))])
    assert (bool(report.refused), report.stale) == (True, False)


@pytest.mark.fault("follow-tags-off", "mirror-hooks")
def test_personal_push_settings_add_nothing(host: Bare, hermetic: Path, tmp_path: Path) -> None:
    hook = tmp_path / "hooks/pre-push"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (hermetic / ".gitconfig").write_text(
        f"[push]\n\tfollowTags = true\n\tpushOption = ci.skip\n\tgpgSign = true\n[core]\n\thooksPath = {hook.parent}\n"
    )
    mirror, old = mirrored(host), head(host)
    new = child(mirror, old)
    plain_git("tag", "-a", "-m", "mine", "private", new, at=mirror.path)
    assert push(mirror, [RefUpdate(ref=MAIN, old=old, new=new)]).done
    assert set(host.refs()) == {MAIN}


@pytest.mark.parametrize("like", ["sha1", "sha256"])
def test_objects_are_what_git_would_have_written(tmp_path: Path, like: str) -> None:
    mirror = open_mirror(RepoName("api"), str(tmp_path / "nowhere"), like)
    tree = write.empty_tree(mirror)
    by = Signature(name="김민수", email="kim@example.invalid", when=datetime(2026, 2, 11, 6, 0, tzinfo=UTC))
    commit = NewCommit(tree=tree, parents=(), message="합치기\n\n# 이슈 7", by=by)
    tag = NewTag(tag=Tag("v1"), commit=commit.oid, message="출시", by=by)
    for _ in range(2):  # a second run writes them once more
        assert write.write_object(mirror, "commit", commit.body()) == commit.oid
        assert write.write_object(mirror, "tag", tag.body()) == tag.oid
    assert plain_git("cat-file", "commit", commit.oid, at=mirror.path) == commit.body().decode().rstrip("\n")
    assert plain_git("cat-file", "tag", tag.oid, at=mirror.path) == tag.body().decode().rstrip("\n")
    plain_git("fsck", "--strict", "--full", tag.oid, at=mirror.path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "steps", "refused", "kind"),
    [
        (403, ("probe", "push"), True, ""),
        (403, ("push",), True, ""),
        (401, ("probe", "push"), False, "auth"),
        (503, ("push",), False, "unreachable"),
        (404, ("probe",), False, "missing"),
    ],
)
@pytest.mark.fault("http-401", "http-403", "http-404", "http-5xx")
def test_a_web_host_s_no_and_its_trouble_are_different(
    http_git: HttpGit, status: int, steps: tuple[str, ...], refused: bool, kind: str
) -> None:
    host = bare(http_git.root / "x.git")
    old = host.commit({"a": "1"})
    mirror = open_mirror(RepoName("x"), http_git.url("x.git"))
    fetch(mirror, {"refs/multigit/have/main": old})
    http_git.fail("x.git", status, at=steps)
    report = push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old))])
    assert (report.done, bool(report.refused), report.stale) == (False, refused, False)
    assert (report.problem.kind if report.problem else "") == kind
    assert host.head() == old
    http_git.heal()
    assert push(mirror, [RefUpdate(ref=MAIN, old=old, new=child(mirror, old))]).done
