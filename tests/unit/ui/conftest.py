"""A screen whose streams are files that may claim to be terminals."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from multigit.ui.screen import Color, Screen
from tests.unit.ui.samples import NOW


class Stream(io.TextIOWrapper):
    """A stream of some encoding that may claim to be a terminal."""

    def __init__(self, encoding: str = "utf-8", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    @property
    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


class Opened:
    """A screen with its two streams."""

    def __init__(self, screen: Screen, out: Stream, err: Stream) -> None:
        self.screen, self.out, self.err = screen, out, err


Open = Callable[..., Opened]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    def make(
        *,
        encoding: str = "utf-8",
        terminal: bool = False,
        stdin: bool = False,
        term: str = "xterm",
        json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        color: Color = "auto",
        no_input: bool = False,
    ) -> Opened:
        out, err = Stream(encoding, terminal=terminal), Stream(encoding, terminal=terminal)
        monkeypatch.setenv("TERM", term)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        monkeypatch.setattr(sys, "stdin", Stream(terminal=stdin))
        screen = Screen.open(json=json, quiet=quiet, verbose=verbose, color=color, no_input=no_input, now=lambda: NOW)
        return Opened(screen, out, err)

    return make
