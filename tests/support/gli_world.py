"""GLI as it is run, on one machine: eight repositories on a git server, their workflows, an AWS account that
`multigit infra apply` has made, services and sites in it, and people who are told. Only addresses of repos.yaml differ.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from multigit.examples import example
from multigit.model.names import Oid
from tests.support.awscloud import aws_cloud
from tests.support.cloud import ACCOUNT, REGION, Cloud, watched
from tests.support.ecs_rollout import Rollouts, rolling
from tests.support.ecs_stand import one_loader
from tests.support.fleetkit import FleetKit, Ran
from tests.support.github import serving
from tests.support.gitkit import bare
from tests.support.gli_github import Hub
from tests.support.gli_services import Users, pages, sockets
from tests.support.httpgit import HttpGit
from tests.support.site import as_cloudfront_is

NAMES = ("gli_root", "gli_database", "gli_redis", "gli_rabbitmq", "gli_api-server", "gli_websocket",
         "gli_user-frontend", "gli_admin-frontend")  # fmt: skip
API, SOCKET, SITE, ADMIN = NAMES[4:]
LONG = {"stg": "staging", "main": "production"}
PRE = {"stg": "stg-", "main": ""}
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
SINGLE = "application/vnd.oci.image.manifest.v1+json"
SERVICES = {API: ("gli-api-cluster", "{}-django-api-service", "gli-api"),
            SOCKET: ("gli-websocket-cluster", "{}-websocket-service", "gli-websocket")}  # fmt: skip
SECRETS = {name: f"{name.lower().replace('_', '-')}-c4n4ry" for name in
           ("GITHUB_TOKEN", "SMTP_PASSWORD", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD")}  # fmt: skip
SECRETS["SLACK_BOT_TOKEN"] = "xoxb-c4n4ry-of-slack"
MIGRATE = ["python", "manage.py", "migrate", "--noinput"]


def site(branch: str) -> str:
    return "stg.glibiz.com" if branch == "stg" else "glibiz.com"


def hosts_of(branch: str) -> dict[str, str]:
    """Repository to the name of its host, as seed 003 has them (G15)."""
    pre = PRE[branch]
    return {API: f"{pre}api.glibiz.com", SOCKET: f"{pre}ws.glibiz.com", SITE: site(branch),
            ADMIN: f"{pre}admin.glibiz.com"}  # fmt: skip


def configuration(git: str, github: str, http: str, ws: str, slack: str) -> str:
    """GLI's own repos.yaml: what it names lies on this machine, migrations run, and production goes back by itself."""
    text = example("gli")
    task = f'cluster: gli-api-cluster, service: "{{long}}-django-api-service", ecr: gli-api, command: {MIGRATE}'
    build = f'build: {{actions: {{workflow: "deploy-{{long}}.yml", base_url: "{github}"}}}}'
    mail = ('  - {email: "${env:SMTP_SERVER}", from: releases@gli.invalid, to: [ops@gli.invalid], tls: none, '
            'user: "${env:SMTP_USER}", password: "${env:SMTP_PASSWORD}", envs: [prod]}\n')  # fmt: skip
    bot = f'  - {{slack: "${{env:SLACK_BOT_TOKEN}}", channel: "#releases", api: "{slack}/api/", envs: [prod]}}\n'

    def page(address: str) -> str:
        return f'{{kind: http, url: "{http}/{address}", build: "{{sha:8}}"}}'

    changes = {
        "git@github.com:dreamfurnace/{repo}.git": f"{git}/dreamfurnace/{{repo}}.git",
        'workflow: "deploy-{long}.yml", trigger: push': build,
        '"https://{pre}api.glibiz.com/health/"': page("{pre}api.glibiz.com/health/"),
        '"wss://{pre}ws.glibiz.com"': f'"{ws}/{{pre}}ws.glibiz.com"',
        'health: "https://{site}"': f"health: {page('{site}/')}",
        '"https://{pre}admin.glibiz.com"': page("{pre}admin.glibiz.com/"),
        'deploy: {default: {ecs: {cluster: gli-api-cluster': f'deploy: {{default: {{migrate: {{ecs-task: {{{task}}}}}, '
                                                             'ecs: {cluster: gli-api-cluster',
        "tier: production}": "tier: production, auto_rollback: always}",
        "watch: 30m": "watch: 1m",
        "log: {file:": f"{bot}{mail}log: {{file:",
    }  # fmt: skip
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


