"""What people, files and hosts may hand in: refused with words or shown as text, never obeyed (faults.md)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from multigit.configfile import ConfigError, load, parse
from tests.support.fleetkit import FleetKit, Ran
from tests.support.gitkit import plain_git
from tests.support.snapshots import changed, snapshot

NAMES = (
    "--upload-pack=touch mark", "--output=mark", "-x", "../..", "/etc", ".git", "a\nb", "a" * 300, "dev:main",
    "HEAD^{/x}", "refs/../x",
)  # fmt: skip
COMMANDS = (
    ("pull", "--"), ("status", "--"), ("promote", "dev", "--yes", "--"), ("rollback", "--yes", "--"), ("show", "--"),
    ("diff", "stg", "--"), ("history", "--"), ("resume", "--yes", "--"), ("hold", "set", "-m", "x", "--"),
    ("log", "--"), ("status", "-r"), ("plan", "dev", "stg", "-x"),
)  # fmt: skip
ESC = "\x1b[2J\x1b]0;owned\x07"
EVIL = f"feat: {ESC}[/oops][bold] \u202egnp.exe\u2066 \x9b31m\rdone"
ROLE = f"Kim{ESC}\u202e[/oops]"


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> FleetKit:
    return FleetKit.make(tmp_path_factory.mktemp("input"), ("root", "api"))


# --- names -------------------------------------------------------------------------------------------------------


@pytest.mark.fault("name-upload-pack", "name-traversal", "name-absolute", "name-dot-git", "name-newline")
@pytest.mark.fault("name-300-characters", "end-of-options", "ref-refspec-characters")
@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:20] for name in NAMES])
def test_a_hostile_word_on_the_command_line_is_refused_by_every_verb(kit: FleetKit, name: str) -> None:
    before = kit.refs(ledger=True, inner=True), snapshot(kit.work)
    for command in COMMANDS:
        refused = kit.call(*command, name)
        assert refused.code == 2, (command, refused)
        assert "error[" in refused.err or "Error: " in refused.err
        assert "Traceback" not in refused.err
    assert kit.refs(ledger=True, inner=True) == before[0]
    assert changed(before[1], snapshot(kit.work)) == []


@pytest.mark.fault("name-upload-pack", "name-traversal", "name-absolute", "name-dot-git", "name-newline", "name-emoji")
@pytest.mark.fault("name-300-characters")
@pytest.mark.parametrize("name", [*NAMES, "😀"], ids=[ascii(name)[:20] for name in [*NAMES, "😀"]])
def test_a_hostile_name_in_repos_yaml_has_its_line_and_column(kit: FleetKit, name: str) -> None:
    line = len(kit.config.splitlines()) + 1
    with pytest.raises(ConfigError) as caught:
        parse(f"{kit.config}  {json.dumps(name)}: {{}}\n".encode(), "repos.yaml")
    assert {(problem.line, problem.column) for problem in caught.value.problems} == {(line, 3)}


@pytest.mark.fault("name-outside-workspace")
@pytest.mark.parametrize("shape", ["dangling", "folder", "clone", "parent"])
def test_a_link_that_leads_out_of_the_workspace_is_not_followed(tmp_path: Path, shape: str) -> None:
    repos = "  root: {}\n  api: {path: sub/api}\n"
    kit = FleetKit.make(tmp_path / "here", ("root", "api"), repos=repos)
    outside = tmp_path / "outside"
    outside.mkdir()
    link = kit.work / "sub" if shape == "parent" else kit.work / "sub/api"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to({"parent": outside, "dangling": outside / "new"}.get(shape, outside / "api"))
    if shape == "folder":
        (outside / "api").mkdir()
    if shape == "clone":
        plain_git("clone", "--quiet", kit.hosts["api"].url, str(outside / "api"), at=tmp_path)
        (outside / "api/app.txt").write_text("changed\n")
    kit.commit("api", "main", {"f.txt": "1\n"})
    before = snapshot(outside)
    for words in (("pull", "main"), ("clone",)):
        assert "out of the workspace" in kit.call(*words).exits(1).text
    assert "out of the workspace" in kit.call("hotfix", "--push", "main", "-m", "x", "-n").text
    assert changed(before, snapshot(outside)) == []


@pytest.mark.fault(
    "url-ext", "url-git-scheme", "url-proxycommand", "url-newline", "url-embedded-token", "end-of-options"
)
@pytest.mark.parametrize(
    "url",
    [
        *(
            "ext::sh -c touch% {mark}",
            "git://127.0.0.1/x.git",
            "ssh://-oProxyCommand=touch% {mark}/x",
            "--output={mark}",
        ),
        *("-oProxyCommand=touch {mark}:x", "https://127.0.0.1/a\nb", "https://kim:canary-7f@127.0.0.1/x.git"),
    ],
)
def test_a_hostile_address_is_refused_with_its_place_before_git_starts(tmp_path: Path, url: str) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    mark = tmp_path / "mark"
    line = len(kit.config.splitlines()) + 1
    (kit.work / "repos.yaml").write_text(f"{kit.config}  api: {{url: {json.dumps(url.format(mark=mark))}}}\n")
    for words in (("status",), ("pull", "main"), ("promote", "dev", "stg", "--yes")):
        refused = kit.call(*words).exits(2)
        assert f"repos.yaml:{line}:14: " in refused.err
        assert "canary" not in refused.text
    assert not mark.exists()


# --- repos.yaml --------------------------------------------------------------------------------------------------


@pytest.mark.fault("yaml-huge")
def test_a_hundred_megabytes_are_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "repos.yaml").open("wb") as file:
        file.write(b"version: 1\n# ")
        file.truncate(100 << 20)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "repos.yaml")
    assert "larger than 1024 KiB" in caught.value.why


# --- text that others wrote --------------------------------------------------------------------------------------


def inert(text: str) -> bool:
    """Nothing in it moves a cursor, sets a title, turns text round or ends a line early."""
    return not [c for c in text if not c.isprintable() and c != "\n"]


@pytest.mark.slow
@pytest.mark.fault("text-escape", "text-osc", "text-bidi", "text-markup", "log-forging")
def test_what_people_and_hosts_write_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    files: dict[str | bytes, str | bytes | None] = {f"src/{ESC}\u202e.txt": "1\n", "src/[/oops].txt": "1\n"}
    kit.hosts["api"].commit(files, on="dev", message=EVIL, by=ROLE)
    kit.hosts["api"].commit({"app.txt": "theirs\n"}, on="stg", message=EVIL, by=ROLE)
    events = tmp_path / "events.ndjson"
    ran: list[Ran] = [kit.call(*words) for words in (
        ("status",), ("plan", "dev", "stg"), ("diff", "dev", "stg"), ("log", "stg..dev"), ("log", "dev..stg"),
        ("promote", "dev", "stg", "-n", "--color", "always"), ("log", "stg..dev", "--json"), ("status", "--json"),
    )]  # fmt: skip
    assert any("\\x1b]0;owned\\x07[/oops][bold]" in one.out for one in ran)
    assert any("\\u202e" in one.out for one in ran)
    kit.hosts["api"].hook("pre-receive", f"printf '%s\\n' '{EVIL}' '::error::forged' >&2; exit 1")
    refused = kit.run("promote", "dev", "stg", "--yes", "-m", "release\nforged", "--events", str(events)).exits(3)
    assert "[/oops][bold]" in refused.text
    ran += [refused, kit.call("status"), kit.call("show", "last"), kit.call("history", "stg")]
    ran += [kit.call("pull", "feature/\u202egnp"), kit.call("promote", ESC, "stg"), kit.call(ESC)]
    for one in ran:
        unpainted = re.sub("\x1b\\[[0-9;]*m", "", one.out + one.err)
        assert inert(unpainted), unpainted
    assert inert(kit.log())
    assert all(" by=" in line and " record=" in line for line in kit.log().splitlines())
    assert inert(events.read_text())
    assert all(json.loads(line)["at"] for line in events.read_text().splitlines())


# --- streams and files -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.fault("closed-stdout")
@pytest.mark.parametrize("where", [">&-", "| true", "> /dev/full"])
def test_a_run_goes_on_although_nobody_listens(tmp_path: Path, where: str) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    kit.commit("root", "dev", {"f.txt": "1\n"})
    command = f'"{sys.executable}" -m multigit promote dev stg --yes {where}; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], cwd=kit.work, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert kit.file("root", "stg", "f.txt") == "1"
    assert "RELEASED" in kit.call("show", kit.tags("stg-deploy-")[0]).ok().text.upper()


@pytest.mark.fault("twenty-columns", "term-dumb", "no-color")
def test_a_narrow_dumb_terminal_is_told_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = FleetKit.make(tmp_path, ("root", "gli_user-frontend"))
    kit.commit("gli_user-frontend", "dev", {"f.txt": "1\n"}, "feat: 결제 재시도")
    for words in (("plan", "dev", "stg"), ("log", "stg..dev"), ("promote", "dev", "nowhere")):
        monkeypatch.setenv("COLUMNS", "200")
        wide = kit.call(*words)
        monkeypatch.setenv("COLUMNS", "20")
        monkeypatch.setenv("NO_COLOR", "1")
        narrow = kit.call(*words).exits(wide.code)
        assert "\x1b" not in narrow.out + narrow.err
        assert sorted(steady(narrow).split()) == sorted(steady(wide).split())
        assert max(map(len, narrow.out.splitlines()), default=0) <= 40, "one long word beside its label at most"


def steady(ran: Ran) -> str:
    """What was said, without the plan's id and the time."""
    return re.sub(r"p-[0-9a-f]{6}|\d{8}-\d{6}|\.\.[0-9a-f]{7}|\d+ s ago", "*", ran.text)


