"""Probes of `doctor ENV`, asked of one repository `api` in `stg` as repos.yaml describes it."""

from __future__ import annotations

import shlex
import subprocess
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from multigit import checks
from multigit.clients import aws
from multigit.configfile import parse
from multigit.model.health import Finding
from multigit.model.names import EnvName, Oid, RepoName
from multigit.model.probing import Patient, patients
from multigit.model.serving import Serving
from multigit.probes import Eye
from tests.support.awscloud import REGION

CONFIG = """\
version: 1
system: {{name: gli, timezone: Asia/Seoul}}
remotes: {{origin: "git@github.com:team/{{repo}}.git"}}
environments:
  dev: {{branch: dev, deploys: false}}
  stg: {{branch: stg, vars: {{long: staging, pre: "stg-"}}}}
defaults: {{deploy: {defaults}}}
repos:
  api: {{deploy: {{default: {section}}}}}
"""
AT = Oid("ab" * 20)
NOON = datetime(2026, 2, 12, 12, tzinfo=UTC)


def patient(section: str, defaults: str = "{}", head: Oid | None = AT) -> Patient:
    """The repository with this `deploy` section; ConfigError where it makes no sense."""
    config = parse(CONFIG.format(section=section, defaults=defaults).encode(), "repos.yaml")
    (found,) = patients(config, config.environments[EnvName("stg")], NOON, {RepoName("api"): head})
    return found


def eye(who: Patient) -> Eye:
    """What its health checks are asked by."""
    serving = Serving(config=who.config, env=who.env, repo=who.repo.name, now=NOON, folder="/", commit=who.head)
    return Eye(ask=lambda check: checks.ask(check, serving))


def probed(name: str, who: Patient, by: Eye | None = None) -> dict[str, Finding]:
    """What the probe `name` finds, by the name of each finding; none is told twice."""
    found = list(import_module(f"multigit.probes.{name}").probe(who, by or eye(who)))
    names = [one.name for one in found]
    assert len(set(names)) == len(names), names
    assert all(one.fix for one in found if one.state in ("ng", "warn")), found
    return {one.name: one for one in found}


def states(found: dict[str, Finding]) -> dict[str, str]:
    """Name to state, those that are well left out."""
    return {name: one.state for name, one in found.items() if one.state != "ok"}


def typed(command: str) -> Any:
    """Somebody types a fix of one line that begins with `aws`: boto3 does what botocore's models say of it."""
    assert "\n" not in command, command
    words = shlex.split(command.partition("   (")[0])
    assert words[0] == "aws", command
    service, question = words[1], words[2].replace("-", "_")
    client = aws({"s3api": "s3"}.get(service, service))
    if service == "s3":
        return _typed_s3(client, words[2:])
    if question.endswith("security_group_ingress"):
        return getattr(client, question)(**_ingress(dict(zip(words[3::2], words[4::2], strict=True))))
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[question]).input_shape
    known = {_dashed(name): (name, shape) for name, shape in model.members.items()}
    values: dict[str, Any] = {}
    rest = words[3:]
    while rest:
        flag = rest.pop(0).removeprefix("--")
        given: list[str] = []
        while rest and not rest[0].startswith("--"):
            given.append(rest.pop(0))
        values |= _value(service, question, flag, given, known)
    return getattr(client, question)(**values)


def _ingress(options: dict[str, str]) -> dict[str, Any]:
    port = int(options["--port"])
    rule: dict[str, Any] = {"IpProtocol": options["--protocol"], "FromPort": port, "ToPort": port}
    if "--cidr" in options:
        rule["IpRanges"] = [{"CidrIp": options["--cidr"]}]
    else:
        rule["UserIdGroupPairs"] = [{"GroupId": options["--source-group"]}]
    return {"GroupId": options["--group-id"], "IpPermissions": [rule]}


def _dashed(name: str) -> str:
    from botocore import xform_name

    return str(xform_name(name, "-"))


def _value(service: str, question: str, flag: str, given: list[str], known: dict[str, Any]) -> dict[str, Any]:
    """One option, as the command line of AWS reads it, customisations included."""
    import json

    if flag == "paths" and question == "create_invalidation":
        return {"InvalidationBatch": {"Paths": {"Quantity": len(given), "Items": given}, "CallerReference": "typed"}}
    if not given:
        yes = not flag.startswith("no-")
        return {known[flag.removeprefix("no-")][0]: yes}
    name, shape = known[flag]
    if shape.type_name == "structure":
        text = given[0]
        return {name: json.loads(text) if text.startswith("{") and '"' in text else _shorthand(text)}
    if shape.type_name == "list":
        return {name: given}
    return {name: int(given[0]) if shape.type_name == "integer" else given[0]}


def _shorthand(text: str) -> dict[str, Any]:
    """`a=true,b=false` and `a={b=true}`."""
    if (inner := text.partition("={"))[1]:
        return {inner[0]: _shorthand(inner[2].rstrip("}"))}
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name: {"true": True, "false": False}.get(value, value) for name, _, value in pairs}


def _typed_s3(client: Any, words: list[str]) -> Any:
    bucket = words[1].removeprefix("s3://")
    if words[0] == "mb":
        return client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    assert words[0] == "website", words
    options = dict(zip(words[2::2], words[3::2], strict=True))
    site = {
        "IndexDocument": {"Suffix": options["--index-document"]},
        "ErrorDocument": {"Key": options["--error-document"]},
    }
    return client.put_bucket_website(Bucket=bucket, WebsiteConfiguration=site)


def shell(command: str) -> None:
    """Somebody types a fix that is a command of this machine."""
    subprocess.run(command.partition("   (")[0], check=True, shell=True, capture_output=True, cwd="/")
