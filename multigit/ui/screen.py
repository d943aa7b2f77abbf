"""The screen: what people and programs are told, and where. One object, made at the start of a command.

Human text goes to stdout, or to stderr when stdout carries the one JSON document (X1). Nothing here decides.
"""

from __future__ import annotations

import json as jsonlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from multigit.errors import MultigitError
from multigit.ui.encoding import carried, carries, no_workflow_command, safe, workflow_data, workflow_property
from multigit.ui.outlet import Outlet, is_terminal, width_of
from multigit.ui.paint import painted
from multigit.ui.problems import error_text
from multigit.ui.progress import Progress

if TYPE_CHECKING:
    from multigit.model.documents import ErrorDocument

Color = Literal["auto", "always", "never"]


def _error(problem: MultigitError) -> ErrorDocument:
    from multigit.model.documents import ErrorDocument

    return ErrorDocument(
        code=problem.code, what=problem.what, why=problem.why, hint=problem.hint, state=problem.state,
        exit_code=problem.exit_code,
    )  # fmt: skip


def _written(schema: str, value: Any) -> str:
    from multigit.ui.documents import document

    return document(schema, value)


def _local_now() -> datetime:
    return datetime.now().astimezone()


class Screen:
    """Where a command speaks. `Screen.open` reads the terminal and the environment; close it, or use `with`."""

    def __init__(
        self, out: Outlet, err: Outlet, *, stdin_terminal: bool, env: dict[str, str], json: bool, quiet: bool,
        verbose: bool, color: Color, no_input: bool, now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self.out, self.err = out, err
        self.json, self.quiet, self.verbose, self.no_input = json, quiet, verbose, no_input
        self.interactive = stdin_terminal and err.terminal and not no_input
        """Whether a person can be asked: stdin and stderr are terminals and nobody said --no-input."""
        self.dumb = env.get("TERM", "") in ("dumb", "")
        self.actions = env.get("GITHUB_ACTIONS") == "true"
        self.human = err if json else out
        """Where text for people goes."""
        self.width = width_of(self.human, env.get("COLUMNS", ""))
        self._color, self._no_color, self._summary = (
            color,
            bool(env.get("NO_COLOR")),
            env.get("GITHUB_STEP_SUMMARY", ""),
        )
        self._lock = threading.RLock()
        self._documented = False
        self._collecting: list[Any] | None = None
        moving = err.terminal and not self.dumb and not self.actions
        self._progress = Progress(err, moving=moving, actions=self.actions, width=width_of(err, env.get("COLUMNS", "")),
                                  now=now)  # fmt: skip

    @classmethod
    def open(
        cls,
        *,
        json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        color: Color = "auto",
        no_input: bool = False,
        now: Callable[[], datetime] = _local_now,
    ) -> Self:
        """The screen of this process, from its standard streams and environment as they are now."""
        return cls(
            Outlet(sys.stdout), Outlet(sys.stderr), stdin_terminal=is_terminal(sys.stdin), env=dict(os.environ),
            json=json, quiet=quiet, verbose=verbose, color=color, no_input=no_input, now=now,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the passing line away and end the open group; the screen may still be used."""
        self._progress.clear()
        self._progress.end_group()

    def colored(self, outlet: Outlet) -> bool:
        """Whether colours may be written: --color decides; by itself only on a terminal that is not dumb, without
        NO_COLOR (no-color.org: set and not empty).
        """
        if self._color != "auto":
            return self._color == "always"
        return outlet.terminal and not self._no_color and not self.dumb

    def can_show(self, text: str) -> bool:
        """Whether both streams can carry `text`; where they cannot carry Korean, English is better."""
        return carries(self.human.encoding, text) and carries(self.err.encoding, text)

    def say(self, text: str, *, always: bool = False) -> None:
        """Text for people. With --quiet only what is said `always`: what somebody is about to confirm."""
        if always or not self.quiet:
            self._put(self.human, text)

    def warn(self, text: str) -> None:
        """Something is not as it should be, and the command goes on. Always to stderr."""
        self._put(self.err, f"warning: {text}")
        self._annotate("warning", "", text)

    def detail(self, text: str) -> None:
        """What only --verbose shows, such as each git command; to stderr."""
        if self.verbose:
            self._put(self.err, text)

    def document(self, value: Any) -> None:
        """The one JSON document of this command on stdout; nothing without --json. `value`: JSON text, or data."""
        if not self.json and self._collecting is None:
            return
        if self._collecting is not None:
            self._collecting.append(jsonlib.loads(value if isinstance(value, str) else _written("", value)))
            return
        if self._documented:
            raise RuntimeError("a command has one JSON document")
        self._documented = True
        text = value if isinstance(value, str) else _written("", value)
        if not carries(self.out.encoding, text):
            text = jsonlib.dumps(jsonlib.loads(text), indent=2)
        with self._lock:
            self._progress.clear()
            self.out.write_raw(text.rstrip("\n") + "\n")

    @contextmanager
    def collected(self) -> Iterator[None]:
        """A command of several runs has one document all the same: schema multigit.runs/1, with what ended it."""
        runs: list[dict[str, Any]] = []
        self._collecting = runs
        ended: MultigitError | None = None
        try:
            yield
        except MultigitError as problem:
            ended = problem
            raise
        finally:
            self._collecting = None
            codes = [int(run.get("exit_code", 0)) for run in runs]
            error = jsonlib.loads(_written("", _error(ended))) if ended else None
            code = ended.exit_code if ended else max(codes, default=0)
            self.document(_written("multigit.runs/1", {"runs": runs, "error": error, "exit_code": code}))

    @contextmanager
    def aside(self) -> Iterator[list[dict[str, Any]]]:
        """What is done inside belongs to what this command is about: its documents go into the list, not out."""
        outer, self._collecting = self._collecting, []
        try:
            yield self._collecting
        finally:
            self._collecting = outer

    def error(self, problem: MultigitError) -> None:
        """What failed, why, and what to type next (X9): text on stderr; with --json the document too."""
        self._put(self.err, error_text(problem, width=min(self.width, 80)))
        self._annotate("error", problem.code, f"{problem.what}\n{problem.why}\n{problem.hint}".strip())
        if self.json and not self._documented:
            self.document(_error(problem))

    def progress(self, repo: str | None, what: str) -> None:
        """What is being done, to which repository; None: a new phase of the whole run. Nothing with --quiet."""
        if not self.quiet:
            self._progress.tell(repo or "", what)

    def pause(self) -> None:
        """Take the passing line away before a prompt."""
        self._progress.clear()

    def summary(self, text: str) -> None:
        """Add `text` to the step summary of a GitHub Actions job; nothing elsewhere."""
        if not (self.actions and self._summary):
            return
        fence = "`" * 3
        while fence in text:
            fence += "`"
        try:
            with Path(self._summary).open("a", encoding="utf-8") as file:
                file.write(f"{fence}text\n{safe(text).rstrip()}\n{fence}\n")
        except OSError as problem:
            self.warn(f"the step summary was not written: {problem.strerror}")

    def _annotate(self, kind: str, title: str, text: str) -> None:
        if self.actions:
            title = f" title={workflow_property(title)}" if title else ""
            line = f"::{kind}{title}::{workflow_data(safe(text))}"
            self.err.write_raw(carried(self.err.encoding, line) + "\n")

    def _put(self, outlet: Outlet, text: str) -> None:
        text = safe(text.rstrip("\n")) + "\n"
        if self.actions:
            text = no_workflow_command(text)
        text = carried(outlet.encoding, text)
        with self._lock:
            self._progress.clear()
            outlet.write_raw(painted(text) if self.colored(outlet) else text)
