"""Pushes without `git push`: what is reported and what moves are git's own; what is unheard is never done twice."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Final, Literal

import pytest

from multigit.cli.ahead import open_connections
from multigit.model.names import Oid, RepoName
from multigit.vcs import hints, hosts, made, network, run, write
from multigit.vcs.lsrefs import list_refs
from multigit.vcs.mirror import Mirror, fetch, fetch_from_folder, open_mirror
from multigit.vcs.run import GitError
from multigit.vcs.ssh import sharing
from multigit.vcs.web import door, logins
from multigit.vcs.web import push as web_push
from multigit.vcs.web.pool import POOL, Place, Question
from multigit.vcs.wire import NotUnderstood
from multigit.vcs.write import PushReport, RefUpdate
from tests.support import httpgit, oddpush, sshgit
from tests.support.gitkit import Bare, bare
from tests.support.gitspy import GitSpy
from tests.support.oddweb import Certificates, Passing, served
from tests.support.person import config, helper
from tests.support.processes import wait_until
from tests.support.serverfixtures import require
from tests.support.servers import HttpGit, SshGit

pytestmark = pytest.mark.slow

MAIN, NEXT, TAG, FENCE = "refs/heads/main", "refs/heads/next", "refs/tags/deploy-1", "refs/multigit/fence"
STAGE: Final = "refs/multigit/stage/r-1"
WHO: Final = "Kim Min-su <kim@example.invalid> 1700000000 +0900"
Way = Literal["http", "ssh"]
Outcome = Literal["done", "refused", "stale", "unknown"]
By = Literal["us", "git"]
_numbers = count()


@dataclass
class Hosts:
    """One folder of repositories, served over http and ssh."""

    root: Path
    web: HttpGit
    ssh: SshGit
    certificates: Certificates


@dataclass
class Side:
    """A host, and our mirror of it; `old` is where its main is, None where it is empty."""

    host: Bare
    mirror: Mirror
    old: Oid | None
    cleanup: Callable[[Callable[[], object]], object]

    @property
    def tip(self) -> Oid:
        assert self.old
        return self.old

    def push(self, *moves: RefUpdate, timeout: float = 30.0) -> PushReport:
        return write.push(self.mirror, moves, timeout=timeout)

    def fetch(self, oid: Oid) -> Oid:
        fetch(self.mirror, {f"refs/multigit/have/{oid}": oid})
        return oid

    def commit(self, *parents: Oid, message: str = "new", tree: str = "", who: str = WHO) -> Oid:
        tree = tree or write.empty_tree(self.mirror)
        above = "".join(f"parent {oid}\n" for oid in parents)
        body = f"tree {tree}\n{above}author {who}\ncommitter {who}\n\n{message}\n"
        return write.write_object(self.mirror, "commit", body.encode())

    def tag(self, oid: Oid, *, tagger: str = f"tagger {WHO}\n") -> Oid:
        body = f"object {oid}\ntype commit\ntag deploy-1\n{tagger}\n출시\n"
        return write.write_object(self.mirror, "tag", body.encode())

    def tree(self, content: str) -> str:
        """With one file, as a merge would have written it."""
        blob = write.write_object(self.mirror, "blob", content.encode())
        return write.write_object(self.mirror, "tree", b"100644 merged\0" + bytes.fromhex(blob))


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    require(*httpgit.PROGRAMS, *sshgit.PROGRAMS)
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    root = tmp_path_factory.mktemp("served")
    with HttpGit(root) as web, SshGit(root) as ssh:
        yield Hosts(web.root, web, ssh, Certificates(root))


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is known of hosts, logins and objects of another test, whose ids may be the same."""
    monkeypatch.setattr(hosts, "PAUSES", (0.01, 0.02))
    monkeypatch.setattr(sharing, "_masters", {})
    monkeypatch.setattr(made, "_made", {})
    forget()
    yield
    network.share_with()
    forget()


def forget() -> None:
    door.forget()
    web_push.forget()
    run._personal.cache_clear()


@dataclass
class Stand:
    """The hosts, for one test: each repository is a new one."""

    hosts: Hosts
    setenv: Callable[[str, str], None]
    stack: ExitStack
    seen: list[str] = field(default_factory=list)

    def side(self, way: Way = "http", *, sha: str = "sha1", empty: bool = False, base: str = "") -> Side:
        """A new host with one commit; `base`: the address of a server in front of it."""
        name = f"n{next(_numbers)}.git"
        host = bare(self.hosts.root / name, sha=sha)
        old = None if empty else host.commit({"a": "1"})
        if way == "ssh":
            self.setenv("PATH", self.hosts.ssh.path)
            sharing.share([self.hosts.ssh.url(name)])
        url = self.hosts.ssh.url(name) if way == "ssh" else f"{base}/{name}" if base else self.hosts.web.url(name)
        mirror = open_mirror(RepoName("api"), url, sha)
        if old:
            fetch_directly(mirror, host, old)
        return Side(host, mirror, old, self.stack.callback)

    def front(self, handler: type[Passing], *, tls: bool = False) -> str:
        """The address of such a server in front of the web host."""
        context = self.hosts.certificates.server() if tls else None
        port, self.seen = self.stack.enter_context(served(handler, self.hosts.web.port, context))
        return f"http{'s' if tls else ''}://127.0.0.1:{port}"

    def behind(self, handler: type[Passing], *, tls: bool = False) -> Side:
        return self.side(base=self.front(handler, tls=tls))

    def posts(self) -> int:
        return len([line for line in self.seen if line.startswith("POST") and line.endswith("git-receive-pack")])

    def greetings(self) -> int:
        return len([line for line in self.seen if line.endswith("info/refs?service=git-receive-pack")])


