"""The target `s3-site` against moto: what is sent, in which order, what stays, and how it goes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from multigit.errors import MultigitError
from multigit.targets import s3_site
from multigit.targets._s3.headers import FOREVER
from tests.support.site import BUCKET, NEXT, SITE, Stand, refuse, release, stand

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Stand]:
    with stand(tmp_path) as one:
        one.build(SITE)
        yield one


@pytest.fixture
def versioned(tmp_path: Path) -> Iterator[Stand]:
    with stand(tmp_path, versions=True) as one:
        yield one


def numbered(number: int) -> dict[str, str]:
    return {"index.html": f"page {number}", f"app.{number:08d}a.js": f"app {number}", "robots.txt": f"robots {number}"}


@pytest.mark.shows("G12")
def test_assets_go_first_pages_then_and_the_index_last(site: Stand) -> None:
    done = site.deploy(release(1))
    assert done.state == "ok"
    keys = site.put()
    assert {*keys[:3]} == {"assets/index-BqV5f9aX.js", "assets/logo.3f9a1c2b.svg", "robots.txt"}
    assert keys[3:] == ["404.html", "index.html"]
    assert site.served() == {path: text.encode() for path, text in SITE.items()}
    names = [name for name, _ in site.calls]
    assert names.index("CreateInvalidation") > max(
        n for n, one in enumerate(site.calls) if one[1].get("Key") == "index.html" and one[0] == "PutObject"
    )


def test_each_file_is_sent_with_its_type_and_how_long_it_may_be_cached(site: Stand) -> None:
    site.build({**SITE, "font.3f9a1c2b.woff2": b"\0", "sw.js": "", "a.wasm": b"\0", "site.webmanifest": "{}"})
    site.deploy(release(1), cache={"robots*": "max-age=60"})
    sent = {path: one[1:3] for path, one in site.objects().items()}
    assert sent["index.html"] == ("text/html; charset=utf-8", "no-cache")
    assert sent["assets/index-BqV5f9aX.js"] == ("text/javascript; charset=utf-8", FOREVER)
    assert sent["font.3f9a1c2b.woff2"] == ("font/woff2", FOREVER)
    assert sent["sw.js"] == ("text/javascript; charset=utf-8", "no-cache")
    assert sent["a.wasm"] == ("application/wasm", "no-cache")
    assert sent["site.webmanifest"] == ("application/manifest+json; charset=utf-8", "no-cache")
    assert sent["robots.txt"] == ("text/plain; charset=utf-8", "max-age=60")


def test_every_file_is_sent_with_a_checksum_that_s3_compares(site: Stand) -> None:
    site.deploy(release(1))
    assert all(words["ChecksumSHA256"] for words in site.named("PutObject"))


@pytest.mark.shows("X4")
def test_what_is_there_is_not_sent_again_and_not_asked_for_one_by_one(site: Stand) -> None:
    site.build({**SITE, **{f"assets/part-{n}.{n:07d}a.js": str(n) for n in range(60)}})
    site.deploy(release(1))
    site.deploy(release(2))
    assert site.put() == ["index.html"]
    assert len(site.calls) < 18
    done = site.deploy(release(2))
    assert (done.state, site.put()) == ("ok", [])
    assert len(site.calls) == 3


def test_another_header_alone_is_noticed_from_the_manifest(site: Stand) -> None:
    site.deploy(release(1))
    site.deploy(release(2), cache={"robots.txt": "max-age=60"})
    assert site.put() == ["robots.txt", "index.html"]
    assert site.objects()["robots.txt"][2] == "max-age=60"


def test_what_somebody_else_uploaded_is_sent_once_because_its_headers_are_unknown(site: Stand) -> None:
    site.aws("s3").put_object(Bucket=BUCKET, Key="robots.txt", Body=SITE["robots.txt"], ContentType="x/y")
    site.deploy(release(1))
    assert site.objects()["robots.txt"][1] == "text/plain; charset=utf-8"
    site.deploy(release(2))
    assert site.put() == ["index.html"]


@pytest.mark.shows("G12")
def test_only_what_may_be_cached_and_changed_is_asked_for_anew(site: Stand) -> None:
    site.deploy(release(1))
    assert [*site.invalidations.values()][-1][0] == ["/*"]  # who knows what was there before
    site.build(NEXT)
    site.deploy(release(2))
    (reference, (paths, _)) = [*site.invalidations.items()][-1]
    assert paths == ["/index.html", "/", "/robots.txt"]
    assert reference.startswith(f"{release(2).token}/")


def test_many_paths_become_one_star(site: Stand) -> None:
    site.deploy(release(1))
    site.build({**SITE, **{f"page{n}.html": "x" for n in range(20)}})
    site.deploy(release(2))
    assert [*site.invalidations.values()][-1][0] == ["/*"]


def test_paths_are_written_as_browsers_ask_for_them(site: Stand) -> None:
    site.deploy(release(1))
    decomposed = "\u1112\u1161\u11ab.html"
    site.build({**SITE, "소개/index.html": "x", "a b&c?.txt": "y", decomposed: "z"})
    site.deploy(release(2))
    paths = [*site.invalidations.values()][-1][0]
    assert {"/%EC%86%8C%EA%B0%9C/index.html", "/%EC%86%8C%EA%B0%9C/", "/a%20b&c%3F.txt", "/%ED%95%9C.html",
            "/%E1%84%92%E1%85%A1%E1%86%AB.html"} <= {*paths}  # fmt: skip
    assert decomposed in site.served()
    assert any("NFD" in line for line in site.said)


def test_a_name_that_only_looks_hashed_is_found_out_when_its_content_changes(site: Stand) -> None:
    site.deploy(release(1))
    site.build({**SITE, "assets/logo.3f9a1c2b.svg": "<svg>new</svg>"})
    site.deploy(release(2))
    assert site.objects()["assets/logo.3f9a1c2b.svg"][2] == "no-cache"
    assert "/assets/logo.3f9a1c2b.svg" in [*site.invalidations.values()][-1][0]


def test_releases_beyond_those_that_are_kept_go_and_nothing_of_others(site: Stand) -> None:
    s3 = site.aws("s3")
    s3.put_object(Bucket=BUCKET, Key="uploads/photo.jpg", Body=b"theirs")
    for number in range(1, 5):
        site.build(numbered(number))
        site.deploy(release(number), keep=2)
        if number == 1:
            s3.put_object(Bucket=BUCKET, Key="app.00000002a.js", Body=b"theirs")
        if number == 2:
            s3.put_object(Bucket=BUCKET, Key="app.00000001a.js", Body=b"replaced by others")
    there = {path for path in site.objects() if not path.startswith(".multigit/")}
    assert there == {"uploads/photo.jpg", "app.00000001a.js", "app.00000003a.js", "app.00000004a.js", "index.html",
                     "robots.txt"}  # fmt: skip
    kept = [path for path in site.objects() if path.startswith(".multigit/kept/")]
    assert len(kept) == 2  # page and robots of release 3


def test_what_cannot_be_removed_is_told_and_the_release_serves(site: Stand) -> None:
    for number in range(1, 4):
        site.build(numbered(number))
        site.spoil = refuse("AccessDenied", "DeleteObjects")
        done = site.deploy(release(number), keep=2)
    assert done.state == "ok"
    assert "old files of s3://shop-web/ cannot be removed: not allowed" in done.why
    site.spoil = lambda name, words: None
    site.build(numbered(4))
    site.deploy(release(4), keep=2)
    assert "app.00000001a.js" not in site.objects()


@pytest.mark.shows("R6", "G12")
def test_going_back_brings_every_page_of_a_recorded_release_and_forth_again(site: Stand) -> None:
    first = site.deploy(release(1))
    before = site.served()
    site.build(NEXT)
    second = site.deploy(release(2))
    after = site.served()
    back = site.deploy(release(1, first.artefact, "back"), source=None)
    assert back.state == "ok"
    assert {**after, **before} == site.served()  # the newer release's assets stay
    assert site.put()[-1] == "index.html"
    assert site.objects()["index.html"][3]["multigit-commit"] == release(1).commit
    assert [*site.invalidations.values()][-1][0] == ["/index.html", "/", "/robots.txt"]
    again = site.deploy(release(1, first.artefact, "back"))
    assert (again.state, site.put()) == ("ok", [])
    assert site.deploy(release(1, back.artefact, "third")).state == "ok"
    assert site.put() == []
    forth = site.deploy(release(2, second.artefact, "forth"))
    assert forth.state == "ok"
    assert site.served() == {**before, **after}


@pytest.mark.fault("site-gone")
def test_what_can_no_longer_be_brought_back_is_refused_before_anything_changes(site: Stand) -> None:
    first = site.deploy(release(1))
    site.build(NEXT)
    site.deploy(release(2))
    s3 = site.aws("s3")
    s3.delete_object(Bucket=BUCKET, Key="assets/index-BqV5f9aX.js")
    there = site.objects()
    with pytest.raises(MultigitError, match=r"1 of 5 files of the release .* are gone") as told:
        site.deploy(release(1, first.artefact, "back"))
    assert told.value.why == "assets/index-BqV5f9aX.js"
    s3.delete_object(Bucket=BUCKET, Key=first.artefact["manifest"])
    del there[first.artefact["manifest"]]
    with pytest.raises(MultigitError, match="no longer kept"):
        site.deploy(release(1, first.artefact, "back"))
    assert site.objects() == there
    with pytest.raises(MultigitError, match="recorded of s3://other/"):
        site.deploy(release(1, {**first.artefact, "bucket": "other"}, "back"))


def test_many_times_back_and_forth_keeps_as_many_releases_as_are_wanted(site: Stand) -> None:
    done: list[Any] = []
    for number in range(1, 4):
        site.build(numbered(number))
        done.append(site.deploy(release(number), keep=3))
    for turn in range(8):
        site.deploy(release(2 + turn % 2, done[1 + turn % 2].artefact, f"turn-{turn}"), keep=3)
    assert site.deploy(release(1, done[0].artefact, "home"), keep=3).state == "ok"
    assert site.served()["index.html"] == b"page 1"


def test_the_same_commit_is_here_and_the_same_commit_built_anew_is_not(site: Stand) -> None:
    site.deploy(release(1))
    again = release(1, deployment="another")
    assert s3_site.current(site.settings(), again, site.clients()).state == "here"
    site.build(NEXT)
    assert s3_site.current(site.settings(), again, site.clients()).state == "other"
    assert s3_site.current(site.settings(), release(2), site.clients()).state == "other"


def test_until_cloudfront_says_completed_it_is_under_way(site: Stand) -> None:
    site.looks = 1000
    done = site.deploy(release(1))
    assert (done.state, done.artefact) == ("running", {})
    assert "has not emptied all caches yet" in done.why
    there = s3_site.current(site.settings(), release(1), site.clients())
    assert there.state == "arriving"
    site.looks = 0
    assert s3_site.poll(site.settings(), there.ticket, site.clients()).state == "ok"
    assert s3_site.current(site.settings(), release(1), site.clients()).state == "here"


def test_an_index_that_others_replaced_meanwhile_is_a_failure(site: Stand) -> None:
    site.looks = 1000
    site.deploy(release(1))
    ticket = s3_site.current(site.settings(), release(1), site.clients()).ticket
    site.aws("s3").put_object(Bucket=BUCKET, Key="index.html", Body=b"theirs")
    site.looks = 0
    told = s3_site.poll(site.settings(), ticket, site.clients())
    assert told.state == "failed"
    assert "is of another release: s3://shop-web/index.html, not brought by multigit" in told.why


def test_without_a_distribution_only_the_bucket_is_asked(site: Stand) -> None:
    assert site.deploy(release(1), cdn="").state == "ok"
    assert not site.named("CreateInvalidation", "ListDistributions", "GetInvalidation")
    assert s3_site.current(site.settings(cdn=""), release(1), site.clients()).state == "here"


def test_a_folder_of_the_bucket_is_left_and_entered_by_nobody_else(site: Stand) -> None:
    site.aws("s3").put_object(Bucket=BUCKET, Key="index.html", Body=b"root")
    site.deploy(release(1), prefix="admin")
    assert site.objects()["index.html"][0] == b"root"
    assert site.objects()["admin/index.html"][0] == SITE["index.html"].encode()
    assert all(path.startswith("admin/") for path in site.objects() if path != "index.html")


@pytest.mark.shows("G12")
def test_what_the_workflow_uploaded_is_here_when_it_names_the_commit_or_is_newer(versioned: Stand) -> None:
    s3, settings, clients = versioned.aws("s3"), versioned.settings(source=None), versioned.clients()
    s3.put_object(Bucket=BUCKET, Key="index.html", Body=b"new", Metadata={"commit": str(release(1).commit)})
    assert s3_site.current(settings, release(1), clients).state == "here"
    assert s3_site.current(settings, release(2), clients).state == "other"
    s3.put_object(Bucket=BUCKET, Key="index.html", Body=b"new")
    late = replace(release(1), since=datetime.now(UTC) + timedelta(hours=1))
    assert s3_site.current(settings, release(1), clients).state == "here"
    assert s3_site.current(settings, late, clients).state == "other"
    with pytest.raises(MultigitError, match="was not uploaded by the workflow"):
        s3_site.deploy(settings, late, clients)


@pytest.mark.shows("R6")
def test_what_the_workflow_uploaded_comes_back_from_versions(versioned: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = versioned.aws("s3")

    def upload(**files: str) -> None:
        for path, text in files.items():
            s3.put_object(
                Bucket=BUCKET, Key=path.replace("_", "."), Body=text, CacheControl="max-age=1", ContentType="text/x"
            )

    from moto.s3 import models

    moments = iter(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(999))
    monkeypatch.setattr(models, "utcnow", lambda: next(moments).replace(tzinfo=None))
    upload(index_html="one", app1_js="1", help_html="old")
    begun = replace(release(1), since=datetime(2026, 3, 1, tzinfo=UTC))
    first = s3_site.current(versioned.settings(source=None), begun, versioned.clients())
    assert first.state == "here"
    artefact = {**first.artefact, "moment": (next(moments)).isoformat()}
    upload(index_html="two", app2_js="2", help_html="new")
    s3.delete_object(Bucket=BUCKET, Key="app1.js")  # aws s3 sync --delete
    done = versioned.deploy(release(1, artefact, "back"), source=None)
    assert done.state == "ok"
    assert versioned.served() == {"index.html": b"one", "app1.js": b"1", "app2.js": b"2", "help.html": b"old"}
    assert versioned.objects()["index.html"][1:3] == ("text/x", "max-age=1")
    assert versioned.put()[-1] == "index.html"
    assert versioned.deploy(release(1, artefact, "back"), source=None).state == "ok"
    assert versioned.put() == []
    with pytest.raises(MultigitError, match="has no version gone any more"):
        versioned.deploy(release(1, {**artefact, "index": {"version": "gone"}}, "other"), source=None)


def test_large_files_go_in_parts_and_are_known_again(site: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    from multigit.targets._s3 import bring, files, place

    five = 5 << 20
    monkeypatch.setattr(files, "PART", five)
    monkeypatch.setattr(place, "PART", five)
    monkeypatch.setattr(files, "WHOLE", five)
    monkeypatch.setattr(bring, "WHOLE", five)
    film = bytes(range(256)) * (five // 128) + b"end"
    site.build({**SITE, "film.mp4": film})
    s3 = site.aws("s3")
    s3.create_multipart_upload(Bucket=BUCKET, Key="film.mp4")
    site.spoil = refuse("InternalError", "UploadPart", after=1)
    with pytest.raises(MultigitError):
        site.deploy(release(1))
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")
    site.spoil = lambda name, words: None
    assert site.deploy(release(1)).state == "ok"
    assert site.served()["film.mp4"] == film
    site.deploy(release(2))
    assert site.put() == ["index.html"]


def test_etags_that_say_nothing_of_the_content_are_remembered(site: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key of KMS an ETag is no MD5 (S3: Object, ETag)."""
    from moto.s3.models import FakeKey

    real: Any = vars(FakeKey)["etag"].fget
    monkeypatch.setattr(FakeKey, "etag", property(lambda key: '"' + real(key).strip('"')[::-1] + '"'))
    first = site.deploy(release(1))
    site.build(NEXT)
    site.deploy(release(2))
    assert {*site.put()} == {"assets/index-Cx81hhQp.js", "robots.txt", "index.html"}
    assert site.deploy(release(1, first.artefact, "back")).state == "ok"
    assert site.served()["index.html"] == SITE["index.html"].encode()


def test_progress_is_told_in_files_and_bytes(site: Stand) -> None:
    site.deploy(release(1))
    assert site.said[0] == "uploading 4 of 4 files, 0.0 kB of 0.0 kB"
    assert site.said[1] == "emptying the caches of shop.example: /*"


def test_the_manifest_names_every_file_once(site: Stand) -> None:
    done = site.deploy(release(1))
    manifest = json.loads(site.objects()[done.artefact["manifest"]][0])
    assert manifest["schema"] == "multigit.site/1"
    assert {*manifest["files"]} == {*SITE}
    assert site.objects()[done.artefact["manifest"]][2] == "private, no-store"
