"""Commands that are struck at one of their journalled events, and fleets that are copied instead of built again.

`python -m tests.support.killer WHERE WHEN DEED ARGS...` runs `multigit ARGS...`; at the event WHERE (its number,
from 1, or the beginning of "what:text:repo") it does DEED, once, WHEN (before or after) the event is written:
`kill`, `stop` (SIGSTOP), `term`, `int`, `fail` (the journal breaks) or a shell command.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.fleetkit import FleetKit, Ran
from tests.support.processes import wait_until

ROOT = Path(__file__).parents[2]
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "term": signal.SIGTERM, "int": signal.SIGINT}


def _do(deed: str) -> None:
    if deed == "fail":
        from multigit.ledger.journal import JournalError

        raise JournalError("the journal cannot be used", why="No space left on device")
    if deed in _SIGNALS:
        os.kill(os.getpid(), _SIGNALS[deed])
        return
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["sh", "-ec", deed], check=True, env=clean, stdout=subprocess.DEVNULL)


def strike(where: str, when: str, deed: str) -> None:
    """Wrap `Journal.note`, so that DEED happens at WHERE."""
    from multigit.ledger.journal import Journal

    written, lock, seen = Journal.note, threading.Lock(), [0]

    def note(self: Journal, what: Any, run: str, text: str = "", *, repo: str = "", data: Any = None) -> None:
        with lock:
            seen[0] += seen[0] >= 0
            struck = where == str(seen[0]) or (seen[0] > 0 and f"{what}:{text}:{repo}".startswith(where))
            seen[0] = -1 if struck and not where.isdigit() else seen[0]
        if struck and when == "before":
            _do(deed)
        written(self, what, run, text, repo=repo, data=data)
        if struck and when == "after":
            _do(deed)

    Journal.note = note  # type: ignore[method-assign]


def started(
    kit: FleetKit, where: str, when: str, deed: str, *args: str, env: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """A command that will be struck, in a process of its own."""
    words = [sys.executable, "-m", "tests.support.killer", where, when, deed, *args]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    return subprocess.Popen(
        words, cwd=kit.work, env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8",
    )  # fmt: skip


def struck(kit: FleetKit, where: str, when: str, deed: str, *args: str) -> Ran:
    """The same, waited for; code -9 = it was killed."""
    child = started(kit, where, when, deed, *args)
    out, err = child.communicate(timeout=60)
    return Ran(child.returncode, out, err)


def portable(kit: FleetKit) -> FleetKit:
    """Let repos.yaml and the hosts name nothing by an absolute path, so that `copied` works."""
    kit.config = kit.config.replace(f'"{kit.root}/hosts/', '"../hosts/')
    (kit.work / "repos.yaml").write_text(kit.config, encoding="utf-8")
    return kit


def copied(kit: FleetKit, root: Path) -> FleetKit:
    """The same fleet at `root`: other hosts, another workspace, hence nothing cached and no journal.

    A push may outlive the command that was killed; it is waited for, so that no half of it is copied.
    """
    wait_until(lambda: not busy(str(kit.root)), seconds=20, what=f"no process works in {kit.root}")
    shutil.copytree(kit.root, root, symlinks=True)
    twin = FleetKit(root, kit.names, config=kit.config)
    for name, host in kit.hosts.items():
        path = root / "hosts" / f"{name}.git"
        config = path / "config"
        config.write_text(config.read_text().replace(str(kit.root), str(root)))
        twin.hosts[name] = replace(host, path=path)
    return twin


def busy(folder: str) -> bool:
    """Whether a git works in `folder`, a server's included."""
    return any(folder.encode() in _command(line) for line in Path("/proc").glob("[0-9]*/cmdline"))


def _command(line: Path) -> bytes:
    try:
        words = line.read_bytes()
    except OSError:  # ended meanwhile
        return b""
    return words if b"git" in words.partition(b"\0")[0] else b""


def records(kit: FleetKit) -> list[dict[str, Any]]:
    """The ledger, oldest first, read with plain git."""
    home = kit.hosts[kit.names[0]]
    if home.head("multigit-ledger") is None:
        return []
    text = home.git("log", "--reverse", "--format=%b%x00", "multigit-ledger")
    return [json.loads(part) for part in text.split("\0") if part.strip()]


def kinds(kit: FleetKit, *, since: int = 0) -> list[str]:
    """What the ledger has of the last run that began or failed after its first `since` records."""
    told = [record for record in records(kit)[since:] if record["run"]]
    return [record["kind"] for record in told if record["run"] == told[-1]["run"]]


def stages(kit: FleetKit) -> list[str]:
    """Stage refs that are still somewhere."""
    return [
        f"{n} {r}" for n, refs in kit.refs(inner=True).items() for r in refs if r.startswith("refs/multigit/stage/")
    ]


def main(words: Sequence[str]) -> int:
    """Run one command that will be struck."""
    from multigit.cli import main as multigit

    strike(*words[:3])
    sys.argv = ["multigit", *words[3:]]
    return multigit(list(words[3:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
