"""verify: whatever is not as the ledger says is named, and what is printed to mend it does (I2, I3, I5)."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from multigit.app import look
from multigit.app.session import Session
from multigit.apply import engine
from multigit.model.config import Environment
from multigit.model.fleet import RepoState
from multigit.model.names import Oid
from tests.support.fleetkit import FleetKit
from tests.support.killer import struck

pytestmark = pytest.mark.slow
LEDGER = "refs/heads/multigit-ledger"
FENCE = "refs/multigit/fence"
OTHER = "refs/tags/deploy-20300101-000000"


@pytest.fixture
def kit(tmp_path: Path) -> FleetKit:
    """api was released once; root and web only got the tags."""
    kit = FleetKit.make(tmp_path)
    kit.commit("api", "dev", {"feature.txt": "good\n"}, "feat: good")
    kit.release()
    return kit


def drifts(kit: FleetKit, *words: str, code: int = 1) -> list[dict[str, Any]]:
    ran = kit.call("verify", *words, "--json")
    found: list[dict[str, Any]] = ran.json()["drifts"]
    ran.exits(0 if code == 1 and {drift["kind"] for drift in found} <= {"stage"} else code)
    return found


def only(kit: FleetKit) -> dict[str, Any]:
    (found,) = drifts(kit)
    return found


def typed(command: str) -> str:
    """What a shell makes of a printed command."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 0, done.stderr
    return done.stdout


def deploy(kit: FleetKit, repo: str = "api") -> str:
    return f"refs/tags/{kit.tags('deploy-', repo)[-1]}"


# --- everything agrees -------------------------------------------------------------------------------------------


def test_where_all_agrees_it_is_one_line_and_nothing_is_written(kit: FleetKit) -> None:
    before = kit.refs(ledger=True, inner=True)
    (tag,) = kit.tags("deploy-")
    (line,) = kit.call("verify").ok().out.splitlines()
    assert line == f"Shop  ok: 3 repositories, 2 releases, 6 records agree (last release {tag})"
    assert kit.call("verify", "prod").ok().out.startswith("prod  ok: 3 repositories, 1 release,")
    assert kit.call("verify", "-r", "api").ok().out.startswith("Shop  ok: 1 repository,")
    assert kit.refs(ledger=True, inner=True) == before


