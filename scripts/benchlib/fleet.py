"""The repositories that are raced over: hosts with a history that grows. Copies of one template, then each its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchlib.objects import Line, Loose, tag
from multigit.lanes import each
from tests.support.gitkit import plain_git

COMMITS = 300
"""Commits that all repositories have in common; `--quick` makes a tenth of it."""
NEW = 5
"""Commits that wait on dev in a changed repository at the beginning of a round."""
BRANCHES = ("dev", "main", "stg")
OLD_TAGS = ("deploy-20200101-000000", "stg-deploy-20200101-000000")
_PACKED = "# pack-refs with: peeled fully-peeled sorted \n"


class Template:
    """A bare repository with the common history, and a clone of it with stg checked out."""

    def __init__(self, folder: Path, commits: int) -> None:
        self.bare, self.clone = folder / "template.git", folder / "template"
        folder.mkdir()
        plain_git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(self.bare), at=folder)
        plain_git("fast-import", "--quiet", at=self.bare, stdin=b"".join(_history(commits)))
        for branch in ("dev", "stg"):
            plain_git("update-ref", f"refs/heads/{branch}", "refs/heads/main", at=self.bare)
        plain_git("repack", "-adq", at=self.bare)
        # A host that tidies up in the middle of a round would be measured with it.
        for name in ("gc.auto", "receive.autogc"):
            plain_git("config", name, "0", at=self.bare)
        plain_git("clone", "--quiet", "--no-local", "--template=", str(self.bare), str(self.clone), at=folder)
        for branch in ("dev", "stg"):
            plain_git("checkout", "--quiet", branch, at=self.clone)
        rows = plain_git("ls-tree", "-r", "main", at=self.bare).splitlines()
        self.files: Mapping[str, str] = {row.split("\t")[1]: row.split()[2] for row in rows}
        self.tip = plain_git("rev-parse", "main", at=self.bare)


class Story:
    """What happens in the repositories called `names`, told once and written wherever it is wanted."""

    def __init__(self, template: Template, names: Sequence[str]) -> None:
        self.template, self.names = template, names
        self.lines: dict[str, Line] = {}
        self.starts: dict[str, list[Loose]] = {}
        self.tips: dict[str, str] = {}
        for name in names:
            # Nothing that is known by object id may hold for a second repository: the first commit tells them apart.
            line = self.lines[name] = Line(template.tip, template.files)
            begin = line.commit(0, f"feat: {name} begins", {})
            self.tips[name] = line.tip
            self.starts[name] = [*begin, *(tag(old, line.tip) for old in OLD_TAGS)]

    def refs(self, name: str, prefix: str = "refs/heads/") -> list[str]:
        """Lines of a packed-refs file: every branch where it begins, below `prefix`, and the old tags."""
        start = self.starts[name]
        tags = zip(OLD_TAGS, start[-len(OLD_TAGS) :], strict=True)
        return [
            *(f"{self.tips[name]} {prefix}{branch}\n" for branch in BRANCHES),
            *(f"{made.oid} refs/tags/{old}\n^{self.tips[name]}\n" for old, made in tags),
        ]

    def grow(self, turn: int, names: Iterable[str], hosts: Sequence[Hosts]) -> None:
        """Five commits more on dev of `names` in all `hosts`; `turn` counts the rounds from 1."""
        for name in names:
            line, news = self.lines[name], list[Loose]()
            for number in range(10_000 * turn, 10_000 * turn + NEW):
                news += line.commit(number, f"feat: change {number} of {name}", {_file(number): _body(name, number)})
            for host in hosts:
                host.take(name, news, line.tip)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Bare repositories in `folder` for every name of the story."""

    folder: Path
    story: Story

    @property
    def names(self) -> Sequence[str]:
        return self.story.names

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.git"

    def make(self) -> None:
        """Copies of the template, with a beginning of their own."""
        template = self.story.template.bare
        for name in self.names:
            into = self.path(name)
            copy_repository(template, into)
            for one in self.story.starts[name]:
                one.write(into)
            (into / "packed-refs").write_text(_PACKED + "".join(self.story.refs(name)))

    def take(self, name: str, news: Iterable[Loose], tip: str) -> None:
        """New commits on dev."""
        for one in news:
            one.write(self.path(name))
        self._set(name, "dev", tip)

    def advance(self, name: str) -> None:
        """Somebody brings stg of one repository to where its dev is."""
        self._set(name, "stg", self.story.lines[name].tip)

    def ask(self, *args: str) -> list[str]:
        """What git answers in each repository, several at once."""
        return each(lambda name: plain_git(*args, at=self.path(name)), self.names, 4)

    def _set(self, name: str, branch: str, oid: str) -> None:
        (self.path(name) / "refs/heads" / branch).write_text(f"{oid}\n")


def copy_repository(template: Path, into: Path) -> None:
    """A copy of a repository's git folder, refs aside; the packs, which never change, are shared."""
    for folder in ("objects/pack", "refs/heads", "refs/tags"):
        (into / folder).mkdir(parents=True)
    for pack in (template / "objects/pack").iterdir():
        link(pack, into / "objects/pack" / pack.name)
    for name in ("HEAD", "config"):
        shutil.copyfile(template / name, into / name)


def link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def copy_clone(story: Story, name: str, into: Path, url: str) -> None:
    """A clone of `name` as it is at the beginning, with stg checked out and `url` as its origin."""
    template, git_dir = story.template.clone, into / ".git"
    copy_repository(template / ".git", git_dir)
    shutil.copyfile(template / ".git/index", git_dir / "index")
    for one in story.starts[name]:
        one.write(git_dir)
    remote = [line for line in story.refs(name, "refs/remotes/origin/") if "refs/remotes" in line]
    heads, tags = story.refs(name)[: len(BRANCHES)], story.refs(name)[len(BRANCHES) :]
    (git_dir / "packed-refs").write_text(_PACKED + "".join((*heads, *remote, *tags)))
    config = (git_dir / "config").read_text()
    (git_dir / "config").write_text(config.replace(str(story.template.bare), url))
    for path in story.template.files:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template / path, into / path)


def refresh(folders: Sequence[Path]) -> None:
    """Let git see that the files are as the index says: a copy has other inodes and times."""
    refresh_one = ("git", "update-index", "-q", "--refresh")
    each(lambda folder: subprocess.run(refresh_one, cwd=folder, check=True), folders, 4)


def _file(number: int) -> str:
    return f"src/part{number % 8}/file{number % 40}.txt"


def _body(name: str, number: int) -> str:
    return "".join(f"line {line} of {name}, as of {number}\n" for line in range(60))


def _history(commits: int) -> Iterator[bytes]:
    """Commits for git-fast-import(1) on main, each changing one of forty files."""
    for number in range(commits):
        message, body = f"feat: change {number}", _body("all", number)
        yield (
            f"commit refs/heads/main\ncommitter Kim Min-su <kim@example.invalid> {1_690_000_000 + number} +0900\n"
            f"data {len(message)}\n{message}\nM 100644 inline {_file(number)}\ndata {len(body)}\n{body}\n"
        ).encode()
