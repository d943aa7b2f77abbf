"""What `doctor` looks at on this machine. Every function answers findings and changes nothing but our own folders."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path, user_state_path

from multigit.app.session import Session
from multigit.errors import MultigitError
from multigit.model.config import Environment
from multigit.model.health import Finding, size, skew
from multigit.model.signatures import address_of
from multigit.ui.screen import Screen
from multigit.vcs import holes, run
from multigit.vcs.urls import kind

ROOM: Final = 200_000_000
"""Bytes that must be free wherever we write."""
_GITPYTHON: Final = (3, 2, 1)
"""Earlier ones let options be injected."""
_UPGRADE_GIT: Final = "git --version   (then install git 2.38 or later)"


def guarded(name: str, look: Callable[[], Finding]) -> Finding:
    """The finding; what goes wrong while looking is one as well."""
    try:
        return look()
    except MultigitError as error:
        why = f"{error.what}: {error.why}" if error.why else error.what
        return Finding(name=name, state="ng", why=why, fix=error.hint)
    except OSError as error:
        return Finding(name=name, state="ng", why=str(error))


def programs(session: Session, inherited: Sequence[str]) -> Iterator[Finding]:
    """git, its library, ssh, and what the environment would have told them. The first one is NG where git is unfit."""
    git = guarded("git", _git)
    yield git if git.state == "ok" else Finding(name="git", state="ng", why=git.why, fix=_UPGRADE_GIT)
    if git.state == "ok":
        yield _holes(run.version())
        yield _protocol(session)
        yield _ssh(session)
        yield _tls(session)
    yield _library()
    if inherited:
        names = ", ".join(sorted(inherited))
        yield Finding(name="variables", state="warn", why=f"multigit drops what it inherited: {names}",
                      fix=f"unset {' '.join(sorted(inherited))}")  # fmt: skip
    else:
        yield Finding(name="variables", state="ok", why="no GIT_* variable is inherited")


def _git() -> Finding:
    return Finding(name="git", state="ok", why=".".join(map(str, run.version())))


def _holes(version: tuple[int, ...]) -> Finding:
    found = holes.holes(version)
    if not found:
        return Finding(name="git-holes", state="ok", why=f"none that were known in {holes.KNOWN_UP_TO}")
    cves = "; ".join(hole.cves for hole in found)
    newest = ".".join(map(str, found[-1].fixed[-1]))
    why = f"git of this number has {cves}, unless your distribution has patched it; {newest} has none of them"
    return Finding(name="git-holes", state="warn", why=why, fix="git version --build-options")


def _protocol(session: Session) -> Finding:
    said = run.git_in(session.folder, "config", "--get-all", "protocol.version", check=False).out.decode().split()
    yours = f" (your own setting, {said[-2]}, is not used)" if len(said) > 1 and said[-2] != "2" else ""
    return Finding(name="protocol", state="ok", why=f"version 2 is asked for{yours}")


def _ssh(session: Session) -> Finding:
    urls = [session.url(repo) for repo in session.config.repos.values()]
    settings = run.personal()
    meant = [place for url in urls for place in settings.meanings(url)[-1:] if not run.check_url(place)]
    if not any(kind(place) == "ssh" for place in meant):
        return Finding(name="ssh", state="skip", why="no repository is reached by ssh")
    if settings.ssh_command:
        return Finding(name="ssh", state="ok", why="your core.sshCommand is used; connections are not shared")
    if found := shutil.which("ssh"):
        return Finding(name="ssh", state="ok", why=found)
    return Finding(name="ssh", state="ng", why="there is no ssh in PATH, and repositories are reached by it")


def _tls(session: Session) -> Finding:
    """Whoever does not check certificates speaks to anybody."""
    wanted = r"^http\.(.*\.)?sslverify$"
    said = run.git_in(session.folder, "config", "--type=bool", "--get-regexp", wanted, check=False).out.decode()
    off = [line.rpartition(" ")[0] for line in said.split("\n") if line.endswith(" false")]
    if not off:
        return Finding(name="certificates", state="ok", why="of https hosts are checked")
    fixes = "\n".join(f"git config --global --unset {shlex.quote(key)}" for key in off)
    return Finding(name="certificates", state="warn", why=f"are not checked: {', '.join(off)} is false", fix=fixes)


def _library() -> Finding:
    fix = f"pip install 'GitPython>={'.'.join(map(str, _GITPYTHON))}'"
    try:
        text = installed("GitPython")
    except PackageNotFoundError:
        return Finding(name="GitPython", state="ng", why="it is not installed", fix=fix)
    good = tuple(int(part) for part in text.split(".")[:3] if part.isdigit()) >= _GITPYTHON
    why = text if good else f"{text} lets options be injected into git's command line"
    return Finding(name="GitPython", state="ok" if good else "ng", why=why, fix="" if good else fix)


def person(session: Session, envs: Sequence[Environment]) -> Iterator[Finding]:
    """Who is at work, and whether they can sign where it is asked for."""
    yield guarded("identity", lambda: Finding(name="identity", state="ok", why=str(_who(session))))
    yield from signing(session, envs)


def _who(session: Session) -> str:
    return f"{session.actor.name} <{session.actor.email}>"


def signing(session: Session, envs: Sequence[Environment]) -> Iterator[Finding]:
    """The operator's key against each environment that has signers. The key itself is tried by `promote`."""
    asking = [env for env in envs if env.signers]
    if not asking:
        yield Finding(name="signing", state="skip", why="no environment asks for signatures")
    for env in asking:
        yield guarded("signing", partial(_key, session, env))


