"""A site, a bucket and a distribution for tests of `s3-site`; every call of AWS is seen and may be spoiled.

Where moto's CloudFront is not AWS it is put right here: the status is `Completed` after as many looks as wanted, and
the same CallerReference gives the same invalidation, or `InvalidationBatchAlreadyExists` where its paths differ
(API reference, InvalidationBatch).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from multigit.model.names import Branch, EnvName, Oid, RepoName
from multigit.model.target import Artefact, Progress, Release
from multigit.targets import Clients, s3_site, settings_of
from tests.support.awscloud import REGION, aws_cloud
from tests.support.cloud import ACCOUNT, Killed
from tests.support.targets import bring

BUCKET = "shop-web"
SITE = {
    "index.html": '<script src="/assets/index-BqV5f9aX.js"></script>one',
    "404.html": "not found",
    "assets/index-BqV5f9aX.js": "one()",
    "assets/logo.3f9a1c2b.svg": "<svg/>",
    "robots.txt": "User-agent: *",
}
NEXT = {**SITE, "index.html": '<script src="/assets/index-Cx81hhQp.js"></script>two', "robots.txt": "none"}
NEXT["assets/index-Cx81hhQp.js"] = NEXT.pop("assets/index-BqV5f9aX.js").replace("one", "two")
Words = dict[str, Any]


@dataclass
class Stand:
    """`calls`: name and words of every call, in order. `spoil` may raise before one; `looks`: how often an
    invalidation is still under way."""

    folder: Path
    calls: list[tuple[str, Words]] = field(default_factory=list)
    spoil: Callable[[str, Words], None] = lambda name, words: None
    after: Callable[[str, Words], None] = lambda name, words: None
    looks: int = 1
    said: list[str] = field(default_factory=list)
    distribution: str = ""
    ours: bool = False
    invalidations: dict[str, tuple[list[str], Any]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)

    def aws(self, service: str) -> Any:
        import boto3

        return boto3.session.Session().client(service, region_name=REGION)

    def build(self, files: Mapping[str, str | bytes]) -> None:
        """The folder `dist` of the clone holds exactly these."""
        import shutil

        shutil.rmtree(self.folder / "clone" / "dist", ignore_errors=True)
        for path, text in files.items():
            place = self.folder / "clone" / "dist" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text if isinstance(text, bytes) else text.encode())

    def clients(self) -> Clients:
        return Clients(folder=self.folder, clone=self.folder / "clone", say=self.said.append)

    def settings(self, **more: Any) -> Any:
        words = {"bucket": BUCKET, "cdn": "shop.example", "source": "dist", **more}
        return settings_of(s3_site, {name: one for name, one in words.items() if one is not None})

    def deploy(self, release: Release, **more: Any) -> Progress:
        """The whole way, as the engine goes it."""
        self.calls.clear()
        self.ours = True
        try:
            return bring(s3_site, self.settings(**more), release, self.clients())
        finally:
            self.ours = False

    def empty(self) -> None:
        """As it was in the beginning."""
        for path in self.objects():
            self.s3.delete_object(Bucket=BUCKET, Key=path)
        self.invalidations.clear()

    @cached_property
    def s3(self) -> Any:
        return self.aws("s3")

    def objects(self) -> dict[str, tuple[bytes, str, str, Mapping[str, str]]]:
        """Content, type, Cache-Control and metadata of everything in the bucket."""
        s3, found = self.s3, {}
        for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
            said = s3.get_object(Bucket=BUCKET, Key=one["Key"])
            found[one["Key"]] = (
                said["Body"].read(),
                said["ContentType"],
                said.get("CacheControl", ""),
                said["Metadata"],
            )
        return found

    def served(self) -> dict[str, bytes]:
        return {path: one[0] for path, one in self.objects().items() if not path.startswith(".multigit/")}

    def named(self, *names: str) -> list[Words]:
        """The words of the calls of these names."""
        return [words for name, words in self.calls if name in names]

    def put(self) -> list[str]:
        """Keys that were put or copied to, in order, multigit's own records left out."""
        keys = [words["Key"] for words in self.named("PutObject", "CopyObject", "CompleteMultipartUpload")]
        return [key for key in keys if not key.startswith(".multigit/")]


