"""A configuration that was kept is the one that was read, or it is read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from multigit import caches
from multigit.configfile import ConfigError, cached, load, parse
from multigit.examples import example, example_names


@pytest.mark.parametrize("name", example_names())
def test_every_preset_comes_back_exactly(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "repos.yaml"
    file.write_text(example(name), encoding="utf-8")
    first = load(file)
    monkeypatch.setattr("multigit.configfile.parse", lambda *_: pytest.fail("it was read again"))
    assert load(file) == first
    assert first.config == parse(example(name).encode(), "repos.yaml")


def test_one_changed_byte_is_another_file(tmp_path: Path) -> None:
    file = tmp_path / "repos.yaml"
    text = example("gli")
    file.write_text(text, encoding="utf-8")
    load(file)
    file.write_text(text.replace("Asia/Seoul", "Asia/Tokyo", 1), encoding="utf-8")
    assert load(file).config.system.timezone == "Asia/Tokyo"
    file.write_text(text + "nonsense: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        load(file)
    with pytest.raises(ConfigError):
        load(file)


@pytest.mark.parametrize("spoiled", [b"", b"{", b"[]", b'{"config": {}, "notes": []}', b"\xff\xfe"])
def test_what_was_kept_and_spoiled_is_read_again(tmp_path: Path, spoiled: bytes) -> None:
    file = tmp_path / "repos.yaml"
    file.write_text(example("gli"), encoding="utf-8")
    first = load(file)
    (kept,) = cached._place(first.digest).parent.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_bytes(spoiled)
    assert load(file) == first


def test_another_version_reads_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "repos.yaml"
    file.write_text(example("gli"), encoding="utf-8")
    digest = load(file).digest
    assert cached.recall(digest)
    monkeypatch.setattr(cached, "__version__", "99")
    assert cached.recall(digest) is None


def test_a_few_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "repos.yaml"
    for number in range(caches.MOST + 5):
        file.write_text(f"{example('gli')}# {number}\n", encoding="utf-8")
        place = cached._place(load(file).digest).parent
    assert len(list(place.iterdir())) == caches.MOST