@dataclass
class World:
    """Everything; `built`: the digest of every image to its commit. What is broken says so (`broken`)."""

    kit: FleetKit
    cloud: Cloud
    rollouts: Rollouts
    hub: Hub
    built: dict[str, str] = field(default_factory=dict)
    last: dict[str, bytes] = field(default_factory=dict)
    users: Users = field(default_factory=lambda: Users({}))
    said: list[str] = field(default_factory=list)
    """All that any command printed."""

    # --- commands ---

    def run(self, *words: str) -> Ran:
        """The command, in this process; nobody is there to be asked."""
        ran = self.kit.call(*words)
        self.said.append(ran.out + ran.err)
        return ran

    def promote(self, source: str, target: str, *more: str) -> Ran:
        if target != "main":
            return self.run("promote", source, target, "--yes", *more)
        file = str(self.kit.root / "plan.json")
        planned = self.run("plan", source, target, "--out", file, *more)
        if planned.code == 3 and "quarantine" in planned.text:
            return planned
        return self.run("promote", source, target, "--plan", file, "--confirm", "gli main", *more)

    # --- AWS as it stands before multigit comes ---

    def prepare(self) -> None:
        phrase = self.run("infra", "plan", "--json").json()["phrase"]
        self.run("infra", "apply", "--confirm", phrase).exits(0)
        ec2 = self.cloud.aws("ec2")
        subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:1]
        groups = {one["GroupName"]: one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]}
        for branch, long in LONG.items():
            for repo in (API, SOCKET, SITE, ADMIN):
                self.workflow(repo, branch, self.kit.head(repo, branch))
            for repo, (cluster, service, ecr) in SERVICES.items():
                group = groups[f"{ecr}-{long}"]
                network = {"subnets": subnets, "securityGroups": [group], "assignPublicIp": "DISABLED"}
                name = service.format(long)
                self.cloud.aws("ecs").create_service(
                    cluster=cluster, serviceName=name, desiredCount=2, launchType="FARGATE",
                    networkConfiguration={"awsvpcConfiguration": network},
                    taskDefinition=self._define(name, self.image(repo, self.kit.head(repo, branch))),
                )  # fmt: skip
            for repo in (SITE, ADMIN):
                alias = hosts_of(branch)[repo]
                self.cloud.aws("cloudfront").create_distribution(DistributionConfig=_distribution(alias))

    def _define(self, family: str, image: str) -> str:
        container = {"name": "app", "image": image, "memory": 256,
                     "environment": [{"name": "DB_PASSWORD", "value": SECRETS["DB_PASSWORD"]}]}  # fmt: skip
        made = self.cloud.aws("ecs").register_task_definition(
            family=family, containerDefinitions=[container], cpu="256", memory="512", networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
        )  # fmt: skip
        return str(made["taskDefinition"]["taskDefinitionArn"])

    # --- what workflows do ---

    def workflow(self, repo: str, branch: str, commit: str) -> None:
        """Build, and push or upload."""
        if repo in SERVICES:
            self._push(repo, branch, commit)
        else:
            self._upload(repo, branch, commit)

    def image(self, repo: str, commit: str) -> str:
        """An image by its digest."""
        digest = hashlib.sha256(f"{repo} {commit}".encode()).hexdigest()
        return f"{HOST}/{SERVICES[repo][2]}@sha256:{digest}"

    def _push(self, repo: str, branch: str, commit: str) -> None:
        image = self.image(repo, commit)
        digest = image.partition("@")[2]
        if digest in self.built:
            return
        layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": 1}
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 1}
        manifest = {"schemaVersion": 2, "mediaType": SINGLE, "config": config, "layers": [layer]}
        self.cloud.aws("ecr").put_image(
            repositoryName=SERVICES[repo][2], imageTag=commit[:8], imageManifest=json.dumps(manifest),
            imageManifestMediaType=SINGLE, imageDigest=digest,
        )  # fmt: skip
        self.built[digest] = commit
        if self.broken(repo, branch, commit):
            self.rollouts.bad += (image,)

    def _upload(self, repo: str, branch: str, commit: str) -> None:
        build = "" if self.broken(repo, branch, commit) else commit[:8]
        text = f"<html><meta name=build content={build}>{repo}</html>"
        self.cloud.aws("s3").put_object(Bucket=self.bucket(repo, branch), Key="index.html", Body=text.encode(),
                                        ContentType="text/html", Metadata={"commit": commit})  # fmt: skip

    def broken(self, repo: str, branch: str, commit: str) -> bool:
        """Whether what is built of a commit does not work in the environment of `branch`, as its file BROKEN says."""
        return self.kit.file(repo, commit, "BROKEN") == branch

    @staticmethod
    def bucket(repo: str, branch: str) -> str:
        return f"{repo.replace('_', '-', 1)}-{LONG[branch]}"

    # --- what runs ---

    def service(self, repo: str, branch: str) -> Any:
        """As ECS has it, without going a step further."""
        from moto.backends import get_backend

        cluster, name, _ = SERVICES[repo]
        backend: Any = get_backend("ecs")[ACCOUNT][REGION]
        return backend.services[f"{cluster}:{name.format(LONG[branch])}"]

    def runs(self, repo: str, branch: str) -> str | None:
        """The commit whose image the newest completed deployment runs."""
        service = self.service(repo, branch)
        for one in service.deployments:
            if one["rolloutState"] == "COMPLETED":
                definition = service._backend.describe_task_definition(one["taskDefinition"])
                return self.built[definition.container_definitions[0]["image"].partition("@")[2]]
        return None

    def page(self, host: str) -> bytes | None:
        """What `host` answers. While ECS goes back by itself the tasks of before have never stopped."""
        branch, repo = next((b, r) for b in LONG for r, name in hosts_of(b).items() if name == host)
        if repo in SERVICES:
            commit = self.runs(repo, branch)
            if commit:
                self.last[host] = json.dumps({"status": "ok", "build": commit[:8]}).encode()
            return self.last.get(host)
        found = self.cloud.aws("s3").get_object(Bucket=self.bucket(repo, branch), Key="index.html")
        return bytes(found["Body"].read())

    # --- git ---

    def commit(self, repo: str, files: dict[str, str | None], message: str) -> Oid:
        return self.kit.commit(repo, "dev", files, message)

    def ledger(self) -> list[dict[str, Any]]:
        """Every record, the first one first, by plain git."""
        text = self.kit.hosts["gli_root"].git("log", "--reverse", "--format=%b%x00", "multigit-ledger")
        return [json.loads(one) for one in text.split("\0") if one.strip()]


