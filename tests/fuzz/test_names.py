"""Names and addresses against git: what we take, git takes and means as we do. (Branches and tags: tests/git.)"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from multigit.model.names import EnvName, Name, RepoName
from multigit.model.urls import Url
from multigit.vcs.problems import problem_of
from multigit.vcs.urls import absolute, check_url, kind, redact, ssh_place
from tests.fuzz.budget import quick, tries

NAMES = st.text("aA0._-/\\ :~^*?[@{}\n\0가\u2028é", max_size=8) | st.text(max_size=12)
PARTS = [
    "ssh://",
    "SSH://",
    "https://",
    "http://",
    "file://",
    "git://",
    "ext::",
    "git@",
    "user:pass@",
    "h",
    "host.name",
]
PARTS += [
    "[::1]",
    "[1.2]",
    "[",
    "]",
    ":",
    ":22",
    ":99999",
    "/",
    "team/x.git",
    "~",
    "-",
    "-oProxyCommand=x",
    ".",
    "..",
    "%0a",
]
PARTS += ["@", "?", "#", "\\", " ", "가", "\t", "//", "::", "a%00b"]
ADDRESSES = st.lists(st.sampled_from(PARTS), max_size=7).map("".join) | st.text(max_size=20)

USERS, HOSTS = (
    st.sampled_from(["", "git@", "a.b@", "a:b@"]),
    st.sampled_from(["h", "host.name", "[::1]", "[fe80::1]", "x_y"]),
)
PATHS = st.lists(st.sampled_from(["/", "x", "~", ".git", ":", "@", "[", "]", "가", "..", "#", "?"]), max_size=5).map(
    "".join
)
SSH = st.tuples(st.just("ssh://"), USERS, HOSTS, st.sampled_from(["/", ":22/", ":0/", ":65535/"]), PATHS).map("".join)
SSH |= st.tuples(USERS, HOSTS, st.just(":"), PATHS).map("".join)


@tries(120)
@given(NAMES)
@pytest.mark.fault("name-traversal", "name-absolute")
@pytest.mark.parametrize("sort", [RepoName, EnvName])
def test_a_name_is_one_folder_and_one_piece_of_a_ref(sort: type[Name], name: str) -> None:
    if sort.problem(name):
        return
    assert PurePosixPath(name).parts == (name,)
    assert os.path.normpath(f"/w/{name}") == f"/w/{name}"
    assert name.isascii()
    assert name.isprintable()
    ref = ["git", "check-ref-format", f"refs/multigit/{name}x"]  # git forbids a dot at the end, folders do not
    assert subprocess.run(ref, check=False, timeout=10).returncode == 0


@tries(300)
@given(ADDRESSES)
@example("ssh://git@host:99999/x.git")
@example("ssh://[1.2]/x.git")
@example("git@ssh://host/x.git")  # git looks for :// anywhere
@example("a:b@[c]:d")  # git connects to c
@pytest.mark.fault("url-ext", "url-git-scheme", "url-proxycommand")
def test_an_address_is_refused_or_understood(text: str) -> None:
    with quick(1):
        if check_url(text):
            return
        assert kind(text) in ("ssh", "https", "http", "file")
        assert not text.startswith("-")
        assert text.isprintable()
        place = ssh_place(text)
        assert place is None or not place[1].startswith("-")
        assert place is None or not place[0].startswith("-")
        assert not check_url(absolute(text))
        problem_of("fatal: Authentication failed", url=text)
        redact(text)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The words that git gave to ssh, one per line; ssh itself is not started."""
    program, words = tmp_path / "ssh", tmp_path / "words"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >"{words}"\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(program))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    return words


@pytest.mark.slow
@settings(tries(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(SSH.filter(lambda text: not Url.problem(text) and kind(text) == "ssh"))
@example("ssh://git@host:22/team/x.git")
@example("git@host:team/x.git")
@example("[::1]:x")
@example("git@host:a//b")
def test_git_connects_to_the_host_that_we_think_it_does(asked: Path, text: str) -> None:
    asked.unlink(missing_ok=True)
    git = ["git", "ls-remote", "--", text]
    env = {**os.environ, "LC_ALL": "C", "GIT_ALLOW_PROTOCOL": "ssh"}
    done = subprocess.run(git, cwd="/", env=env, capture_output=True, text=True, check=False, timeout=10)
    assert asked.exists(), done.stderr
    words = asked.read_text(encoding="utf-8").splitlines()
    place = ssh_place(text)
    assert place
    user, host, port = place
    assert words[-2] == (f"{user}@{host}" if user else host)
    assert ("-p" in words) == bool(port)
    assert not port or words[words.index("-p") + 1] == str(port)
