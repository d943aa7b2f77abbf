"""What the types cannot say: names that must exist, cycles, twins, folders, addresses. Pure, over a Config."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo, available_timezones

from multigit.configfile import signing, templates
from multigit.configfile.problems import Finding, Where, did_you_mean, one_of
from multigit.model.config import Config, Environment, Repo, seconds
from multigit.model.urls import Url

_GROUP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,39}")


def findings(config: Config) -> Iterator[Finding]:
    """Everything that is wrong with a config whose types are right."""
    yield from _system(config)
    yield from _environments(config)
    yield from _repos(config)
    yield from _after(config)
    yield from _groups(config)
    yield from _promotions(config)
    yield from _others(config)
    yield from signing.findings(config)
    if config.infra is not None:
        from multigit.configfile import infra

        yield from infra.findings(config)
    yield from templates.findings(config)


def unknown(where: Where, kind: str, word: str, known: Iterable[str]) -> Iterator[Finding]:
    """One finding where `word` is not among `known`."""
    words = list(known)
    if word not in words:
        suggestion = did_you_mean(word, words) or one_of(words)
        yield Finding(where=where, message=f'there is no {kind} "{word}"', suggestion=suggestion)


def _system(config: Config) -> Iterator[Finding]:
    zone = config.system.timezone
    try:
        ZoneInfo(zone)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        yield _no_zone(zone)
    except KeyError:
        yield _no_zone(zone)
    if config.system.home is not None:
        yield from unknown(("system", "home"), "repository", config.system.home, config.repos)


def _no_zone(zone: str) -> Finding:
    suggestion = did_you_mean(zone, sorted(available_timezones())) or "write an IANA name such as Asia/Seoul or UTC"
    return Finding(where=("system", "timezone"), message=f'"{zone}" is no time zone', suggestion=suggestion)


def _environments(config: Config) -> Iterator[Finding]:
    if not config.environments:
        yield Finding(where=("environments",), message="there must be at least one environment")
    envs = tuple(config.environments.values())
    for number, env in enumerate(envs):
        for place, other in enumerate(envs):
            if place != number:
                yield from _shadows(env, other, later=number > place)


def _shadows(env: Environment, other: Environment, *, later: bool) -> Iterator[Finding]:
    """A word on the command line must mean one environment only. Of two equal words the later one is wrong."""
    base: Where = ("environments", env.name)
    id_, branch = str(other.name), str(other.branch or "")
    for number, alias in enumerate(env.alias):
        if alias == id_ or (alias in other.alias and later):
            yield Finding(where=(*base, "alias", number), message=f'"{alias}" already means environment {id_}')
        elif alias == branch:
            yield Finding(where=(*base, "alias", number), message=f'"{alias}" is the branch of environment {id_}')
    if env.branch is not None and str(env.branch) == id_:
        yield Finding(where=(*base, "branch"), message=f'"{id_}" is another environment, which the word would mean')
    elif env.branch is not None and env.branch == branch and later:
        yield Finding(where=(*base, "branch"), message=f'{id_} has the same branch "{branch}"')


def _repos(config: Config) -> Iterator[Finding]:
    if not config.repos:
        yield Finding(where=("repos",), message="there must be at least one repository")
    names: dict[str, str] = {}
    folders: dict[str, str] = {}
    urls: dict[str, str] = {}
    for repo in config.repos.values():
        base: Where = ("repos", repo.name)
        twins = list(_twin(base, names, repo.name.casefold(), repo, "differs only in upper and lower case from"))
        yield from twins or _folder(config, repo, folders)
        yield from _url(config, repo, urls)
        yield from _branches(config, repo)


def _twin(where: Where, seen: dict[str, str], word: str, repo: Repo, what: str) -> Iterator[Finding]:
    if seen.setdefault(word, repo.name) != repo.name:
        yield Finding(where=where, message=f"{repo.name} {what} {seen[word]}", key=len(where) == 2)


def _folder(config: Config, repo: Repo, seen: dict[str, str]) -> Iterator[Finding]:
    folder = config.folder(repo) if repo.path is None else repo.path
    where: Where = ("repos", repo.name, "path") if repo.path is not None else ("repos", repo.name)
    problem = folder_problem(folder)
    if problem:
        suggestion = "write a folder below repos.yaml, or leave path out"
        yield Finding(where=where, message=problem, suggestion=suggestion)
    else:
        same = "/".join(PurePosixPath(folder).parts).casefold()
        yield from _twin(where, seen, same, repo, "has the same folder as")


def folder_problem(folder: str) -> str:
    """Why `folder` cannot be the folder of a clone, or ''."""
    parts = PurePosixPath(folder).parts
    if not folder or folder.startswith(("/", "~", "-")) or re.search(r"\\|^[A-Za-z]:|\n", folder):
        return f'"{folder}" is no folder relative to repos.yaml'
    if ".." in parts:
        return f'"{folder}" leaves the folder of repos.yaml'
    return f'"{folder}" lies inside a .git folder' if any(part.casefold() == ".git" for part in parts) else ""


def _url(config: Config, repo: Repo, seen: dict[str, str]) -> Iterator[Finding]:
    url = config.url(repo)
    where: Where = ("repos", repo.name, "url") if repo.url is not None else ("repos", repo.name)
    if repo.url is None and not url:
        return
    problem = Url.problem(url)
    if problem and repo.url is not None:
        yield Finding(where=where, message=problem)
    elif not problem:
        same = url.rstrip("/").removesuffix(".git").casefold()
        yield from _twin(where, seen, same, repo, "has the same address as")


def _branches(config: Config, repo: Repo) -> Iterator[Finding]:
    base: Where = ("repos", repo.name, "branches")
    for name in repo.branches:
        for finding in unknown((*base, name), "environment", name, config.environments):
            yield Finding(where=finding.where, message=finding.message, suggestion=finding.suggestion, key=True)
    seen: dict[str, str] = {}
    for env in config.environments.values() if repo.branches else ():
        branch = config.branch(repo, env)
        if branch is not None and seen.setdefault(branch, env.name) != env.name:
            message = f'{seen[branch]} and {env.name} are both branch "{branch}" in {repo.name}'
            yield Finding(where=base, message=message)


def _after(config: Config) -> Iterator[Finding]:
    known = True
    for repo in config.repos.values():
        for number, name in enumerate(repo.after):
            found = list(unknown(("repos", repo.name, "after", number), "repository", name, config.repos))
            known = known and not found
            yield from found
    circle = _circle({repo.name: tuple(repo.after) for repo in config.repos.values()}) if known else ()
    if circle:
        where: Where = ("repos", circle[0], "after")
        yield Finding(where=where, message=f"repositories wait for each other: {' -> '.join(circle)}")


def _circle(after: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The first circle of `after`, its first name repeated at the end; () where there is none."""
    left = {name: set(before) for name, before in after.items()}
    while ready := [name for name, before in left.items() if not before & left.keys()]:
        for name in ready:
            del left[name]
    if not left:
        return ()
    road = [next(iter(left))]
    while road.count(road[-1]) == 1:
        road.append(next(name for name in after[road[-1]] if name in left))
    return tuple(road[road.index(road[-1]) :])


