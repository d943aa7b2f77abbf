"""The probe `static`: a site in S3 behind CloudFront, broken for real on moto and mended as it says (G18)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest

from multigit.clients import aws
from multigit.model.health import Finding
from tests.support.awscloud import REGION, aws_cloud
from tests.support.patients import patient, probed, states, typed
from tests.support.services import Answers, http_service

pytestmark = [pytest.mark.slow, pytest.mark.shows("G18")]
BUCKET, OAC = "gli-web-staging", "E2OACOACOACOAC"
DISTRIBUTIONS = "arn:aws:cloudfront::123456789012:distribution"
NEW = b"<html>new</html>"


class Site:
    """A private bucket behind a distribution with origin access control; people are served `answers`."""

    def __init__(self, url: str, answers: Answers) -> None:
        self.url, self.answers = url, answers
        self.s3, self.front = aws("s3"), aws("cloudfront")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.etag = self.s3.put_object(Bucket=BUCKET, Key="index.html", Body=NEW)["ETag"]
        self.block(True)

    def block(self, on: bool) -> None:
        words = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        self.s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(words, on))

    def distribute(self, *, host: str = f"{BUCKET}.s3.{REGION}.amazonaws.com", alias: str = "stg.glibiz.com",
                   enabled: bool = True, root: str = "index.html", control: str = OAC) -> dict[str, Any]:  # fmt: skip
        origin: dict[str, Any] = {"Id": "bucket", "DomainName": host, "OriginAccessControlId": control}
        if "website" in host:
            origin["CustomOriginConfig"] = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
        else:
            origin["S3OriginConfig"] = {"OriginAccessIdentity": ""}
        behaviour = {"TargetOriginId": "bucket", "ViewerProtocolPolicy": "redirect-to-https"}
        made = self.front.create_distribution(DistributionConfig={
            "CallerReference": f"{host}{alias}{enabled}{root}", "Comment": "", "Enabled": enabled,
            "DefaultRootObject": root, "Aliases": {"Quantity": 1, "Items": [alias]},
            "Origins": {"Quantity": 1, "Items": [origin]}, "DefaultCacheBehavior": behaviour,
        })  # fmt: skip
        found: dict[str, Any] = made["Distribution"]
        return found

    def serve(self, body: bytes, **headers: str) -> None:
        self.answers.turns = [(200, {name.replace("_", "-"): value for name, value in headers.items()}, body)]

    def look(self, cdn: str = 'cdn: "{pre}glibiz"', more: str = "") -> dict[str, Finding]:
        cdn = 'cdn: "stg.glibiz.com"' if "{pre}" in cdn else cdn
        return probed("static", patient(f'{{s3: {{bucket: "gli-web-{{long}}", {cdn}}}, health: "{self.url}"{more}}}'))


@contextmanager
def origin_access_control() -> Iterator[None]:
    """moto forgets which origin access control an origin has (CloudFront API reference, Origin)."""
    from moto.cloudfront.models import Origin

    made = Origin.__init__

    def making(self: Any, origin: dict[str, Any]) -> None:
        made(self, origin)
        self.origin_access_control_id = origin.get("OriginAccessControlId", "")

    with mock.patch.object(Origin, "__init__", making):
        yield


@pytest.fixture
def site() -> Iterator[Site]:
    with aws_cloud(), origin_access_control(), http_service() as (url, answers):
        made = Site(url, answers)
        made.serve(NEW)
        yield made


def test_a_private_bucket_is_read_by_its_distribution_once_the_policy_says_so(site: Site) -> None:
    site.distribute()
    found = site.look()
    assert states(found) == {"policy": "ng"}
    typed(found["policy"].fix)
    found = site.look()
    assert states(found) == {}
    assert "serves the index of the bucket" in found["cache"].why
    assert "/ is index.html, by the distribution" in found["website"].why


def test_a_policy_for_another_distribution_does_not_count_and_is_kept(site: Site) -> None:
    wrong = {"Sid": "it's old; `id`", "Effect": "Allow", "Action": "s3:GetObject",
             "Principal": {"Service": "cloudfront.amazonaws.com"},
             "Resource": f"arn:aws:s3:::{BUCKET}/*",
             "Condition": {"StringEquals": {"AWS:SourceArn": f"{DISTRIBUTIONS}/EOLD"}}}  # fmt: skip
    site.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [wrong]}))
    site.distribute()
    found = site.look()["policy"]
    assert found.state == "ng"
    typed(found.fix)
    assert site.look()["policy"].state == "ok"
    assert wrong in json.loads(site.s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]


def test_a_public_website_whose_block_takes_the_policy_back(site: Site) -> None:
    site.distribute(host=f"{BUCKET}.s3-website.{REGION}.amazonaws.com", control="")
    found = site.look()
    assert states(found) == {"policy": "ng", "website": "ng"}
    block, allow = found["policy"].fix.splitlines()
    typed(allow)
    assert "the public access block takes it back" in site.look()["policy"].why
    typed(block)
    typed(found["website"].fix)
    assert states(site.look()) == {}


def test_an_older_index_is_a_stale_cache_and_its_fix_invalidates(site: Site) -> None:
    id_ = site.distribute()["Id"]
    typed(site.look()["policy"].fix)
    site.serve(b"<html>old</html>", ETag='"0ld"', Age="3600", X_Cache="Hit from cloudfront")
    found = site.look()
    assert states(found) == {"cache": "ng"}
    assert (
        "serves an older index than the bucket has (age 3600 s, Hit from cloudfront): the cache is stale"
        in found["cache"].why
    )
    typed(found["cache"].fix)
    assert site.front.list_invalidations(DistributionId=id_)["InvalidationList"]["Quantity"] == 1
    site.serve(NEW + b"compressed on the way", ETag=f"W/{site.etag}")
    assert states(site.look()) == {}


def test_a_site_that_is_asked_for_its_front_page_and_answers_no_page(site: Site) -> None:
    site.distribute()
    site.answers.turns = [(403, {}, b"")]
    assert "answers 403" in site.look()["cache"].why
    assert site.answers.asked == ["/"]


def test_a_distribution_that_is_disabled_has_no_alias_reads_another_bucket_or_is_not_there(site: Site) -> None:
    assert "no CloudFront distribution has the alias" in site.look()["cdn"].why
    id_ = site.distribute(alias="www.glibiz.com")["Id"]
    assert site.look()["cdn"].why == f"{id_} reads {BUCKET}, and does not have the alias stg.glibiz.com"
    id_ = site.distribute(host="other.s3.amazonaws.com")["Id"]
    assert site.look()["cdn"].why == f"{id_} of stg.glibiz.com reads other.s3.amazonaws.com, not {BUCKET}"


def test_a_disabled_distribution_and_one_without_front_page(site: Site) -> None:
    id_ = site.distribute(enabled=False, root="")["Id"]
    found = site.look()
    assert found["cdn"].why == f"{id_} of stg.glibiz.com is disabled"
    assert found["website"].why == f"{id_} has no default root object: / is refused"


def test_no_bucket_and_no_index(site: Site) -> None:
    site.s3.delete_object(Bucket=BUCKET, Key="index.html")
    assert "nothing was brought there" in site.look()["index"].why
    site.s3.delete_bucket(Bucket=BUCKET)
    found = site.look()
    assert found.keys() == {"bucket"}
    typed(found["bucket"].fix)
    assert site.look()["bucket"].state == "ok"


def test_pages_of_other_origins_may_fetch_once_the_bucket_and_the_cdn_say_so(site: Site) -> None:
    more = ', doctor: {cors: ["https://{pre}admin.glibiz.com"]}'
    site.distribute()
    found = site.look(more=more)["cors"]
    assert found.state == "ng"
    typed(found.fix)
    found = site.look(more=more)["cors"]
    assert (found.state, "the CDN keeps the Origin to itself" in found.why) == ("warn", True)
    site.serve(NEW, Access_Control_Allow_Origin="https://stg-admin.glibiz.com")
    assert site.look(more=more)["cors"].state == "ok"


def test_without_a_cdn_the_bucket_is_a_website_of_its_own(site: Site) -> None:
    found = probed("static", patient(f'{{s3: {{bucket: "{BUCKET}"}}, health: "{site.url}"}}'))
    assert states(found) == {"policy": "ng", "website": "ng"}
    assert "cdn" not in found