def timeline(records: list[dict[str, Any]]) -> str:
    """Every step of every deployment: when it began, and how long it took. Of a health check the end is known."""
    rows: list[str] = []
    began: dict[tuple[str, str], datetime] = {}
    for one in records:
        at = datetime.fromisoformat(one["at"])
        if one["kind"] == "deploying":
            plan = one["data"]["plan"]
            rows.append(f"{at:%H:%M:%S}  {'':>6}  {plan['env']} {plan.get('tag') or ''}{' BACK' * plan['back']}")
            began = {}
        for which in ("steps", "backs"):
            for name, state in one["data"].get(which, {}).items() if one["kind"] == "step" else ():
                start = began.setdefault((which, name), at)
                if state["state"] != "begun":
                    repo, _, stage = name.rpartition("/")
                    took = f"{(at - start).total_seconds():.1f} s" if start != at else "-"
                    back = "back: " * (which == "backs")
                    rows.append(f"{start:%H:%M:%S}  {took:>6}  {stage:8}{repo:20}{back}{state['state']}")
        if one["kind"] == "deployed":
            rows.append(f"{at:%H:%M:%S}  {'':>6}  {one['data']['outcome']}")
    return "\n".join(["STARTED   TOOK    STAGE   REPOSITORY          END", *rows])


def _distribution(alias: str) -> dict[str, Any]:
    return {
        "CallerReference": alias, "Comment": "", "Enabled": True, "Aliases": {"Quantity": 1, "Items": [alias]},
        "Origins": {"Quantity": 1, "Items": [{"Id": "s3", "DomainName": f"{alias}.s3.amazonaws.com",
                                              "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
        "DefaultCacheBehavior": {"TargetOriginId": "s3", "ViewerProtocolPolicy": "redirect-to-https", "MinTTL": 0,
                                 "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}},
    }  # fmt: skip


@contextlib.contextmanager
def gli(root: Path, git: HttpGit, slack: str) -> Iterator[World]:
    """GLI, of which one commit runs everywhere."""
    kit = FleetKit(root, NAMES)
    kit.work.mkdir()
    for name in NAMES:
        host = kit.hosts[name] = bare(git.root / "dreamfurnace" / f"{name}.git")
        first = host.commit({"README.md": f"# {name}\n", "app.txt": "one\n"}, message="chore: start")
        for branch in ("dev", "stg"):
            host.git("update-ref", f"refs/heads/{branch}", first)
    hub = Hub(owner="dreamfurnace", token=SECRETS["GITHUB_TOKEN"])
    with contextlib.ExitStack() as stack:
        stack.enter_context(one_loader())
        stack.enter_context(aws_cloud())
        os.environ.update({name: text for name, text in SECRETS.items() if name != "DB_PASSWORD"})
        rollouts = stack.enter_context(rolling())
        rollouts.now = datetime.now(UTC)
        cloud = stack.enter_context(watched(Cloud(kit.work)))
        stack.enter_context(as_cloudfront_is(kit.root))
        world = World(kit, cloud, rollouts, hub)
        http, ws = stack.enter_context(pages(world.page)), stack.enter_context(sockets(world.page))
        hub.add({name: kit.hosts[name] for name in (API, SOCKET, SITE, ADMIN)}, world.workflow)
        stack.enter_context(serving(hub))
        kit.config = configuration(git.url("").rstrip("/"), hub.url, http, ws, slack)
        (kit.work / "repos.yaml").write_text(kit.config, encoding="utf-8")
        world.prepare()
        world.users = Users({f"{branch} {repo}": f"{ws if repo == SOCKET else http}/{host}/"
                             for branch in LONG for repo, host in hosts_of(branch).items()})  # fmt: skip
        with world.users.asking():
            yield world
