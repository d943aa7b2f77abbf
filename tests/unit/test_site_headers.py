"""What a site's files are sent with, by their names alone."""

from __future__ import annotations

import pytest

from multigit.targets._s3.headers import ASK_FIRST, FOREVER, cache_control, content_type, is_hashed, is_page


@pytest.mark.parametrize("path", [
    "app.3f9a1c2b.js", "js/chunk-vendors.5a8f2b1c.js", "chunk-2d0c1b3a.8d7e6f5a.js.map", "assets/index-BqV5f9aX.js",
    "assets/index-B-x9_a1c.css", "assets/logo-DkQzAbcD.svg", "static/main.0a1b2c3d4e5f67890a1b.chunk.css",
    "_next/static/chunks/pages/index-0a1b2c3d4e5f6a7b.js",
])  # fmt: skip
def test_names_with_a_hash_may_be_kept_for_ever(path: str) -> None:
    assert is_hashed(path)
    assert cache_control(path, {}) == FOREVER


@pytest.mark.parametrize("path", [
    "favicon.ico", "app.js", "assets/logo-original.svg", "photo-20260101.jpg", "icon-MyCompany.svg",
    "hero-LargeBanner.png", "jquery-3.6.0.min.js", "about-BqV5f9aX.html", "sw-BqV5f9aX/sw.js", "deadbeef.js",
    "fonts/NotoSansKR-Regular.woff2", "한국어-안내문서입니다.pdf", "manifest.json", "robots.txt", "3f9a1c2b",
])  # fmt: skip
def test_names_that_stay_are_asked_for_each_time(path: str) -> None:
    assert not is_hashed(path)
    assert cache_control(path, {}) == ASK_FIRST


def test_the_first_wish_that_fits_wins() -> None:
    wishes = {"img/*": "max-age=60", "*.png": "max-age=5"}
    assert cache_control("img/a/b.png", wishes) == "max-age=60"
    assert cache_control("b.png", wishes) == "max-age=5"


@pytest.mark.parametrize(("path", "kind"), [
    ("a.woff2", "font/woff2"), ("a.WEBP", "image/webp"), ("a.mjs", "text/javascript; charset=utf-8"),
    ("a.js.map", "application/json; charset=utf-8"), ("a.css", "text/css; charset=utf-8"), ("a.avif", "image/avif"),
    ("a.wasm", "application/wasm"), ("CNAME", "application/octet-stream"), ("a.d/file", "application/octet-stream"),
    ("a.js.gz", "application/gzip"), ("a.svg", "image/svg+xml; charset=utf-8"), ("a.png", "image/png"),
])  # fmt: skip
def test_types_are_the_same_on_every_machine(path: str, kind: str) -> None:
    assert content_type(path) == kind


def test_pages_and_what_browsers_ask_for_by_a_name_that_stays() -> None:
    pages = ("index.html", "a/b.htm", "sw.js", "firebase-messaging-sw.js", "service-worker.js", "ngsw-worker.js",
             "ngsw.json", "asset-manifest.json", "site.webmanifest")  # fmt: skip
    assert all(map(is_page, pages))
    assert not any(map(is_page, ("app.js", "answers.js", "package.json", "sw.css")))
