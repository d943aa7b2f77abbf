"""git's settings from an earlier command: believed while the files git reads are what they were, and no secrets."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from multigit.vcs import run, settled
from multigit.vcs.personal import PersonalSettings

SSH = "\n[core]\n\tsshCommand = ssh -v\n"


def write(file: Path, text: str, age: float = 100) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (time.time() - age,) * 2)


def asked() -> PersonalSettings:
    """As a command of its own sees it."""
    run._personal.cache_clear()
    return run.personal()


@pytest.fixture
def config(hermetic: Path) -> Iterator[Path]:
    file = hermetic / ".gitconfig"
    write(file, '[url "git@h:"]\n\tinsteadOf = https://h/\n')
    yield file
    run._personal.cache_clear()


def test_a_second_command_asks_nobody(config: Path) -> None:
    first = asked()
    assert first.meanings("https://h/x") == ("https://h/x", "git@h:x")
    ran: list[tuple[str, ...]] = []
    run.listen(lambda words, seconds: ran.append(words))
    assert asked() == first
    run.listen(None)
    assert ran == []


def test_what_changes_is_asked_again(config: Path, hermetic: Path) -> None:
    asked()
    write(config, config.read_text() + SSH)
    assert asked().ssh_command
    write(config, "")
    assert not asked().ssh_command
    write(hermetic / ".config/git/config", SSH)  # was not there before
    assert asked().ssh_command


def test_a_file_that_may_change_within_its_own_second_is_not_believed(config: Path) -> None:
    write(config, config.read_text(), age=0)
    asked()
    assert settled.recall() is None


@pytest.mark.parametrize(
    "setting",
    ["[http]\n\textraHeader = Authorization: canary-7f", '[url "https://me:canary-7f@h/"]\n\tinsteadOf = x:',
     "[include]\n\tpath = other"],
)  # fmt: skip
def test_what_may_hold_a_secret_or_lies_elsewhere_is_not_kept(config: Path, hermetic: Path, setting: str) -> None:
    write(config, setting)
    asked()
    assert settled.recall() is None
    assert not [file for file in (hermetic / ".cache").rglob("*") if file.is_file() and "canary" in file.read_text()]
