"""`s3-site` killed at every call, refused, given odd folders: what serves stays whole, and the next try goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from multigit.clients import SignedOut
from multigit.errors import MultigitError, UsageError
from tests.support.awscloud import REGION
from tests.support.cloud import Killed
from tests.support.moments import telling
from tests.support.site import BUCKET, NEXT, SITE, Stand, Words, kill_after, refuse, release, stand

pytestmark = pytest.mark.slow
State = Mapping[str, Any]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Stand]:
    with stand(tmp_path) as one:
        one.build(SITE)
        yield one


def told(site: Stand, *words: str, number: int = 1, **more: Any) -> MultigitError:
    """What a deployment that must fail says; nothing may be in the bucket afterwards that was not before."""
    before = site.objects()
    with pytest.raises(MultigitError) as error:
        site.deploy(release(number), **more)
    said = " ".join((error.value.what, error.value.why, error.value.state, error.value.hint))
    assert all(word in said for word in words), said
    assert site.objects() == before
    return error.value


# --- killed ---


def is_whole(site: Stand, sites: tuple[Mapping[str, str], ...]) -> None:
    """Whatever serves, all that it refers to is there; and no file of a kept release is missing."""
    there = {path: one[0].decode() for path, one in site.objects().items()}
    aside = {text for path, text in there.items() if path.startswith(".multigit/kept/")}
    index = there.get("index.html")
    serving = next((one for one in sites if one["index.html"] == index), None)
    if index is None:
        return
    assert serving is not None
    assert all(there[path] == text for path, text in serving.items() if path.startswith("assets/"))
    last = sites.index(serving)
    for one in sites[max(0, last - 1) : last + 1]:  # keep: 2
        assert all(there.get(path) == text or text in aside for path, text in one.items())


def watch(site: Stand, sites: tuple[Mapping[str, str], ...]) -> Callable[[str, Words], None]:
    """Looks after every call that changes the bucket."""

    def after(name: str, words: Words) -> None:
        if name in ("PutObject", "CopyObject", "DeleteObjects"):
            site.ours = False
            with site.lock:
                is_whole(site, sites)
            site.ours = True

    return after


def plain(site: Stand) -> State:
    """The bucket without what differs by chance: ids of invalidations and distributions."""
    return {path: one for path, one in site.objects().items() if not path.startswith(".multigit/tickets/")}


def third(site: Stand) -> Any:
    """Two releases are there; what brings the third (keep: 2) drops the first."""
    site.build(SITE)
    site.deploy(release(1))
    site.build(NEXT)
    site.deploy(release(2))
    site.build(THIRD)
    return release(3)


def back(site: Stand) -> Any:
    """Two releases are there; the first is to be brought back."""
    site.build(SITE)
    first = site.deploy(release(1))
    site.build(NEXT)
    site.deploy(release(2))
    return release(1, first.artefact, "back")


THIRD = {**NEXT, "index.html": '<script src="/assets/index-D0kLmN4z.js"></script>three', "robots.txt": "third"}
THIRD["assets/index-D0kLmN4z.js"] = THIRD.pop("assets/index-Cx81hhQp.js").replace("two", "three")


@pytest.mark.fault("site-killed")
@pytest.mark.shows("X5", "G12")
@pytest.mark.parametrize("prepare", [third, back])
def test_killed_after_any_call_the_next_try_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Stand], Any]
) -> None:
    monkeypatch.setattr("multigit.targets._s3.bring.LANES", 1)
    sites = (SITE, NEXT, THIRD) if prepare is third else (SITE, NEXT)
    with stand(tmp_path) as site:
        wanted = prepare(site)
        assert site.deploy(wanted, keep=2).state == "ok"
        end, calls, whole = plain(site), [name for name, _ in site.calls], len(site.put())
        assert len(calls) > 15
        for number in (0, *(moment for moment in telling(calls) if moment < len(calls))):
            site.empty()
            wanted = prepare(site)
            site.after = watch(site, sites)
            kill_after(site, number)
            with pytest.raises(Killed):
                site.deploy(wanted, keep=2)
            sent = len(site.put())
            site.spoil = lambda name, words: None
            assert site.deploy(wanted, keep=2).state == "ok", f"killed after call {number}"
            assert plain(site) == end, f"killed after call {number}"
            assert sent + len(site.put()) <= whole + 1, f"killed after call {number}: sent twice"
            assert len(site.invalidations) == 3
            site.deploy(wanted, keep=2)
            assert not site.put()
            site.after = lambda name, words: None


@pytest.mark.fault("site-killed")
def test_killed_in_the_first_deployment_what_was_sent_is_not_sent_again(site: Stand) -> None:
    kill_after(site, 8)
    with pytest.raises(Killed):
        site.deploy(release(1))
    sent = site.put()
    assert sent
    site.spoil = lambda name, words: None
    assert site.deploy(release(1)).state == "ok"
    assert not {*sent} & {*site.put()}


def test_given_up_and_built_with_other_headers_nothing_is_taken_for_granted(site: Stand) -> None:
    """The second was given up after it sent robots.txt with other headers; the third wants those of the first."""
    site.deploy(release(1))
    site.spoil = refuse("InternalError", "PutObject", about="index.html")
    with pytest.raises(MultigitError):
        site.deploy(release(2), cache={"robots.txt": "max-age=60"})
    assert site.objects()["robots.txt"][2] == "max-age=60"
    site.spoil = lambda name, words: None
    site.deploy(release(3))
    assert site.objects()["robots.txt"][2] == "no-cache"


def test_what_was_built_anew_between_two_tries_is_what_serves(site: Stand) -> None:
    site.deploy(release(1))
    site.build(NEXT)
    site.spoil = refuse("InternalError", "PutObject", about="tickets/")  # all but the last word
    with pytest.raises(MultigitError):
        site.deploy(release(2))
    site.spoil = lambda name, words: None
    site.build(THIRD)
    assert site.deploy(release(2)).state == "ok"
    assert site.served().items() >= {path: text.encode() for path, text in THIRD.items()}.items()
    assert len(site.invalidations) == 3  # the caches may hold what served in between


# --- refused ---


@pytest.mark.fault("site-denied")
def test_one_file_that_may_not_be_written_leaves_the_release_before_serving(site: Stand) -> None:
    site.deploy(release(1))
    site.build({**NEXT, **{f"assets/part-{n}.{n:07d}a.js": str(n) for n in range(40)}})
    site.spoil = refuse("AccessDenied", "PutObject", about="assets/", after=20)
    with pytest.raises(MultigitError, match=r"s3://shop-web/assets/.* cannot be written: not allowed") as error:
        site.deploy(release(2))
    sent = len(site.put())
    assert error.value.state == f"{sent} of 42 files were uploaded; the release before still serves"
    assert sent < 40  # after the first refusal nothing more is begun
    assert site.served()["index.html"] == SITE["index.html"].encode()
    site.spoil = lambda name, words: None
    assert site.deploy(release(2)).state == "ok"
    assert len(site.put()) == 43 - sent


@pytest.mark.fault("site-denied")
def test_credentials_that_expire_midway_are_said_and_the_same_command_goes_on(site: Stand) -> None:
    site.spoil = refuse("ExpiredToken", "PutObject", after=2)
    with pytest.raises(SignedOut, match="AWS does not know who is asking") as error:
        site.deploy(release(1))
    assert error.value.why == "the credentials have expired"
    assert error.value.state == "1 of 4 files were uploaded; nothing serves yet"
    site.spoil = lambda name, words: None
    assert site.deploy(release(1)).state == "ok"


@pytest.mark.fault("site-raced")
def test_an_index_that_somebody_put_meanwhile_is_not_overwritten(site: Stand) -> None:
    site.deploy(release(1))
    site.build(NEXT)

    def theirs(name: str, words: Words) -> None:
        if name == "PutObject" and words["Key"] == "robots.txt":
            site.ours = False
            site.aws("s3").put_object(Bucket=BUCKET, Key="index.html", Body=b"theirs")
            site.ours = True

    site.spoil = theirs
    with pytest.raises(MultigitError, match=r"index\.html cannot be written"):
        site.deploy(release(2))
    assert site.served()["index.html"] == b"theirs"


def test_an_answer_that_was_lost_on_the_way_is_found_to_have_been_a_yes(site: Stand) -> None:
    """botocore repeats a put whose answer did not come; the second is then refused for what the first did."""
    site.deploy(release(1))
    site.build(NEXT)

    def lost(name: str, words: Words) -> None:
        if name == "PutObject" and words["Key"] == "index.html" and "IfMatch" in words:
            site.ours = False
            site.aws("s3").put_object(**words)
            site.ours = True

    site.spoil = lost
    assert site.deploy(release(2)).state == "ok"


@pytest.mark.fault("site-bucket")
def test_a_bucket_that_is_not_there_or_not_ours_is_said(site: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    told(site, "s3://shop-wbe/", "NoSuchBucket", bucket="shop-wbe")
    site.spoil = refuse("404", "HeadObject")  # moto says more here than S3, which sends no body
    told(site, "s3://shop-wbe/ cannot be listed", "NoSuchBucket", bucket="shop-wbe")
    site.spoil = lambda name, words: None
    told(site, "not allowed", account="999999999999")
    site.spoil = refuse("403", "HeadObject")
    told(site, "s3://shop-web/index.html cannot be looked at: not allowed")


def test_the_account_is_named_with_every_call(site: Stand) -> None:
    site.deploy(release(1), account="123456789012")
    assert all(words.get("ExpectedBucketOwner") for name, words in site.calls
               if name in ("PutObject", "HeadObject", "ListObjectsV2", "GetObject", "CopyObject"))  # fmt: skip


@pytest.mark.fault("site-cdn")
def test_a_distribution_that_is_not_there_is_said_before_anything_is_uploaded(site: Stand) -> None:
    told(site, "no CloudFront distribution of this account serves shop.exmaple", "shop.example", cdn="shop.exmaple")


@pytest.mark.fault("site-cdn")
def test_caches_that_cannot_be_emptied_are_said_and_emptied_by_the_next_try(site: Stand) -> None:
    site.spoil = refuse("TooManyInvalidationsInProgress", "CreateInvalidation")
    with pytest.raises(MultigitError, match=r"caches of .* cannot be emptied") as error:
        site.deploy(release(1))
    assert error.value.state == "the new release serves; caches may hold the one before"
    site.spoil = lambda name, words: None
    assert site.deploy(release(1)).state == "ok"
    assert site.put() == []


@pytest.mark.fault("site-manifest")
def test_a_record_that_is_garbage_is_named_and_nothing_is_changed(site: Stand) -> None:
    key = ".multigit/releases/x.json"
    for text in (b"{", b'{"schema": "multigit.site/2"}', b"[]"):
        site.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=text)
        told(site, f"s3://shop-web/{key} cannot be read")


# --- odd folders ---


@pytest.mark.fault("site-source")
def test_a_folder_that_is_no_built_site_is_refused(site: Stand) -> None:
    told(site, "dits: there is no such folder", "build the site", source="dits")
    (site.folder / "clone" / "empty").mkdir()
    told(site, "empty is empty", source="empty")
    told(site, "has no start.html", index="start.html")
    told(site, "dist/index.html does not hold abababab", "another build", build="abababab")
    assert site.deploy(release(1), build="assets/index").state == "ok"


def sparse(file: Path, size: int) -> None:
    file.touch()
    os.truncate(file, size)


@pytest.mark.fault("site-source")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda dist: (dist / "out").symlink_to("/etc/hostname"), ("out cannot be in a site", "leads out")),
        (lambda dist: (dist / "out").symlink_to("../.."), ("out cannot be in a site", "leads out")),
        (lambda dist: (dist / "gone").symlink_to("nowhere"), ("gone cannot be in a site", "leads nowhere")),
        (lambda dist: (dist / "me").symlink_to("me"), ("me cannot be in a site", "nowhere")),
        (lambda dist: (dist / "loop").symlink_to("."), ("loop cannot be in a site", "leads back")),
        (lambda dist: (dist / ".env.local").write_text("KEY=1"), (".env.local cannot be in a site",)),
        (lambda dist: (dist / ".git").mkdir(), (".git cannot be in a site", "never meant")),
        (lambda dist: (dist / ".multigit").mkdir(), (".multigit cannot be in a site", "own records")),
        (lambda dist: os.mkfifo(dist / "pipe"), ("pipe cannot be in a site", "no file")),
        (lambda dist: (dist / "a\nb").write_text(""), ("cannot be in a site", "control characters")),
        (lambda dist: Path(os.fsdecode(os.fsencode(dist) + b"/\xff")).write_text(""), ("cannot be in", "not UTF-8")),
        (lambda dist: sparse(dist / "huge", (5 << 30) + 1), ("huge", "more than 5 GB")),
    ],
)  # fmt: skip
def test_what_must_not_be_published_is_refused_before_anything(
    site: Stand, make: Callable[[Path], object], words: tuple[str, ...]
) -> None:
    make(site.folder / "clone" / "dist")
    told(site, *words, "nothing was uploaded")


def test_odd_names_arrive_as_they_are(site: Stand) -> None:
    odd = {"한글 파일.txt": "1", "A.txt": "a", "a.txt": "A", "50%+=&?#.txt": "2", 'it\'s "q".txt': "3", "empty.txt": ""}
    site.build({**SITE, **odd, ".well-known/security.txt": "4", ".DS_Store": "no"})
    (site.folder / "clone" / "dist" / "link.txt").symlink_to("robots.txt")
    assert site.deploy(release(1)).state == "ok"
    assert site.served().items() >= {path: text.encode() for path, text in odd.items()}.items()
    assert site.served()["link.txt"] == SITE["robots.txt"].encode()
    assert ".well-known/security.txt" in site.served()
    assert ".DS_Store" not in site.served()
    site.deploy(release(2))
    assert site.put() == ["index.html"]
    site.build(SITE)
    first = site.deploy(release(3), keep=2)
    site.build({**SITE, "robots.txt": "x"})
    site.deploy(release(4), keep=2)
    assert not {*odd} & {*site.served()}
    assert site.deploy(release(3, first.artefact, "back"), keep=2).state == "ok"


def test_a_file_that_changes_while_it_is_uploaded_is_said(site: Stand) -> None:
    def build(name: str, words: Words) -> None:
        if name == "PutObject" and ".multigit/releases" in words["Key"]:
            (site.folder / "clone" / "dist" / "robots.txt").write_text("changed")

    site.after = build
    with pytest.raises(MultigitError, match=r"robots\.txt changed while it was being uploaded"):
        site.deploy(release(1))
    assert "index.html" not in site.served()


@pytest.mark.parametrize(
    "wrong", [{"bucket": ""}, {"keep": 1}, {"keep": 51}, {"account": "12"}, {"cache": {"*": "a\nb"}}, {"index": ""},
              {"kepp": 3}],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(site: Stand, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="target 's3-site'"):
        site.settings(**wrong)


def test_another_region_is_found(site: Stand) -> None:
    assert REGION != "us-east-1"
    assert site.deploy(release(1), region="us-east-1").state == "ok"
