"""What repos.yaml wants in AWS, as one flat list: templates filled in, for each environment that has its own."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from multigit.model.building import built
from multigit.model.infra import policies
from multigit.model.infra.settings import Alarm, Bucket, Cluster, Infra, LogGroup, Registry, Role, Rule, SecurityGroup
from multigit.model.names import EnvName
from multigit.model.plain import plain
from multigit.model.template import fields, render

if TYPE_CHECKING:
    from multigit.model.config import Config, Environment

Kind = Literal["topic", "log-group", "repository", "bucket", "cluster", "role", "security-group", "alarm"]
KINDS: Final[Mapping[Kind, str]] = {
    "topic": "topics",
    "log-group": "logs",
    "repository": "ecr",
    "bucket": "buckets",
    "cluster": "clusters",
    "role": "roles",
    "security-group": "security_groups",
    "alarm": "alarms",
}
"""Kind and its section below `infra`, in the order in which they are made."""
SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One resource as it shall be. `aspects` are what is compared and mended: plain JSON values by name."""

    kind: Kind
    name: str
    key: str
    """Its key in repos.yaml, before the template was filled in."""
    env: EnvName | None = None
    """None: one for all environments."""
    production: bool = False
    """Whether a mistake here reaches customers; what all share counts as production."""
    aspects: Mapping[str, Any] = field(default_factory=dict)
    once: Mapping[str, str] = field(default_factory=dict)
    """What is said when it is made, and cannot be changed later."""


@dataclass(frozen=True, slots=True)
class _Made:
    """An entry of repos.yaml with its templates filled in."""

    kind: Kind
    key: str
    name: str
    env: EnvName | None
    entry: Any


def environments(config: Config, infra: Infra) -> tuple[Environment, ...]:
    """The environments that have resources of their own."""
    envs = config.environments.values()
    return tuple(env for env in envs if (env.name in infra.envs if infra.envs else env.deploys))


def texts(value: Any) -> Iterator[str]:
    """Every text inside an entry, as plain JSON has it; keys of maps too."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from texts(inner)


def wanted(config: Config, infra: Infra) -> tuple[Wanted, ...]:
    """Everything that shall be there; ValueError where a template uses a word that an environment has not."""
    made = [one for kind in KINDS for one in _of_kind(config, infra, kind)]
    live = {env.name for env in environments(config, infra) if env.production}
    scope = policies.Scope(account=infra.account, region=infra.region, made=_names(made))
    return tuple(
        Wanted(kind=one.kind, name=one.name, key=one.key, env=one.env, aspects=_aspects(one, config, scope),
               production=bool(live) if one.env is None else one.env in live, once=_once(one))
        for one in made
    )  # fmt: skip


def _of_kind(config: Config, infra: Infra, kind: Kind) -> Iterator[_Made]:
    for key, entry in getattr(infra, KINDS[kind]).items():
        document = plain(entry)
        used = any(fields(text) for text in (key, *texts(document)))
        for env in environments(config, infra) if used else (None,):
            words = {**env.vars, "env": str(env.name)} if env else {}
            fill = partial(render, values=words)
            filled = built(type(entry), _filled(document, fill))
            yield _Made(kind, key, fill(key), env.name if env else None, filled)


def _filled(value: Any, fill: Any) -> Any:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, Mapping):
        return {key: _filled(inner, fill) for key, inner in value.items()}
    return [_filled(inner, fill) for inner in value] if isinstance(value, list) else value


def _names(made: Sequence[_Made]) -> tuple[tuple[Kind, str, EnvName | None, str], ...]:
    """Kind, name and environment of all, and the kind of a role: what policies are made from."""
    return tuple((one.kind, one.name, one.env, getattr(one.entry, "kind", "")) for one in made)


def _once(one: _Made) -> dict[str, str]:
    return {"vpc": one.entry.vpc, "desc": one.entry.desc} if isinstance(one.entry, SecurityGroup) else {}


def _aspects(one: _Made, config: Config, scope: policies.Scope) -> dict[str, Any]:
    match one.entry:
        case Registry() as entry:
            return {"scan": entry.scan, "tags": "IMMUTABLE" if entry.immutable else "MUTABLE", "keep": entry.keep}
        case Cluster() as entry:
            return {"insights": entry.insights}
        case Bucket() as entry:
            website = dataclasses.asdict(entry.website) if entry.website else None
            return {"public": "blocked", "versioning": entry.versioning, "encryption": entry.encryption,
                    "website": website}  # fmt: skip
        case LogGroup() as entry:
            return {"days": entry.days, "errors": entry.errors}
        case SecurityGroup() as entry:
            return {"allow": sorted({rule_text(rule) for rule in entry.allow})}
        case Role() as entry:
            trust = policies.trust(entry, scope, _branches(config, one.env))
            rights = policies.rights(entry, scope, one.env)
            return {"trust": policies.canonical(trust), "rights": policies.canonical(rights), "others": []}
        case Alarm() as entry:
            return _alarm(entry, scope)
        case _:  # a topic
            return {}


def _branches(config: Config, env: EnvName | None) -> list[str]:
    """The branch of an environment; of something shared, those of all."""
    return [str(one.branch) for one in config.environments.values() if one.branch and env in (None, one.name)]


def rule_text(rule: Rule) -> str:
    """`tcp 8000 from gli-staging-lb`: how rules are compared and shown."""
    return f"tcp {rule.port} from {rule.from_}"


def _alarm(entry: Alarm, scope: policies.Scope) -> dict[str, Any]:
    low = entry.below is not None
    topic = scope.arn("sns", entry.topic)
    return {
        "metric": f"{entry.namespace} {entry.metric}",
        "dimensions": dict(sorted(entry.dimensions.items())),
        "statistic": entry.statistic,
        "when": "below" if low else "above",
        "threshold": entry.below if low else entry.above,
        "period": period(entry.period),
        "periods": entry.periods,
        "missing": entry.missing,
        "tells": [topic],
        "active": True,
    }


def period(text: str) -> int:
    """Seconds of `90s`, `5m`, `1h`, `1d`; ValueError otherwise."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if not found:
        raise ValueError(f"{text!r} is no duration: a whole number and s, m, h or d, for example 5m")
    return int(found[1]) * SECONDS[found[2]]


_NAMES: Final[Mapping[Kind, str]] = {
    "topic": r"[A-Za-z0-9_-]{1,256}",
    "log-group": r"[A-Za-z0-9._/#-]{1,512}",
    "repository": r"(?=.{2,256}$)[a-z0-9]+([._/-][a-z0-9]+)*",
    "bucket": r"(?!xn--|sthree-)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "cluster": r"[A-Za-z0-9_-]{1,255}",
    "role": r"[A-Za-z0-9_+=,.@-]{1,64}",
    "security-group": r"(?!sg-)[A-Za-z0-9._/()#,@+=&;!$*:-]{1,255}",
    "alarm": r"[A-Za-z0-9._/()#@+=:-]{1,255}",
}


def name_problem(kind: Kind, name: str) -> str:
    """Why AWS would not take `name` for such a resource, or ''. Blanks and dots in bucket names are refused as well."""
    if re.fullmatch(_NAMES[kind], name):
        return ""
    return f"{name!r} is no name for a {kind.replace('-', ' ')}: it must be {_NAMES[kind]}"
