"""All that is wrong with a repos.yaml, found at once: its text, its types, and what the types cannot say."""

from __future__ import annotations

from dataclasses import replace

from multigit.configfile import deploying, gates, notify, rules, serving, source, templates, typed
from multigit.configfile.problems import ConfigError, Finding, Problem, Where
from multigit.model.config import Config


def parse(text: bytes, name: str) -> Config:
    """The config written in `text`; `name` is what problems call the file."""
    read = source.read(text, name)
    checked = typed.check(read)
    found = [*checked.findings, *templates.references(read.data)]
    if checked.config is not None:
        found += [*rules.findings(checked.config), *gates.findings(checked.config, checked.settings)]
        found += serving.findings(checked.config, read)
        found += deploying.findings(checked.config, read)
        found += [*notify.findings(checked.config), *gates.mentioned(checked.config, "notify", checked.notifiers)]
    problems = [problem for _, problem in read.problems]
    problems += _placed(read, found, [where for where, _ in read.problems])
    if problems:
        raise ConfigError(problems)
    assert checked.config is not None
    return checked.config


def _placed(read: source.Source, found: list[Finding], spoiled: list[Where]) -> list[Problem]:
    """Findings as problems, each once; those that only follow from a problem of the text itself are left out."""
    problems: dict[tuple[object, ...], Problem] = {}
    for finding in found:
        if not any(finding.where[: len(where)] == where for where in spoiled):
            spot = read.spot(finding.where, key=finding.key)
            problem = read.problem(spot, finding.message, finding.suggestion)
            problems.setdefault((spot, finding.message), replace(problem, source="") if finding.secret else problem)
    return list(problems.values())


def notes(config: Config) -> tuple[str, ...]:
    """What is allowed and still worth saying, one line each."""
    return tuple(templates.notes(config))
