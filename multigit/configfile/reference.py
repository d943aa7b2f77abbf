"""docs/configuration.md, made from the models: `python -m multigit.configfile.reference` prints it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from multigit.configfile.schema import json_schema
from multigit.model.probing import Doctor
from multigit.model.serving import Watch
from multigit.plugins import asks_what_runs, load, names

MINIMAL: Final = """\
version: 1
system: {name: shop, timezone: Asia/Seoul}
remotes: {origin: "git@github.com:team/{repo}.git"}
environments:
  dev:  {branch: dev}
  stg:  {branch: stg}
  prod: {branch: main, tier: production, tag: "deploy-{now:%Y%m%d-%H%M%S}"}
repos:
  shop-database:
  shop-api: {after: [shop-database]}
  shop-web: {after: [shop-api]}
groups: {backend: [shop-database, shop-api]}
"""
"""The shortest useful file."""

_INTRO: Final = f"""\
# repos.yaml

This page is made from the models in `multigit/model/config.py` and `multigit/model/infra/settings.py`
(`python -m multigit.configfile.reference`); a test compares the two. `multigit config check` checks a file, `multigit
config show` prints what it means, `multigit config schema` prints the JSON Schema for editors. The file is looked for
in the current folder and in those above it; `-f FILE` names another one.

## Twelve lines suffice

```yaml
{MINIMAL}```

A repository's key is its name, its folder next to repos.yaml and its name on the host. Without `promotions`, each
environment may be promoted to the next one. `multigit init --scan DIR` writes such a file for the clones in a folder,
`multigit init --example NAME` one of the presets in `multigit/examples`.

## How values are read

- A word is what it looks like. Only `true` and `false` are booleans; `yes`, `no`, `on`, `10:00`, `0700`, `1e10` and
  dates are texts. A whole number where a text is wanted, such as a branch `1234567`, is read as typed.
- A key may be written once. Anchors, aliases, merge keys, tags (`!…`) and several documents are refused.
- UTF-8, at most 1 MiB, at most 32 levels deep.
- Durations are a whole number and `s`, `m`, `h` or `d`: `90s`, `10m`, `24h`.
- Secrets are never written here. Where a deployment setting or a notice needs one, write `${{env:NAME}}` and nothing
  else as its value.
- All problems are reported at once, each with line, column and the line itself.

## Templates

`{{now:%Y%m%d-%H%M%S}}` is the time in the system's zone (`%Y %y %m %d %H %M %S`), `{{version}}` three numbers,
`{{seq}}` the next number, `{{sha:8}}` the first eight digits of the commit, `{{component}}`, `{{repo}}` and `{{env}}`
are names; the `vars` of an environment add their own words. A tag may use `now`, `version`, `seq`, `env` and the
`vars`, and must use `now` or `version`. `message` knows `{{from}}` and `{{to}}`, `remotes` knows `{{repo}}`. Below
`infra`, every text may use `{{env}}` and the `vars`.

## Addresses

`https://`, `http://`, `ssh://`, `file://`, `user@host:path`, or a local path that starts with `/`, `./` or `../`.
Passwords and tokens in addresses are refused: git's credential helpers keep those.
"""


_HEALTH: Final = """\
## Health

What runs is asked by the `health` of a repository's `deploy`, for one environment or as `default`. It is an address
(`https://`, `http://`, `wss://`, `ws://`), a check with its `kind`, a list of those, or a map with `checks` and how
they are watched; `defaults.deploy.health` says the latter for all. Addresses are templates that know `{env}`, `{repo}`,
`{tag}`, `{sha}` (the commit that should be running) and the environment's `vars`. An environment with a `url` and no
check is asked there. `multigit verify ENV` asks, `--for 30m` watches, and the gate `health` asks before a promotion.
`logs` beside it names the log groups of CloudWatch that `multigit logs ENV` reads: a name, a map with `group` and
`region`, or a list of those.

```yaml
defaults: {deploy: {health: {within: 5m, stable: 3}}}
repos:
  api: {deploy: {default: {health: "https://{pre}api.example.com/health/", logs: "/example/api/{env}"}}}
  web:
    deploy:
      prod:
        health:
          - {kind: http, url: "https://example.com", build: "{sha:8}"}
          - {kind: tls, host: example.com, days: 21}
```
"""
_DEPLOY: Final = """\
## Deployments

What a repository's `deploy` names, for one environment or as `default`, follows a release: [deploy.md](deploy.md).
`defaults.deploy` holds where a section is silent; repositories without one are not deployed. Texts are templates where
the table says so, and know `{env}`, `{repo}`, `{tag}`, `{sha}` (the commit that is released) and the environment's
`vars`.

