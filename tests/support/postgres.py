"""A PostgreSQL of one's own on loopback, gone when its context ends: initdb, pg_ctl, as in real life."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "p4ss/w@rd"  # which has to be quoted in an address


def binaries() -> Path | None:
    """Folder of initdb and pg_ctl; Debian keeps them out of PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@contextmanager
def postgres() -> Iterator[str]:
    """Its port; the user `gli` has the password PASSWORD and a database `gli`."""
    where = binaries()
    assert where is not None
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="mg-pg-", dir="/tmp"))  # short: a socket lies in it
    if user:
        shutil.chown(folder, user)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

    def run(name: str, *args: str) -> None:
        subprocess.run([where / name, *args], user=user, check=True, stdout=subprocess.DEVNULL, cwd="/",
                       env=environment, stdin=subprocess.DEVNULL, timeout=60)  # fmt: skip

    data, port = str(folder / "data"), _free_port()
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    try:
        run("initdb", "-D", data, "-U", "gli", "-A", "scram-sha-256", "--pwfile", str(secret), "-EUTF8", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield str(port)
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