@pytest.mark.fault("private-files")
def test_what_multigit_keeps_is_for_its_owner_alone(
    tmp_path: Path, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    kit.commit("root", "dev", {"f.txt": "1\n"})
    plan = tmp_path / "plan.json"
    plan.touch(mode=0o644)  # one that was there, readable by everybody
    monkeypatch.setattr("multigit.app.overview.status", broken)
    kit.call("status").exits(70)
    kit.call("plan", "dev", "stg", "--out", str(plan)).ok()
    kit.call("promote", "dev", "stg", "--yes").ok()
    state, cache = hermetic / ".local/state/multigit", hermetic / ".cache/multigit"
    crashes = list(state.glob("crashes/*.txt"))
    assert len(crashes) == 1
    modes = {path: path.stat().st_mode & 0o777 for path in (plan, state / "journal.sqlite3", *crashes)}
    assert modes == dict.fromkeys(modes, 0o600)
    folders = {path: path.stat().st_mode & 0o777 for path in (state, state / "crashes", cache, cache / "mirrors")}
    assert folders == dict.fromkeys(folders, 0o700)


def broken(*_: object) -> None:
    raise RuntimeError("Authorization: Basic canary== and password=canary")


@pytest.mark.fault("canary-header")
def test_a_secret_in_an_exception_is_not_in_the_crash_file(
    kit: FleetKit, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multigit.app.overview.status", broken)
    crashed = kit.call("status").exits(70)
    (file,) = hermetic.rglob("crashes/*.txt")
    assert "RuntimeError" in file.read_text()
    assert "canary" not in crashed.text + file.read_text()
