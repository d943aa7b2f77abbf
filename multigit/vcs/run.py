"""The one door to git: environment, safe options, deadlines, redaction, classes of failure.

The only file that imports GitPython, late: the import is slow and runs git itself. git.md's rules for hostile
repositories live here, so that no caller can forget one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from multigit.errors import MultigitError
from multigit.model.fleet import Problem
from multigit.vcs import network as networks
from multigit.vcs import settled
from multigit.vcs.personal import WANTED, PersonalSettings, settings_of
from multigit.vcs.problems import problem_of
from multigit.vcs.ssh.opening import SSH
from multigit.vcs.urls import check_url, redact
from multigit.vcs.web import bundle

if TYPE_CHECKING:
    from multigit.vcs.ssh.way import Way

__all__ = ["SSH", "GitError", "Output", "check_url", "git", "git_in", "listen", "redact", "version"]

MINIMUM: Final = (2, 38)
"""The first git with `merge-tree --write-tree`."""

_NO_HOOKS: Final = "core.hooksPath=/dev/null"
_SAFE: Final = (
    "core.fsmonitor=false", "core.quotePath=false", "core.pager=cat",
    "gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "fetch.recurseSubmodules=false",
    "fetch.fsckObjects=true", "fetch.prune=false", "fetch.pruneTags=false", "fetch.writeCommitGraph=false",
    "protocol.version=2", "push.followTags=false", "push.recurseSubmodules=no",
    "push.useForceIfIncludes=false", "push.gpgSign=false", "push.pushOption=", "i18n.logOutputEncoding=UTF-8",
    "log.showSignature=false", "log.mailmap=false", "color.ui=false", "advice.detachedHead=false",
)  # fmt: skip
_PATIENCE: Final = ("http.lowSpeedLimit=1", "http.lowSpeedTime=60", "http.followRedirects=false")
"""A host that sends nothing for a minute is gone; a slow hook still sends its keep-alives. Where a host sends us
elsewhere, git would take the headers meant for it along.
"""

_ALWAYS: Final = {
    "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_ASKPASS": "false",
    "GIT_EDITOR": "false", "GIT_PAGER": "cat", "GIT_NO_LAZY_FETCH": "1", "SSH_ASKPASS": "false",
    "SSH_ASKPASS_REQUIRE": "force", "GCM_INTERACTIVE": "never", "LC_ALL": "C", "LANGUAGE": "C",
}  # fmt: skip
_ALONE: Final = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1"}
"""What is computed in a mirror must not depend on whose machine computes it."""

_READING: Final = ("ls-remote", "fetch", "clone")
"""May be done twice."""
_TRUST: Final = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_NO_VERIFY", "GIT_SSL_CERT", "GIT_SSL_KEY")
"""Whom the person trusts is theirs to say, and no repository's: of what is inherited these alone are kept."""


@dataclass(frozen=True, slots=True)
class Output:
    """How a git process ended; `out` as it came, `err` redacted."""

    status: int
    out: bytes
    err: str


class GitError(MultigitError):
    """Git said no, or nothing at all; `problem.kind` says which."""

    code = "MG-110"

    def __init__(self, what: str, problem: Problem, output: Output | None = None) -> None:
        super().__init__(what, why=problem.why, hint=problem.hint)
        self.problem = problem
        self.output = output or Output(1, b"", "")


def git(
    *args: str,
    at: Path | None = None,
    stdin: bytes = b"",
    check: bool = True,
    timeout: float = 60.0,
    env: Mapping[str, str] | None = None,
    network: bool = False,
    url: str = "",
    cwd: Path | None = None,
) -> Output:
    """Run git in the bare repository `at`, or in none; `timeout` in seconds ends the process and its children.

    Without `network` a command in `at` sees no configuration but ours. With it `url` (or ssh, https and http where
    it is '') decides which transports may be used. GitError where `check` and the status is not 0; also, whatever
    `check` says, for a refused `url`.
    """
    where = () if at is None else (f"--git-dir={at.absolute()}",)
    alone = at is not None and not network
    options = [_NO_HOOKS, *_SAFE, *(("core.attributesFile=/dev/null",) if alone else ())]
    trust = bundle.alone(url, personal) if network else {}
    settings = {**(_ALONE if alone else {}), **trust, **(env or {})}
    place = cwd or at or Path(os.sep)  # never the folder we were started in: its configuration is not ours
    return _run(where, options, args, place, stdin, check, timeout, settings, network, url)