def fetch_directly(mirror: Mirror, host: Bare, *oids: Oid) -> None:
    """From the host's folder: nothing is asked over the way that is tested."""
    fetch(Mirror(mirror.repo, host.url, mirror.path), {f"refs/multigit/have/{oid}": oid for oid in oids})


@pytest.fixture
def stand(both_ways: Hosts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    with ExitStack() as stack:
        yield Stand(both_ways, monkeypatch.setenv, stack)


@pytest.fixture
def spy(tmp_path: Path) -> GitSpy:
    return GitSpy.make(tmp_path / "spy")


@contextmanager
def ran() -> Iterator[list[tuple[str, ...]]]:
    """The commands, and what took the place of one."""
    found: list[tuple[str, ...]] = []
    run.listen(lambda argv, seconds: found.append(argv))
    try:
        yield found
    finally:
        run.listen(None)


def by_git(commands: Sequence[tuple[str, ...]]) -> bool:
    return any(words[:2] == ("git", "push") for words in commands)


def outcome(report: PushReport) -> Outcome:
    assert bool(report.done) + bool(report.refused) + report.stale <= 1, report
    return "done" if report.done else "refused" if report.refused else "stale" if report.stale else "unknown"


# --- as git would: each situation prepares a host, and returns what is pushed there ---------------------------------

Moves = list[RefUpdate]
Situation = Callable[[Side], Moves]


def on_main(side: Side) -> RefUpdate:
    return RefUpdate(ref=MAIN, old=side.old, new=side.commit(side.tip))


def all_fine(side: Side) -> Moves:
    new = side.commit(side.tip)
    return [
        RefUpdate(ref=MAIN, old=side.old, new=new),
        RefUpdate(ref=FENCE, old=None, new=side.commit(message="fence")),
        RefUpdate(ref=TAG, old=None, new=side.tag(new)),
    ]


def a_merge(side: Side) -> Moves:
    other = side.host.commit({"b": "theirs"}, on="next", parents=(side.tip,))
    fetch_directly(side.mirror, side.host, other)
    return [RefUpdate(ref=MAIN, old=side.old, new=side.commit(side.tip, other, tree=side.tree("both\n")))]


def moved_meanwhile(side: Side) -> Moves:
    side.host.commit({"a": "theirs"})
    return [on_main(side), RefUpdate(ref=FENCE, old=None, new=side.commit())]


def gone_meanwhile(side: Side) -> Moves:
    side.host.git("update-ref", "refs/heads/kept", side.tip)
    side.host.git("update-ref", "-d", MAIN)
    return [on_main(side)]


def exists(side: Side) -> Moves:
    side.host.git("update-ref", TAG, side.tip)
    return [RefUpdate(ref=TAG, old=None, new=side.tag(side.tip)), RefUpdate(ref=FENCE, old=None, new=side.commit())]


def there_already(side: Side) -> Moves:
    """What an earlier push did whose answer was lost, or somebody else with the same objects."""
    move = on_main(side)
    side.host.git("fetch", "--quiet", str(side.mirror.path), f"{move.new}:{MAIN}")
    return [move, RefUpdate(ref=FENCE, old=None, new=side.commit())]


def declined_in_korean(side: Side) -> Moves:
    side.host.hook(
        "pre-receive", "printf '\\033[31m동결되었습니다: 플랫폼 팀\\033[0m\\n=====\\n둘째 줄\\n' >&2; exit 1"
    )
    return all_fine(side)


def declined_while_talking_of_races(side: Side) -> Moves:
    side.host.hook(
        "pre-receive", "echo 'ng refs/heads/main stale info; cannot lock ref: is at 1 but expected 2' >&2; exit 1"
    )
    return all_fine(side)


def one_declined(side: Side) -> Moves:
    side.host.hook("update", 'case "$1" in refs/tags/*) echo "GH013: no tags today" >&2; exit 1;; esac')
    return all_fine(side)


def rewound(side: Side) -> Moves:
    side.host.git("config", "receive.denyNonFastForwards", "true")
    return rewound_where_one_may(side)


def rewound_where_one_may(side: Side) -> Moves:
    first, second = side.tip, side.host.commit({"a": "2"})
    side.host.git("update-ref", NEXT, first)
    fetch_directly(side.mirror, side.host, second)
    return [RefUpdate(ref=MAIN, old=second, new=side.commit(first), forced=True)]


def on_what_no_ref_names(side: Side) -> Moves:
    """The host has it, but does not say so."""
    first, second = side.tip, side.host.commit({"a": "2"})
    fetch_directly(side.mirror, side.host, second)
    return [RefUpdate(ref=MAIN, old=second, new=side.commit(first), forced=True)]


def hidden(side: Side) -> Moves:
    side.host.git("config", "transfer.hideRefs", "refs/multigit")
    return all_fine(side)


def hidden_and_there(side: Side) -> Moves:
    side.host.git("update-ref", FENCE, side.tip)
    side.host.git("config", "transfer.hideRefs", "refs/multigit")
    return [RefUpdate(ref=FENCE, old=side.old, new=side.commit(side.tip))]


def tag_and_drop(side: Side) -> Moves:
    staged = side.commit(side.tip)
    assert side.push(RefUpdate(ref=STAGE, old=None, new=staged)).done
    return [RefUpdate(ref=TAG, old=None, new=side.tag(staged)), RefUpdate(ref=STAGE, old=staged, new=None)]


def deletes_denied(side: Side) -> Moves:
    side.host.git("config", "receive.denyDeletes", "true")
    side.host.git("update-ref", NEXT, side.tip)
    return [*tag_and_drop(side), RefUpdate(ref=NEXT, old=side.old, new=None)]


def only_stages_dropped_where_deletes_are_denied(side: Side) -> Moves:
    side.host.git("config", "receive.denyDeletes", "true")
    return tag_and_drop(side)


def drop_what_is_gone(side: Side) -> Moves:
    side.host.git("update-ref", STAGE, side.tip)
    side.host.git("update-ref", "-d", STAGE)
    return [RefUpdate(ref=TAG, old=None, new=side.tag(side.tip)), RefUpdate(ref=STAGE, old=side.old, new=None)]


def not_atomic(side: Side) -> Moves:
    side.host.git("config", "receive.advertiseAtomic", "false")
    return all_fine(side)


def ill_formed_commit(side: Side) -> Moves:
    side.host.git("config", "transfer.fsckObjects", "true")
    return [RefUpdate(ref=MAIN, old=side.old, new=side.commit(side.tip, who="Kim <kim@example.invalid 17 +0900"))]


def ill_formed_tag(side: Side) -> Moves:
    side.host.git("config", "transfer.fsckObjects", "true")
    new = side.commit(side.tip)
    tag = side.tag(new, tagger="tagger nobody\n")
    return [RefUpdate(ref=MAIN, old=side.old, new=new), RefUpdate(ref=TAG, old=None, new=tag)]


def first_of_an_empty_host(side: Side) -> Moves:
    return [RefUpdate(ref=MAIN, old=None, new=side.commit()), RefUpdate(ref=FENCE, old=None, new=side.commit())]


def read_only(side: Side) -> Moves:
    folder = side.host.path / "objects"
    if os.geteuid() == 0:  # whom no mode hinders
        if subprocess.run(["chattr", "+i", folder], check=False, capture_output=True).returncode:
            pytest.skip("no folder can be made immutable here")
        side.cleanup(lambda: subprocess.run(["chattr", "-i", folder], check=True))
    else:
        folder.chmod(0o555)
        side.cleanup(lambda: folder.chmod(0o755))
    return all_fine(side)


def locked(side: Side) -> Moves:
    side.host.git("pack-refs", "--all")
    (side.host.path / "refs/heads/main.lock").touch()
    return all_fine(side)


def in_the_way(side: Side) -> Moves:
    side.host.git("update-ref", f"{FENCE}/below", side.tip)
    return all_fine(side)


def after_receiving_it_fails(side: Side) -> Moves:
    side.host.hook("post-receive", "echo 'mail server down' >&2; exit 1")
    return all_fine(side)


def talkative(side: Side) -> Moves:
    side.host.hook(
        "pre-receive", "i=0; while [ $i -lt 3000 ]; do echo 'line of a long checklist'; i=$((i+1)); done >&2"
    )
    return all_fine(side)


def faster_inside(side: Side) -> Moves:
    theirs = side.host.commit({"b": "theirs"}, on="next", parents=(side.tip,))
    side.host.hook("pre-receive", f"unset GIT_QUARANTINE_PATH; git update-ref {MAIN} {theirs}")
    return all_fine(side)


def dies(side: Side) -> Moves:
    side.host.hook("pre-receive", "kill -9 $PPID")
    return all_fine(side)


def shallow(side: Side) -> Moves:
    """The host itself has no history before its tip."""
    second = side.host.commit({"a": "2"})
    (side.host.path / "shallow").write_text(f"{second}\n")
    fetch_directly(side.mirror, side.host, second)
    return [RefUpdate(ref=MAIN, old=second, new=side.commit(second))]


def known(then: Situation) -> Situation:
    """The same after a push that this process did there."""

    def later(side: Side) -> Moves:
        assert side.push(RefUpdate(ref="refs/multigit/first", old=None, new=side.commit(side.tip, message="1"))).done
        return then(side)

    return later


def of_ours(then: Callable[[Side, Oid], Moves]) -> Situation:
    """After a push of ours that moved main."""

    def later(side: Side) -> Moves:
        first = on_main(side)
        assert first.new
        assert side.push(first).done
        return then(side, first.new)

    return later


def once_more(side: Side, first: Oid) -> Moves:
    new = side.commit(first, message="second")
    return [RefUpdate(ref=MAIN, old=first, new=new), RefUpdate(ref=TAG, old=None, new=side.tag(first))]


def ours_moved(side: Side, first: Oid) -> Moves:
    side.host.commit({"c": "theirs"}, parents=(first,))
    return once_more(side, first)


def ours_gone(side: Side, first: Oid) -> Moves:
    side.host.git("update-ref", "refs/heads/kept", first)
    side.host.git("update-ref", "-d", MAIN)
    return once_more(side, first)


def of_our_stage(then: Callable[[Side, Oid], Moves]) -> Situation:
    """After a push of ours that staged something."""

    def later(side: Side) -> Moves:
        staged = side.commit(side.tip, message="staged")
        assert side.push(RefUpdate(ref=STAGE, old=None, new=staged)).done
        return then(side, staged)

    return later


def stage_gone(side: Side, staged: Oid) -> Moves:
    side.host.git("update-ref", "refs/heads/kept", staged)
    side.host.git("update-ref", "-d", STAGE)
    return [RefUpdate(ref=TAG, old=None, new=side.tag(staged)), RefUpdate(ref=STAGE, old=staged, new=None)]


def stage_replaced(side: Side, staged: Oid) -> Moves:
    """By somebody else, and what we put there was thrown away."""
    side.host.git("update-ref", STAGE, side.tip)
    (side.host.path / "objects" / staged[:2] / staged[2:]).unlink()
    return [RefUpdate(ref=FENCE, old=None, new=side.commit()), RefUpdate(ref=STAGE, old=staged, new=None)]


def stage_holds(side: Side, staged: Oid) -> Moves:
    """No ref of the host names what that builds on any more."""
    side.host.git("update-ref", "-d", MAIN)
    return [RefUpdate(ref=NEXT, old=None, new=side.commit(side.tip, staged, message="on it"))]


TABLE: list[tuple[str, Situation, Outcome, By]] = [
    ("all fine", all_fine, "done", "us"),
    ("a merge", a_merge, "done", "us"),
    ("moved meanwhile", moved_meanwhile, "stale", "us"),
    ("gone meanwhile", gone_meanwhile, "stale", "us"),
    ("what must not exist exists", exists, "stale", "us"),
    ("it is there already", there_already, "done", "git"),
    ("declined in Korean", declined_in_korean, "refused", "us"),
    ("declined while talking of races", declined_while_talking_of_races, "refused", "us"),
    ("one of three declined", one_declined, "refused", "us"),
    ("rewound where that is denied", rewound, "refused", "us"),
    ("rewound", rewound_where_one_may, "done", "us"),
    ("on what no ref names", on_what_no_ref_names, "done", "git"),
    ("a hidden ref", hidden, "refused", "us"),
    ("a hidden ref that is there", hidden_and_there, "stale", "us"),
    ("a stage dropped with the tag", tag_and_drop, "done", "us"),
    ("deletes denied", deletes_denied, "refused", "us"),
    ("deletes of branches denied", only_stages_dropped_where_deletes_are_denied, "done", "us"),
    ("what is dropped is gone", drop_what_is_gone, "stale", "us"),
    ("not atomic", not_atomic, "refused", "git"),
    ("an ill-formed commit", ill_formed_commit, "unknown", "us"),
    ("an ill-formed tag", ill_formed_tag, "unknown", "us"),
    ("read-only", read_only, "unknown", "us"),
    ("locked", locked, "unknown", "us"),
    ("a name in the way", in_the_way, "unknown", "us"),
    ("a hook fails afterwards", after_receiving_it_fails, "done", "us"),
    ("a hook that talks and talks", talkative, "done", "us"),
    ("somebody is faster inside", faster_inside, "stale", "us"),
    ("the host's program dies", dies, "unknown", "us"),
    ("a shallow host", shallow, "done", "us"),
    ("a second push", of_ours(once_more), "done", "us"),
    ("a second push, of nothing new but a tag", known(lambda side: [all_fine(side)[2]]), "done", "us"),
    ("moved after a push of ours", of_ours(ours_moved), "stale", "us"),
    ("gone after a push of ours", of_ours(ours_gone), "stale", "us"),
    ("a stage of ours is gone", of_our_stage(stage_gone), "stale", "us"),
    ("a stage of ours was replaced", of_our_stage(stage_replaced), "stale", "us"),
    ("what a stage of ours holds", of_our_stage(stage_holds), "done", "us"),
    ("exists after a push of ours", known(exists), "stale", "us"),
    ("there already after a push of ours", known(there_already), "done", "git"),
    ("declined after a push of ours", known(one_declined), "refused", "us"),
]


def with_git_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_without(*_: object) -> PushReport:
        raise NotUnderstood("git pushes")

    monkeypatch.setattr(write, "_without_git", not_without)


def compared(
    stand: Stand, way: Way, situation: Situation, monkeypatch: pytest.MonkeyPatch, *, sha: str = "sha1",
    empty: bool = False,
) -> tuple[PushReport, PushReport, By]:  # fmt: skip
    """What is reported with and without git, of two hosts that are alike, and who pushed without; their refs agree."""
    us, git = (stand.side(way, sha=sha, empty=empty) for _ in range(2))
    moves = situation(us)
    with ran() as commands:
        ours = us.push(*moves)

    with_git_only(monkeypatch)
    moves = situation(git)
    with ran() as others:
        gits = git.push(*moves)
    assert by_git(others)
    assert us.host.refs() == git.host.refs()
    return ours, gits, "git" if by_git(commands) else "us"


WAYS: Final[tuple[Way, ...]] = ("http", "ssh")


@pytest.mark.parametrize(
    ("way", "situation", "expected", "by"),
    [pytest.param(way, *row[1:], id=f"{row[0]}, {way}") for row in TABLE for way in WAYS],
)
def test_what_is_reported_and_what_moves_is_as_with_git(
    stand: Stand, way: Way, situation: Situation, expected: Outcome, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, gits, pushed = compared(stand, way, situation, monkeypatch)
    assert outcome(gits) == expected
    assert outcome(ours) == expected
    assert [report.problem and report.problem.kind for report in (ours,)] == [gits.problem and gits.problem.kind]
    assert ours.refused == gits.refused
    assert pushed == by


@pytest.mark.parametrize("way", ["http", "ssh"])
@pytest.mark.parametrize(
    ("situation", "sha", "empty"),
    [(all_fine, "sha256", False), (a_merge, "sha256", False), (tag_and_drop, "sha256", False),
     (first_of_an_empty_host, "sha1", True), (first_of_an_empty_host, "sha256", True)],
)  # fmt: skip
def test_a_repository_of_another_hash_and_an_empty_one_are_pushed_to_like_others(
    stand: Stand, way: Way, situation: Situation, sha: str, empty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, gits, pushed = compared(stand, way, situation, monkeypatch, sha=sha, empty=empty)
    assert ours == gits == PushReport(done=True)
    assert pushed == "us"


@pytest.mark.parametrize("way", ["http", "ssh"])
def test_what_a_hook_says_is_told_in_its_words(stand: Stand, way: Way) -> None:
    side = stand.side(way)
    refused = side.push(*declined_in_korean(side)).refused
    assert "pre-receive hook declined" in refused
    assert "동결되었습니다: 플랫폼 팀" in refused
    assert "둘째 줄" in refused


@pytest.mark.parametrize("way", ["http", "ssh"])
@pytest.mark.parametrize("situation", [all_fine, a_merge])
def test_what_arrived_is_whole(stand: Stand, way: Way, situation: Situation) -> None:
    side = stand.side(way)
    assert side.push(*situation(side)).done
    side.host.git("fsck", "--strict", "--full", "--connectivity-only")


# --- what is started, and what is asked -------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["http", "ssh"])
def test_no_git_pushes_what_was_made_here(stand: Stand, way: Way, spy: GitSpy, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = [stand.side(way) for _ in range(2)]
    monkeypatch.setenv("PATH", spy.path)
    for side in sides:
        moves = all_fine(side)
        assert side.push(*moves).done
        assert side.push(RefUpdate(ref=MAIN, old=moves[0].new, new=side.commit(moves[0].new or side.tip))).done
        staged = side.commit(moves[0].new or side.tip, message="staged")
        assert side.push(RefUpdate(ref=STAGE, old=None, new=staged)).done
        fence = RefUpdate(ref=FENCE, old=moves[1].new, new=side.commit(message="next"), forced=True)
        assert side.push(fence, RefUpdate(ref=STAGE, old=staged, new=None)).done
    assert {one.verb for one in spy.started()} <= {"version", "config"}


@pytest.mark.parametrize("way", ["http", "ssh"])
def test_a_merge_is_pushed_by_one_pack_objects(
    stand: Stand, way: Way, spy: GitSpy, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = stand.side(way)
    moves = a_merge(side)
    monkeypatch.setenv("PATH", spy.path)
    assert side.push(*moves).done
    assert [one.verb for one in spy.started() if one.verb not in ("version", "config")] == ["pack-objects"]


def test_a_host_is_asked_once_what_it_has_however_often_is_pushed(stand: Stand) -> None:
    base = stand.front(Passing)
    for _ in range(2):
        side = stand.side(base=base)
        above = side.tip
        for number in range(4):
            new = side.commit(above, message=str(number))
            assert side.push(RefUpdate(ref=MAIN, old=above, new=new)).done
            above = new
        assert side.host.head() == above
    assert (stand.greetings(), stand.posts()) == (2, 8)


def test_many_threads_push_to_many_hosts_at_once(stand: Stand) -> None:
    base = stand.front(oddpush.Counts)
    sides = [stand.side(base=base) for _ in range(12)]
    moves = [on_main(side) for side in sides]
    with ThreadPoolExecutor(6) as pool:
        reports = list(pool.map(lambda pair: pair[0].push(pair[1]), zip(sides, moves, strict=True)))
    assert reports == [PushReport(done=True)] * 12
    assert [side.host.head() for side in sides] == [move.new for move in moves]
    assert stand.seen.count("connection") <= 6


# --- what was not made here -------------------------------------------------------------------------------------------


def from_a_clone(side: Side) -> Moves:
    clone = bare(side.host.path.with_suffix(".clone"))
    clone.git("fetch", "--quiet", str(side.host.path), f"{MAIN}:{MAIN}")
    new = clone.commit({"b": "a person's"})
    fetch_from_folder(side.mirror, clone.path, {"refs/multigit/from-clone/0": new})
    return [RefUpdate(ref=MAIN, old=side.old, new=new)]


def a_tag_of_it(side: Side) -> Moves:
    [move] = from_a_clone(side)
    assert move.new
    return [RefUpdate(ref=TAG, old=None, new=side.tag(move.new))]


def built_on_it(side: Side) -> Moves:
    [move] = from_a_clone(side)
    assert move.new
    return [RefUpdate(ref=MAIN, old=side.old, new=side.commit(move.new, message="on top"), forced=True)]


def one_parent_and_another_tree(side: Side) -> Moves:
    return [RefUpdate(ref=MAIN, old=side.old, new=side.commit(side.tip, tree=side.tree("restored")))]


def a_root_with_files(side: Side) -> Moves:
    return [RefUpdate(ref=NEXT, old=None, new=side.commit(tree=side.tree("restored")))]


@pytest.mark.parametrize("way", ["http", "ssh"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "situation", [from_a_clone, a_tag_of_it, built_on_it, one_parent_and_another_tree, a_root_with_files]
)
def test_what_was_not_made_here_is_pushed_by_git_and_arrives(
    stand: Stand, way: Way, situation: Situation, after: bool
) -> None:
    side = stand.side(way)
    moves = (known(situation) if after else situation)(side)
    with ran() as commands:
        assert side.push(*moves).done
    assert by_git(commands)
    assert {move.ref: move.new for move in moves}.items() <= side.host.refs().items()
    side.host.git("fsck", "--full", "--connectivity-only")


# --- logins, and hosts that go wrong in between -----------------------------------------------------------------------


@pytest.mark.parametrize("logins", [("right",), ("wrong", "right")])
def test_a_push_logs_in_with_what_gits_helper_knows(stand: Stand, logins: tuple[str, ...]) -> None:
    server = stand.stack.enter_context(HttpGit(stand.hosts.root, login=("kim", "right")))
    told = helper(*logins)
    side = stand.side(base=server.url("").rstrip("/"))
    with ran() as commands:
        move = on_main(side)
        assert side.push(move).done
        assert side.push(RefUpdate(ref=MAIN, old=move.new, new=side.commit(move.new or side.tip))).done
    assert not by_git(commands)
    assert told.read_text().split() == ["get", "erase", "get", "store"][-2 * len(logins) :]


def test_without_a_right_login_nothing_is_pushed_and_no_password_is_told(stand: Stand) -> None:
    server = stand.stack.enter_context(HttpGit(stand.hosts.root, login=("kim", "right")))
    helper("glpat-wrong-wrong-wrong-wrong")
    side = stand.side(base=server.url("").rstrip("/"))
    report = side.push(on_main(side))
    assert (outcome(report), report.problem and report.problem.kind) == ("unknown", "auth")
    assert "wrong" not in str(report)
    assert side.host.head() == side.old


@pytest.mark.parametrize("meant", ["GET", "POST"])
def test_a_host_that_forbids_it_has_refused(stand: Stand, meant: str) -> None:
    side = stand.behind(oddpush.Refuses.make(403, meant=meant))
    assert outcome(side.push(on_main(side))) == "refused"
    assert side.host.head() == side.old


def test_a_host_that_is_asked_too_much_gets_the_push_later_and_once(stand: Stand) -> None:
    side = stand.behind(oddpush.Refuses.make(429, times=1))
    move = on_main(side)
    assert side.push(move).done
    assert side.host.head() == move.new


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_host_in_trouble_is_not_asked_to_push_a_second_time(stand: Stand, status: int) -> None:
    side = stand.behind(oddpush.Refuses.make(status, times=1))
    move = on_main(side)
    report = side.push(move)
    assert (outcome(report), report.problem and report.problem.kind) == ("unknown", "unreachable")
    assert stand.posts() == 1
    assert side.push(move).done, "when the host is well again"


def test_a_connection_that_ends_between_question_and_push_is_replaced(stand: Stand) -> None:
    side = stand.behind(oddpush.HangsUpBetween)
    move = on_main(side)
    with ran() as commands:
        assert side.push(move).done
    assert not by_git(commands)
    assert side.host.head() == move.new


@pytest.mark.parametrize("handler", [oddpush.LosesTheAnswer, oddpush.CutsTheVerdict, oddpush.CutsTheVerdictShort])
def test_where_the_answer_is_lost_nobody_knows_and_nothing_is_pushed_twice(
    stand: Stand, handler: type[Passing]
) -> None:
    side = stand.behind(handler)
    moves = all_fine(side)
    with ran() as commands:
        report = side.push(*moves)
    assert outcome(report) == "unknown"
    assert report.problem
    assert report.problem.why
    assert {move.ref: move.new for move in moves}.items() <= side.host.refs().items()
    assert stand.posts() == 1
    assert not by_git(commands)


def test_a_host_that_hangs_up_before_it_does_anything_is_not_known_to_have_done_nothing(stand: Stand) -> None:
    side = stand.behind(oddpush.NeverHears)
    assert outcome(side.push(on_main(side))) == "unknown"
    assert stand.posts() == 1
    assert side.host.head() == side.old


def test_what_was_done_is_not_denied_whatever_a_gateway_calls_the_answer(stand: Stand) -> None:
    side = stand.side()
    moves = tag_and_drop(side)
    through = replace(side.mirror, url=f"{stand.front(oddpush.Renames)}/{side.host.path.name}")
    assert outcome(write.push(through, moves)) in ("done", "unknown")
    assert stand.posts() == 1


def test_a_host_that_says_it_is_at_work_is_heard_to_the_end(stand: Stand) -> None:
    """A provisional answer (RFC 9110, 15.2) is none, and never is one push's answer taken for another's."""
    base = stand.front(oddpush.Processes)
    one, other = stand.side(base=base), stand.side(base=base)
    first = on_main(other)
    assert other.push(first).done
    other.host.hook("pre-receive", "exit 1")
    moves = on_main(one), on_main_again(other, first)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(one.push, moves[0])
        time.sleep(0.25)
        assert outcome(other.push(moves[1])) == "refused"
        assert done.result().done
    assert stand.posts() == 3


def on_main_again(side: Side, first: RefUpdate) -> RefUpdate:
    assert first.new
    return RefUpdate(ref=MAIN, old=first.new, new=side.commit(first.new, message="again"))


MADE_UP: list[tuple[str, tuple[bytes, ...], bytes]] = [
    ("done", (b"unpack ok", b"ok refs/heads/main"), b""),
    ("no reason", (b"unpack ok", b"ng refs/heads/main"), b""),
    ("an empty reason", (b"unpack ok", b"ng refs/heads/main "), b""),
    ("not unpacked, and yet ok", (b"unpack no space left", b"ok refs/heads/main"), b"fatal: no space left\n"),
    ("not unpacked", (b"unpack index-pack abnormal exit", b"ng refs/heads/main unpacker error"), b"fatal: corrupt\n"),
    ("of another ref", (b"unpack ok", b"ok refs/heads/next"), b""),
    ("of no ref", (b"unpack ok",), b""),
    ("first ok, then not", (b"unpack ok", b"ok refs/heads/main", b"ng refs/heads/main hook declined"), b""),
    ("as GitHub would", (b"unpack ok", b"ng refs/heads/main protected branch hook declined"), b"error: GH006: no\n"),
    ("a race", (b"unpack ok", b"ng refs/heads/main failed to update ref"), b"error: is at 1 but expected 2"),
    ("brackets and tabs", (b"unpack ok", b"ng refs/heads/main no\t(not (so)) allowed"), b""),
    ("not UTF-8", (b"unpack ok", b"ng refs/heads/main \xff\xfe denied"), b"\xff\n"),
    ("a newline of another kind", (b"unpack ok", "ng refs/heads/main declined\u2028ok".encode()), b""),
]


@pytest.mark.parametrize(
    ("lines", "aside"),
    [pytest.param(*row[1:], id=row[0]) for row in MADE_UP],
)
def test_what_a_host_says_is_understood_as_git_does(
    stand: Stand, lines: tuple[bytes, ...], aside: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = stand.behind(oddpush.Says.make(*lines, aside=aside))
    move = on_main(side)
    with ran() as commands:
        ours = side.push(move)
    assert not by_git(commands)
    with_git_only(monkeypatch)
    gits = side.push(move)
    assert outcome(ours) == outcome(gits), (ours, gits)


def test_secrets_in_a_hosts_words_are_not_told(stand: Stand) -> None:
    secret = b"https://kim:hunter2hunter2@example.com/x"
    for lines in ((b"unpack ok", b"ng refs/heads/main denied, see " + secret), (b"unpack " + secret,)):
        side = stand.behind(oddpush.Says.make(*lines, aside=b"see " + secret))
        assert "hunter2" not in str(side.push(on_main(side)))


@pytest.mark.parametrize("way", ["http", "ssh"])
def test_a_host_that_dies_after_it_has_moved_everything_leaves_that_unknown(stand: Stand, way: Way) -> None:
    side = stand.side(way)
    side.host.hook("pre-receive", "echo x >>pushed")
    side.host.hook("reference-transaction", '[ "$1" = committed ] && [ -e pushed ] && kill -9 $PPID; exit 0')
    moves = all_fine(side)
    with ran() as commands:
        assert outcome(side.push(*moves)) == "unknown"
    assert not by_git(commands)
    assert {move.ref: move.new for move in moves}.items() <= side.host.refs().items()
    assert (side.host.path / "pushed").read_text().split() == ["x"]


@pytest.mark.parametrize("way", ["http", "ssh"])
def test_a_push_that_takes_too_long_is_unknown_in_time_and_pushed_once(stand: Stand, way: Way) -> None:
    side = stand.side(way)
    side.host.hook("pre-receive", "echo x >>pushed; sleep 2")
    start = time.monotonic()
    report = side.push(on_main(side), timeout=0.7)
    assert (outcome(report), report.problem and report.problem.kind) == ("unknown", "timeout")
    assert report.problem
    assert report.problem.why == "no answer within 0.7 s"
    assert time.monotonic() - start < 1.9
    assert (side.host.path / "pushed").read_text().split() == ["x"]


def test_nothing_is_sent_to_a_host_that_nobody_vouches_for(stand: Stand) -> None:
    side = stand.behind(Passing, tls=True)
    report = side.push(on_main(side))
    assert (outcome(report), report.problem and report.problem.kind) == ("unknown", "unreachable")
    assert not stand.seen


def test_over_https_pushes_share_a_connection_that_is_not_dead_because_of_tickets(stand: Stand) -> None:
    config("http.sslCAInfo", stand.hosts.certificates.file)
    side = stand.behind(oddpush.Counts, tls=True)
    first = on_main(side)
    with ran() as commands:
        assert side.push(first).done
        time.sleep(0.1)  # tickets come behind the handshake
        assert side.push(*once_more(side, first.new or side.tip)).done
    assert not by_git(commands)
    assert stand.seen.count("connection") == 1


@pytest.mark.parametrize("tls", [False, True])
def test_an_idle_connection_that_the_host_closed_is_not_used(stand: Stand, tls: bool) -> None:
    config("http.sslCAInfo", stand.hosts.certificates.file)
    side = stand.behind(oddpush.Impatient, tls=tls)
    first = on_main(side)
    assert side.push(first).done
    time.sleep(0.4)
    with ran() as commands:
        assert side.push(*once_more(side, first.new or side.tip)).done
    assert not by_git(commands)
    assert stand.seen.count("connection") == 2


# --- what a host had, and has no more ---------------------------------------------------------------------------------


def test_a_host_that_lost_what_we_gave_it_gets_it_again(stand: Stand) -> None:
    side = stand.side()
    staged = side.commit(side.tip, message="staged")
    assert side.push(RefUpdate(ref=STAGE, old=None, new=staged)).done
    side.host.git("update-ref", "-d", STAGE)
    (side.host.path / "objects" / staged[:2] / staged[2:]).unlink()
    move = RefUpdate(ref=TAG, old=None, new=side.tag(staged))
    assert side.push(move).done
    assert side.host.refs()[TAG] == move.new
    side.host.git("fsck", "--full", "--connectivity-only")


@pytest.mark.parametrize("way", ["http", "ssh"])
def test_a_cached_copy_that_lost_an_object_is_a_problem_and_no_exception(stand: Stand, way: Way) -> None:
    side = stand.side(way)
    [move] = a_merge(side)
    tree = side.tree("both\n")
    (side.mirror.path / "objects" / tree[:2] / tree[2:]).unlink()
    report = side.push(move)
    assert outcome(report) == "unknown"
    assert side.host.head() == side.old


# --- connections that are begun before anything is loaded -------------------------------------------------------------


@dataclass
class Ahead:
    """A repository over https, and a repos.yaml whose last run had `count` connections there."""

    side: Side
    stand: Stand
    count: int = 3

    def begin(self, **environ: str) -> None:
        open_connections(["status"], {**os.environ, **environ})

    def connections(self) -> int:
        return self.stand.seen.count("connection")


@pytest.fixture
def ahead(stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ahead:
    config("http.sslCAInfo", stand.hosts.certificates.file)
    found = Ahead(stand.behind(oddpush.Counts, tls=True), stand)
    (tmp_path / "repos.yaml").write_text("x")
    monkeypatch.chdir(tmp_path)
    [place] = door.places([found.side.mirror.url])
    hints.keep(sha256(b"x").hexdigest(), [], [(place.scheme, place.host, place.port, place.authorities, found.count)])
    return found


def test_connections_begun_ahead_are_used_and_no_others_opened(ahead: Ahead) -> None:
    ahead.begin()
    wait_until(lambda: ahead.connections() == ahead.count, seconds=5, what="they were begun")
    move = on_main(ahead.side)
    with ThreadPoolExecutor(ahead.count) as pool:
        reading = [pool.submit(list_refs, ahead.side.mirror.url, [MAIN]) for _ in range(6)]
        assert {one.result()[MAIN].oid for one in reading} == {ahead.side.old}
    assert ahead.side.push(move).done
    assert ahead.connections() == ahead.count


def test_where_a_proxy_may_stand_in_between_nothing_is_begun(ahead: Ahead) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY", "GIT_SSL_NO_VERIFY"):
        ahead.begin(**{name: "http://127.0.0.1:1"})
    time.sleep(0.3)
    assert ahead.connections() == 0


def test_where_settings_changed_since_nothing_is_begun(ahead: Ahead) -> None:
    config("http.proxy", "http://127.0.0.1:1")
    ahead.begin()
    time.sleep(0.3)
    assert ahead.connections() == 0


def test_a_host_that_is_gone_costs_nothing_visible(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "repos.yaml").write_text("x")
    monkeypatch.chdir(tmp_path)
    hints.keep(sha256(b"x").hexdigest(), [], [("http", "127.0.0.1", 1, "", 8), ("http", "nowhere.invalid", 80, "", 2)])
    start = time.monotonic()
    open_connections(["status"], os.environ)
    with pytest.raises(GitError) as gone:
        list_refs("http://127.0.0.1:1/x.git", [MAIN])
    assert gone.value.problem.kind == "unreachable"
    assert time.monotonic() - start < 3
    assert capfd.readouterr() == ("", "")


def test_a_host_that_cannot_be_makes_nobody_wait(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that no address can be asked for, and that repos.yaml may have: two dots in a row."""
    died: list[object] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    url = "http://a..example.invalid/x.git"
    for place, number in door.places([url]).items():
        POOL.begin(place, number)
    start = time.monotonic()
    with suppress(GitError, UnicodeError):
        list_refs(url, [MAIN], timeout=3.0)
    assert time.monotonic() - start < 2
    assert not died


def test_a_helper_that_hangs_is_a_problem_and_no_exception(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    server = stand.stack.enter_context(HttpGit(stand.hosts.root, login=("kim", "right")))
    helper("right")
    (Path(os.environ["HOME"]) / "helper").write_text("#!/bin/sh\nexec sleep 20\n")
    monkeypatch.setattr(logins, "git", partial(in_haste, run.git))
    side = stand.side(base=server.url("").rstrip("/"))
    assert outcome(side.push(on_main(side), timeout=1.0)) == "unknown"


def in_haste(git: Callable[..., object], *args: str, **more: object) -> object:
    """Our own limit of half a minute, in less."""
    return git(*args, **{**more, "timeout": 0.5})


def test_who_waits_for_another_host_does_not_keep_a_connection_from_who_wants_it(stand: Stand) -> None:
    """One connection to the first host is free, the other one and that to the second host never come."""
    base = stand.front(oddpush.Counts)
    place = Place("http", "127.0.0.1", int(base.rpartition(":")[2]))
    silent = stand.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    slow = Place("https", "127.0.0.1", silent.getsockname()[1])
    POOL.begin(slow, 1)
    POOL._coming[place] = 1
    with ThreadPoolExecutor(3) as pool:
        pool.submit(POOL.ask, slow, Question("GET", "/", {}), 1.5)
        time.sleep(0.1)
        waiting = pool.submit(POOL.ask, place, Question("GET", "/x", {}), 1.5)
        time.sleep(0.1)
        POOL._give(place, socket.create_connection((place.host, place.port)))
        assert waiting.result().status in (404, 403)
