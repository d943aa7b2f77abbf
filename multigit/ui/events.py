"""`--events FILE`: what happens, one JSON object a line, for programs that watch."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from multigit.errors import MultigitError
from multigit.ui.text import visible_json

Tell = Callable[[str | None, str], None]


def recorder(path: Path, onward: Tell) -> Tell:
    """A progress function that also appends to `path`: {"at", "repo", "what"}."""
    lock = threading.Lock()
    try:
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise MultigitError(f"events cannot be written to {path}", why=str(error.strerror)) from error

    def tell(repo: str | None, what: str) -> None:
        line = json.dumps({"at": datetime.now(UTC).isoformat(), "repo": repo, "what": what}, ensure_ascii=False)
        with lock:
            file.write(visible_json(line) + "\n")
        onward(repo, what)

    return tell
