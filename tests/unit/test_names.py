"""Names and addresses: an allow-list at the door, so that nobody behind it has to think about options and refspecs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigit.model.names import Branch, EnvName, Name, Oid, RepoName, RunId, Tag
from multigit.model.urls import Url, has_secret, hide_secrets

HOSTILE = [
    "",
    "-x",
    "--upload-pack=x",
    "../..",
    "/etc",
    ".git",
    "a/../b",
    ".",
    "..",
    "a\\b",
    "a\nb",
    "a b",
    "a\x00",
    "a" * 300,
]
REVISIONS = ["a..b", "a:b", "a^", "a~1", "a@{1}", "@", "HEAD", "a.lock", "a/.b", "*", "refs/x:y"]
TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"


@pytest.mark.fault(
    "name-upload-pack",
    "name-traversal",
    "name-absolute",
    "name-dot-git",
    "name-newline",
    "name-emoji",
    "name-300-characters",
)
@pytest.mark.parametrize("kind", [RepoName, EnvName, Oid, RunId])
@pytest.mark.parametrize("value", [*HOSTILE, "😀", "é"])
def test_hostile_names_are_refused(kind: type[Name], value: str) -> None:
    with pytest.raises(ValueError):
        kind(value)


@pytest.mark.parametrize("value", ["gli_root", "gli_api-server", "TalkStudio", "_x", "a.b", "0", "x" * 100])
def test_repository_names_of_real_hosts_are_taken(value: str) -> None:
    assert RepoName(value) == value


@pytest.mark.parametrize("value", ["a.git", "A.GIT", "a.lock", "a..b", "-a", ".a", "a/b", "한국어"])
def test_repository_names_that_a_file_system_or_git_could_misread_are_refused(value: str) -> None:
    assert RepoName.problem(value)


@pytest.mark.fault("ref-refspec-characters", "end-of-options")
@pytest.mark.parametrize("value", [*HOSTILE, *REVISIONS])
def test_refs_with_revision_or_refspec_characters_are_refused(value: str) -> None:
    with pytest.raises(ValueError):
        Branch(value)


@pytest.mark.fault("ref-full-names")
def test_a_branch_and_a_tag_of_one_name_have_different_full_refs() -> None:
    assert (Branch("v1").full, Tag("v1").full) == ("refs/heads/v1", "refs/tags/v1")


def test_an_object_id_is_whole() -> None:
    assert Oid("ab" * 20).short == "abababa"
    assert Oid("0" * 64)
    for value in ("ab" * 19, "AB" * 20, "ab" * 20 + "\n"):
        assert Oid.problem(value)


@pytest.mark.parametrize("kind", [RepoName, EnvName, Branch, Tag, Oid, RunId, Url])
@given(st.text())
def test_problem_and_constructor_agree(kind: type[Name], value: str) -> None:
    if kind.problem(value):
        with pytest.raises(ValueError):
            kind(value)
    else:
        assert kind(value) == value


@pytest.mark.fault("url-local-as-written")
@pytest.mark.parametrize(
    "value",
    [
        *["git@github.com:team/api.git", "github.com:team/api", "ssh://git@host:2222/team/api.git", "git@[::1]:x/y"],
        *["https://github.com/team/api.git", "https://joe@dev.azure.com/team/api", "http://127.0.0.1:8080/api.git"],
        *["file:///srv/git/api.git", "/srv/git/api.git", "./api.git", "../git/저장소.git", "/srv/my git/api"],
    ],
)
def test_addresses_that_are_fine(value: str) -> None:
    assert Url(value) == value


@pytest.mark.fault("url-ext", "url-git-scheme", "url-proxycommand", "url-newline", "url-embedded-token")
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("ext::sh -c 'touch /tmp/x'", "run any command"),
        ("fd::17", "run any command"),
        ("git://github.com/team/api", "git:// proves neither"),
        ("ftp://host/api", "is not allowed"),
        ("-oProxyCommand=x", "option"),
        ("ssh://-oProxyCommand=x/api", "needs a host"),
        ("-oProxyCommand=x:api", "option"),
        ("git@-oProxyCommand=x:api", "is no address"),
        ("ssh://-x@host/api", "plain word"),
        ("host:-x", "is no address"),
        ("https://host/a\nb", "control characters"),
        ("https://host/a%0ab", "control characters"),
        ("https://host", "needs a host and a path"),
        ("https:///api", "needs a host and a path"),
        ("https://joe:pass@host/api", "password or token"),
        (f"https://{TOKEN}@github.com/a/b", "password or token"),
        ("https://x0123456789012345678901234567890123456789@host/api", "credential helper"),
        ("https://host/api?private_token=abc", "password or token"),
        ("file://relative", "absolute path"),
        ("team/api", "write git@host:team/name.git"),
        ("", "empty"),
    ],
)
def test_addresses_that_carry_commands_or_secrets_are_refused(value: str, why: str) -> None:
    assert why in Url.problem(value)


@pytest.mark.fault("canary-url")
def test_secrets_are_found_and_hidden() -> None:
    assert hide_secrets("https://joe:pass@host/x and https://host/x") == "https://***@host/x and https://host/x"
    assert hide_secrets(f"token {TOKEN}.") == "token ***."
    assert hide_secrets("https://hooks.slack.com/services/T00/B00/abcdef012345") == "https://***"
    assert not has_secret("git@github.com:team/api.git https://host:8080/x ${env:TOKEN}")


@pytest.mark.fault("url-embedded-token", "canary-url")
@given(
    st.from_regex(r"[A-Za-z0-9_]{1,20}", fullmatch=True), st.from_regex(r"[A-Za-z0-9!$%&*._-]{1,30}", fullmatch=True)
)
def test_a_password_in_an_address_is_never_repeated(user: str, password: str) -> None:
    for scheme in ("https", "http", "ssh"):
        problem = Url.problem(f"{scheme}://{user}:canary{password}@host/team/api.git")
        assert problem
        assert "canary" not in problem
