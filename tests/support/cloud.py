"""An AWS account for tests (moto), a folder with a repos.yaml about it, and the command; calls are seen and spoiled."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from multigit import clients
from tests.support.fleetkit import Ran

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # half a second for each account
ACCOUNT, REGION = "123456789012", "ap-northeast-2"
HEAD = """\
version: 1
system: {name: shop, title: Shop}
environments:
  dev:  {branch: dev, deploys: false}
  stg:  {branch: stg, vars: {long: staging}}
  prod: {branch: main, tier: production, vars: {long: production}}
repos: {root: {}}
"""
ONE_OF_EACH = """\
infra:
  account: "123456789012"
  region: ap-northeast-2
  envs: [stg]
  ecr: {"shop-{env}": {}}
  clusters: {"shop-{env}": {insights: true}}
  buckets: {"shop-web-{env}": {website: {error: 404.html}}}
  logs: {"/shop/api/{long}": {days: 90, errors: "?ERROR"}}
  security_groups:
    "shop-api-{env}": {allow: [{port: 8000, from: "shop-lb-{env}"}]}
    "shop-lb-{env}":  {allow: [{port: 443, from: 0.0.0.0/0}]}
  roles:
    "shop-run-{env}":    {kind: task-execution, secrets: [shop/database]}
    "shop-task-{env}":   {kind: task, buckets: ["shop-web-{env}"]}
    "shop-deploy-{env}": {kind: deploy, github: [shop/api]}
  topics: {"shop-alarms-{env}": {}}
  alarms:
    "shop-errors-{env}": {namespace: shop, metric: "/shop/api/{long}", above: 10, topic: "shop-alarms-{env}"}
"""
"""One of each kind, all of staging."""
READS = ("Describe", "Get", "List", "Head", "Assume")


class Killed(BaseException):
    """As if the process had ended there: nothing of ours may catch it."""


@dataclass
class Cloud:
    """`folder` holds repos.yaml; `calls` are the command's API calls. `spoil` may raise before one, `after` after."""

    folder: Path
    calls: list[str] = field(default_factory=list)
    spoil: Callable[[str, dict[str, Any]], None] = lambda name, words: None
    after: Callable[[str], None] = lambda name: None
    ours: bool = False
    """Whether a call is one of the command's, not one of the test's."""

    def write(self, infra: str, head: str = HEAD) -> None:
        (self.folder / "repos.yaml").write_text(head + infra, encoding="utf-8")

    def aws(self, service: str) -> Any:
        """A client of the test's own, which is neither counted nor spoiled."""
        return boto3.session.Session().client(service, region_name=REGION)

    def run(self, *words: str) -> Ran:
        """The command in this process; nobody is there to be asked."""
        from multigit.cli import main

        out, err = io.StringIO(), io.StringIO()
        before = Path.cwd()
        os.chdir(self.folder)
        self.calls.clear()
        self.ours = True
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(["--no-input", "--jobs", "1", *words])
        finally:
            self.ours = False
            os.chdir(before)
        return Ran(code, out.getvalue(), err.getvalue())

    def document(self, *words: str) -> Any:
        return self.run(*words, "--json").json()

    @property
    def writes(self) -> list[str]:
        """The calls that change something."""
        return [name for name in self.calls if not name.startswith(READS)]


def refuse(code: str, *names: str, about: str = "") -> Callable[[str, dict[str, Any]], None]:
    """Spoils calls of these names (all without any), about something of that name, with AWS's error `code`."""

    def spoil(name: str, words: dict[str, Any]) -> None:
        if (not names or name in names) and (not about or about in str(words)):
            raise ClientError({"Error": {"Code": code, "Message": f"no {name} for you"}}, name)

    return spoil


@contextlib.contextmanager
def watched(cloud: Cloud) -> Iterator[Cloud]:
    """Every API call goes past `cloud` as long as this lasts."""
    real = BaseClient._make_api_call

    def call(self: Any, name: str, words: dict[str, Any]) -> Any:
        if cloud.ours:
            cloud.calls.append(name)
            cloud.spoil(name, words)
        answer = real(self, name, words)
        if name == "CreateBucket" and (tags := words.get("CreateBucketConfiguration", {}).get("Tags")):
            # S3 takes tags in the same call (CreateBucketConfiguration.Tags); moto 5.2 leaves them out.
            real(self, "PutBucketTagging", {"Bucket": words["Bucket"], "Tagging": {"TagSet": tags}})
        if cloud.ours:
            cloud.after(name)
        return answer

    clients.forget()
    BaseClient._make_api_call = call
    try:
        yield cloud
    finally:
        BaseClient._make_api_call = real
        clients.forget()
