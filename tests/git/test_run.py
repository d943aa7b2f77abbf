"""The door to git: nothing inherited, nothing asked, nothing leaked, nothing left running."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from multigit import lanes
from multigit.errors import MultigitError
from multigit.vcs import run
from multigit.vcs.problems import problem_of
from multigit.vcs.urls import same_place, ssh_place
from tests.support.gitkit import bare, plain_git


@pytest.mark.fault("env-git-dir", "env-git-config-count", "env-git-exec-path")
def test_an_inherited_git_environment_reaches_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meant, other = bare(tmp_path / "meant"), bare(tmp_path / "other")
    head = meant.commit({"a": "1"})
    monkeypatch.setenv("GIT_DIR", str(other.path))
    monkeypatch.setenv("GIT_EXEC_PATH", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "alias.rev-parse")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "!false")
    assert run.git("rev-parse", "refs/heads/main", at=meant.path).out.decode().strip() == head
    assert not [name for name in os.environ if name.startswith("GIT_")]


def test_the_folder_we_are_started_in_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = bare(tmp_path / "host")
    host.commit({"a": "1"})
    trap = tmp_path / "trap"
    trap.mkdir()
    plain_git("init", "--quiet", at=trap)
    plain_git("config", f"url.{tmp_path}/nowhere.insteadOf", host.url, at=trap)
    monkeypatch.chdir(trap)
    assert b"refs/heads/main" in run.git("ls-remote", host.url, network=True, url=host.url).out


def test_personal_settings_do_not_change_what_a_mirror_answers(tmp_path: Path, hermetic: Path) -> None:
    host = bare(tmp_path / "host")
    (hermetic / ".gitconfig").write_text("[core]\n\tabbrev = 4\n[alias]\n\tx = rev-parse\n")
    assert run.git("config", "core.abbrev", at=host.path, check=False).status == 1
    assert run.git("config", "core.abbrev", check=False).out == b"4\n"


@pytest.mark.fault("url-ext", "url-git-scheme", "url-proxycommand", "url-newline", "name-upload-pack")
@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/x", "git://host/x.git", "ssh://-oProxyCommand=x/y", "-oProxyCommand=x:y",
        "--upload-pack=x", "https://host/a\nb", "ftp://host/x", "fd::17", "", "https://me:canary-7f@host/x.git",
    ],
)  # fmt: skip
def test_dangerous_addresses_are_refused_before_git_starts(url: str) -> None:
    started: list[tuple[str, ...]] = []
    run.listen(lambda words, _: started.append(words))
    try:
        assert run.check_url(url)
        with pytest.raises(run.GitError) as refused:
            run.git("ls-remote", "--", url, network=True, url=url or "-", check=False)
    finally:
        run.listen(None)
    assert started == []
    assert "canary" not in f"{refused.value} {refused.value.why}"


@pytest.mark.parametrize(
    "url", ["https://host/x.git", "ssh://git@host:2222/x", "git@host:team/x.git", "/srv/x.git", "file:///srv/x", "../x"]
)
def test_ordinary_addresses_are_fine(url: str) -> None:
    assert run.check_url(url) == ""


@pytest.mark.fault("allow-protocol-per-url", "url-ext")
def test_a_transport_the_address_does_not_name_is_not_used(tmp_path: Path, hermetic: Path) -> None:
    mark = tmp_path / "ran"
    (hermetic / ".gitconfig").write_text(f'[url "ext::touch {mark} "]\n\tinsteadOf = https://host/\n')
    asked = run.git("ls-remote", "https://host/x", network=True, url="https://host/x", check=False)
    assert asked.status != 0
    assert "not allowed" in asked.err
    assert not mark.exists()


def test_a_personal_rewrite_of_an_address_is_honoured(tmp_path: Path, hermetic: Path) -> None:
    bare(tmp_path / "x").commit({"a": "1"})
    (hermetic / ".gitconfig").write_text(f'[url "{tmp_path}/"]\n\tinsteadOf = https://host/\n')
    assert b"refs/heads/main" in run.git("ls-remote", "https://host/x", network=True, url="https://host/x").out


@pytest.mark.shows("X8")
@pytest.mark.fault("canary-url")
def test_a_secret_is_in_no_error_and_no_listener(tmp_path: Path) -> None:
    heard: list[str] = []
    run.listen(lambda words, _: heard.append(" ".join(words)))
    try:
        with pytest.raises(run.GitError) as failed:
            run.git("ls-remote", "https://me:canary-7f@127.0.0.1:1/x.git")
    finally:
        run.listen(None)
    error = failed.value
    assert "canary" not in " ".join([str(error), error.why, error.hint, error.output.err, repr(error.problem), *heard])
    assert heard, "the listener was called"


@pytest.mark.fault("canary-header", "canary-url")
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("fatal: https://me:canary@h/x", "https://***@h/x"),
        ("https://canary@h/x", "https://***@h/x"),
        ("ssh://git:canary@h/x", "ssh://***@h/x"),
        ("Authorization: Basic canary==", "Authorization: ***"),
        ("http.extraHeader=Authorization: bearer canary", "***"),
        ("https://h/x?access_token=canary&y=1", "&y=1"),
        ("password=canary", "password=***"),
        ("remote: login failed, password=canary next", "password=*** next"),
        ("remote: AWS_SECRET_ACCESS_KEY=canary", "AWS_SECRET_ACCESS_KEY=***"),
        ("PRIVATE-TOKEN: canary", "PRIVATE-TOKEN: ***"),
    ],
)
def test_redaction_keeps_the_rest(text: str, kept: str) -> None:
    assert "canary" not in run.redact(text)
    assert kept in run.redact(text)
    assert run.redact("git@host:team/x.git feature/a@b key: a=b") == "git@host:team/x.git feature/a@b key: a=b"


@pytest.mark.fault("deadline-process-group")
def test_a_deadline_ends_the_whole_family(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"echo $$ >> {pids}; sh -c 'echo $$ >> {pids}; sleep 600' & sleep 600"
    start = time.monotonic()
    with pytest.raises(run.GitError) as late:
        run.git("-c", f"alias.hang=!{script}", "hang", timeout=1)
    assert time.monotonic() - start < 10
    assert late.value.problem.kind == "timeout"
    family = [int(pid) for pid in pids.read_text().split()]
    assert len(family) == 2
    assert _gone(family)


def _gone(pids: list[int]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not any(_running(pid) for pid in pids):
            return True
        threading.Event().wait(0.05)
    return False


def _running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("err", "kind"),
    [
        ("fatal: Authentication failed for 'https://h/x'", "auth"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "auth"),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", "auth"),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", "auth"),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 403", "auth"),
        ("remote: Repository not found.\nfatal: repository 'https://h/x' not found", "missing"),
        (
            "fatal: '/x' does not appear to be a git repository\nfatal: Could not read from remote repository.",
            "missing",
        ),
        ("fatal: remote error: upload-pack: not our ref 1234", "missing"),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "unreachable"),
        ("ssh: connect to host h port 22: Connection refused", "unreachable"),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 503", "unreachable"),
        ("ssh: connect to host h port 22: Connection timed out", "timeout"),
        (" ! [remote rejected] main -> main (pre-receive hook declined)", "rejected"),
        ("error: object file objects/ab/cd is empty", "corrupt"),
        ("fatal: something new", "failed"),
    ],
)
def test_git_s_words_become_kinds(err: str, kind: str) -> None:
    problem = problem_of(err, url="https://h/x")
    assert problem.kind == kind
    assert problem.why
    assert problem.hint


@pytest.mark.fault("git-floor")
def test_too_old_and_missing_git_say_what_is_needed() -> None:
    for found in ((2, 37, 9), ()):
        with pytest.raises(MultigitError, match="git") as old:
            run.check_version(found)
        assert "2.38" in old.value.why
    run.check_version((2, 38))
    assert run.version() >= run.MINIMUM


def test_places_are_compared_by_host_and_path() -> None:
    assert same_place("git@host:team/x.git", "https://host/team/x")
    assert same_place("ssh://git@HOST:22/team/x/", "git@host:team/x")
    assert not same_place("git@host:team/x", "git@host:team/y")
    assert ssh_place("ssh://git@host:2222/x") == ("git", "host", 2222)
    assert ssh_place("git@host:x") == ("git", "host", 0)
    assert ssh_place("https://host/x") is None


# -- lanes


@pytest.mark.fault("fleet-1000")
def test_each_keeps_the_order_and_the_bound() -> None:
    lock, running, most = threading.Lock(), 0, 0
    together = threading.Barrier(3)

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(timeout=10)
        with lock:
            running -= 1
        return number * number

    assert lanes.each(work, range(9), jobs=3) == [n * n for n in range(9)]
    assert most <= 3


@pytest.mark.parametrize("jobs", [1, 4])
def test_one_failure_stops_no_other_and_the_first_is_raised(jobs: int) -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number in (1, 3):
            raise ValueError(number)
        done.append(number)

    with pytest.raises(ValueError, match="1"):
        lanes.each(work, range(6), jobs=jobs)
    assert sorted(done) == [0, 2, 4, 5]


def test_ctrl_c_waits_for_what_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    finished: list[int] = []
    started = threading.Event()

    def work(number: int) -> int:
        started.set()
        threading.Event().wait(0.2)
        finished.append(number)
        return number

    def interrupted(*_: object) -> None:
        started.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "exception", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lanes.each(work, range(50), jobs=2)
    assert 1 <= len(finished) <= 4
