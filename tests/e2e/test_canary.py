"""A secret put wherever secrets lie: it is in nothing that multigit writes, shows, stores or starts (X8)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from multigit.apply import engine
from tests.support import httpgit
from tests.support.fleetkit import FleetKit, Ran
from tests.support.gitkit import plain_git
from tests.support.gitspy import GitSpy
from tests.support.serverfixtures import require
from tests.support.servers import HttpGit

KANARI = f"kanari-{uuid.uuid4().hex[:12]}"
"""Not called canary, as the folder of a test is called like the test; new each time, as other tests run beside it."""
TOKEN = f"ghp_{uuid.uuid4().hex}kanari"
SAID = (
    f"https://kim:{KANARI}@host/x.git Authorization: Basic {KANARI} password={KANARI} {TOKEN} x?token={KANARI}"
    f" DEPLOY_TOKEN={KANARI} PRIVATE-TOKEN: {KANARI}"
)
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{KANARI}\n-----END OPENSSH PRIVATE KEY-----\n"


@dataclass(slots=True)
class Watch:
    """Everything that was shown, and the arguments of every process while it watched."""

    shown: list[str] = field(default_factory=list)
    arguments: set[bytes] = field(default_factory=set)

    def sees(self, ran: Ran) -> Ran:
        self.shown += [ran.out, ran.err]
        return ran

    @contextmanager
    def processes(self) -> Iterator[None]:
        """Look at /proc again and again: what git starts in turn is there as well."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(0.04):
                for place in [place for place in Path("/proc").iterdir() if place.name.isdigit()]:
                    try:
                        self.arguments.add((place / "cmdline").read_bytes())
                    except OSError:
                        continue

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


@dataclass(slots=True)
class Nest:
    """A fleet behind a web host that wants a password, which only a credential helper knows."""

    kit: FleetKit
    home: Path
    spy: GitSpy
    watch: Watch
    events: Path

    def run(self, *words: str) -> Ran:
        more = ("-v", "--events", str(self.events))
        return self.watch.sees(self.kit.run(*words, *more, env={"PATH": self.spy.path}))

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Every file that multigit wrote, and every object in mirrors and hosts."""
        places = [self.home / ".local", self.home / ".cache", self.kit.work]
        for file in [file for place in places for file in place.rglob("*") if file.is_file()]:
            yield str(file), file.read_bytes()
        yield "events", self.events.read_bytes()
        mirrors = (self.home / ".cache/multigit/mirrors").glob("*.git")
        for bare in [*(host.path for host in self.kit.hosts.values()), *mirrors]:
            yield (
                str(bare),
                plain_git("cat-file", "--batch", "--batch-all-objects", at=bare).encode(errors="surrogateescape"),
            )


@pytest.fixture
def nest(tmp_path: Path, hermetic: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nest]:
    require(*httpgit.PROGRAMS)
    monkeypatch.setattr(engine, "PAUSES", (0.0,))
    with HttpGit(tmp_path / "served", login=("kim", KANARI)) as server:
        repos = "".join(f'  {name}: {{url: "{server.url(f"hosts/{name}.git")}"}}\n' for name in ("root", "api"))
        kit = FleetKit.make(tmp_path / "served", ("root", "api"), repos=repos)
        helper = tmp_path / "helper"
        helper.write_text(f'#!/bin/sh\n[ "$1" = get ] && printf "username=kim\\npassword={KANARI}\\n"\n')
        helper.chmod(0o755)
        with (hermetic / ".gitconfig").open("a") as file:
            file.write(
                f'[credential]\n\thelper = {helper}\n[http]\n\textraHeader = "Authorization2: Bearer {KANARI}"\n'
            )
        yield Nest(kit, hermetic, GitSpy.make(tmp_path / "spy"), Watch(), tmp_path / "events.ndjson")


@pytest.mark.slow
@pytest.mark.shows("X8")
@pytest.mark.fault("canary-header", "canary-hook", "canary-argv", "canary-key", "canary-url")
def test_a_secret_is_found_nowhere(nest: Nest, tmp_path: Path) -> None:
    kit = nest.kit
    kit.commit("api", "dev", {"f.txt": "1\n"}, "feat: f")
    with nest.watch.processes():
        nest.run("promote", "dev", "stg", "--yes").ok()
        kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
        kit.hosts["api"].hook("pre-receive", f"echo '{SAID}' >&2; exit 1")
        assert "password=***" in nest.run("promote", "dev", "stg", "--yes").exits(3).text
        kit.hosts["api"].hook("pre-receive", "exit 0")
        clone = kit.clone("api")
        address = kit.config.partition("api: {url: ")[2].partition("}")[0].strip('"')
        plain_git("config", "remote.origin.url", address, at=clone)
        (clone / "app.txt").write_text(KEY)
        assert "a private key" in nest.run("hotfix", "--push", "main", "-m", "fix", "-n").exits(3).text
        plain_git("checkout", "--quiet", "app.txt", at=clone)
    hide = kit.work / "hidden.yaml"
    hide.write_text(kit.config.replace("http://", f"http://kim:{KANARI}@"))
    nest.watch.sees(kit.run("-f", "hidden.yaml", "status")).exits(2)
    with (nest.home / ".gitconfig").open("a") as file:  # as some build servers do it
        file.write(f'[url "http://kim:{KANARI}@127.0.0.1:1/"]\n\tinsteadOf = http://build.invalid/\n')
    hide.write_text(kit.config.replace("http://127.0.0.1:", "http://build.invalid/"))
    assert "127.0.0.1" in nest.run("-f", "hidden.yaml", "plan", "dev", "stg").text, "it was tried"
    hide.unlink()
    assert any(b"remote-http" in line for line in nest.watch.arguments), "the processes of git were seen"
    for secret in (KANARI, TOKEN):
        raw = secret.encode()
        assert not [line for line in nest.watch.arguments if raw in line]
        assert raw not in nest.spy.raw()
        assert not [text for text in nest.watch.shown if secret in text]
        assert not [name for name, content in nest.stored() if raw in content]
