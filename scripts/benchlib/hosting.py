"""Where the repositories are served from, and how far away that is."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.support import httpgit, sshgit
from tests.support.processes import find_program
from tests.support.servers import DelayProxy, HttpGit, SshGit

NEEDS = {"ssh": sshgit.PROGRAMS, "https": (*httpgit.PROGRAMS, "openssl"), "http": httpgit.PROGRAMS, "path": ()}


@dataclass(frozen=True, slots=True)
class Hosting:
    """`transport` is what is really used. `search`: folders that go before PATH. `proxy`: None for plain paths."""

    transport: str
    root: Path
    server: SshGit | HttpGit | None = None
    proxy: DelayProxy | None = None
    search: tuple[str, ...] = ()
    gitconfig: str = ""

    def address(self, name: str) -> str:
        """Where git finds `name` (its path below the root, which may contain {repo})."""
        if self.server is None or self.proxy is None:
            return f"{self.root}/{name}"
        return self.server.url("NAME", via=self.proxy.port).replace("NAME", name)

    @property
    def connections(self) -> int:
        """Connections opened so far."""
        return self.proxy.connections if self.proxy else 0

    @property
    def ssh_target(self) -> str:
        """The words after `ssh` that name the host; '' for another transport."""
        if self.transport != "ssh":
            return ""
        parts = urlsplit(self.address("x"))
        return shlex.join(("-p", str(parts.port), "-l", str(parts.username), str(parts.hostname)))


class HttpsGit(HttpGit):
    """The same with TLS: a certificate for 127.0.0.1 by an authority made for this run."""

    @property
    def authority(self) -> Path:
        """The file to trust."""
        return self.prefix / "authority.pem"

    def url(self, name: str, *, via: int | None = None, login: bool = False) -> str:
        return super().url(name, via=via, login=login).replace("http://", "https://", 1)

    def _prepare(self) -> None:
        super()._prepare()
        make = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        mine = ("-keyout", "authority.key", "-out", "authority.pem", "-days", "2", "-subj", "/CN=bench authority")
        asked = ("-keyout", "host.key", "-out", "host.csr", "-subj", "/CN=127.0.0.1")
        self.prefix.joinpath("names").write_text("subjectAltName=IP:127.0.0.1\n")
        signed = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "2")
        for argv in (
            (*make, *mine),
            (*(word for word in make if word != "-x509"), *asked),
            ("openssl", "x509", "-req", "-in", "host.csr", "-out", "host.pem", *signed, "-extfile", "names"),
        ):
            subprocess.run(argv, cwd=self.prefix, check=True, capture_output=True)

    def _config(self, port: int) -> str:
        plain = f"listen 127.0.0.1:{port};"
        secret = f"ssl_certificate {self.prefix}/host.pem; ssl_certificate_key {self.prefix}/host.key;"
        config = super()._config(port)
        assert plain in config
        return config.replace(plain, f"listen 127.0.0.1:{port} ssl; {secret}")


def missing(transport: str) -> Sequence[str]:
    """Programs that this transport needs and that are not here."""
    return [name for name in NEEDS[transport] if find_program(name) is None]


@contextmanager
def hosting(transport: str, root: Path, round_trip: float) -> Iterator[Hosting]:
    """Serve the bare repositories below `root`, `round_trip` seconds away, until the context ends."""
    if transport == "path":
        yield Hosting("path", root)
        return
    kinds = {"ssh": SshGit, "http": HttpGit, "https": HttpsGit}
    with ExitStack() as open_now:
        server: SshGit | HttpGit = open_now.enter_context(kinds[transport](root))
        proxy = open_now.enter_context(DelayProxy(server.port, round_trip=round_trip))
        search = (f"{server.prefix}/bin",) if transport == "ssh" else ()
        trust = f"[http]\n\tsslCAInfo = {server.authority}\n" if isinstance(server, HttpsGit) else ""
        yield Hosting(transport, root, server, proxy, search, trust)
