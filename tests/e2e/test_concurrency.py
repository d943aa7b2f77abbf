"""Several people at once, and signals: one run wins, the others name it, and nobody's commit is lost (I1, G10)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit, Ran
from tests.support.gitkit import plain_git
from tests.support.killer import kinds, records, stages, started, struck
from tests.support.processes import wait_until

NAMES = ("root", "api", "web")
TO_STG = ("promote", "dev", "stg", "--yes", "--jobs", "1")
"""One repository after the other, so that an event stands alone."""


@pytest.fixture
def kit(tmp_path: Path) -> FleetKit:
    """root and api have a feature on dev."""
    kit = FleetKit.make(tmp_path)
    for name in ("root", "api"):
        kit.commit(name, "dev", {"feature.txt": "good\n"}, "feat: good")
    return kit


def begun(kit: FleetKit, *args: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "multigit", *args]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, cwd=kit.work, encoding="utf-8", **pipes)  # type: ignore[call-overload,no-any-return]


def ended(child: subprocess.Popen[str]) -> Ran:
    out, err = child.communicate(timeout=90)
    return Ran(child.returncode, out, err)


def agree(kit: FleetKit) -> None:
    """The fleet is whole: the same tags everywhere, no open run, nothing broken."""
    assert len({tuple(kit.tags("", name)) for name in NAMES}) == 1
    kit.call("status").ok()
    kit.fsck()


# --- several commands --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.shows("G10", "X4")
@pytest.mark.parametrize(("event", "twin"), [("intent:ledger begin", "ends"), ("intent:stage:web", "is killed")])
def test_a_saved_plan_applied_twice_at_once_is_one_run(kit: FleetKit, event: str, twin: str) -> None:
    """As when a pipeline is started again: the second must neither close the first one's run nor take its objects."""
    plan = kit.root / "plan.json"
    kit.call("plan", "dev", "stg", "--out", str(plan)).ok()
    args = f"promote dev stg --plan {plan} --yes --jobs 1"
    way = "multigit" if twin == "ends" else "tests.support.killer 'result:wrote begin' after kill"
    ran = struck(kit, event, "before", f"{sys.executable} -m {way} {args} || true", *args.split()).exits(3)
    assert records(kit)[0]["run"] in ran.text or "came first" in ran.text
    if twin == "is killed":
        assert kinds(kit) == ["begin"]
        assert len(stages(kit)) == 3
        kit.call("resume", "--yes").ok()
    assert [kind for kind in kinds(kit) if kind != "take"] == ["begin", "landed", "released"]
    agree(kit)


@pytest.mark.slow
@pytest.mark.shows("G10", "G11")
@pytest.mark.fault("crossed-pairwise")
def test_a_promotion_and_a_rollback_that_cross(kit: FleetKit) -> None:
    kit.release()
    kit.commit("api", "dev", {"feature.txt": "better\n"}, "feat: better")
    kit.release()
    kit.commit("api", "dev", {"feature.txt": "best\n"}, "feat: best")
    kit.promote().ok()
    plan = kit.root / "plan.json"
    kit.call("plan", "stg", "main", "--out", str(plan)).ok()
    children = [
        begun(kit, "promote", "stg", "main", "--plan", str(plan), "--confirm", "shop main"),
        begun(kit, "rollback", "previous", "--confirm", "shop main"),
    ]
    codes = [ended(child).code for child in children]
    assert codes in ([0, 3], [3, 0], [0, 0])
    agree(kit)


@pytest.mark.slow
@pytest.mark.shows("G10")
@pytest.mark.parametrize("word", ["resume", "abort"])
@pytest.mark.parametrize("event", ["intent:land:api", "intent:ledger landed"])
@pytest.mark.fault("sigstop-take-over")
def test_whoever_was_asleep_finds_the_run_taken_and_writes_nothing(kit: FleetKit, event: str, word: str) -> None:
    before = kit.refs()
    sleeper = started(kit, event, "before", "stop", *TO_STG)
    wait_until(lambda: asleep(sleeper.pid), seconds=30, what="stopped")
    assert "land" in kit.call("status").exits(4).text or "begun" in kit.call("status").text
    kit.call(word, "--yes").ok()
    told, refs = records(kit), kit.refs(inner=True)
    assert told[-1]["kind"] == ("released" if word == "resume" else "aborted")
    os.kill(sleeper.pid, signal.SIGCONT)
    woken = ended(sleeper).exits(4)
    assert "took this run over" in woken.text
    assert records(kit) == told
    assert kit.refs(inner=True) == refs
    assert (kit.refs() == before) == (word == "abort")
    agree(kit)


