"""status, history, show, log, diff and hold: what is where, what is owed, what happened, what is stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from multigit.vcs.run import listen
from tests.support.fleetkit import FleetKit


def released(tmp_path: Path, releases: int = 1) -> FleetKit:
    kit = FleetKit.make(tmp_path)
    for number in range(releases):
        kit.commit("api", "dev", {f"f{number}.txt": "1\n"}, f"feat: f{number}")
        kit.release()
    return kit


def row(text: str, name: str) -> str:
    """The line of a table that tells of `name`."""
    return next(" ".join(line.split()) for line in text.splitlines() if name in line.split())


@pytest.mark.shows("G8")
def test_status_shows_what_waits_and_what_is_owed(tmp_path: Path) -> None:
    kit = released(tmp_path)
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
    kit.commit("web", "main", {"hot.txt": "1\n"}, "fix: hot")
    before = kit.refs(ledger=True, inner=True)
    shown = kit.call("status").ok()
    assert row(shown.out, "api").split()[1] == "+1"
    assert "1 on main, not in stg" in row(shown.out, "web")
    assert row(shown.out, "root").split()[1:3] == ["=", "="]
    assert "1 commit in 1 wait for stg, 1 to merge back" in shown.text
    assert "multigit backmerge main stg" in shown.text
    assert "multigit plan dev stg" in shown.text
    assert kit.refs(ledger=True, inner=True) == before


@pytest.mark.shows("G5")
@pytest.mark.fault("tag-of-another-fleet")
def test_a_tag_that_is_missing_somewhere_is_a_partial_release(tmp_path: Path) -> None:
    kit = released(tmp_path)
    (tag,) = kit.tags("deploy-")
    kit.hosts["web"].git("update-ref", "-d", f"refs/tags/{tag}")
    shown = kit.call("status").ok()
    assert f"partial: {tag} missing" in row(shown.out, "web")
    assert "1 partial release" in shown.text
    told = kit.call("history", "prod").ok()
    assert "2/3" in row(told.out, tag)
    assert "partial" in row(told.out, tag)
    assert set(kit.call("show", tag, "--json").ok().json()["commits"]) == {"root", "api"}


def test_releases_made_by_hand_are_told_by_their_tags(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    for name, host in kit.hosts.items():
        host.git("tag", "-a", "-m", "by hand", "deploy-20250102-030405", "main")
        if name != "web":
            host.git("tag", "deploy-20250203-040506", "main")
        host.git("tag", "deploy-of-something-else", "main")
    told = kit.call("history", "prod").ok()
    assert "tags only" in row(told.out, "deploy-20250102-030405")
    assert "partial" in row(told.out, "deploy-20250203-040506")
    assert "something-else" not in told.out
    newest, oldest = kit.call("history", "prod", "--json").ok().json()["releases"]
    assert (newest["tag"], newest["tagged"], newest["of"]) == ("deploy-20250203-040506", 2, 3)
    assert oldest["when"].startswith("2025-01-01T18:04:05"), "the tag's time is that of the system's zone"
    assert "no run tells of it" in kit.call("show", "deploy-20250102").ok().text


@pytest.mark.slow
@pytest.mark.shows("R2")
def test_history_tells_tagged_changed_and_live_apart(tmp_path: Path) -> None:
    kit = released(tmp_path, 2)
    first, second = kit.tags("deploy-")
    kit.call("rollback", "previous", "--confirm", "shop main", "-m", "pay is broken").ok()
    third = kit.tags("deploy-")[-1]
    told = kit.call("history", "prod").ok().out
    assert "live" in row(told, third)
    assert "rolled back" in row(told, second)
    assert "live" not in row(told, second)
    assert "3/3" in row(told, first)
    assert len(kit.call("history", "prod", "-n", "2", "--json").json()["releases"]) == 2
    assert {r["env"] for r in kit.call("history", "--json").json()["releases"]} == {"stg", "prod"}
    status = kit.call("status").ok().text
    assert "pay is broken" in status
    assert "last release taken back" in status
    holds = kit.call("hold", "list").ok().text
    assert "pay is broken" in holds
    assert "a release taken back is held" in holds


@pytest.mark.shows("G6")
def test_an_open_run_is_shown_with_the_way_out(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    kit.hosts["api"].hook("pre-receive", "grep -q refs/tags && exit 1; exit 0")
    kit.promote().exits(4)
    shown = kit.call("status").exits(4)
    (run,) = {word for word in shown.text.split() if word.startswith("r-")}
    assert f"multigit resume {run}" in shown.text
    assert f"multigit abort {run}" in shown.text
    refused = kit.promote().exits(3)
    assert "open-run" in refused.text
    assert "open" in row(kit.call("history", "stg").out, kit.tags("stg-deploy-")[0])


def test_show_log_and_diff(tmp_path: Path) -> None:
    kit = released(tmp_path)
    (tag,) = kit.tags("deploy-")
    kit.commit("web", "dev", {"문서.md": "1\n"}, "feat: [/oops] \x1b[31mred 결제")
    told = kit.call("show", "last").ok()
    assert tag in told.text
    run = kit.call("show", tag[:-2], "--json").ok().json()["run"]
    assert kit.call("show", run).ok().out == told.out
    difference = kit.call("diff", "dev", "stg").ok()
    assert "문서.md" in difference.out
    assert "2 repos without a difference" in difference.out
    assert "[/oops]" in difference.out
    assert "\x1b" not in difference.out
    assert "web" not in kit.call("diff", "dev", "stg", "api").ok().out
    assert "결제" in kit.call("log", "dev..stg").ok().out
    assert kit.call("log", "stg..main").ok().out.strip() == "no commits"
    kit.commit("api", "main", {"hot.txt": "1\n"}, "fix: hot")
    assert "fix: hot" in kit.call("log", "--since", "last").ok().out
    for words in (("log", "dev"), ("log", "dev..nowhere"), ("show", "deploy-1999"), ("diff", "dev", "stg", "appi")):
        kit.call(*words).exits(2)


@pytest.mark.shows("R2")
def test_a_hold_is_seen_by_everyone_and_stops_promotions_and_hotfixes(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "stg", {"f.txt": "1\n"}, "feat: f")
    kit.call("hold", "set", "prod").exits(2)
    kit.call("hold", "set", "main", "-m", "연말 동결", "-n").ok()
    assert "연말 동결" not in kit.call("hold", "list").ok().text
    kit.call("hold", "set", "main", "-m", "연말 동결").ok()
    for words in (("status",), ("hold", "list"), ("hold", "list", "prod")):
        assert "연말 동결" in kit.call(*words).ok().text, words
    assert "연말 동결" not in kit.call("hold", "list", "stg").ok().text
    assert "연말 동결" in kit.log()
    before = kit.refs()
    refused = kit.promote("stg", "main").exits(3)
    assert "연말 동결" in refused.text
    assert "multigit hold release prod" in refused.text
    assert kit.refs() == before
    kit.call("hold", "release", "prod").exits(2)
    kit.call("hold", "release", "prod", "-m", "done").ok()
    assert "nothing to do" in kit.call("hold", "release", "prod", "-m", "done").ok().text
    kit.promote("stg", "main").ok()


@pytest.mark.shows("R2")
def test_a_hold_may_be_overridden_and_the_reason_is_kept(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    kit.call("hold", "set", "stg", "-m", "tests are running").ok()
    kit.promote("dev", "stg").exits(3)
    kit.promote("dev", "stg", "--override", "hold=agreed with QA").ok()
    run = kit.call("show", "--json", kit.tags("stg-deploy-")[0]).ok().json()
    assert "agreed with QA" in str(run["events"])


def test_one_repository_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    kit.commit("web", "dev", {"f.txt": "1\n"}, "feat: f")
    kit.hosts["api"].path.rename(tmp_path / "away")
    for words in (("status",), ("diff", "dev", "stg"), ("log", "dev..stg")):
        shown = kit.call(*words).exits(1)
        assert "api" in shown.text
        assert "web" in shown.text


def test_a_selection_shows_only_what_was_asked_for_and_a_typo_is_said(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    shown = kit.call("status", "-r", "api").ok()
    assert "api" in shown.text
    assert "web" not in shown.text
    assert "did you mean 'api'?" in kit.call("status", "-r", "apo").exits(2).text


def test_a_second_status_asks_no_git_about_what_did_not_move(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path)
    kit.commit("api", "dev", {"feature.txt": "1\n"}, "feat: 결제")
    kit.commit("web", "main", {"fix.txt": "1\n"}, "fix: CORS")
    ran: list[tuple[str, ...]] = []
    first = kit.call("status", "--json").json()
    listen(lambda argv, seconds: ran.append(argv))
    try:
        second = kit.call("status", "--json").json()
        asked = [argv for argv in ran if "ls-remote" not in argv and "config" not in argv]
        kit.commit("api", "dev", {"more.txt": "1\n"}, "feat: more")
        moved = kit.call("status", "--json").json()
    finally:
        listen(None)
    assert second["rows"] == first["rows"]
    assert not asked
    ahead = [row["distances"][0]["ahead"] for row in moved["rows"] if row["repo"] == "api"]
    assert ahead == [2]
