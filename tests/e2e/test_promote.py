"""promote: true merges in the whole fleet, one tag, nobody's clone touched (G3, G5, X4, X7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.fleetkit import ENVIRONMENTS, FleetKit
from tests.support.gitkit import plain_git
from tests.support.snapshots import changed, snapshot

OTHER_NAMES = """\
  root: {}
  api: {branches: {dev: develop, stg: staging-line, prod: master}}
"""

MERGES: Mapping[str, tuple[Mapping[str, str | None], Mapping[str, str | None], Mapping[str, str | None]]] = {
    # repository: (what both have, what stg did since, what dev did since)
    "lines": (
        {"f.txt": "1\n2\n3\n4\n5\n6\n7\n"},
        {"f.txt": "one\n2\n3\n4\n5\n6\n7\n"},
        {"f.txt": "1\n2\n3\n4\n5\n6\n7\n8\n"},
    ),
    "renamed": (
        {"old.txt": "a\nb\nc\nd\ne\nf\ng\nh\n"},
        {"old.txt": "a\nb\nc\nd\ne\nf\ng\nH\n"},
        {"old.txt": None, "new/place.txt": "a\nb\nc\nd\ne\nf\ng\nh\n", "new/more.txt": "m\n"},
    ),
    "union": (
        {".gitattributes": "*.log merge=union\n", "x.log": "start\n"},
        {"x.log": "start\nfrom stg\n"},
        {"x.log": "start\nfrom dev\n"},
    ),
    "eol": (
        {".gitattributes": "*.txt text eol=lf\n* -merge\n*.txt merge\n", "x.txt": "a\nb\nc\nd\n"},
        {"x.txt": "A\nb\nc\nd\n"},
        {"x.txt": "a\nb\nc\nD\n"},
    ),
    "hangul": (
        {"문서/배포 안내.md": "하나\n둘\n셋\n넷\n다섯\n"},
        {"문서/배포 안내.md": "하나!\n둘\n셋\n넷\n다섯\n"},
        {"문서/배포 안내.md": "하나\n둘\n셋\n넷\n다섯!\n", "문서/새 파일.md": "새\n"},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.shows("G3")
def test_the_result_is_git_s_own_true_merge(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, tuple(MERGES))
    expected, heads = {}, {}
    for name, (both, ours, theirs) in MERGES.items():
        base = kit.commit(name, "dev", both, "base")
        kit.hosts[name].git("update-ref", "refs/heads/stg", base)
        kit.commit(name, "stg", ours, "stg's own")
        kit.commit(name, "dev", theirs, "feat: work")
        heads[name] = (kit.head(name, "stg"), kit.head(name, "dev"))
        clone = tmp_path / "judge" / name
        plain_git("clone", "--quiet", "--branch", "stg", kit.hosts[name].url, str(clone), at=tmp_path)
        plain_git("merge", "--quiet", "--no-ff", "-m", "judge", "origin/dev", at=clone)
        expected[name] = plain_git("rev-parse", "HEAD^{tree}", at=clone)
    kit.promote("dev", "stg").ok()
    for name, host in kit.hosts.items():
        assert kit.tree(name, "stg") == expected[name], name
        assert tuple(host.git("rev-parse", "stg^1", "stg^2").split()) == heads[name]
        assert host.git("log", "-1", "--format=%s", "stg") == "Merge dev into stg"
    assert "새" in (kit.file("hangul", "stg", "문서/새 파일.md") or "")
    kit.fsck()


@pytest.mark.shows("G5")
def test_one_annotated_tag_everywhere_with_the_record_of_the_release(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    kit.release()
    tag = kit.tags("deploy-")[-1]
    assert re.fullmatch(r"deploy-\d{8}-\d{6}", tag)
    messages = set()
    for name, host in kit.hosts.items():
        assert kit.tags("deploy-", name) == [tag]
        assert host.git("cat-file", "-t", f"refs/tags/{tag}") == "tag"
        assert host.git("rev-parse", f"{tag}^{{commit}}") == kit.head(name)
        messages.add(host.git("for-each-ref", "--format=%(contents)", f"refs/tags/{tag}"))
    (record,) = messages
    rebuilt = dict(re.findall(r"^Multigit-Repo: (\S+) ([0-9a-f]{40})$", record, flags=re.MULTILINE))
    assert rebuilt == {name: kit.head(name) for name in kit.names}
    assert "Multigit-Operator: Test Person <person@example.invalid>" in record
    assert re.search(r"^Multigit-Plan: sha256:[0-9a-f]{64}$", record, flags=re.MULTILINE)
    kit.fsck()


@pytest.mark.shows("X4", "G5")
@pytest.mark.fault("already-merged")
def test_twice_is_once(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    kit.release()
    before, log = kit.refs(ledger=True, inner=True), kit.log()
    for source, target in (("dev", "stg"), ("stg", "main")):
        again = kit.promote(source, target).ok()
        assert "NOTHING TO DO" in again.text
        assert "RELEASED" not in again.text
    assert kit.refs(ledger=True, inner=True) == before
    assert kit.log() == log


@pytest.mark.slow
@pytest.mark.shows("X7")
@pytest.mark.fault("own-bare-cache")
def test_nobody_s_clone_is_touched_and_nothing_unpushed_is_released(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    for name in kit.names:
        busy_clone(kit, name)
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    clones = [kit.work / name for name in kit.names]
    before = snapshot(*clones)
    tag = kit.release()
    assert changed(before, snapshot(*clones)) == []
    kit.commit("api", "main", {"hot.txt": "1\n"}, "fix: hot")
    kit.call("backmerge", "main", "stg", "--yes").ok()
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
    kit.release()
    for words in (("status",), ("plan", "dev", "stg"), ("rollback", tag, "--confirm", "shop main")):
        kit.call(*words).ok()
    assert changed(before, snapshot(*clones)) == []
    for name in kit.names:
        assert kit.file(name, "main", "unpushed.txt") is None
        assert kit.file(name, "stg", "unpushed.txt") is None
        assert not kit.tags("private", name)


def busy_clone(kit: FleetKit, name: str) -> None:
    """A clone in the middle of somebody's day: an unpushed commit on stg, a stash, staged and changed files."""
    clone = kit.clone(name, "stg")
    (clone / "unpushed.txt").write_text("never on staging\n")
    plain_git("add", "--all", at=clone)
    plain_git("commit", "--quiet", "-m", "wip", at=clone)
    plain_git("tag", "private-note", at=clone)
    plain_git("switch", "--quiet", "-c", "feature", at=clone)
    (clone / "app.txt").write_text("stashed\n")
    plain_git("stash", at=clone)
    (clone / "app.txt").write_text("staged\n")
    plain_git("add", "app.txt", at=clone)
    (clone / "app.txt").write_text("changed\n")
    (clone / "untracked.txt").write_text("mine\n")


