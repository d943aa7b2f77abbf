"""Signatures in objects, keys in repos.yaml, and what a signed text must say to count."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from multigit.configfile import ConfigError, parse
from multigit.model.attest import Approval, approval_of, counted, statement, tag_doubt
from multigit.model.names import EnvName, Oid, RepoName, Tag
from multigit.model.objects import EMPTY_TREE, NewCommit, NewTag, Signature, parse_tag
from multigit.model.signatures import into_commit, key_problem, normal_key, of_commit, of_tag, ssh_key
from tests.unit.test_plan_model import PROMOTION

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHbe3rix+PV1SFeggLWHzYN7RavtP2jtTUHfHhUglOs5"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBi5ppODRMtd9TKSdI5UV+1V30inIP28MuFkzzLKX0XE"
ARMORED = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\nAAAA\n-----END SSH SIGNATURE-----\n"
BY = Signature(name="Kim", email="kim@example.com", when=PROMOTION.created)
PARTS = (b"gpgsig", b"gpgsig-sha256 ", b" ", b"\n", b"\n\n", b"tree a", b"object a", b"type commit", b"tag x",
         b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----", b"U1NIU0lH", b"AAAA")  # fmt: skip
DIGITS = {40: "a" * 40, 64: "b" * 64}


@given(message=st.text(min_size=1), size=st.sampled_from([40, 64]), parents=st.integers(0, 2))
def test_a_signature_goes_into_a_commit_and_comes_out_again(message: str, size: int, parents: int) -> None:
    commit = NewCommit(tree=EMPTY_TREE[size], parents=(Oid(DIGITS[size]),) * parents, message=message, by=BY)
    signed = into_commit(commit.body(), ARMORED)
    assert of_commit(signed) == (commit.body(), ARMORED.strip("\n"))
    assert (b"\ngpgsig-sha256 " in signed) == (size == 64)
    assert of_commit(commit.body()) == (commit.body(), "")


@given(message=st.text())
def test_a_signed_tag_reads_as_what_was_signed_and_the_signature(message: str) -> None:
    tag = NewTag(tag=Tag("deploy-1"), commit=Oid("a" * 40), message=message, by=BY)
    assert of_tag(replace(tag, signature=ARMORED).body()) == (tag.body(), ARMORED)


@given(body=st.one_of(st.binary(), st.lists(st.sampled_from(PARTS)).map(b"".join)))
@example(body=b"gpgsig-sha256")
def test_no_bytes_break_the_readers(body: bytes) -> None:
    of_commit(body)
    ssh_key(body.decode("latin-1"))
    try:
        parse_tag(body)
    except ValueError as error:
        assert "tag object" in str(error)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (KEY, ""),
        (f"{KEY} kim on her laptop", ""),
        ("openpgp:0123 4567 89AB CDEF 0123 4567 89ab cdef 0123 4567", ""),
        ("openpgp:89ABCDEF", "whole fingerprint"),
        (KEY[:-20], "cut short"),
        ("ssh-rsa " + KEY.split()[1], "cut short"),
        ("kim", "write"),
        ("", "write"),
        ('command="rm" ' + KEY, "write"),
    ],
)
def test_keys_that_cannot_be_checked_are_named(text: str, wrong: str) -> None:
    assert wrong in key_problem(text)
    assert bool(wrong) == bool(key_problem(text))


def test_a_comment_and_spaces_make_no_other_key() -> None:
    assert normal_key(f"{KEY} kim") == normal_key(KEY)
    assert normal_key("openpgp:ab cd") == "openpgp:ABCD"


CONFIG = f"""\
version: 1
system: {{name: shop}}
environments:
  prod: {{branch: main, tag: "deploy-{{now:%Y%m%d-%H%M%S}}", SIGNERS}}
repos: {{api: {{url: ./api}}}}
signing:
  signers:
    kim@example.com: "{KEY} kim"
    lee@example.com: "{OTHER}"