def asleep(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.slow
@pytest.mark.shows("G10")
def test_a_run_that_comes_second_names_the_one_that_is_open(kit: FleetKit) -> None:
    assert struck(kit, "intent:land:api", "before", "kill", *TO_STG).code == -9
    second = kit.promote().exits(3)
    assert records(kit)[0]["run"] in second.text
    assert "multigit resume" in second.text
    kit.call("abort", "--yes").ok()


# --- a colleague pushes ------------------------------------------------------------------------------------------


def moves(kit: FleetKit, name: str, ref: str, oid: str) -> str:
    return f"git -C {kit.hosts[name].path} update-ref {ref} {oid}"


@pytest.mark.slow
@pytest.mark.shows("G3")
@pytest.mark.parametrize("event", ["result:wrote begin", "result:branch new"])
@pytest.mark.fault("branch-moved-meanwhile")
def test_a_push_between_plan_and_landing_aborts_the_run_and_stays(kit: FleetKit, event: str) -> None:
    before, stg = kit.refs(), kit.head("api", "stg")
    theirs = kit.hosts["api"].commit({"theirs.txt": "1\n"}, on="wip", parents=(stg,), message="feat: theirs")
    kit.hosts["api"].git("update-ref", "-d", "refs/heads/wip")
    ran = struck(kit, event, "after", moves(kit, "api", "refs/heads/stg", theirs), *TO_STG).exits(3)
    assert "api: the branch was moved by somebody else" in ran.text
    before["api"]["refs/heads/stg"] = theirs
    assert kit.refs() == before
    assert kinds(kit) == ["begin", "aborting", "aborted"]
    kit.promote().ok()
    assert [kit.file("api", "stg", f) for f in ("theirs.txt", "feature.txt")] == ["1", "good"]


@pytest.mark.slow
@pytest.mark.shows("G3", "G10")
def test_where_somebody_built_on_it_nothing_is_rewound_and_the_commands_are_told(kit: FleetKit) -> None:
    refusing = 'while read o n r; do case "$r" in refs/heads/stg) echo no >&2; exit 1;; esac; done'
    kit.commit("web", "dev", {"feature.txt": "good\n"}, "feat: good")
    kit.hosts["web"].hook("pre-receive", refusing)
    before, host = kit.refs(), kit.hosts["api"]
    built = f"git -C {host.path} commit-tree stg^{{tree}} -p stg -m theirs"
    ran = struck(kit, "intent:ledger aborting", "before", moves(kit, "api", "refs/heads/stg", f"$({built})"), *TO_STG)
    ran.exits(4)
    assert "DIVERGED" in ran.text
    assert host.git("log", "-1", "--format=%s", "stg") == "theirs"
    assert {n: refs for n, refs in kit.refs().items() if n != "api"} == {n: r for n, r in before.items() if n != "api"}
    assert records(kit)[-1]["data"]["statuses"] == {"root": "undone", "api": "diverged", "web": "void"}
    kit.call("status").ok()
    follow(kit, next(line for line in ran.out.splitlines() if "git revert" in line))
    assert host.git("rev-parse", "stg^{tree}") == host.git("rev-parse", f"{before['api']['refs/heads/stg']}^{{tree}}")


def follow(kit: FleetKit, line: str) -> None:
    """Type the printed commands in a clone."""
    kit.clone("api", "dev")
    command = line[line.index("cd api") :]
    env = {**os.environ, "GIT_EDITOR": "true"}
    done = subprocess.run(["sh", "-ec", command], cwd=kit.work, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.shows("G4")
@pytest.mark.fault("branch-moved-meanwhile")
def test_a_push_after_the_plan_makes_it_stale_and_is_named(kit: FleetKit) -> None:
    plan = kit.root / "plan.json"
    kit.call("plan", "dev", "stg", "--out", str(plan)).ok()
    kit.commit("api", "stg", {"theirs.txt": "1\n"}, "fix: theirs")
    before = kit.refs(ledger=True)
    ran = kit.call("promote", "dev", "stg", "--plan", str(plan), "--yes").exits(3)
    for word in ("api", "stg moved", "Kim Min-su", "fix: theirs", "multigit plan dev stg --out"):
        assert word in ran.text
    assert kit.refs(ledger=True) == before


@pytest.mark.slow
@pytest.mark.shows("G5")
@pytest.mark.fault("tag-created-meanwhile")
def test_a_tag_of_that_name_made_meanwhile_is_never_moved(kit: FleetKit) -> None:
    tag = f"git -C {kit.hosts['api'].path}"
    make = f"{tag} tag theirs stg; for t in $({tag} for-each-ref --format='%(refname)' refs/multigit/stage); do"
    make += f" {tag} update-ref refs/tags/$({tag} cat-file tag $t | sed -n 's/^tag //p') stg; done; {tag} tag -d theirs"
    ran = struck(kit, "result:wrote begin", "after", make, *TO_STG).exits(4)
    assert "api: the tag exists there and stands for something else" in ran.text
    name = kit.tags("stg-deploy-", "api")[0]
    kit.hosts["api"].git("tag", "-d", name)
    kit.call("resume", "--yes").ok()
    assert kinds(kit)[-1] == "released"
    agree(kit)


@pytest.mark.slow
@pytest.mark.shows("G10")
@pytest.mark.fault("two-fleets-one-repository")
def test_two_fleets_that_share_a_repository_do_not_cross(kit: FleetKit) -> None:
    before, host = kit.refs(), kit.hosts["api"]
    other = host.commit_tree(host.git("rev-parse", "stg^{tree}"), (), "multigit fence of another fleet", on="tmp")
    host.git("update-ref", "-d", "refs/heads/tmp")
    ran = struck(kit, "result:wrote begin", "after", moves(kit, "api", "refs/multigit/fence", other), *TO_STG).exits(3)
    assert "another run has its fence" in ran.text
    assert kit.refs() == before
    assert host.ref("refs/multigit/fence") == other
    kit.promote().ok()


# --- signals and this machine ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.shows("X5")
@pytest.mark.parametrize(
    ("event", "deed", "code", "history"),
    [
        ("intent:stage:api", "int", 130, ["failed"]),
        ("intent:land:api", "int", 0, ["begin", "landed", "released"]),
        ("intent:land:api", "term", 4, ["begin"]),
        ("intent:land:api", "kill -HUP $PPID", 4, ["begin"]),
        ("intent:land:api", "kill -INT $PPID; kill -TERM $PPID", 4, ["begin"]),
        ("planned", "fail", 1, []),
        ("intent:stage:api", "fail", 3, ["failed"]),
        ("intent:land:api", "fail", 4, ["begin"]),
        ("result:wrote landed", "fail", 4, ["begin", "landed"]),
        ("ended", "fail", 0, ["begin", "landed", "released"]),
    ],
)
@pytest.mark.fault("sigterm", "sighup", "ctrl-c-landing-first", "ctrl-c-landing-second")
def test_signals_and_a_full_disk(kit: FleetKit, event: str, deed: str, code: int, history: list[str]) -> None:
    before = kit.refs()
    ran = struck(kit, event, "before", deed, *TO_STG).exits(code)
    assert "Traceback" not in ran.text
    assert kinds(kit) == history
    if code == 4:
        assert "multigit resume r-" in ran.text
        kit.call("status").exits(4)
        kit.call("resume", "--yes").ok()
    if code in (1, 3, 130):
        assert kit.refs() == before
        kit.promote().ok()
    assert kit.file("api", "stg", "feature.txt") == "good"
    agree(kit)


def test_a_clone_is_no_part_of_it(kit: FleetKit) -> None:
    folder = kit.clone("api", "dev")
    (folder / "app.txt").write_text("half done\n")
    before = plain_git("status", "--porcelain", "--branch", at=folder)
    kit.promote().ok()
    assert plain_git("status", "--porcelain", "--branch", at=folder) == before
