"""The private bare copy: private, whole, cheap when nothing changed, made anew when broken."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from multigit import lanes
from multigit.model.fleet import Problem
from multigit.model.names import Oid, RepoName
from multigit.vcs import mirror as mirrors
from multigit.vcs import read, run, write
from multigit.vcs.run import GitError
from tests.support.gitkit import Bare, bare, mirrored, plain_git

API = RepoName("api")
HAVE = "refs/multigit/have/main"


@pytest.fixture
def host(tmp_path: Path) -> Bare:
    made = bare(tmp_path / "host")
    made.commit({"a": "1"})
    return made


@pytest.fixture
def commands() -> Iterator[list[str]]:
    heard: list[str] = []
    run.listen(lambda words, _: heard.append(words[1]))
    yield heard
    run.listen(None)


def head(host: Bare) -> Oid:
    found = host.head()
    assert found
    return found


def test_it_is_private_and_costs_nothing_the_second_time(host: Bare, commands: list[str], hermetic: Path) -> None:
    first = mirrors.open_mirror(API, host.url)
    assert first.path.is_relative_to(hermetic)
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o700
    commands.clear()
    assert mirrors.open_mirror(API, host.url) == first
    assert commands == []
    assert read.exists(first, write.empty_tree(first))


def test_eight_at_once_make_one_whole_mirror(host: Bare) -> None:
    made = lanes.each(lambda _: mirrors.open_mirror(API, host.url), range(8))
    assert len(set(made)) == 1
    assert [path.name for path in made[0].path.parent.iterdir()] == [made[0].path.name]


@pytest.mark.fault("mirror-hooks")
def test_personal_templates_and_hooks_do_not_get_in(host: Bare, hermetic: Path) -> None:
    (hermetic / "template/hooks").mkdir(parents=True)
    (hermetic / "template/hooks/reference-transaction").write_text("#!/bin/sh\nexit 1\n")
    (hermetic / ".gitconfig").write_text(f"[init]\n\ttemplateDir = {hermetic}/template\n")
    mirror = mirrored(host)
    assert not (mirror.path / "hooks").exists()


def test_what_is_here_needs_no_connection(host: Bare, commands: list[str]) -> None:
    mirror = mirrored(host)
    main = head(host)
    host.path.rename(host.path.with_name("gone"))
    commands.clear()
    mirrors.fetch(mirror, {HAVE: main})
    assert commands == []
    mirrors.fetch(mirror, {"refs/multigit/have/again": main})
    assert plain_git("rev-parse", "refs/multigit/have/again", at=mirror.path) == main


def test_fetch_takes_objects_by_id_and_no_tags(host: Bare) -> None:
    host.git("tag", "-a", "-m", "t", "v1", "main")
    mirror = mirrored(host)
    new = host.commit({"a": "2"})
    mirrors.fetch(mirror, {HAVE: new})
    assert read.exists(mirror, new)
    refs = plain_git("for-each-ref", "--format=%(refname)", at=mirror.path).splitlines()
    assert refs == [HAVE]
    assert not (mirror.path / "FETCH_HEAD").exists()


def test_a_folder_in_the_way_of_a_name_gives_way(host: Bare) -> None:
    mirror, main = mirrored(host), head(host)
    mirrors.fetch(mirror, {"refs/multigit/have/f": main})
    mirrors.fetch(mirror, {"refs/multigit/have/f/deep": main})
    new = host.commit({"a": "2"})
    mirrors.fetch(mirror, {"refs/multigit/have/f": new})
    assert plain_git("rev-parse", "refs/multigit/have/f", at=mirror.path) == new


def test_an_object_the_host_does_not_have_is_missing(host: Bare) -> None:
    mirror = mirrored(host)
    with pytest.raises(GitError) as failed:
        mirrors.fetch(mirror, {HAVE: Oid("d" * 40)})
    assert failed.value.problem.kind == "missing"
    assert failed.value.problem.hint


def test_a_host_that_gives_names_only_is_asked_by_name(host: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = mirrored(host)
    new = host.commit({"a": "2"}, on="stg")
    plain, specs = mirrors._git_fetch, list[str]()

    def by_name_only(at: mirrors.Mirror, url: str, wanted: list[str]) -> None:
        specs.extend(wanted)
        if not wanted[0].startswith("+refs/"):
            raise GitError("x", Problem(kind="missing", why="x"), run.Output(128, b"", "not our ref"))
        plain(at, url, wanted)

    monkeypatch.setattr(mirrors, "_git_fetch", by_name_only)
    mirrors.fetch(mirror, {"refs/multigit/have/stg": new})
    assert specs[-1] == "+refs/heads/stg:refs/multigit/have/stg"
    assert read.exists(mirror, new)


def test_a_clone_gives_its_own_commits_and_trees(host: Bare, tmp_path: Path) -> None:
    mirror = mirrored(host)
    clone = tmp_path / "clone"
    plain_git("clone", "--quiet", host.url, str(clone), at=tmp_path)
    (clone / "a").write_text("mine")
    plain_git("commit", "--quiet", "-am", "mine", at=clone)
    (clone / "a").write_text("tree only")
    plain_git("add", "a", at=clone)
    commit, tree = Oid(plain_git("rev-parse", "HEAD", at=clone)), Oid(plain_git("write-tree", at=clone))
    mirrors.fetch_from_folder(mirror, clone, {"refs/multigit/clone/0": commit, "refs/multigit/clone/1": tree})
    assert mirrors.present(mirror, [commit, tree, Oid("d" * 40)]) == {commit, tree}
    assert read.tree_of(mirror, commit) != tree


@pytest.mark.fault("cache-lock-files")
def test_left_over_lock_files_of_a_killed_git_give_way(host: Bare) -> None:
    mirror, main = mirrored(host), head(host)
    (mirror.path / "refs/multigit/have/main.lock").write_text("")
    new = host.commit({"a": "2"})
    mirrors.fetch(mirror, {HAVE: new})
    (mirror.path / "refs/multigit/pin.lock").write_text("")
    mirrors.update_refs(mirror, [f"update refs/multigit/pin {main}"])
    assert plain_git("rev-parse", HAVE, "refs/multigit/pin", at=mirror.path).split() == [new, main]


@pytest.mark.fault("cache-corrupt")
def test_a_broken_mirror_is_set_aside_and_made_anew(host: Bare) -> None:
    mirror, main = mirrored(host), head(host)
    (mirror.path / "HEAD").unlink()
    again = mirrored(host)
    assert again.path == mirror.path
    assert read.exists(again, main)
    assert mirror.path.with_suffix(".broken").is_dir()


def test_rescue_starts_over(host: Bare) -> None:
    mirror, main = mirrored(host), head(host)
    loose = mirror.path / "objects" / main[:2] / main[2:]
    packs = list((mirror.path / "objects/pack").glob("*.pack"))
    for file in [loose, *packs]:
        if file.exists():
            file.chmod(0o600)
            file.write_bytes(b"")
    with pytest.raises(GitError) as failed:
        read.tree_of(mirror, main)
    assert failed.value.problem.kind == "corrupt"
    fresh = mirrors.rescue(mirror)
    mirrors.fetch(fresh, {HAVE: main})
    assert read.tree_of(fresh, main)


@pytest.mark.fault("sha-256")
def test_sha256_repositories_have_sha256_mirrors(tmp_path: Path) -> None:
    host = bare(tmp_path / "wide", sha="sha256")
    main = host.commit({"a": "1"})
    mirror = mirrors.open_mirror(API, host.url, "sha256")
    mirrors.fetch(mirror, {HAVE: main})
    assert read.is_ancestor(mirror, main, main)
    assert read.exists(mirror, write.empty_tree(mirror))
    assert len(write.empty_tree(mirrors.rescue(mirror))) == 64


@pytest.mark.fault("fsck-objects")
def test_a_hostile_pack_is_not_taken_in(host: Bare) -> None:
    mirror = mirrored(host)
    blob = host.git("hash-object", "-w", "--stdin", stdin=b"x")
    tree = host.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=_entry(b".git", blob))
    bad = host.commit_tree(tree, (), "bad", on="bad")
    with pytest.raises(GitError):
        mirrors.fetch(mirror, {"refs/multigit/have/bad": bad})


def _entry(name: bytes, blob: str) -> bytes:
    return b"100644 " + name + b"\0" + bytes.fromhex(blob)