def _key(session: Session, env: Environment) -> Finding:
    mine = session.signer
    address = address_of(mine.public, session.config.signing.signers)
    if address in env.signers:
        return Finding(name="signing", state="ok", why=f"{env.name}: you sign as {address}")
    why = f"{env.name} is released by {', '.join(env.signers)}; your key is {address or 'not listed'}"
    return Finding(name="signing", state="ng", why=why, fix=f"multigit config show   (your key: {mine.public})")


def terminal(screen: Screen) -> Finding:
    """Whether Korean can be shown."""
    name = screen.human.encoding
    if screen.can_show("한글"):
        return Finding(name="encoding", state="ok", why=f"{name}: Korean can be shown")
    why = f"{name} cannot show Korean: it is replaced by question marks"
    return Finding(name="encoding", state="warn", why=why, fix="export LC_ALL=C.UTF-8")


def folders(session: Session) -> Iterator[Finding]:
    """Home, workspace, cache and state: writable, with room, and the last two nobody else's; then the journal."""
    home = os.environ.get("HOME", "")
    yield (
        place("home", Path(home))
        if home
        else Finding(name="home", state="ng", why="HOME is not set", fix="export HOME=~")
    )
    yield place("workspace", session.folder)
    yield place("cache", user_cache_path("multigit") / "mirrors", private=True)
    state = place("state", user_state_path("multigit"), private=True)
    yield state
    if state.state == "ng":
        yield Finding(name="journal", state="skip", why="its folder is not well")
    else:
        yield guarded("journal", lambda: Finding(name="journal", state="ok", why=_journal(session)))


def _journal(session: Session) -> str:
    return f"{len(session.journal.entries())} entries of this fleet"


def place(name: str, folder: Path, *, private: bool = False, room: int = ROOM) -> Finding:
    """A folder we write to, or the one it would be made in."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    why, fix = _spoilt(there, private=private and there == folder)
    free = 0 if why else shutil.disk_usage(there).free
    if not why and free < room:
        why, fix = f"has {size(free)} left, {size(room)} are needed", "df -h"
    if why:
        return Finding(name=name, state="ng", why=f"{there} {why}", fix=f"{fix} {shlex.quote(str(there))}")
    return Finding(name=name, state="ok", why=f"{size(free)} free")


def _spoilt(there: Path, *, private: bool) -> tuple[str, str]:
    """Why a folder is not one for us, and the command to put before its name; two '' where it is."""
    if not there.is_dir():
        return "is not a folder", "ls -ld"
    seen = there.stat()
    if private and seen.st_uid != os.getuid():
        return "belongs to another user", "ls -ld"
    if private and seen.st_mode & 0o077:
        return f"is open to others (mode {stat.S_IMODE(seen.st_mode):04o}, not 0700)", "chmod 700"
    try:
        with tempfile.TemporaryFile(dir=there):
            return "", ""
    except OSError as error:
        return f"cannot be written to: {error.strerror}", "ls -ld"


def clock_of_disk(now: Callable[[], float] = time.time) -> Finding:
    """The clock against the file system of the state folder, where no host tells the time."""
    folder = user_state_path("multigit")
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    with tempfile.NamedTemporaryFile(dir=there) as file:
        return skew(now() - Path(file.name).stat().st_mtime, "the disk; no host here tells the time")