def git_in(
    folder: Path,
    *args: str,
    stdin: bytes = b"",
    check: bool = True,
    timeout: float = 60.0,
    env: Mapping[str, str] | None = None,
    network: bool = False,
    url: str = "",
    hooks: bool = False,
) -> Output:
    """Run git in a person's clone, with their configuration; `hooks` leaves their hooks on."""
    where = ("-C", str(folder.absolute()))
    options = [*(() if hooks else (_NO_HOOKS,)), *_SAFE]
    return _run(where, options, args, Path(os.sep), stdin, check, timeout, env or {}, network, url)


def program(
    argv: Sequence[str], *, cwd: Path, stdin: bytes, timeout: float, env: Mapping[str, str] | None = None
) -> Output:
    """Run what is not git (a person's own hook, ssh-keygen) with the same clean environment, deadline and redaction."""
    if shutil.which(argv[0]) is None:
        missing = f"there is no program {argv[0]!r} here"
        raise MultigitError(missing, why="it is not in PATH", hint=f"command -v {argv[0]}")
    return _execute(argv, cwd, stdin, timeout, env or {})[0]


def _run(
    where: Sequence[str], options: Sequence[str], args: Sequence[str], cwd: Path, stdin: bytes, check: bool,
    timeout: float, env: Mapping[str, str], network: bool, url: str,
) -> Output:  # fmt: skip
    settings = {**_ALWAYS, **env}
    if network:
        settings |= _network(url)
        options = [*options, *_PATIENCE]
    before = [*where, *(word for option in options for word in ("-c", option))]

    def once() -> tuple[Output, float]:
        with networks.way(url, _verb(args), settings) as way:
            if way and (done := _by_way(way, before, args, url, cwd, timeout, settings)):
                return done
        return _execute(["git", *before, *args], cwd, stdin, timeout, settings, shown=args)

    with networks.prepared(url, _verb(args), settings) if network else contextlib.nullcontext() as way:
        done = _by_way(way, before, args, url, cwd, timeout, settings) if way else None
    if done is None:
        done = _in_turn(once, settings, url, again=_verb(args) in _READING) if network else once()
    output, late = done
    if late or (check and output.status):
        raise GitError(f"git {_verb(args)} failed", problem_of(output.err, url=url, timed_out=late), output)
    return output


def _by_way(
    way: Way, before: Sequence[str], args: Sequence[str], url: str, cwd: Path, timeout: float, env: Mapping[str, str]
) -> tuple[Output, float] | None:
    """Over a way that is open; None where the host never took the session, so that nothing happened there."""
    settings = {**env, "GIT_ALLOW_PROTOCOL": "fd"}
    argv = ["git", *before, *way.instead(args, url)]
    output, late = _execute(argv, cwd, b"", timeout, settings, shown=args, way=way)
    if output.status and not late and not way.taken():
        return None
    return replace(output, err=redact(way.said()) + output.err), late


def _verb(args: Sequence[str]) -> str:
    return next((arg for arg in args if not arg.startswith("-") and "=" not in arg), "")


def _execute(
    argv: Sequence[str], cwd: Path, stdin: bytes, timeout: float, env: Mapping[str, str], shown: Sequence[str] = (),
    way: Way | None = None,
) -> tuple[Output, float]:  # fmt: skip
    """The outcome, and the deadline where it was passed (else 0)."""
    door = _door()(cwd)
    start = time.monotonic()
    with tempfile.TemporaryFile() if stdin else contextlib.nullcontext() as source:
        if source:
            source.write(stdin)
            source.seek(0)
        status, out, err = door.execute(
            list(argv), istream=source, env=dict(env), with_extended_output=True, with_exceptions=False,
            stdout_as_string=False, strip_newline_in_stdout=False, kill_after_timeout=timeout, start_new_session=True,
            pass_fds=(way.end,) if way else (),
        )  # fmt: skip
    seconds = time.monotonic() - start
    late = timeout if status < 0 and seconds >= timeout else 0.0
    text = err.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if _listener:
        _listener(tuple(redact(word) for word in ("git", *(shown or argv[1:]))), seconds)
    return Output(status, out, f"no answer within {late:g} s" if late else redact(text)), late