def test_a_run_that_was_taken_back_leaves_nothing_to_name(kit: FleetKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PAUSES", (0.0,))
    for name in kit.names:
        kit.commit(name, "dev", {"more.txt": "1\n"}, "feat: more")
    kit.hosts["root"].git("config", "receive.denyNonFastForwards", "true")
    refuse = 'while read old new ref; do [ "$ref" = refs/heads/stg ] && exit 1; done; exit 0'
    kit.hosts["web"].hook("pre-receive", refuse)
    assert "by a commit on top" in kit.promote().exits(3).text
    kit.call("verify").ok()


def test_tags_of_an_earlier_tool_are_counted_and_no_drift(kit: FleetKit) -> None:
    kit.hosts["web"].git("tag", "-a", "-m", "by hand", "deploy-20250102-030405", "main")
    kit.hosts["web"].git("tag", "deploy-20250203-040506", "main")
    assert ", 2 older tags)" in kit.call("verify").ok().text


# --- put right by the command that is printed ----------------------------------------------------------------------


def _tag_deleted(kit: FleetKit) -> str:
    tag = deploy(kit)
    kit.hosts["api"].git("update-ref", "-d", tag)
    return f"tag {tag[10:]} is missing"


def _tag_moved(kit: FleetKit) -> str:
    tag = deploy(kit)[10:]
    kit.hosts["api"].git("tag", "-f", "-a", "-m", "again", tag, "dev^1")
    return f"tag {tag} was moved"


def _tag_lightweight(kit: FleetKit) -> str:
    tag = deploy(kit)
    kit.hosts["api"].git("update-ref", tag, kit.head("api"))
    return f"tag {tag[10:]} is lightweight"


def _tag_replayed(kit: FleetKit) -> str:
    kit.hosts["api"].git("update-ref", OTHER, kit.hosts["api"].git("rev-parse", deploy(kit)))
    return f"tag {OTHER[10:]} is another tag's object, replayed"


def _fence_moved(kit: FleetKit) -> str:
    kit.hosts["api"].git("update-ref", FENCE, kit.head("api"))
    return "the fence was moved by hand"


def _fence_put_back(kit: FleetKit) -> str:
    host = kit.hosts["api"]
    host.git("update-ref", FENCE, host.git("rev-parse", f"{FENCE}^1"))
    return "the fence was moved by hand: it names run r-"


def _fence_deleted(kit: FleetKit) -> str:
    kit.hosts["api"].git("update-ref", "-d", FENCE)
    return "the fence is missing"


def _fence_of_nobody(kit: FleetKit) -> str:
    kit.hosts["web"].git("update-ref", FENCE, kit.head("web"))
    return "is no fence commit"


def _branch_forced_back(kit: FleetKit) -> str:
    kit.hosts["api"].git("update-ref", "refs/heads/main", kit.hosts["api"].git("rev-parse", "main^1"))
    return "main is at "


def _stage_left(kit: FleetKit) -> str:
    kit.hosts["api"].git("update-ref", "refs/multigit/stage/r-0123456789ab", kit.head("api"))
    return "objects of run r-0123456789ab were left"


HARMS: tuple[Callable[[FleetKit], str], ...] = (
    _tag_deleted, _tag_moved, _tag_lightweight, _tag_replayed, _fence_moved, _fence_put_back, _fence_deleted,
    _fence_of_nobody, _branch_forced_back, _stage_left,
)  # fmt: skip


def test_what_was_changed_by_hand_is_named_and_the_printed_command_puts_it_right(kit: FleetKit) -> None:
    kit.call("verify").ok()
    before = kit.refs(ledger=True, inner=True)
    for harm in HARMS:
        words = harm(kit)
        found = only(kit)
        assert words in found["what"], harm.__name__
        assert found["repo"] == ("web" if harm is _fence_of_nobody else "api")
        typed(found["fix"])
        assert kit.call("verify").code == 0, harm.__name__
    after = kit.refs(ledger=True, inner=True)
    assert {name: refs.keys() for name, refs in after.items()} == {name: refs.keys() for name, refs in before.items()}
    assert {r: o for r, o in after["api"].items() if r != FENCE} == {
        r: o for r, o in before["api"].items() if r != FENCE
    }


def test_an_earlier_release_s_tag_under_the_name_of_the_last_one(kit: FleetKit) -> None:
    old = deploy(kit)
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
    kit.release()
    new = deploy(kit)
    kit.hosts["api"].git("update-ref", new, kit.hosts["api"].git("rev-parse", old))
    found = only(kit)
    assert found["what"] == f"tag {new[10:]} is another tag's object, replayed"
    assert found["why"].startswith(f"the object says {old[10:]}")
    typed(found["fix"])
    kit.call("verify").ok()


# --- put right by multigit, or looked at by a person ---------------------------------------------------------------


def test_what_was_pushed_past_multigit_is_named_and_goes_the_usual_road(kit: FleetKit) -> None:
    kit.commit("web", "stg", {"hot.txt": "1\n"}, "fix: hot")
    found = only(kit)
    assert found["what"] == 'stg has 1 commit that came past multigit: Kim Min-su, "fix: hot"'
    assert found["fix"] == "multigit backmerge stg dev"
    kit.call(*found["fix"].split()[1:], "--yes").ok()
    kit.call("verify").ok()
    kit.commit("web", "stg", {"hot.txt": "2\n"}, "fix: hotter")
    assert only(kit)["what"] == 'stg has 1 commit that came past multigit: Kim Min-su, "fix: hotter"'


@pytest.mark.fault("force-push-after")
def test_a_branch_that_was_rewritten_is_compared_with_what_was_released(kit: FleetKit) -> None:
    lost = kit.head("api")
    host = kit.hosts["api"]
    host.commit_tree(kit.tree("api", "main"), (Oid(host.git("rev-parse", "main~1")),), "chore: squashed", on="main")
    found = only(kit)
    assert f"no longer has {lost.short}" in found["what"]
    assert lost.short in typed(found["fix"])


def test_on_a_machine_that_has_no_fence_to_put_back_the_next_release_takes_it_as_it_is(
    kit: FleetKit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    _fence_deleted(kit)
    found = only(kit)
    assert found["fix"] == ""
    assert "the next release takes it as it is" in found["why"]
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
    kit.release()
    kit.call("verify").ok()


def test_an_open_run_is_said_first_and_what_it_does_is_not_judged(kit: FleetKit) -> None:
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
    assert struck(kit, "result:wrote begin", "after", "kill", "promote", "dev", "stg", "--yes").code == -9
    ran = kit.call("verify").exits(4)
    assert ran.out.startswith("! run r-")
    assert not drifts(kit, code=4)
    way = re.search(r"multigit (resume r-\w+)", ran.out)
    assert way
    kit.call(*way[1].split(), "--yes").ok()
    kit.call("verify").ok()


def test_a_run_that_ended_while_the_fleet_was_read_is_no_drift(kit: FleetKit, monkeypatch: pytest.MonkeyPatch) -> None:
    states, readings = look.states, list[int]()

    def torn(session: Session, envs: Sequence[Environment]) -> tuple[RepoState, ...]:
        """The first time: the home repository from before a run, the others from after it."""
        home, *_ = before = states(session, envs)
        readings.append(1)
        if len(readings) > 1:
            return before
        kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
        kit.run("promote", "dev", "stg", "--yes").ok()
        return (home, *states(session, envs)[1:])

    monkeypatch.setattr(look, "states", torn)
    kit.call("verify").ok()
    assert len(readings) == 2


def test_a_repository_that_cannot_be_read_is_named(kit: FleetKit, tmp_path: Path) -> None:
    kit.hosts["web"].path.rename(tmp_path / "away")
    found = only(kit)
    assert (found["repo"], found["kind"]) == ("web", "unreachable")
    kit.call("verify", "-x", "web").ok()
    (tmp_path / "away").rename(kit.hosts["web"].path)
    kit.hosts["root"].path.rename(tmp_path / "away")
    assert "nothing can be compared" in only(kit)["why"]


# --- the ledger ----------------------------------------------------------------------------------------------------


def ledger(kit: FleetKit, rev: str = "") -> str:
    return kit.hosts["root"].git("rev-parse", f"multigit-ledger{rev}")


def refused(kit: FleetKit) -> None:
    before = kit.refs(ledger=True, inner=True)
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
    for words in (("status",), ("promote", "dev", "stg", "--yes"), ("hold", "set", "prod", "-m", "x")):
        ran = kit.call(*words).exits(1)
        assert "MG-411" in ran.err
        assert "rewritten or cut short" in ran.err
        assert "multigit verify --trust-ledger" in ran.err
    now = kit.refs(ledger=True, inner=True)
    assert {**now["api"], "refs/heads/dev": ""} == {**before["api"], "refs/heads/dev": ""}
    assert now["root"] == before["root"]


def test_a_ledger_cut_short_is_refused_by_all_and_put_back_by_what_verify_prints(kit: FleetKit) -> None:
    kit.hosts["root"].git("update-ref", LEDGER, ledger(kit, "~2"))
    refused(kit)
    found = next(drift for drift in drifts(kit, code=4) if drift["kind"] == "ledger")  # its last run looks open
    assert "was rewritten or cut short" in found["what"]
    assert found["why"].startswith("2 records lost")
    typed(found["fix"])
    kit.call("status").ok()
    kit.call("verify").ok()


def test_a_ledger_that_is_gone_is_put_back_too(kit: FleetKit) -> None:
    kit.hosts["root"].git("update-ref", "-d", LEDGER)
    refused(kit)
    typed(next(drift["fix"] for drift in drifts(kit) if drift["kind"] == "ledger"))
    kit.call("verify").ok()


def test_a_rewritten_ledger_is_believed_again_only_when_somebody_says_so(kit: FleetKit) -> None:
    host = kit.hosts["root"]
    kit.call("hold", "set", "stg", "-m", "x").ok()
    message = host.git("log", "-1", "--format=%B", "multigit-ledger")
    host.commit_tree(host.git("rev-parse", "multigit-ledger^{tree}"), (), message, on="multigit-ledger")
    refused(kit)
    head = ledger(kit)
    found = next(drift for drift in drifts(kit) if drift["kind"] == "ledger")
    assert found["why"].startswith("7 records lost")
    assert found["fix"] == f"multigit verify --trust-ledger {head[:7]}"
    assert "MG-313" in kit.call("verify", "--trust-ledger", head).exits(3).err
    kit.call("verify", "--trust-ledger", "0123456", "--yes").exits(2)
    kit.call("verify", "--trust-ledger", head[:6], "--yes").exits(2)
    refused(kit)
    trusted = kit.call(*found["fix"].split()[1:], "--yes")
    assert "now has 1 record" in trusted.text
    assert "7 that were in it" in trusted.text
    kit.call("status").ok()
    host.git("update-ref", "-d", LEDGER)
    kit.call("status").exits(1)
    kit.call("verify", "--trust-ledger", "none", "--yes")
    kit.call("status").ok()


@pytest.mark.parametrize("shape", ["foreign", "merge", "files"])
def test_what_is_no_record_is_refused_and_verify_names_it_and_takes_it_off(kit: FleetKit, shape: str) -> None:
    host, good = kit.hosts["root"], ledger(kit)
    parents = (good, ledger(kit, "~1")) if shape == "merge" else (good,)
    tree = host.git("rev-parse", "main^{tree}" if shape == "files" else f"{good}^{{tree}}")
    message = "by hand" if shape == "foreign" else host.git("log", "-1", "--format=%B", good)
    words = [word for parent in parents for word in ("-p", parent)]
    bad = host.git("commit-tree", tree, *words, stdin=message.encode())
    host.git("update-ref", LEDGER, bad)
    assert "MG-410" in kit.call("status").exits(1).err
    found = next(drift for drift in drifts(kit) if drift["kind"] == "ledger")
    assert found["what"] == f"the ledger has {bad[:7]}, which is no record"
    typed(found["fix"])
    assert ledger(kit) == good
    kit.call("verify").ok()


def test_people_read_it_in_one_page(kit: FleetKit, golden: Callable[[str, str], None]) -> None:
    kit.call("verify").ok()
    for harm in (_tag_deleted, _fence_of_nobody, _stage_left):
        harm(kit)
    kit.commit("root", "main", {"hot.txt": "1\n"}, "fix: hot")
    shown = kit.call("verify").exits(1).out
    for pattern, word in ((r"\S*/mirrors/\w+\.git", "MIRROR"), (rf"{kit.root}/hosts", "HOSTS"),
                          (r"r-[0-9a-f]{12}", "RUN"), (r"\b[0-9a-f]{40}\b", "OID"), (r"\b[0-9a-f]{7}\b", "OID"),
                          (r"deploy-\d{8}-\d{6}", "TAG")):  # fmt: skip
        shown = re.sub(pattern, word, shown)
    golden("verify.txt", shown)


def test_a_repository_that_was_renamed_in_the_file_is_not_to_be_emptied(kit: FleetKit) -> None:
    url = kit.hosts["api"].path
    (kit.work / "repos.yaml").write_text(kit.config.replace("  api: {}\n", f'  backend: {{url: "{url}"}}\n'))
    found = drifts(kit)
    assert {drift["repo"] for drift in found} == {"backend"}
    assert all("was it renamed in repos.yaml?" in drift["why"] and not drift["fix"] for drift in found)
