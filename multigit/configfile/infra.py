"""What the types cannot say about `infra`: names that AWS takes, words that environments have, things that exist."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from multigit.configfile.problems import Finding, Where, did_you_mean, one_of
from multigit.model.config import Config
from multigit.model.infra.settings import Alarm, Infra, Registry, Role, SecurityGroup, infra_of
from multigit.model.infra.wanted import KINDS, Kind, environments, name_problem, period, texts
from multigit.model.plain import plain
from multigit.model.template import fields, flaw, render

_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-[0-9]")


def findings(config: Config) -> Iterator[Finding]:
    """Everything that is wrong with the section; nothing where there is none."""
    infra = infra_of(config)
    if infra is None:
        return
    yield from _head(config, infra)
    found = [*_templates(config, infra)]
    yield from found
    if not found:  # names can be made
        yield from _names(config, infra)
    for key, entry in infra.ecr.items():
        yield from _registry(("infra", "ecr", key), entry)
    for key, group in infra.security_groups.items():
        yield from _group(("infra", "security_groups", key), group, infra)
    for key, role in infra.roles.items():
        yield from _role(("infra", "roles", key), role, infra)
    for key, alarm in infra.alarms.items():
        yield from _alarm(("infra", "alarms", key), alarm, infra)


def _head(config: Config, infra: Infra) -> Iterator[Finding]:
    if not re.fullmatch("[0-9]{12}", infra.account):
        message = f'"{infra.account}" is no account: twelve digits in quotes'
        yield Finding(where=("infra", "account"), message=message, suggestion="aws sts get-caller-identity")
    if not _REGION.fullmatch(infra.region):
        message = f'"{infra.region}" is no region'
        yield Finding(where=("infra", "region"), message=message, suggestion="write one such as ap-northeast-2")
    if infra.role and not re.fullmatch(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+", infra.role):
        yield Finding(where=("infra", "role"), message="a role is named by its ARN: arn:aws:iam::…:role/…")
    for number, name in enumerate(infra.envs):
        if name not in config.environments:
            suggestion = did_you_mean(name, config.environments) or one_of(config.environments)
            message = f'there is no environment "{name}"'
            yield Finding(where=("infra", "envs", number), message=message, suggestion=suggestion)


def _entries(infra: Infra) -> Iterator[tuple[Kind, str, Any]]:
    for kind, part in KINDS.items():
        for key, entry in getattr(infra, part).items():
            yield kind, key, entry


def _templates(config: Config, infra: Infra) -> Iterator[Finding]:
    envs = environments(config, infra)
    for kind, key, entry in _entries(infra):
        where: Where = ("infra", KINDS[kind], key)
        used = [key, *texts(plain(entry))]
        for text in used:
            wrong = flaw(text) if "{" in text or "}" in text else ""
            if wrong:
                yield Finding(where=where, message=wrong, key=text == key)
            for name in () if wrong else fields(text):
                yield from _word(where, name, envs)
        if any(fields(text) for text in used) and not fields(key) and len(envs) > 1:
            message = f"{key} differs between environments inside, and has one name for all of them"
            yield Finding(where=where, message=message, suggestion="use {env} or a word of vars in its name", key=True)


def _word(where: Where, name: str, envs: Any) -> Iterator[Finding]:
    for env in envs:
        known = ("env", *env.vars)
        if name not in known:
            suggestion = did_you_mean(name, known) or f"add {name} to environments.{env.name}.vars, or set infra.envs"
            message = f"{{{name}}} is not known in environment {env.name}"
            yield Finding(where=where, message=message, suggestion=suggestion, key=True)


def _names(config: Config, infra: Infra) -> Iterator[Finding]:
    seen: dict[tuple[Kind, str], str] = {}
    for kind, key, _ in _entries(infra):
        where: Where = ("infra", KINDS[kind], key)
        for words in _words(config, infra) if fields(key) else ({},):
            name = render(key, words)
            wrong = name_problem(kind, name)
            if wrong:
                yield Finding(where=where, message=wrong, key=True)
            elif seen.setdefault((kind, name), key) != key or (words and _clash(key, name, config, infra)):
                yield Finding(where=where, message=f"the name {name} is made twice", key=True)


def _words(config: Config, infra: Infra) -> tuple[Mapping[str, str], ...]:
    return tuple({**env.vars, "env": str(env.name)} for env in environments(config, infra))


def _clash(key: str, name: str, config: Config, infra: Infra) -> bool:
    """Whether two environments make the same name of one key."""
    return [render(key, words) for words in _words(config, infra)].count(name) > 1


def _registry(where: Where, entry: Registry) -> Iterator[Finding]:
    if entry.keep < 1:
        yield Finding(where=(*where, "keep"), message="at least one image stays")


def _group(where: Where, entry: SecurityGroup, infra: Infra) -> Iterator[Finding]:
    if entry.vpc and not re.fullmatch(r"vpc-[0-9a-f]+|\S*\{\S*", entry.vpc):
        yield Finding(where=(*where, "vpc"), message=f'"{entry.vpc}" is no id of a VPC such as vpc-0a1b2c3d')
    if not re.fullmatch(r"[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}", entry.desc):
        yield Finding(
            where=(*where, "desc"), message="EC2 takes ASCII letters, digits, blanks and ._-:/()#,@[]+=&;{}!$*"
        )
    for number, rule in enumerate(entry.allow):
        at = (*where, "allow", number)
        if not 1 <= rule.port <= 65535:
            yield Finding(where=(*at, "port"), message=f"{rule.port} is no port")
        if rule.from_ not in infra.security_groups and not _addresses(rule.from_):
            suggestion = did_you_mean(rule.from_, infra.security_groups) or "write addresses such as 10.0.0.0/8"
            message = f'"{rule.from_}" is neither a security group named here nor addresses'
            yield Finding(where=(*at, "from"), message=message, suggestion=suggestion)


def _addresses(text: str) -> bool:
    try:
        return "/" in text and str(ipaddress.ip_network(text)) == text
    except ValueError:
        return False


def _role(where: Where, entry: Role, infra: Infra) -> Iterator[Finding]:
    own = {"buckets": "task", "secrets": "task-execution", "github": "deploy", "distributions": "deploy"}
    for field, kind in own.items():
        if getattr(entry, field) and entry.kind != kind:
            yield Finding(where=(*where, field), message=f"{field} is for roles of kind {kind}", key=True)
    for number, name in enumerate(entry.buckets):
        if name not in infra.buckets:
            suggestion = did_you_mean(name, infra.buckets) or one_of(infra.buckets)
            message = f'there is no bucket "{name}" here'
            yield Finding(where=(*where, "buckets", number), message=message, suggestion=suggestion)
    for number, name in enumerate(entry.github):
        if not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", name):
            yield Finding(where=(*where, "github", number), message=f'"{name}" is not owner/name')


def _alarm(where: Where, entry: Alarm, infra: Infra) -> Iterator[Finding]:
    if (entry.above is None) == (entry.below is None):
        yield Finding(where=where, message="an alarm has either above or below", key=True)
    if entry.topic not in infra.topics:
        suggestion = did_you_mean(entry.topic, infra.topics) or one_of(infra.topics) or "add it: topics: {NAME: {}}"
        yield Finding(where=(*where, "topic"), message=f'there is no topic "{entry.topic}" here', suggestion=suggestion)
    try:
        seconds = period(entry.period)
    except ValueError as error:
        yield Finding(where=(*where, "period"), message=str(error))
        return
    if seconds not in (10, 20, 30) and (seconds % 60 or not seconds):
        yield Finding(where=(*where, "period"), message="CloudWatch takes 10s, 20s, 30s and whole minutes")
    if not entry.periods >= 1 or seconds * entry.periods > 86400:
        yield Finding(where=(*where, "periods"), message="at least one period, and at most a day in all")
