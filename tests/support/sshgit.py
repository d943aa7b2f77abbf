"""git over SSH as a host offers it: an own sshd (sshd_config(5)) on a loopback port, for git's two services only."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Self
from urllib.parse import quote

from tests.support.processes import Family, program

PROGRAMS = ("sshd", "ssh", "ssh-keygen", "git-shell")

# MaxStartups and MaxSessions keep sshd's own values (10:30:100 and 10) unless a test says otherwise: too many
# connections at once fail here too.
_SERVER = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {prefix}/host_key
PidFile {prefix}/sshd.pid
AuthorizedKeysFile {prefix}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding no
X11Forwarding no
PrintMotd no
AcceptEnv GIT_PROTOCOL
{more}
ForceCommand {prefix}/gate
SetEnv HOME={prefix} GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL={prefix}/gitconfig "PATH={path}" {mark}
"""
_CLIENT = """\
Host *
  IdentityFile {prefix}/client_key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {prefix}/known_hosts
  GlobalKnownHostsFile /dev/null
  HostKeyAlias multigit-test
  StrictHostKeyChecking yes
  BatchMode yes
"""
_GATE = """\
#!/bin/sh
# Only the two services, only below the root; git-shell takes the path in single quotes, as git sends it.
root={root}
case "$SSH_ORIGINAL_COMMAND" in
  *..*) ;;
  "git-upload-pack '$root/"*|"git-receive-pack '$root/"*) exec {shell} -c "$SSH_ORIGINAL_COMMAND" ;;
esac
echo "this server runs git's services below $root only" >&2
exit 128
"""
_WRAPPER = """\
#!/bin/sh
exec {ssh} -F {prefix}/ssh_config "$@"
"""


class SshGit:
    """Serves every bare repository below `root` over SSH, for reading and pushing, until the context ends.

    Two ways lead a client here, neither touching the ~/.ssh of whoever runs the tests (OpenSSH finds that folder
    through the password file, so a private HOME does not help):

    * `core.sshCommand`: put `ssh_command` into the private gitconfig (`git config --global core.sshCommand …`).
      multigit honours it and then leaves connection sharing to the person who set it.
    * `path`: a PATH whose first folder holds an `ssh` that adds `-F ssh_config` and runs the real one. To git and
      multigit this is a person with an ordinary ~/.ssh/config, so connection sharing is used.

    `ssh_config` may be extended by a test, `Host` aliases included; `settings` are further lines for sshd_config(5).
    """

    def __init__(self, root: Path, *settings: str) -> None:
        self.root = root.resolve()
        self.settings = settings
        self.port = 0
        self.prefix = Path()
        self._family = Family()

    def __enter__(self) -> Self:
        sshd, ssh, keygen, shell = (program(name) for name in PROGRAMS)
        self.prefix = Path(tempfile.mkdtemp(prefix="mg-ssh-"))
        try:
            self._write_keys(keygen)
            self._write_client(ssh)
            self._write_gate(shell)
            self._start(sshd)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def mark(self) -> tuple[str, str]:
        """A variable that every process of this server has in its environment."""
        return self._family.mark

    @property
    def ssh_config(self) -> Path:
        """The client's configuration: its key and this server's host key, for every host name."""
        return self.prefix / "ssh_config"

    @property
    def ssh_command(self) -> str:
        """The value for core.sshCommand."""
        return f"ssh -F {shlex.quote(str(self.ssh_config))}"

    @property
    def path(self) -> str:
        """The value for PATH that makes `ssh` read `ssh_config` as if it were the person's own."""
        return f"{self.prefix}/bin:{os.environ['PATH']}"

    def url(self, name: str, *, via: int | None = None) -> str:
        """The address of `name` (its path below the root); `via` another port, such as a DelayProxy's."""
        return f"ssh://{getpass.getuser()}@127.0.0.1:{via or self.port}{quote(f'{self.root}/{name}')}"

    def log(self) -> str:
        """What sshd wrote: refused keys, connections it dropped, commands it began."""
        return (self.prefix / "sshd.log").read_text(errors="replace")

    def pids(self) -> set[int]:
        """The server's processes, those of running pushes and hooks included."""
        return self._family.pids()

    def _write_keys(self, keygen: Path) -> None:
        for name in ("host_key", "client_key"):
            argv = [str(keygen), "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.prefix / name)]
            subprocess.run(argv, check=True, capture_output=True)
        host_key = self.prefix.joinpath("host_key.pub").read_text()
        self.prefix.joinpath("known_hosts").write_text(f"multigit-test {host_key}")
        shutil.copy(self.prefix / "client_key.pub", self.prefix / "authorized_keys")

    def _write_client(self, ssh: Path) -> None:
        self.ssh_config.write_text(_CLIENT.format(prefix=self.prefix))
        (self.prefix / "bin").mkdir()
        self._write_script("bin/ssh", _WRAPPER.format(ssh=shlex.quote(str(ssh)), prefix=self.prefix))

    def _write_gate(self, shell: Path) -> None:
        self.prefix.joinpath("gitconfig").write_text("[safe]\n\tdirectory = *\n")
        self._write_script("gate", _GATE.format(root=shlex.quote(str(self.root)), shell=shlex.quote(str(shell))))

    def _write_script(self, name: str, text: str) -> None:
        file = self.prefix / name
        file.write_text(text)
        file.chmod(0o755)

    def _start(self, sshd: Path) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it as root; it stays empty
        log, file = self.prefix / "sshd.log", self.prefix / "sshd_config"
        mark = "=".join(self._family.mark)

        def begin(port: int) -> subprocess.Popen[bytes]:
            more = "\n".join(self.settings)
            file.write_text(
                _SERVER.format(prefix=self.prefix, port=port, path=os.environ["PATH"], mark=mark, more=more)
            )
            argv = [str(sshd), "-D", "-e", "-f", str(file)]
            return self._family.start(argv, environment={"LC_ALL": "C"}, log=log)

        self.port = self._family.listen(begin, _greets, log)

    def _stop(self) -> None:
        try:
            self._family.stop()
        finally:
            shutil.rmtree(self.prefix, ignore_errors=True)


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            return client.recv(4) == b"SSH-"
    except OSError:
        return False
