"""People's clones: seen as they are, made whole or not at all, moved forward only, and nothing of theirs lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from multigit.model.names import Branch, Oid, RepoName
from multigit.vcs import clones, read, write
from multigit.vcs.mirror import fetch_from_folder
from multigit.vcs.run import GitError
from tests.support.gitkit import Bare, bare, mirrored, plain_git

API, MAIN, STG = RepoName("api"), Branch("main"), Branch("stg")


@pytest.fixture
def host(tmp_path: Path) -> Bare:
    made = bare(tmp_path / "host.git")
    made.commit({"a": "1\n", "b": "1\n"})
    made.git("branch", "stg", "main")
    return made


@pytest.fixture
def clone(host: Bare, tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "api"
    clones.clone(host.url, folder, MAIN)
    return folder


def head(host: Bare, branch: str = "main") -> Oid:
    found = host.head(branch)
    assert found
    return found


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file, the index, HEAD and the refs; objects and logs left out."""
    files = [p for p in folder.rglob("*") if p.is_file() and not {"objects", "logs"} & set(p.parts)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# -- look


def test_a_fresh_clone_is_the_same_and_clean(host: Bare, clone: Path) -> None:
    before = snapshot(clone)
    state = clones.look(API, clone, host.url, MAIN, head(host))
    assert (state.exists, state.foreign, state.linked, state.current) == (True, "", False, MAIN)
    assert (state.dirty, state.untracked, state.busy, state.relation) == ((), (), "", "same")
    assert state.heads == {MAIN: head(host)}
    assert snapshot(clone) == before


@pytest.mark.shows("G2")
@pytest.mark.fault("porcelain-z")
def test_changes_are_seen_by_their_names(host: Bare, clone: Path) -> None:
    (clone / "a").write_text("mine\n")
    (clone / "한글 new\nfile").write_text("x")
    (clone / "b").unlink()
    (clone / "staged").write_text("s")
    plain_git("add", "staged", at=clone)
    state = clones.look(API, clone, host.url, MAIN, head(host))
    assert state.dirty == ("a", "b", "staged")
    assert state.untracked == ("한글 new\nfile",)


def test_relation_tells_who_has_what(host: Bare, clone: Path) -> None:
    old = head(host)
    assert clones.look(API, clone, host.url, STG, head(host, "stg")).relation == "absent"
    new = host.commit({"a": "2\n"})
    assert clones.look(API, clone, host.url, MAIN, new).relation == "unknown"
    plain_git("fetch", "--quiet", at=clone)
    assert clones.look(API, clone, host.url, MAIN, new).relation == "behind"
    (clone / "b").write_text("mine\n")
    plain_git("commit", "--quiet", "-am", "내 작업", at=clone)
    ahead = clones.look(API, clone, host.url, MAIN, old)
    assert (ahead.relation, [line.subject for line in ahead.commits]) == ("ahead", ["내 작업"])
    assert clones.look(API, clone, host.url, MAIN, new).relation == "diverged"
    assert clones.look(API, clone, host.url, MAIN, None).relation == "unknown"


def test_work_under_way_and_a_detached_head_are_seen(host: Bare, clone: Path) -> None:
    host.commit({"a": "theirs\n"})
    (clone / "a").write_text("mine\n")
    plain_git("commit", "--quiet", "-am", "mine", at=clone)
    plain_git("fetch", "--quiet", at=clone)
    with pytest.raises(AssertionError):
        plain_git("merge", "--quiet", "origin/main", at=clone)
    state = clones.look(API, clone, host.url, MAIN, head(host))
    assert (state.busy, state.dirty) == ("a merge is under way", ("a",))
    plain_git("merge", "--abort", at=clone)
    plain_git("checkout", "--quiet", "--detach", at=clone)
    assert clones.look(API, clone, host.url, MAIN, head(host)).current is None


def test_what_is_no_clone_of_it_is_foreign(host: Bare, clone: Path, tmp_path: Path) -> None:
    assert not clones.look(API, tmp_path / "none", host.url, MAIN, None).exists
    (tmp_path / "plain").mkdir()
    (tmp_path / "file").write_text("")
    other = bare(tmp_path / "other")
    assert "not a git repository" in clones.look(API, tmp_path / "plain", host.url, MAIN, None).foreign
    assert "not a folder" in clones.look(API, tmp_path / "file", host.url, MAIN, None).foreign
    assert "host.git" in clones.look(API, clone, other.url, MAIN, None).foreign


def test_a_linked_worktree_is_called_that(host: Bare, clone: Path, tmp_path: Path) -> None:
    plain_git("worktree", "add", "--quiet", "-b", "stg", str(tmp_path / "linked"), at=clone)
    state = clones.look(API, tmp_path / "linked", host.url, STG, head(host))
    assert (state.linked, state.current, state.relation) == (True, STG, "same")


@pytest.mark.fault("clone-hooks", "clone-fsmonitor", "fsmonitor-off", "hooks-path-off")
def test_hooks_and_monitors_of_a_clone_do_not_run(host: Bare, clone: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for name in ("post-merge", "reference-transaction", "post-checkout", "query-watchman"):
        hook = clone / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
        hook.chmod(0o755)
    plain_git("config", "core.fsmonitor", str(hook), at=clone)
    new = host.commit({"a": "2\n"})
    clones.look(API, clone, host.url, MAIN, new)
    clones.forward(clone, host.url, MAIN, clones.look(API, clone, host.url, MAIN, new).heads[MAIN], new, True)
    assert not mark.exists()


# -- clone


def test_a_clone_has_the_branch_and_the_address(host: Bare, clone: Path) -> None:
    assert plain_git("symbolic-ref", "HEAD", at=clone) == MAIN.full
    assert plain_git("config", "remote.origin.url", at=clone) == host.url
    assert [path.name for path in clone.parent.iterdir()] == ["api"]


def test_a_failed_clone_leaves_nothing(host: Bare, tmp_path: Path) -> None:
    place = tmp_path / "new" / "api"
    for url, branch in ((str(tmp_path / "nowhere"), None), (host.url, Branch("none"))):
        with pytest.raises(GitError) as failed:
            clones.clone(url, place, branch)
        assert failed.value.problem.kind == "missing"
    assert list(place.parent.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_nothing_is_ever_cloned_over(host: Bare, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "there"
    if kind == "folder":
        place.mkdir()
    elif kind == "file":
        place.write_text("mine")
    else:
        place.symlink_to("x")
    with pytest.raises(GitError, match="not done"):
        clones.clone(host.url, place, MAIN)
    assert not (place / ".git").exists()


# -- forward


def test_a_checked_out_branch_moves_with_its_files(host: Bare, clone: Path) -> None:
    old, new = head(host), host.commit({"a": "2\n"})
    host.git("tag", "v1", "main")
    (clone / "b").write_text("mine\n")
    clones.forward(clone, host.url, MAIN, old, new, True)
    assert ((clone / "a").read_text(), (clone / "b").read_text()) == ("2\n", "mine\n")
    assert plain_git("rev-parse", "HEAD", "refs/remotes/origin/main", at=clone).split() == [new, new]
    assert plain_git("tag", at=clone) == ""


def test_a_changed_file_in_the_way_stops_it_and_stays(host: Bare, clone: Path) -> None:
    old, new = head(host), host.commit({"a": "2\n"})
    (clone / "a").write_text("mine\n")
    with pytest.raises(GitError):
        clones.forward(clone, host.url, MAIN, old, new, True)
    assert (clone / "a").read_text() == "mine\n"
    assert plain_git("rev-parse", "HEAD", at=clone) == old


def test_another_branch_moves_by_its_ref_alone(host: Bare, clone: Path) -> None:
    old = head(host)
    clones.forward(clone, host.url, STG, None, old, False)
    new = host.commit({"a": "2\n"}, on="stg")
    (clone / "a").write_text("mine\n")
    clones.forward(clone, host.url, STG, old, new, False)
    assert plain_git("rev-parse", "refs/heads/stg", "HEAD", at=clone).split() == [new, old]
    assert (clone / "a").read_text() == "mine\n"


def test_own_commits_are_never_left_behind(host: Bare, clone: Path) -> None:
    new = host.commit({"a": "2\n"})
    (clone / "b").write_text("mine\n")
    plain_git("commit", "--quiet", "-am", "mine", at=clone)
    mine = Oid(plain_git("rev-parse", "HEAD", at=clone))
    for checked_out in (True, False):
        with pytest.raises(GitError):
            clones.forward(clone, host.url, MAIN, mine, new, checked_out)
    assert plain_git("rev-parse", "HEAD", at=clone) == mine


def test_a_branch_of_another_worktree_is_not_moved_under_it(host: Bare, clone: Path, tmp_path: Path) -> None:
    old = head(host)
    plain_git("worktree", "add", "--quiet", "-b", "stg", str(tmp_path / "linked"), at=clone)
    new = host.commit({"a": "2\n"}, on="stg")
    with pytest.raises(GitError) as failed:
        clones.forward(clone, host.url, STG, old, new, False)
    assert "worktree" in failed.value.why
    assert plain_git("rev-parse", "refs/heads/stg", at=clone) == old


# -- hotfix


@pytest.mark.shows("G8")
def test_the_tree_of_tracked_changes_leaves_index_and_files_alone(host: Bare, clone: Path) -> None:
    (clone / "a").write_text("1\nfix\n")
    (clone / "new").write_text("untracked\n")
    (clone / "staged").write_bytes(b"\0bin")
    plain_git("add", "staged", at=clone)
    before = snapshot(clone)
    tree, stat = clones.tracked_tree(clone, head(host))
    assert snapshot(clone) == before
    assert stat == ((1, 0, "a"), (0, 0, "staged"))
    assert plain_git("ls-tree", "--name-only", tree, at=clone).split() == ["a", "b", "staged"]
    assert plain_git("cat-file", "blob", f"{tree}:a", at=clone) == "1\nfix"
    _, more = clones.tracked_tree(clone, head(host), untracked=True)
    assert [path for _, _, path in more] == ["a", "new", "staged"]


def landed(host: Bare, clone: Path, *, untracked: bool = False) -> tuple[Oid, Path]:
    """A commit of the clone's changes, made in a mirror; and that mirror."""
    mirror, old = mirrored(host), head(host)
    tree, _ = clones.tracked_tree(clone, old, untracked=untracked)
    fetch_from_folder(mirror, clone, {"refs/multigit/from-clone/0": tree})
    who = "x <x@y> 1700000000 +0000"
    body = f"tree {tree}\nparent {old}\nauthor {who}\ncommitter {who}\n\nfix\n"
    new = write.write_object(mirror, "commit", body.encode())
    assert read.tree_of(mirror, new) == tree
    return new, mirror.path


@pytest.mark.parametrize("untracked", [False, True])
def test_after_a_hotfix_the_clone_stands_on_it(host: Bare, clone: Path, untracked: bool) -> None:
    (clone / "a").write_text("fix\n")
    (clone / "note").write_text("n\n")
    new, mirror = landed(host, clone, untracked=untracked)
    assert clones.advance(clone, MAIN, head(host), new, source=mirror)
    assert plain_git("rev-parse", "HEAD", "refs/remotes/origin/main", at=clone).split() == [new, new]
    assert plain_git("status", "--porcelain", at=clone) == ("" if untracked else "?? note")
    assert (clone / "a").read_text() == "fix\n"


@pytest.mark.parametrize("moved", ["file", "branch", "checkout", "no object"])
def test_a_clone_that_moved_meanwhile_is_left_as_it_is(host: Bare, clone: Path, moved: str) -> None:
    (clone / "a").write_text("fix\n")
    new, mirror = landed(host, clone)
    if moved == "file":
        (clone / "b").write_text("later\n")
    elif moved == "branch":
        plain_git("commit", "--quiet", "--allow-empty", "-m", "later", at=clone)
    elif moved == "checkout":
        plain_git("checkout", "--quiet", "-b", "elsewhere", at=clone)
    before = snapshot(clone)
    assert not clones.advance(clone, MAIN, head(host), new, source=None if moved == "no object" else mirror)
    assert snapshot(clone) == before


# -- their pre-push hook


def hook(clone: Path, script: str, mode: int = 0o755) -> None:
    file = clone / ".git/hooks/pre-push"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(mode)


@pytest.mark.fault("own-pre-push-hook")
def test_the_person_s_own_pre_push_hook_is_asked(clone: Path, tmp_path: Path) -> None:
    line = f"refs/heads/main {'1' * 40} refs/heads/main {'2' * 40}"
    assert clones.pre_push(clone, "/srv/x", line) == ""
    hook(clone, f'cat > {tmp_path}/in; echo "$1 $2 $(pwd)" > {tmp_path}/args')
    assert clones.pre_push(clone, "/srv/x", line) == ""
    told = ((tmp_path / "in").read_text(), (tmp_path / "args").read_text())
    assert told == (line + "\n", f"origin /srv/x {clone}\n")
    hook(clone, "echo 'tests are red' >&2; exit 1")
    assert clones.pre_push(clone, "/srv/x", line) == "tests are red"
    hook(clone, "exit 1", mode=0o644)
    assert clones.pre_push(clone, "/srv/x", line) == "", "git ignores a hook that may not be run"


def test_a_hook_folder_of_their_own_is_honoured(clone: Path, tmp_path: Path) -> None:
    hook(clone, "echo no; exit 3")
    (clone / ".git/hooks").rename(tmp_path / "hooks")
    assert clones.pre_push(clone, "/srv/x", "") == ""
    plain_git("config", "core.hooksPath", str(tmp_path / "hooks"), at=clone)
    assert clones.pre_push(clone, "/srv/x", "") == "no"
