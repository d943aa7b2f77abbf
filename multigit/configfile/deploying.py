"""What `deploy` says of targets: each one's word and settings, judged as they will be used."""

from __future__ import annotations

from collections.abc import Iterator

from multigit import plugins
from multigit.configfile.problems import Finding
from multigit.configfile.serving import of_plugin
from multigit.configfile.source import Source
from multigit.errors import UsageError
from multigit.model.config import Config, Environment
from multigit.model.deploying import Named, sections
from multigit.model.serving import Unfit


def findings(config: Config, read: Source) -> Iterator[Finding]:
    """Everything that would keep a repository from being deployed; what holds for several environments once."""
    told: set[Finding] = set()
    for env in config.environments.values():
        for one in sections(config, env):
            if isinstance(one, Unfit):
                found = [Finding(where=one.where, message=one.message)]
            else:
                found = [finding for named in one.named() for finding in _target(env, named, read)]
            yield from (finding for finding in found if finding not in told)
            told.update(found)


def _target(env: Environment, named: Named, read: Source) -> Iterator[Finding]:
    try:
        module = plugins.load("targets", named.word)
    except UsageError as error:
        suggestion = f"{error.why}; {error.hint}" if error.why else error.hint
        yield Finding(where=named.where, message=error.what, suggestion=suggestion, key=True)
        return
    yield from of_plugin(env, module, named.settings, named.where, read)
