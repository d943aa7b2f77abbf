"""Where the repositories are served from, and how far away that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import httpgit, sshgit
from tests.support.processes import find_program
from tests.support.servers import DelayProxy, HttpGit, SshGit

NEEDS = {"ssh": sshgit.PROGRAMS, "http": httpgit.PROGRAMS, "path": ()}


@dataclass(frozen=True, slots=True)
class Hosting:
    """`transport` is what is really used. `search`: folders that go before PATH. `proxy`: None for plain paths."""

    transport: str
    root: Path
    server: SshGit | HttpGit | None = None
    proxy: DelayProxy | None = None
    search: tuple[str, ...] = ()

    def address(self, name: str) -> str:
        """Where git finds `name` (its path below the root, which may contain {repo})."""
        if self.server is None or self.proxy is None:
            return f"{self.root}/{name}"
        return self.server.url("NAME", via=self.proxy.port).replace("NAME", name)

    @property
    def connections(self) -> int:
        """Connections opened so far."""
        return self.proxy.connections if self.proxy else 0


def missing(transport: str) -> Sequence[str]:
    """Programs that this transport needs and that are not here."""
    return [name for name in NEEDS[transport] if find_program(name) is None]


@contextmanager
def hosting(transport: str, root: Path, round_trip: float) -> Iterator[Hosting]:
    """Serve the bare repositories below `root`, `round_trip` seconds away, until the context ends."""
    if transport == "path":
        yield Hosting("path", root)
        return
    with ExitStack() as open_now:
        server: SshGit | HttpGit = SshGit(root) if transport == "ssh" else HttpGit(root)
        open_now.enter_context(server)
        proxy = open_now.enter_context(DelayProxy(server.port, round_trip=round_trip))
        search = (f"{server.prefix}/bin",) if transport == "ssh" else ()
        yield Hosting(transport, root, server, proxy, search)
