"""logs: what the services of an environment wrote, side by side, and what they write on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from multigit.app.session import Session
from multigit.clients import asked, aws
from multigit.errors import DONE, FAILED, MultigitError, UsageError
from multigit.lanes import each
from multigit.logs.cloudwatch import Reader
from multigit.model.config import Environment
from multigit.model.logs import LogLine, LogProblem, LogsDocument, Source, sources_of
from multigit.model.serving import Unfit
from multigit.ui.logs import log_lines, problem_line
from multigit.ui.screen import Screen

BEAT = 2.0
"""Seconds between two readings while following; five requests a second are allowed per account and region."""
_FORGIVEN = 5
"""Readings in a row that may fail before a group that is followed is given up."""

Read = tuple[list[LogLine], bool, LogProblem | None]


def show(session: Session, screen: Screen, word: str, since: int, pattern: str, most: int) -> int:
    """The latest lines of all groups together; 1 where one could not be read."""
    env, readers = _readers(session, word, since, pattern)
    read = each(lambda reader: _read(reader, most), readers, session.jobs)
    lines, more = _together([one[0] for one in read], most)
    problems = tuple(problem for _, _, problem in read if problem)
    screen.close()
    found = LogsDocument(env=env.name, lines=tuple(lines), more=more or any(one[1] for one in read), problems=problems,
                         exit_code=FAILED if problems else DONE)  # fmt: skip
    for line in log_lines(found.lines, session.zone, [reader.source.repo for reader in readers], more=found.more):
        screen.say(line, always=True)
    for problem in problems:
        screen.warn(problem_line(problem))
    if not lines and not problems:
        screen.say(f"{env.name}: nothing was written in that time")
    screen.document(found)
    return found.exit_code


def follow(
    session: Session, screen: Screen, word: str, since: int, pattern: str, most: int,
    *, sleep: Callable[[float], None] = time.sleep,
) -> int:  # fmt: skip
    """The same, and then whatever comes, until Ctrl-C; 1 where none can be read any more."""
    _, readers = _readers(session, word, since, pattern)
    names = [reader.source.repo for reader in readers]
    failed = dict.fromkeys(range(len(readers)), 0)
    screen.close()
    while failed:
        left = sorted(failed)
        read = each(lambda i: _read(readers[i], most), left, session.jobs)
        lines, more = _together([one[0] for one in read], most)
        for line in log_lines(lines, session.zone, names, more=more or any(one[1] for one in read)):
            screen.say(line, always=True)
        for i, (_, _, problem) in zip(left, read, strict=True):
            failed[i] = failed[i] + 1 if problem else 0
            if problem and failed[i] in (1, _FORGIVEN):
                screen.warn(problem_line(problem, last=failed[i] == _FORGIVEN))
            if failed[i] == _FORGIVEN:
                del failed[i]
        sleep(BEAT)
    return FAILED


def _readers(session: Session, word: str, since: int, pattern: str) -> tuple[Environment, list[Reader]]:
    env = session.environment(word)
    try:
        sources: Sequence[Source] = sources_of(session.config, env, session.selection())
    except Unfit as odd:
        raise UsageError(odd.message, hint="multigit config check") from None
    if not sources:
        raise UsageError(f"repos.yaml names no logs of {env.name}",
                         hint="write logs: and the name of the log group under deploy of a repository")  # fmt: skip
    with asked("CloudWatch cannot be asked"):
        aws("logs", region=sources[0].region or None)  # without boto3, or without a region, nothing else need be tried
    start = session.now().timestamp() - since
    return env, [Reader(source, start, pattern) for source in sources]


def _read(reader: Reader, most: int) -> Read:
    try:
        lines, more = reader.read(most)
    except MultigitError as no:
        why = f"{no.what}{': ' + no.why if no.why else ''}"
        return [], False, LogProblem(repo=reader.source.repo, group=reader.source.group, why=why)
    return lines, more, None


def _together(read: Sequence[list[LogLine]], most: int) -> tuple[list[LogLine], bool]:
    lines = sorted((line for part in read for line in part), key=lambda line: line.at)
    return lines[-most:], len(lines) > most