def _door() -> Callable[[Path], Any]:
    _drop_inherited()
    return _import()


@lru_cache(maxsize=1)
def _import() -> Callable[[Path], Any]:
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    try:
        from git import Git
    finally:
        os.environ.pop("GIT_PYTHON_REFRESH", None)
    status, out, _ = _try_version(Git)
    check_version(_numbers(out) if not status else ())
    return Git


def _try_version(door: Callable[[Path], Any]) -> tuple[int, str, str]:
    try:
        answer: tuple[int, str, str] = door(Path(os.sep)).execute(
            ["git", "version"], with_extended_output=True, with_exceptions=False
        )
    except Exception as error:  # noqa: BLE001 - GitPython has its own class for "no such program"
        return 127, "", str(error)
    return answer


_dropping = threading.Lock()


def _drop_inherited() -> None:
    """GIT_DIR from a hook, GIT_CONFIG_COUNT, GIT_EXEC_PATH: none of it was meant for the repositories of the fleet."""
    if any(_dropped(name) for name in list(os.environ)):
        with _dropping:
            for name in [name for name in os.environ if _dropped(name)]:
                os.environ.pop(name, None)


def _dropped(name: str) -> bool:
    return name.startswith("GIT_") and name not in _TRUST


def version() -> tuple[int, ...]:
    """Version of the git that is used; MultigitError where there is none or it is too old."""
    return _numbers(git("version").out.decode())


def check_version(found: tuple[int, ...]) -> None:
    """Raise where `found` (() = no git) cannot do what multigit needs."""
    if found < MINIMUM:
        what = f"git {'.'.join(map(str, found))} is too old" if found else "git was not found"
        need = ".".join(map(str, MINIMUM))
        raise MultigitError(what, why=f"git {need} or later is needed", hint="git --version", code="MG-111")


def _numbers(text: str) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else ()


Listener = Callable[[tuple[str, ...], float], None]
_listener: Listener | None = None


def tell(words: Sequence[str], seconds: float) -> None:
    """Let the listener know of something that took the place of a git command."""
    if _listener:
        _listener(tuple(redact(word) for word in words), seconds)


def listen(callback: Listener | None) -> None:
    """Call `callback` after every git command with its redacted words and its seconds, from whichever thread ran it."""
    global _listener  # noqa: PLW0603 - one process, one door
    _listener = callback


# -- the network


def personal() -> PersonalSettings:
    """The person's transport settings, read once."""
    with _one_reads:  # the others wait for its answer instead of asking as well
        return _personal(os.environ.get("HOME", ""), os.environ.get("XDG_CONFIG_HOME", ""))


_one_reads: Final = threading.Lock()


@lru_cache(maxsize=8)
def _personal(home: str, xdg: str) -> PersonalSettings:  # noqa: ARG001 - the two say which files git reads
    if (known := settled.recall()) is not None:
        return settings_of(known)
    before = settled.stamps()
    listed = git("config", "--null", "--get-regexp", WANTED, check=False).out
    settled.keep(listed, lambda: git("config", "--null", "--list", "--show-origin", check=False).out, before)
    return settings_of(listed)


def _network(url: str) -> dict[str, str]:
    if url and (refused := check_url(url)):
        raise GitError(f"{redact(url)!r} is not used", Problem(kind="failed", why=refused, hint="$EDITOR repos.yaml"))
    return networks.environment(url, personal())


def _in_turn(
    once: Callable[[], tuple[Output, float]], env: Mapping[str, str], url: str, *, again: bool
) -> tuple[Output, float]:
    """`again`: also later, where the host says "not now" (never a push)."""
    place = personal().meanings(url)[-1] if url else ""
    return networks.in_turn(once, env, place, lambda done: done[0].err if done[0].status else "", again=again)