@pytest.mark.shows("X2")
def test_a_plan_changes_nothing_at_all(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    before, files = kit.refs(ledger=True, inner=True), snapshot(kit.work)
    objects = snapshot(*(host.path for host in kit.hosts.values()))
    shown = kit.run("promote", "dev", "stg", "--dry-run").ok()
    assert "1 commit, 1 file" in shown.text
    kit.run("plan", "dev", "stg", "--exit-code").exits(10)
    assert kit.refs(ledger=True, inner=True) == before
    assert snapshot(kit.work) == files
    assert changed(objects, snapshot(*(host.path for host in kit.hosts.values()))) == []


def test_an_environment_is_called_by_id_alias_or_branch(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "stg", {"f.txt": "1\n"}, "feat: f")
    ways = (("stg", "main"), ("staging", "production"), ("stg", "prod"), ("staging", "main"))
    plans = [kit.call("plan", *words, "--json").ok().json() for words in ways]
    assert {(plan["source"], plan["target"]) for plan in plans} == {("stg", "prod")}
    trees = {step["commit"]["tree"] for plan in plans for step in plan["steps"] if step["kind"] == "land"}
    assert len(trees) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("promote", "stgg", "main"), "did you mean 'stg'"),
        (("promote", "dev", "stagin"), "did you mean 'staging'"),
        (("promote", "dev", "stg", "-r", "appi"), "did you mean 'api'"),
        (("plan", "dev", "stg", "-x", "nothing-like-it"), "known: root, api"),
        (("promote", "dev", "main"), "no promotion from dev to prod"),
        (("promote", "stg", "stg"), "no promotion from stg to stg"),
        (("promote", "main", "stg"), "no promotion from prod to stg"),
        (("promote", "dev", "stg", "--override", "moon=full", "--yes"), "no gate called 'moon'"),
    ],
)
def test_what_is_not_known_is_named_with_what_is_near(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    before = kit.refs(ledger=True, inner=True)
    assert said in kit.call(*words).exits(2).text
    assert kit.refs(ledger=True, inner=True) == before


def test_a_repository_may_call_its_branches_otherwise(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"), repos=OTHER_NAMES)
    host = kit.hosts["api"]
    for env, branch in (("dev", "develop"), ("stg", "staging-line"), ("main", "master")):
        host.git("branch", "-m", env, branch)
    kit.commit("api", "develop", {"f.txt": "1\n"}, "feat: f")
    kit.promote("dev", "stg").ok()
    assert kit.file("api", "staging-line", "f.txt") == "1"
    assert host.git("log", "-1", "--format=%s", "staging-line") == "Merge develop into staging-line"
    kit.promote("stg", "main").ok()
    assert kit.file("api", "master", "f.txt") == "1"
    assert host.head("main") is None


@pytest.mark.parametrize(
    ("words", "moved"),
    [(("-r", "api"), {"api"}), (("-x", "back"), {"web"}), (("-r", "back", "-x", "root"), {"api"})],
)
def test_a_selection_moves_some_and_tags_all(tmp_path: Path, words: tuple[str, ...], moved: set[str]) -> None:
    kit = FleetKit.make(tmp_path, extra="groups: {back: [root, api]}\n")
    for name in ("api", "web"):
        kit.commit(name, "dev", {"f.txt": "1\n"}, "feat: f")
    kit.promote("dev", "stg", *words).ok()
    assert {name for name in kit.names if kit.file(name, "stg", "f.txt")} == moved
    assert all(len(kit.tags("stg-deploy-", name)) == 1 for name in kit.names)


def test_the_message_of_the_merge_is_the_template_and_what_the_operator_said(tmp_path: Path) -> None:
    roads = 'promotions: [{from: dev, to: stg, message: "배포: {from} → {to} (#7)"}]\n'
    kit = FleetKit.make(tmp_path, ("root", "api"), environments=ENVIRONMENTS, extra=roads)
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    kit.promote("dev", "stg", "-m", "# not a comment\nsprint 12").ok()
    body = kit.hosts["api"].git("log", "-1", "--format=%B", "stg")
    assert body == "배포: dev → stg (#7)\n\n# not a comment\nsprint 12"
    assert "sprint 12" in kit.hosts["root"].git("for-each-ref", "--format=%(contents)", "refs/tags/stg-deploy-*")


@pytest.mark.shows("X3")
def test_a_plan_that_is_out_of_date_is_refused_and_says_who_moved_what(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "stg", {"f.txt": "1\n"}, "feat: f")
    plan = tmp_path / "p.json"
    kit.call("plan", "stg", "main", "--out", str(plan)).ok()
    kit.commit("api", "stg", {"g.txt": "1\n"}, "feat: not in the plan")
    before = kit.refs(ledger=True, inner=True)
    stale = kit.call("promote", "stg", "main", "--plan", str(plan), "--confirm", "shop main").exits(3)
    for word in ("api: stg moved", "feat: not in the plan"):
        assert word in stale.text
    wrong = kit.call("promote", "stg", "main", "--plan", str(plan), "--confirm", "shop stg").exits(3)
    assert wrong.err
    assert kit.refs(ledger=True, inner=True) == before
