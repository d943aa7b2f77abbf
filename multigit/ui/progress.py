"""What is going on: one passing line on a terminal, elsewhere a line per change, time first; groups on GitHub."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from datetime import datetime
from typing import IO, Any, cast

from multigit.ui.encoding import carried, no_workflow_command, workflow_data
from multigit.ui.outlet import Outlet
from multigit.ui.text import fit, visible


class _Page:
    """The stream rich draws on: a terminal that goes away must not end the thread that draws."""

    def __init__(self, out: Outlet) -> None:
        self.encoding = out.encoding
        self._out = out

    def write(self, text: str) -> int:
        self._out.write_raw(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        return True


class Progress:
    """Told by several threads at once; shows the newest. Never asks, never fails a run."""

    def __init__(self, out: Outlet, *, moving: bool, actions: bool, width: int, now: Callable[[], datetime]) -> None:
        self._out, self._moving, self._actions, self._width, self._now = out, moving, actions, width, now
        self._lock = threading.RLock()
        self._last: dict[str, str] = {}
        self._live: Any = None
        self._spinner: Any = None
        self._group = False

    def tell(self, repo: str, what: str) -> None:
        """`repo` '' starts a new phase of the whole run. Saying the same twice shows it once."""
        with self._lock:
            if self._last.get(repo) == what:
                return
            if not repo:
                self._last.clear()
            self._last[repo] = what
            text = visible(f"{repo} {what}".strip())
            if self._moving:
                self._move(text)
            elif self._actions and not repo:
                self._open_group(text)
            else:
                line = f"{self._now().isoformat(timespec='seconds')} {text}"
                self._out.write((no_workflow_command(line) if self._actions else line) + "\n")

    def _move(self, text: str) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner
        from rich.text import Text

        shown = Text(carried(self._out.encoding, fit(text, self._width - 4)))
        if self._live is not None:
            self._spinner.update(text=shown)
            return
        page = cast("IO[str]", _Page(self._out))
        console = Console(file=page, force_terminal=True, highlight=False, markup=False, width=self._width)
        self._spinner = Spinner("line", text=shown)
        self._live = Live(self._spinner, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
        self._live.start(refresh=True)
        atexit.register(self.clear)

    def _open_group(self, text: str) -> None:
        self.end_group()
        self._group = True
        self._out.write(f"::group::{workflow_data(text)}\n")

    def end_group(self) -> None:
        """Close the group of log lines that is open, if any."""
        if self._group:
            self._group = False
            self._out.write("::endgroup::\n")

    def clear(self) -> None:
        """Take the passing line away, so that something else can be shown; the next `tell` brings it back."""
        with self._lock:
            live, self._live = self._live, None
            if live is not None:
                live.stop()
                atexit.unregister(self.clear)
