"""One command's world: the configuration, who is asking, the clock, and the places where memory is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from multigit import caches
from multigit.errors import MultigitError, UsageError
from multigit.model.names import EnvName, RepoName
from multigit.vcs import hints
from multigit.vcs.ssh.sharing import share

if TYPE_CHECKING:
    from multigit.app.telling import Teller
    from multigit.configfile import Loaded
    from multigit.ledger.journal import Journal
    from multigit.ledger.pin import Pin
    from multigit.ledger.shared import Ledger
    from multigit.model.actor import Actor
    from multigit.model.config import Config, Environment, Repo
    from multigit.model.events import History
    from multigit.model.record import Event
    from multigit.vcs.answers import Answers
    from multigit.vcs.mirror import Mirror
    from multigit.vcs.signing import Signer


@dataclass
class Session:
    """What every verb is given. Nothing is opened before it is needed."""

    loaded: Loaded
    jobs: int = 8
    selected: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    progress: Callable[[str, str], None] = lambda repo, what: None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now().astimezone())

    @property
    def config(self) -> Config:
        """repos.yaml."""
        return self.loaded.config

    @property
    def folder(self) -> Path:
        """The folder of repos.yaml: the workspace that holds the clones."""
        return self.loaded.path.parent

    @cached_property
    def zone(self) -> ZoneInfo:
        """The one zone of tags, windows and printed times."""
        return ZoneInfo(self.config.system.timezone)

    def now(self) -> datetime:
        """The time, in the system's zone."""
        return self.clock().astimezone(self.zone)

    @cached_property
    def actor(self) -> Actor:
        """The operator, as git knows them."""
        import getpass
        import socket

        from multigit.model.actor import Actor
        from multigit.vcs.identity import who

        name, email = who(self.folder)
        return Actor(name=name, email=email, user=getpass.getuser(), host=socket.gethostname())

    @cached_property
    def state_folder(self) -> Path:
        """The workspace's part of the user's state folder."""
        import hashlib

        return _state() / hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]

    @cached_property
    def journal(self) -> Journal:
        """What this machine meant to do."""
        from multigit.ledger.journal import Journal

        return Journal(_state() / "journal.sqlite3", self.folder)

    @property
    def outbox_flag(self) -> Path:
        """A file that is there while notices wait, so that a command where none do loads nothing for them."""
        return self.state_folder / "outbox"

    def tell_again(self) -> None:
        """Begin to send the notices that earlier commands could not."""
        with suppress(OSError):
            if self.outbox_flag.exists():
                self.teller.send()

    @cached_property
    def teller(self) -> Teller:
        """Whoever is told of what this command does."""
        from multigit.app.telling import Teller

        return Teller(self)

    @cached_property
    def signer(self) -> Signer:
        """How the operator signs; SigningError where their git has no key."""
        from multigit.vcs.signing import signer

        return signer(self.folder)

    @cached_property
    def ledger(self) -> Ledger:
        """The fleet's shared memory, in the home repository."""
        from multigit.ledger.shared import Ledger

        return Ledger(self.mirror(self.config.home), sign=self._signed, pin=self.pin)

    @cached_property
    def pin(self) -> Pin:
        """The last state of the ledger that this user has seen."""
        from multigit.ledger.pin import Pin
        from multigit.vcs.urls import absolute

        return Pin.of(_state() / "pins", absolute(self.url(self.config.home)))

    def _signed(self, event: Event, history: History, body: bytes) -> str:
        """The signature of a record, where its environment has signers; a stop sign may also be set without a key."""
        from multigit.model.attest import BINDING, env_of
        from multigit.model.signatures import address_of
        from multigit.vcs.signing import SigningError

        name = env_of(event, history)
        env = self.config.environments[EnvName(name)] if name in self.config.environments else None
        if env is None or not env.signers:
            return ""
        try:
            if event.kind in BINDING and address_of(self.signer.public, self.config.signing.signers) not in env.signers:
                raise SigningError(f"your key may not sign for {env.name}", why=f"{', '.join(env.signers)} may",
                                   hint=f"multigit config show   (your key: {self.signer.public})")  # fmt: skip
            return self.signer.sign(body)
        except SigningError:
            if event.kind in BINDING:
                raise
            return ""

    @cached_property
    def answers(self) -> Answers:
        """What is known of object ids from earlier commands."""
        from multigit.vcs.answers import Answers

        return Answers(Path(caches.folder()) / "answers.sqlite3")

    @property
    def sights(self) -> Path:
        """What was seen of each repository the last time."""
        return Path(caches.folder()) / "seen.sqlite3"

    @property
    def log_path(self) -> Path:
        """deployment.log."""
        return self.folder / self.config.log.file

    def url(self, repo: Repo) -> str:
        """Where `repo` is; a relative path is meant from repos.yaml."""
        url = self.config.url(repo)
        if not url:
            raise UsageError(
                f"repos.yaml does not say where {repo.name} is",
                hint=f'add   remotes: {{origin: "git@host:team/{{repo}}.git"}}   or   url: under repos.{repo.name}',
            )
        return str(self.folder / url) if url.startswith(("./", "../")) else url

    def connect(self) -> None:
        """Start opening the shared ssh connections and loading git's door; the rest of multigit is loaded meanwhile."""
        urls = [self.url(repo) for repo in self.config.repos.values()]
        Thread(target=_prepare, args=(self.loaded.digest, urls), daemon=True).start()

    def mirror(self, repo: Repo) -> Mirror:
        """The private bare copy of `repo`, made when it is first needed."""
        from multigit.vcs.mirror import open_mirror

        return open_mirror(repo.name, self.url(repo))

    def clone_path(self, repo: Repo) -> Path:
        """Where a person's clone of `repo` is, or would be."""
        return (self.folder / self.config.folder(repo)).resolve()

    def environment(self, word: str) -> Environment:
        """The environment meant by `word`; UsageError with what is known."""
        found = self.config.environment(word)
        if found is None:
            raise UsageError(
                f"there is no environment, alias or branch called {word!r}",
                why=f"repos.yaml knows {', '.join(_words(self.config))}",
                hint=_nearest(word, _words(self.config)),
                code="MG-201",
            )
        return found

    def selection(self) -> frozenset[RepoName] | None:
        """The repositories meant by --repo and --exclude; None = all."""
        if not self.selected and not self.excluded:
            return None
        chosen = self._named(self.selected) if self.selected else {repo.name for repo in self.config.repos.values()}
        return frozenset(chosen - self._named(self.excluded))

    def _named(self, words: Iterable[str]) -> set[RepoName]:
        found: set[RepoName] = set()
        for word in words:
            if word in self.config.groups:
                found.update(self.config.groups[word])
            elif word in self.config.repos:
                found.add(RepoName(word))
            else:
                known = [*self.config.repos, *self.config.groups]
                raise UsageError(
                    f"there is no repository or group called {word!r}",
                    hint=_nearest(word, known) or f"known: {', '.join(known)}",
                    code="MG-201",
                )
        return found


def _state() -> Path:
    """The folder of multigit in the user's state."""
    named, home = os.environ.get("XDG_STATE_HOME", ""), os.environ.get("HOME", "")
    if sys.platform == "linux" and (named or home).startswith("/"):  # what platformdirs says there, without loading it
        return Path(named or f"{home}/.local/state") / "multigit"
    from platformdirs import user_state_path

    return user_state_path("multigit")


def _prepare(digest: str, urls: list[str]) -> None:
    with suppress(MultigitError):  # no git: the verb itself says so
        hints.keep(digest, share(urls), _web_places(urls))


def _web_places(urls: list[str]) -> list[hints.Web]:
    if not any(url.startswith("http") for url in urls):
        return []
    from multigit.vcs.web.door import places

    return [(place.scheme, place.host, place.port, place.authorities, count) for place, count in places(urls).items()]


def _words(config: Config) -> list[str]:
    return [word for env in config.environments.values() for word in (env.name, *env.alias)]


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""
