"""Notifiers: one file per medium, named like the first word of an entry under `notify:` in repos.yaml.

A notifier has `Settings`, whose field `address` is the reference behind its word, and
`notify(settings, event, clients)`: it tells the `event` now, within `clients.seconds`, or raises `NotSent`. What it
answers is a remark: what it could not do, although it told. Files that start with `_` are helpers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final

from multigit import plugins, secrets
from multigit.errors import MultigitError
from multigit.model.notice import Telling
from multigit.model.notifier import Notifier
from multigit.model.references import Reference
from multigit.model.urls import hide_secrets
from multigit.plugins import load

_SECRET: Final = 8
"""Characters from which a part of an address may be a secret."""
LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
_LONGEST: Final = 300
"""Characters of a reason: servers answer with whole pages."""


class NotSent(MultigitError):
    """A notice that did not arrive, and why. It is tried again by later commands, for a day.

    `lasting`: trying again at once is no use, as something has to be mended first. `retry_after`: seconds for which
    the other side asked to be left alone.
    """

    code = "MG-500"

    def __init__(self, why: str, *, lasting: bool = False, retry_after: float = 0.0) -> None:
        super().__init__("a notice was not sent", why=why)
        self.lasting = lasting
        self.retry_after = retry_after


def _keep_nothing(values: Mapping[str, str]) -> None:
    """Of a notice that belongs to no run."""


@dataclass(slots=True, kw_only=True)
class Clients:
    """What a notifier works with."""

    environ: Mapping[str, str]
    seconds: float = 4.0
    """How long one conversation may take."""
    kept: dict[str, str] = field(default_factory=dict)
    """What this notifier kept of the run, when it told of it before: Slack's `ts` of the message."""
    on_keep: Callable[[Mapping[str, str]], None] = _keep_nothing
    _secrets: list[str] = field(default_factory=list, repr=False)

    def resolved(self, reference: Reference) -> str:
        """What a reference stands for; remembered only to keep it out of every reason."""
        try:
            value = secrets.resolved(reference, self.environ, letters=True)
        except MultigitError as missing:
            raise NotSent(f"{missing.what}: {missing.why}", lasting=True) from None
        # Servers quote what they were asked: of an address its parts, where they are long enough to be secret.
        self._secrets += [value, *(part for part in re.split(r"[/?&=#]", value) if len(part) >= _SECRET)]
        return value

    def keep(self, **values: str) -> None:
        """Keep something with the run, on disk at once: a step that is done is not done again."""
        self.kept.update(values)
        self.on_keep(self.kept)

    def clean(self, text: str) -> str:
        """`text`, which others wrote, on one line, short, and without any secret that was resolved."""
        text = secrets.without(text, *self._secrets)
        return hide_secrets(re.sub(r"\s+", " ", text)).strip()[:_LONGEST]


def place_problem(url: str, hosts: Collection[str]) -> str:
    """Why a key must not be sent to `url`, or ''. `hosts`: those of the service itself; this machine, for tests.

    Whoever may edit repos.yaml could otherwise have any variable of the environment sent to a place of their own.
    """
    found = re.fullmatch(r"(https?)://([A-Za-z0-9.-]+|\[::1\])(:\d{1,5})?(/[\w./-]*)?", url)
    if found and (found[2] in LOOPBACK or (found[1] == "https" and found[2] in hosts and not found[3])):
        return ""
    return f"api must be one of {', '.join(f'https://{host}' for host in hosts)}"


def settings_of(rule: Notifier) -> tuple[ModuleType, Any]:
    """The notifier that `rule` names, and its own `Settings`; UsageError names every field that is wrong."""
    module = load("notifiers", rule.kind)
    return module, plugins.settings_of(module, rule.settings, f"notifier {rule.name!r}")


def deliver(rule: Notifier, telling: Telling, clients: Clients) -> str:
    """Tell it by `rule`; the remark of the notifier, or NotSent, whatever went wrong and whoever wrote the notifier."""
    try:
        module, settings = settings_of(rule)
        remark = module.notify(settings, telling, clients)
    except NotSent as failed:
        raise NotSent(clients.clean(failed.why), lasting=failed.lasting, retry_after=failed.retry_after) from None
    except MultigitError as failed:
        raise NotSent(clients.clean(f"{failed.what}: {failed.why}"), lasting=True) from None
    except TimeoutError:
        raise NotSent(f"no answer within {clients.seconds:.0f} s") from None
    except OSError as failed:
        raise NotSent(clients.clean(failed.strerror or type(failed).__name__)) from None
    except Exception as failed:  # noqa: BLE001  a notifier may raise anything, and must not end a release
        raise NotSent(clients.clean(f"notifier {rule.kind!r} broke: {type(failed).__name__}: {failed}"),
                      lasting=True) from None  # fmt: skip
    return clients.clean(remark) if isinstance(remark, str) else ""
