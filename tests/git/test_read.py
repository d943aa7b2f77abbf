"""What a mirror answers: merges as `git merge` would make them, names as they are, the same everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from multigit.model.fleet import Clean, Conflicted, Unmergeable
from multigit.model.names import Oid
from multigit.vcs import read, write
from multigit.vcs.mirror import Mirror
from multigit.vcs.run import GitError
from tests.support.gitkit import Bare, Files, bare, mirrored, plain_git

BASE: Files = {"a": "1\n2\n3\n", "b": "one\ntwo\nthree\nfour\nfive\n", "dir/c": "c\n"}


@pytest.fixture
def host(tmp_path: Path) -> Bare:
    made = bare(tmp_path / "host")
    made.commit(BASE, message="base")
    made.git("branch", "stg", "main")
    return made


def outcome(host: Bare) -> Clean | Conflicted | Unmergeable:
    main, stg = host.head("main"), host.head("stg")
    assert main
    assert stg
    return read.merge_trees(mirrored(host), main, stg)


def kinds(found: object) -> dict[str, tuple[str, ...]]:
    assert isinstance(found, Conflicted)
    return {path.path: path.kinds for path in found.paths}


def test_a_clean_merge_is_the_tree_git_merge_makes(host: Bare, tmp_path: Path) -> None:
    host.commit({"a": "1\n2\n3\nmain\n"}, on="main")
    host.commit({"b": "one!\ntwo\nthree\nfour\nfive\n", "dir/new": "n"}, on="stg")
    found = outcome(host)
    assert isinstance(found, Clean)
    clone = tmp_path / "clone"
    plain_git("clone", "--quiet", host.url, str(clone), at=tmp_path)
    plain_git("merge", "--quiet", "--no-edit", "origin/stg", at=clone)
    assert found.tree == plain_git("rev-parse", "HEAD^{tree}", at=clone)
    assert found.changed == ("b", "dir/new")


@pytest.mark.shows("G10")
def test_a_conflict_names_the_file_and_both_sides_commits(host: Bare) -> None:
    mine = host.commit({"a": "1\nmain\n3\n"}, on="main", message="ours: [/oops] \x1b[31m", by="이영희")
    host.commit({"dir/c": "other"}, on="main", message="later")
    other = host.commit({"a": "1\nstg\n3\n"}, on="stg", message="그들의 변경")
    found = outcome(host)
    assert kinds(found) == {"a": ("contents",)}
    assert isinstance(found, Conflicted)
    (path,) = found.paths
    assert path.ours
    assert path.theirs
    assert (path.ours.oid, path.ours.author, path.ours.subject) == (mine, "이영희", "ours: [/oops] \x1b[31m")
    assert (path.theirs.oid, path.theirs.subject) == (other, "그들의 변경")


def test_conflicts_have_git_s_own_type_words(host: Bare) -> None:
    host.commit({"a": None, "bin": b"\0m", "b": "changed\n" * 5}, on="main")
    host.commit({"a": "1\nstg\n3\n", "bin": b"\0s", "dir/c": "c\n"}, on="stg")
    found = kinds(outcome(host))
    assert found["a"] == ("modify/delete",)
    assert set(found["bin"]) & {"binary", "add/add", "contents"}


def test_renames_are_seen_on_either_side(host: Bare) -> None:
    host.commit({"b": None, "moved": "one\ntwo\nthree\nfour\nfive\n"}, on="main")
    host.commit({"b": None}, on="stg")
    assert kinds(outcome(host)) == {"moved": ("rename/delete",)}
    host.commit({"b": None, "elsewhere": "one\ntwo\nthree\nfour\nfive\n"}, on="stg", parents=(_base(host),))
    assert ("rename/rename",) in kinds(outcome(host)).values()


def _base(host: Bare) -> Oid:
    return Oid(host.git("rev-list", "--max-parents=0", "main"))


@pytest.mark.fault("submodule-pointers")
def test_submodules_that_moved_apart_are_a_conflict(host: Bare) -> None:
    base = host.commit({"sub": "1" * 40}, mode="160000", on="main")
    host.commit({"sub": "2" * 40}, mode="160000", on="main")
    host.commit({"sub": "3" * 40}, mode="160000", on="stg", parents=(base,))
    found = kinds(outcome(host))
    assert list(found) == ["sub"]
    assert "submodule" in found["sub"][0]


def test_a_file_where_the_other_has_a_folder_is_a_conflict(host: Bare) -> None:
    host.commit({"x": "file"}, on="main")
    host.commit({"x/y": "folder"}, on="stg")
    assert any("file/directory" in words for words in kinds(outcome(host)).values())


@pytest.mark.fault("unrelated-histories")
def test_unrelated_histories_are_named(host: Bare) -> None:
    host.commit({"z": "z"}, on="stg", parents=())
    found = outcome(host)
    assert isinstance(found, Unmergeable)
    assert "unrelated" in found.why
    assert found.hint


def test_a_missing_object_is_an_error_and_no_conflict(host: Bare) -> None:
    mirror, main = mirrored(host), host.head()
    assert main
    with pytest.raises(GitError) as failed:
        read.merge_trees(mirror, main, Oid("d" * 40))
    assert failed.value.problem.kind == "corrupt"
    with pytest.raises(GitError):
        read.is_ancestor(mirror, Oid("d" * 40), main)


def test_attributes_of_the_target_decide_the_merge(host: Bare) -> None:
    base = host.commit({".gitattributes": "log merge=union\n", "log": "x\n"}, on="main")
    host.commit({"log": "x\nmain\n"}, on="main")
    host.commit({"log": "x\nstg\n"}, on="stg", parents=(base,))
    found = outcome(host)
    assert isinstance(found, Clean)
    assert host.path.exists()
    blob = Oid(_entry(mirrored(host), found.tree, "log"))
    assert sorted(read.read_object(mirrored(host), blob).split()) == [b"main", b"stg", b"x"]


def _entry(mirror: Mirror, tree: Oid, name: str) -> str:
    return plain_git("ls-tree", "--format=%(objectname)", tree, name, at=mirror.path)


@pytest.mark.fault("clone-merge-drivers")
def test_a_merge_driver_is_never_run(host: Bare, tmp_path: Path, hermetic: Path) -> None:
    mark = tmp_path / "ran"
    (hermetic / ".gitconfig").write_text(f'[merge "evil"]\n\tdriver = touch {mark}\n[merge]\n\tdefault = evil\n')
    base = host.commit({"sub/.gitattributes": "* merge=evil\n", "sub/x": "1\n2\n3\n"}, on="main")
    host.commit({"sub/x": "1\nmain\n3\n"}, on="main")
    host.commit({"sub/x": "1\nstg\n3\n"}, on="stg", parents=(base,))
    assert kinds(outcome(host)) == {"sub/x": ("contents",)}
    assert not mark.exists()


NAMES = ["한글 파일.txt", "new\nline", 'tab\tquote"', "🚀/📦", "-x", ":100644 a"]


@pytest.mark.fault("porcelain-z")
@pytest.mark.parametrize("name", NAMES)
def test_strange_names_come_through_whole(host: Bare, name: str) -> None:
    main = host.head()
    assert main
    host.commit({name: "stg"}, on="stg")
    stg = host.commit({name: "stg2"}, on="stg")
    host.commit({name: "main"}, on="main")
    mirror = mirrored(host)
    assert read.changed_paths(mirror, main, stg) == (name,)
    assert read.own_paths(mirror, [stg], [main]) == {name}
    assert list(kinds(outcome(host))) == [name]


def test_names_and_subjects_that_are_no_utf8_do_not_crash(host: Bare) -> None:
    main = host.head()
    assert main
    new = host.commit({b"caf\xe9": "x"}, on="main")
    mirror = mirrored(host)
    assert read.changed_paths(mirror, main, new) == ("caf\\xe9",)
    raw = read.read_object(mirror, new).replace(b"change", b"caf\xff")
    odd = write.write_object(mirror, "commit", raw)
    assert read.commits(mirror, [odd], [main])[0].subject == "caf\\xff"


def test_a_date_beyond_the_calendar_does_not_crash(host: Bare) -> None:
    main = host.head()
    assert main
    mirror = mirrored(host)
    tree = read.tree_of(mirror, main)
    who = "x <x@y> 99999999999999 +0000"
    body = f"tree {tree}\nparent {main}\nauthor {who}\ncommitter {who}\n\nfar\n".encode()
    oid = write.write_object(mirror, "commit", body)
    assert read.commits(mirror, [oid], [main])[0].subject == "far"


def test_commits_are_counted_as_asked(host: Bare) -> None:
    base = _base(host)
    one = host.commit({"a": "one"}, on="main", message="one")
    host.commit({"p": "p"}, on="stg", message="picked elsewhere")
    side = host.commit({"b": "side"}, on="stg", message="side")
    picked = host.commit({"p": "p"}, on="main", message="picked")
    tree = host.git("rev-parse", f"{picked}^{{tree}}")
    merge = host.commit_tree(tree, (picked, side), "merge", on="main")
    mirror = mirrored(host)
    assert [line.subject for line in read.commits(mirror, [merge], [base])] == [
        "picked",
        "side",
        "picked elsewhere",
        "one",
    ]
    assert read.commits(mirror, [merge], [base], merges=True)[0].oid == merge
    assert len(read.commits(mirror, [merge], [base], limit=1)) == 1
    assert [line.oid for line in read.commits(mirror, [merge], [base], first_parent=True)] == [picked, one]
    assert [line.subject for line in read.commits(mirror, [picked], [side], cherry=True)] == ["one"]
    assert [line.subject for line in read.commits(mirror, [picked], [side])] == ["picked", "one"]
    assert (read.count(mirror, [merge], [base]), read.count(mirror, [merge], [base], merges=True)) == (4, 5)
    assert read.count(mirror, [], [base]) == 0
    assert read.commits(mirror, [base], [merge]) == ()
    assert read.parents(mirror, merge) == (picked, side)
    assert read.parents(mirror, base) == ()
    assert read.is_ancestor(mirror, base, merge)
    assert not read.is_ancestor(mirror, merge, base)


def test_own_paths_leave_out_what_a_merge_brought(host: Bare) -> None:
    base = _base(host)
    own = host.commit({"a": "own"}, on="main")
    side = host.commit({"b": "side"}, on="stg")
    plain_tree = read_tree(host, {"a": "own", "b": "side"}, own)
    merge = host.commit_tree(plain_tree, (own, side), "merge", on="main")
    evil_tree = read_tree(host, {"dir/c": "written while merging"}, merge)
    evil = host.commit_tree(evil_tree, (merge, side), "evil merge", on="main")
    mirror = mirrored(host)
    assert read.own_paths(mirror, [merge], [side]) == {"a"}
    assert read.own_paths(mirror, [evil], [side]) == {"a", "dir/c"}
    assert read.own_paths(mirror, [evil], [side], without={own}) == {"dir/c"}
    assert read.own_paths(mirror, [own], []) == {"a", "b", "dir/c"}, "the first commit counts whole"
    assert read.own_paths(mirror, [base], [own]) == set()


def read_tree(host: Bare, files: Files, above: Oid) -> str:
    made = host.commit(files, on="scratch", parents=(above,))
    return host.git("rev-parse", f"{made}^{{tree}}")


def test_messages_come_whole_and_oldest_first(host: Bare) -> None:
    base = _base(host)
    body = "subject\n\n# kept\nMultigit-Restores: deploy.*\n\n한글\n"
    first = host.commit({"a": "1"}, message=body)
    host.commit({"a": "2"}, message="Multigit-RestoresX")
    last = host.commit({"a": "3"}, message="x\n\nMultigit-Restores: again")
    mirror, head = mirrored(host), host.head()
    assert head
    found = read.messages(mirror, [head], [base], "Multigit-Restores:")
    assert [(oid, above) for oid, above, _ in found] == [(first, (base,)), (last, found[1][1])]
    assert found[0][2] == body


def test_an_object_s_bytes_are_what_git_has(host: Bare) -> None:
    host.commit({"bin": b"\0\n\n\xff"})
    mirror, head = mirrored(host), host.head()
    assert head
    blob = Oid(_entry(mirror, read.tree_of(mirror, head), "bin"))
    assert read.read_object(mirror, blob) == b"\0\n\n\xff"
    assert read.exists(mirror, blob)
    with pytest.raises(GitError):
        read.read_object(mirror, Oid("e" * 40))


def test_replace_refs_change_nothing(host: Bare) -> None:
    one = host.commit({"a": "one"})
    two = host.commit({"a": "two"})
    mirror = mirrored(host)
    plain_git("update-ref", f"refs/replace/{two}", one, at=mirror.path)
    assert read.parents(mirror, two) == (one,)