| key | meaning |
|---|---|
| `workflow`, `trigger`, `inputs` | short for `build: {actions: {…}}`; `trigger: none`: nothing is built |
| `build` | one target that builds, such as `{command: {run: [make, image]}}` |
| `migrate` | one target that migrates, and `when`: `before` (default) or `after` the place itself |
| `ecs`, `s3`, `command`, … | the place: one target by its word (`s3` is `s3-site`), or a dotted module name |
| `timeout` | how long each of these may take; `30m` |
| `health`, `logs` | [Health](#health) |
| `doctor` | [Doctor](#doctor) |
| `argocd`, `canary`, `k8s`, `pin`, `budget` | kept as written; this version does not act on them |
"""
_DOCTOR: Final = """\
## Doctor

What `multigit doctor ENV` cannot read from targets and health checks; `defaults.deploy.doctor` says it for all.

```yaml
repos:
  api: {deploy: {default: {doctor: {rds: "{env}-example-database"}}}}
```
"""
_ANCHORS: Final = {"Gate": "gates", "Notifier": "notifiers"}


def reference() -> str:
    """The whole page, as Markdown."""
    schema = json_schema()
    parts = schema["$defs"]
    sections = [_INTRO, "## The file\n", _table(schema, parts)]
    for name in _sections(schema["properties"], parts):
        if name not in ("Gate", "Notifier"):
            sections += [f"## {name}\n", f"{parts[name]['description']}\n", _table(parts[name], parts)]
    sections += ["## Gates\n", f"{parts['Gate']['description']}\n", *_gates(parts["Gate"], parts)]
    sections += [_DEPLOY, *_targets()]
    sections += [_HEALTH, _table(TypeAdapter(Watch).json_schema(), {}), *_kinds(parts["Gate"], parts, serving=True)]
    sections += [_DOCTOR, _table(TypeAdapter(Doctor).json_schema(), {})]
    sections += ["## Notifiers\n", f"{parts['Notifier']['description']}\n", *_notifiers(parts["Notifier"], parts)]
    return "\n".join(sections)


def _sections(value: Any, parts: Mapping[str, Any]) -> list[str]:
    """Names of the parts of `value`, each followed by the parts it is made of; each once."""
    found: dict[str, None] = {}
    for name in _parts_of(value):
        found.setdefault(name)
        for inner in () if name == "Gate" else _sections(parts[name], parts):
            found.setdefault(inner)
    return list(found)


def _parts_of(value: Any) -> Iterator[str]:
    """Names of the parts that `value` refers to, in its order."""
    if isinstance(value, dict) and "$ref" in value:
        yield _part(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts_of(inner)


def _gates(gate: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[str]:
    yield "Every gate has a `kind`. With `level: warn` its answer is shown and stops nothing; `block` is the default.\n"
    yield "A check of what runs ([Health](#health)) may be a gate, too: it is asked where the release comes from.\n"
    yield from _kinds(gate, parts, serving=False)
    yield "### package.module\n"
    yield "A dotted kind is a Python module from outside, with `Settings` and `evaluate` as in `multigit/checks`.\n"


def _kinds(gate: Mapping[str, Any], parts: Mapping[str, Any], *, serving: bool) -> Iterator[str]:
    """Every kind of check that is asked of plans, or of what runs, with its settings."""
    for kind in gate["anyOf"]:
        properties = {name: value for name, value in kind["properties"].items() if name not in ("kind", "level")}
        word = kind["properties"]["kind"].get("const")
        if word and asks_what_runs(load("checks", word)) is serving:
            yield f"### {word}\n"
            yield _table({**kind, "properties": properties}, parts) if properties else "No settings of its own.\n"
            for name in dict.fromkeys(_parts_of(properties)):
                yield f"#### {name}\n\n{parts[name]['description']}\n"
                yield _table(parts[name], parts)


def _targets() -> Iterator[str]:
    """Every target with its settings; [targets.md](targets.md) tells the rest."""
    for word in names("targets"):
        yield f"### {word}\n"
        settings: Any = load("targets", word).Settings
        schema = TypeAdapter(settings).json_schema()
        yield _table(schema, schema.get("$defs", {}))
    yield "### package.module as a place\n"
    yield "A Python module from outside, with `Settings`, `current`, `deploy` and `poll` as in `multigit/targets`.\n"


def _notifiers(rule: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[str]:
    *kinds, outside = rule["anyOf"]
    yield "Every entry has these keys beside its notifier; [notify.md](notify.md) tells the rest.\n"
    yield _table(outside, parts)
    for kind in kinds:
        word = kind["required"][0]
        yield f"### {word}\n"
        properties = {name: value for name, value in kind["properties"].items() if name not in outside["properties"]}
        yield _table({**kind, "properties": properties}, parts)
    yield "### package.module\n"
    yield "A dotted word is a Python module from outside, with `Settings` and `notify` as in `multigit/notifiers`.\n"


def _table(part: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name, value in part["properties"].items():
        default = "required" if name in part.get("required", ()) else _default(value)
        meaning = " ".join(value.get("description", _described(value, parts)).split())
        rows.append(f"| `{name}` | {_kind(value)} | {default} | {meaning.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    return "" if default in (None, "", [], {}) else f"`{json.dumps(default, ensure_ascii=False)}`"


def _described(value: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    return str(parts[_part(value)]["description"]) if "$ref" in value else ""


def _kind(value: Mapping[str, Any]) -> str:
    """The type in plain words: `list of text`, `map of [Repo](#repo)`."""
    if "$ref" in value:
        name = _part(value)
        return f"[{name}](#{_ANCHORS.get(name, name.lower())})"
    if "enum" in value:
        return ", ".join(f"`{word}`" for word in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"] if one.get("type") != "null")
    if value.get("type") == "array":
        return f"list of {_kind(value['items'])}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"map of {_kind(inner)}" if isinstance(inner, dict) else "settings"
    words = {"string": "text", "boolean": "`true`, `false`", "integer": "whole number", "number": "number"}
    return words.get(str(value.get("type")), "anything")


def _part(value: Mapping[str, Any]) -> str:
    return str(value["$ref"]).rpartition("/")[2]


if __name__ == "__main__":
    sys.stdout.write(reference())