"""


@pytest.mark.parametrize(
    ("signers", "line", "said"),
    [
        ("signers: [kim@example.com, lee@example.com], approvals: 1", 0, ""),
        ("signers: [kim@example.com], approvals: 1, approvers: [lee@example.com]", 0, ""),
        ("signers: [kim@exmple.com]", 4, 'did you mean "kim@example.com"?'),
        ("signers: [kim@example.com], approvers: [ahn@example.com]", 4, "has no key under signing.signers"),
        ("approvals: 1", 4, "approvals need signers"),
        ("signers: [kim@example.com], approvals: 1", 4, "can never be had"),
        ("signers: [kim@example.com, lee@example.com], approvals: 2", 4, "can never be had"),
        ("signers: [kim@example.com], approvals: -1", 4, "not negative"),
    ],
)
def test_what_repos_yaml_says_about_signers_must_be_possible(signers: str, line: int, said: str) -> None:
    text = CONFIG.replace("SIGNERS", signers)
    if not said:
        parse(text.encode(), "repos.yaml")
        return
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), "repos.yaml")
    assert said in str(caught.value.why)
    assert f"repos.yaml:{line}:" in str(caught.value.why)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [(OTHER, f"{KEY} lee", "same key as kim@example.com"), (OTHER, "ssh-ed25519 AAAA", "no public key")],
)
def test_one_key_is_one_person(old: str, new: str, said: str) -> None:
    """Else somebody could approve their own plan."""
    with pytest.raises(ConfigError) as caught:
        parse(CONFIG.replace("SIGNERS", "").replace(", }", "}").replace(old, new).encode(), "repos.yaml")
    assert said in str(caught.value.why)
    assert "repos.yaml:9:" in str(caught.value.why)


# --- what is signed must fit -------------------------------------------------------------------------------------

REPO, TAGGED = next(iter(PROMOTION.tags().items()))
ENV = EnvName(str(PROMOTION.target))


def doubt(body: bytes, **other: object) -> str:
    values = {"ref": TAGGED.tag, "commit": TAGGED.commit, "repo": REPO, "env": ENV, "now": PROMOTION.created} | other
    return tag_doubt(parse_tag(body), **values)  # type: ignore[arg-type]


def test_a_release_tag_stands_for_what_it_says() -> None:
    assert doubt(TAGGED.body()) == ""


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"ref": Tag("deploy-20300101-000000")}, "under another name"),
        ({"commit": Oid("f" * 40)}, "stands for"),
        ({"repo": RepoName("elsewhere")}, "another repository"),
        ({"env": EnvName("other")}, "not of other"),
        ({"now": PROMOTION.created - timedelta(hours=1)}, "future"),
    ],
)
def test_a_replayed_tag_is_doubted(other: dict[str, object], why: str) -> None:
    assert why in doubt(TAGGED.body(), **other)


@pytest.mark.parametrize("tree", EMPTY_TREE.values())
def test_an_approval_is_of_one_plan_and_of_its_day(tree: Oid) -> None:
    given = statement(PROMOTION, replace(BY, when=PROMOTION.created + timedelta(minutes=5)), tree=tree).body()
    assert approval_of(given, PROMOTION, "lee@example.com") == Approval(
        by="lee@example.com", at=PROMOTION.created + timedelta(minutes=5)
    )
    assert approval_of(given, replace(PROMOTION, reason="more"), "x") == "it approves another plan"
    late = statement(PROMOTION, replace(BY, when=PROMOTION.created + timedelta(hours=25)), tree=tree).body()
    assert approval_of(late, PROMOTION, "x") == "it was not given while the plan was valid"
    assert approval_of(b"tree x\n\nhello\n\n[]", PROMOTION, "x") == "it is no approval"


def test_nobody_counts_twice_and_neither_the_author_nor_whoever_applies_it() -> None:
    author = PROMOTION.operator.email
    given = [Approval(by=by, at=PROMOTION.created) for by in ("a@x", "a@x", "b@x", "c@x", author, author.upper())]
    may = ("a@x", "c@x", author, author.upper())
    assert [one.by for one in counted(given, PROMOTION, may, "c@x")] == ["a@x"]
