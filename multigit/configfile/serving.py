"""What `deploy` says of health and logs: each check's kind, words and settings, judged as they will be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final

from multigit import plugins
from multigit.configfile import typed
from multigit.configfile.problems import Finding, Where, did_you_mean, one_of
from multigit.configfile.source import Source
from multigit.configfile.wording import worded
from multigit.errors import UsageError
from multigit.model import logs, probing
from multigit.model.building import with_numbers
from multigit.model.config import Config, Environment
from multigit.model.serving import WORDS, HealthCheck, Unfit, Watch, sections, watching
from multigit.model.template import fields, filled, flaw, texts

_SAMPLE: Final = {"sha": "0" * 40, "repo": "repo", "env": "env", "tag": "tag"}


def findings(config: Config, read: Source) -> Iterator[Finding]:
    """Everything that would keep a health check from being asked."""
    yield from _watch(("defaults", "deploy"), config.defaults.get("deploy"), read)
    yield from _doctor(("defaults", "deploy"), config.defaults.get("deploy"), read)
    for repo in config.repos.values():
        for name, section in repo.deploy.items():
            yield from _watch(("repos", repo.name, "deploy", name), section, read)
            yield from _doctor(("repos", repo.name, "deploy", name), section, read)
    for env in config.environments.values():
        for one in sections(config, env):
            if isinstance(one, Unfit):
                yield Finding(where=one.where, message=one.message)
            else:
                yield from _check(env, one, read)
        yield from (Finding(where=odd.where, message=odd.message)
                    for odd in logs.described(config, env) if isinstance(odd, Unfit))  # fmt: skip


def _check(env: Environment, check: HealthCheck, read: Source) -> Iterator[Finding]:
    try:
        module = plugins.load("checks", check.kind)
    except UsageError as error:
        suggestion = f"{error.why}; {error.hint}" if error.why else error.hint
        yield Finding(where=(*check.where, "kind"), message=error.what, suggestion=suggestion)
        return
    if not plugins.asks_what_runs(module):
        message = f'the check "{check.kind}" judges plans, not what runs'
        yield Finding(where=(*check.where, "kind"), message=message, suggestion="it can be asked under gates")
        return
    yield from of_plugin(env, module, check.settings, check.where, read)


def of_plugin(
    env: Environment, module: ModuleType, settings: Mapping[str, Any], where: Where, read: Source
) -> Iterator[Finding]:
    """What is wrong with the settings of a plug-in whose templates are filled in for `env`."""
    words = {**_SAMPLE, **env.vars}
    templates = {name: settings[name] for name in getattr(module, "TEMPLATES", ()) if name in settings}
    wrong = [found for place, text in texts(templates) for found in _template((*where, *place), text, words)]
    yield from wrong
    if not wrong:
        values = with_numbers(module.Settings, {**settings, **filled(templates, words)})
        for error in typed.errors_of(module.Settings, values):
            at = (*where, *error["loc"])
            yield worded(error, at, read, typed.value_at(values, error["loc"]), module.Settings)


def _template(where: Where, text: str, words: Mapping[str, str]) -> Iterator[Finding]:
    unknown = next((name for name in fields(text) if name not in words), "")
    if unknown:
        known = [*WORDS, *(name for name in words if name not in WORDS)]
        suggestion = did_you_mean(unknown, known) or one_of(known)
        yield Finding(where=where, message=f"{{{unknown}}} is not known here", suggestion=suggestion)
    elif wrong := flaw(text) if text else "":
        yield Finding(where=where, message=wrong)


def _watch(where: Where, deploy: Any, read: Source) -> Iterator[Finding]:
    settings = watching(deploy)
    for error in typed.errors_of(Watch, settings):
        at = (*where, "health", *error["loc"])
        yield worded(error, at, read, typed.value_at(settings, error["loc"]), Watch)


def _doctor(where: Where, deploy: Any, read: Source) -> Iterator[Finding]:
    """What only `doctor` is told: every key known, every template one."""
    if not isinstance(deploy, Mapping) or "doctor" not in deploy:
        return
    at, said = (*where, "doctor"), deploy["doctor"]
    if not isinstance(said, Mapping):
        yield Finding(where=at, message="doctor is a map, such as {rds: prod-database}")
        return
    yield from (Finding(where=(*at, key, *place), message=wrong) for key in probing.TEMPLATES if key in said
                for place, text in texts(said[key]) if (wrong := flaw(text)))  # fmt: skip
    for error in typed.errors_of(probing.Doctor, said):
        yield worded(error, (*at, *error["loc"]), read, typed.value_at(said, error["loc"]), probing.Doctor)