def _groups(config: Config) -> Iterator[Finding]:
    for name, members in config.groups.items():
        if not _GROUP.fullmatch(name):
            yield Finding(where=("groups", name), message=f'"{name}" is no name for a group', key=True)
        if name in config.repos:
            yield Finding(where=("groups", name), message=f'"{name}" is a repository already', key=True)
        for number, member in enumerate(members):
            yield from unknown(("groups", name, number), "repository", member, config.repos)


def _promotions(config: Config) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for number, road in enumerate(config.promotions):
        base: Where = ("promotions", number)
        yield from unknown((*base, "from"), "environment", road.from_, config.environments)
        yield from unknown((*base, "to"), "environment", road.to, config.environments)
        if road.from_ == road.to:
            yield Finding(where=(*base, "to"), message=f"{road.to} cannot be promoted to itself")
        if (road.from_, road.to) in seen:
            yield Finding(where=base, message=f"{road.from_} -> {road.to} is declared twice")
        seen.add((road.from_, road.to))
        for place, gate in enumerate(road.gates):
            yield from unknown((*base, "gates", place), "gate", gate, config.gates)
        if road.phrase is not None and (not road.phrase.strip() or "\n" in road.phrase):
            yield Finding(where=(*base, "phrase"), message="the phrase must be one line that can be typed")
        if road.watch is not None:
            yield from duration((*base, "watch"), road.watch)
        if road.by == "merge":
            yield from _mergeable(config, base, road.from_, road.to)


def _mergeable(config: Config, base: Where, source: str, target: str) -> Iterator[Finding]:
    for field, name in (("from", source), ("to", target)):
        env = config.environment(name) if name in config.environments else None
        bare = [repo.name for repo in config.fleet if env and config.branch(repo, env) is None]
        if env and bare:
            message = f"{name} has no branch in {bare[0]}, so nothing can be merged"
            yield Finding(where=(*base, field), message=message, suggestion="give it a branch, or write by: tag")


def duration(where: Where, text: str) -> Iterator[Finding]:
    """One finding where `text` is no duration."""
    try:
        seconds(text)
    except ValueError as error:
        yield Finding(where=where, message=str(error))


def _others(config: Config) -> Iterator[Finding]:
    for field, names in (("allow", config.hotfix.allow), ("backmerge", config.hotfix.backmerge)):
        for number, name in enumerate(names):
            yield from unknown(("hotfix", field, number), "environment", name, config.environments)
    file = config.log.file
    if not file or PurePosixPath(file).name != file or file in ("..", "repos.yaml") or file.startswith("-"):
        message = f'"{file}" is no name for a file next to repos.yaml'
        yield Finding(where=("log", "file"), message=message, suggestion="write a plain name such as deployment.log")