def release(number: int, artefact: Artefact | None = None, deployment: str = "") -> Release:
    """The release of commit `number`."""
    return Release(
        env=EnvName("prod"), repo=RepoName("shop"), commit=Oid(f"{number:040x}"), branch=Branch("main"),
        deployment=deployment or f"d-{number}", step="shop/deploy", since=datetime(2026, 2, 12, 7, 0, 14, tzinfo=UTC),
        artefact=artefact or {},
    )  # fmt: skip


@contextlib.contextmanager
def stand(folder: Path, versions: bool = False) -> Iterator[Stand]:
    """An empty bucket, behind a distribution with the alias shop.example."""
    one = Stand(folder)
    with aws_cloud(), _watched(one):
        s3 = one.aws("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        if versions:
            s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        one.distribution = one.aws("cloudfront").create_distribution(DistributionConfig=_DISTRIBUTION)["Distribution"][
            "Id"
        ]
        yield one


_DISTRIBUTION: Words = {
    "CallerReference": "one", "Comment": "", "Enabled": True, "Aliases": {"Quantity": 1, "Items": ["shop.example"]},
    "Origins": {"Quantity": 1, "Items": [{"Id": "s3", "DomainName": f"{BUCKET}.s3.amazonaws.com",
                                          "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
    "DefaultCacheBehavior": {"TargetOriginId": "s3", "ViewerProtocolPolicy": "redirect-to-https", "MinTTL": 0,
                             "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}},
}  # fmt: skip


@contextlib.contextmanager
def as_cloudfront_is(folder: Path) -> Iterator[Stand]:
    """moto's CloudFront put right, and nothing else."""
    one = Stand(folder)
    with _watched(one):
        yield one


@contextlib.contextmanager
def _watched(one: Stand) -> Iterator[None]:
    real = BaseClient._make_api_call

    def call(self: Any, name: str, words: Words) -> Any:
        if one.ours:
            if words.get("ExpectedBucketOwner", ACCOUNT) != ACCOUNT:  # moto does not look at it
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, name)
            one.spoil(name, words)
            with one.lock:
                one.calls.append((name, dict(words)))
        answer = _cloudfront(one, name, words, lambda: real(self, name, words))
        if one.ours:
            one.after(name, words)
        return answer

    BaseClient._make_api_call = call
    try:
        yield
    finally:
        BaseClient._make_api_call = real


def _cloudfront(one: Stand, name: str, words: Words, real: Callable[[], Any]) -> Any:
    if name == "CreateInvalidation":
        batch = words["InvalidationBatch"]
        known = one.invalidations.get(batch["CallerReference"])
        if known and known[0] != batch["Paths"]["Items"]:
            raise ClientError({"Error": {"Code": "InvalidationBatchAlreadyExists", "Message": "differs"}}, name)
        answer = known[1] if known else real()
        one.invalidations[batch["CallerReference"]] = (batch["Paths"]["Items"], answer)
        answer["Invalidation"]["Status"] = "InProgress"
        return answer
    answer = real()
    if name == "GetInvalidation":
        many = one.asked[words["Id"]] = one.asked.get(words["Id"], 0) + 1
        answer["Invalidation"]["Status"] = "Completed" if many > one.looks else "InProgress"
    return answer


def refuse(code: str, *names: str, about: str = "", after: int = 0) -> Callable[[str, Words], None]:
    """Spoils calls of these names about something of that name, once `after` of them went well."""
    seen: list[str] = []

    def spoil(name: str, words: Words) -> None:
        if name in names and about in str(words.get("Key", "")):
            seen.append(name)
            if len(seen) > after:
                raise ClientError({"Error": {"Code": code, "Message": f"no {name} for you"}}, name)

    return spoil


def kill_after(one: Stand, number: int) -> None:
    """As if the process had ended after its call `number`: no later call is made."""

    def spoil(name: str, words: Words) -> None:
        if len(one.calls) >= number:
            raise Killed

    one.spoil = spoil
